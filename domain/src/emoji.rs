//! What counts as one emoji: a sequence as in Unicode Technical Standard #51, section 1.4.9 (ED-15 to ED-17), not a
//! list that ages.

/// An emoji has at most this many bytes.
pub const EMOJI_BYTES_MAX: usize = 32;

const JOINER: char = '\u{200D}';
const PICTURE: char = '\u{FE0F}';
const KEYCAP: char = '\u{20E3}';

/// Whether the text is one emoji and nothing else.
pub fn is_emoji(text: &str) -> bool {
    if text.is_empty() || text.len() > EMOJI_BYTES_MAX {
        return false;
    }
    let chars: Vec<char> = text.chars().collect();
    match chars[..] {
        [first, second] if is_region(first) && is_region(second) => true,
        ['0'..='9' | '#' | '*', PICTURE, KEYCAP] => true,
        _ => chars.split(|c| *c == JOINER).all(is_element),
    }
}

/// One picture with what may follow it: how to draw it, a skin tone, or the tags of a flag.
fn is_element(chars: &[char]) -> bool {
    let [base, rest @ ..] = chars else { return false };
    let rest = rest.strip_prefix(&[PICTURE]).unwrap_or(rest);
    let rest = match rest {
        ['\u{1F3FB}'..='\u{1F3FF}', rest @ ..] => rest,
        rest => rest,
    };
    is_base(*base) && (rest.is_empty() || is_tags(rest))
}

fn is_tags(chars: &[char]) -> bool {
    let [tags @ .., '\u{E007F}'] = chars else { return false };
    !tags.is_empty() && tags.iter().all(|c| matches!(c, '\u{E0020}'..='\u{E007E}'))
}

fn is_region(c: char) -> bool {
    matches!(c, '\u{1F1E6}'..='\u{1F1FF}')
}

/// The blocks that hold emoji, without the letters between them.
fn is_base(c: char) -> bool {
    matches!(c,
        '\u{A9}' | '\u{AE}' | '\u{203C}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{24C2}' | '\u{3030}' | '\u{303D}'
        | '\u{3297}' | '\u{3299}' | '\u{2194}'..='\u{21AA}' | '\u{231A}'..='\u{23FF}' | '\u{25AA}'..='\u{25FE}'
        | '\u{2600}'..='\u{27BF}' | '\u{2934}'..='\u{2935}' | '\u{2B05}'..='\u{2B55}' | '\u{1F000}'..='\u{1F1E5}'
        | '\u{1F200}'..='\u{1FAFF}')
}
