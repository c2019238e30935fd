//! Reading a whole file: SubRip, or WebVTT when it says so in its first line.

use super::{CAPTION_BYTES_MAX, CUES_MAX, Cue, END_MS_MAX, Unreadable, Wrong, from_subrip, from_webvtt};

/// The cues of a file; strict: what is neither times nor words in their place is refused with its line.
pub fn read(text: &str) -> Result<Vec<Cue>, Unreadable> {
    let refuse = |at: usize, wrong| Unreadable { line: u32::try_from(at + 1).unwrap_or(u32::MAX), wrong };
    if text.len() > CAPTION_BYTES_MAX {
        return Err(refuse(0, Wrong::TooLarge));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.split('\n').collect();
    let stray = |line: &&str| line.chars().any(|c| (c.is_control() && c != '\t') || c == '\u{fffd}');
    if let Some(at) = lines.iter().position(stray) {
        return Err(refuse(at, Wrong::Characters));
    }
    let web = lines[0] == "WEBVTT" || lines[0].starts_with("WEBVTT ") || lines[0].starts_with("WEBVTT\t");
    let mut at = if web { block_end(&lines, 0) } else { 0 };
    let mut cues = Vec::new();
    while at < lines.len() {
        if lines[at].trim().is_empty() {
            at += 1;
            continue;
        }
        let end = block_end(&lines, at);
        if !(web && is_remark(lines[at])) {
            cues.extend(cue(&lines[at..end], web).map_err(|(line, wrong)| refuse(at + line, wrong))?);
            if cues.len() > CUES_MAX {
                return Err(refuse(at, Wrong::TooMany));
            }
        }
        at = end;
    }
    if cues.is_empty() { Err(refuse(0, Wrong::Empty)) } else { Ok(cues) }
}

/// The first empty line from `at` on.
fn block_end(lines: &[&str], at: usize) -> usize {
    lines[at..].iter().position(|line| line.trim().is_empty()).map_or(lines.len(), |rest| at + rest)
}

fn is_remark(line: &str) -> bool {
    ["NOTE", "STYLE", "REGION"].iter().any(|word| line == *word || line.starts_with(&format!("{word} ")))
}

/// One block: perhaps a number or name, the times, the words. A block without words shows nothing.
fn cue(block: &[&str], web: bool) -> Result<Option<Cue>, (usize, Wrong)> {
    let named = !block[0].contains("-->");
    if named && !web && !block[0].trim().bytes().all(|byte| byte.is_ascii_digit()) {
        return Err((0, Wrong::Times));
    }
    let place = usize::from(named);
    let times = block.get(place).ok_or((block.len() - 1, Wrong::Times))?;
    let (start_ms, end_ms) = span(times, web).ok_or((place, Wrong::Times))?;
    if end_ms < start_ms {
        return Err((place, Wrong::Backwards));
    }
    if end_ms > END_MS_MAX {
        return Err((place, Wrong::TooLate));
    }
    let words = block[place + 1..].join("\n");
    let text = if web { from_webvtt(&words) } else { from_subrip(&words) };
    let shown = !text.is_empty() && end_ms > start_ms;
    Ok(shown.then_some(Cue { start_ms, end_ms, text }))
}

/// Both times of a line; settings of a place behind them are left out.
fn span(line: &str, web: bool) -> Option<(u32, u32)> {
    let (start, rest) = line.split_once("-->")?;
    let end = rest.split_whitespace().next()?;
    Some((time(start.trim(), web)?, time(end, web)?))
}

/// `HH:MM:SS,mmm` with a comma or a point; WebVTT may leave the hours out.
fn time(text: &str, web: bool) -> Option<u32> {
    let (clock, fraction) = text.split_once([',', '.'])?;
    let number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        let plain = digits.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<u32>().ok()).flatten()
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes, seconds] => (number(hours, 1..=3)?, *minutes, *seconds),
        [minutes, seconds] if web => (0, *minutes, *seconds),
        _ => return None,
    };
    let (minutes, seconds) = (number(minutes, 2..=2)?, number(seconds, 2..=2)?);
    let sane = minutes < 60 && seconds < 60;
    sane.then_some(hours * 3_600_000 + minutes * 60_000 + seconds * 1_000 + number(fraction, 3..=3)?)
}
