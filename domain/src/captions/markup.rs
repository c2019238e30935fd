//! The words of one cue, whatever they were marked up with, as WebVTT has them.

/// Tags that stay.
const KEPT: [&str; 3] = ["b", "i", "u"];

/// From SubRip: HTML-like tags, and what some writers put into braces.
pub fn from_subrip(text: &str) -> String {
    tagged(&without_braces(text), false)
}

/// From WebVTT: entities stay, tags but the three are left out, the words in them stay.
pub fn from_webvtt(text: &str) -> String {
    tagged(text, true)
}

/// From one event of an SSA or ASS track, as Matroska stores it: eight fields before the words, and overrides in them.
/// A drawing has no words.
pub fn from_ass(event: &str) -> String {
    let words = event.splitn(9, ',').nth(8).unwrap_or_default();
    let mut text = String::new();
    let mut rest = words;
    let mut slanted = false;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(&escaped(before));
        let Some((overrides, after)) = after.split_once('}') else {
            rest = "";
            break;
        };
        if overrides.split('\\').any(|word| word.starts_with(['p']) && word[1..].parse::<u32>().is_ok_and(|p| p > 0)) {
            return String::new();
        }
        for word in overrides.split('\\') {
            if word == "i1" && !slanted {
                text.push_str("<i>");
                slanted = true;
            } else if word == "i0" && slanted {
                text.push_str("</i>");
                slanted = false;
            }
        }
        rest = after;
    }
    text.push_str(&escaped(rest));
    if slanted {
        text.push_str("</i>");
    }
    tidy(&text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " "))
}

/// From a sample of an MP4 text track: its length, the words, then boxes of styles.
pub fn from_mov_text(sample: &[u8]) -> String {
    let Some((length, rest)) = sample.split_first_chunk::<2>() else { return String::new() };
    let words = &rest[..usize::from(u16::from_be_bytes(*length)).min(rest.len())];
    tidy(&escaped(&String::from_utf8_lossy(words)))
}

/// `{\an8}` and the like: in braces, beginning with a backslash.
fn without_braces(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("{\\") {
        out.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else {
            rest = &rest[at..];
            break;
        };
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    out
}

/// Keeps the three tags in balance, leaves others out, escapes the rest.
fn tagged(text: &str, entities: bool) -> String {
    let mut out = String::new();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    let words = |text: &str| if entities { half_escaped(text) } else { escaped(text) };
    while let Some(at) = rest.find('<') {
        out.push_str(&words(&rest[..at]));
        let tag = &rest[at + 1..];
        // A tag ends in the same line and begins with a letter, a slash or (a time of WebVTT) a digit.
        let end = tag.find(['>', '\n']).filter(|end| tag[*end..].starts_with('>'));
        let looks = tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
        let Some(end) = end.filter(|_| looks) else {
            out.push_str("&lt;");
            rest = tag;
            continue;
        };
        let name = tag[..end].trim_start_matches('/').split([' ', '.', '\t']).next().unwrap_or_default();
        if let Some(kept) = KEPT.into_iter().find(|kept| name.eq_ignore_ascii_case(kept)) {
            if tag.starts_with('/') {
                if let Some(place) = open.iter().rposition(|held| *held == kept) {
                    open.drain(place..).rev().for_each(|held| out.push_str(&format!("</{held}>")));
                }
            } else {
                open.push(kept);
                out.push_str(&format!("<{kept}>"));
            }
        }
        rest = &tag[end + 1..];
    }
    out.push_str(&words(rest));
    open.into_iter().rev().for_each(|held| out.push_str(&format!("</{held}>")));
    tidy(&out)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Entities that WebVTT knows stay, any other ampersand is one.
fn half_escaped(text: &str) -> String {
    const KNOWN: [&str; 6] = ["&amp;", "&lt;", "&gt;", "&lrm;", "&rlm;", "&nbsp;"];
    let mut out = String::new();
    for (at, c) in text.char_indices() {
        match c {
            '&' if !KNOWN.iter().any(|known| text[at..].starts_with(known)) => out.push_str("&amp;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// Lines without what cannot be in a cue: empty lines, control characters, spaces at their ends.
fn tidy(text: &str) -> String {
    let clean =
        |line: &str| line.chars().filter(|c| !c.is_control() || *c == '\t').collect::<String>().trim().to_owned();
    let lines: Vec<String> = text.lines().map(clean).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}
