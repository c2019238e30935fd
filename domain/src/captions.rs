//! Captions as text: read from SubRip or WebVTT, strictly, and written as WebVTT.
//!
//! Pure: bytes of a file in, cues out, or the line that is wrong. What the transcoder finds in a film and what
//! somebody uploads end in the same form.

mod markup;
mod read;

pub use markup::{from_ass, from_mov_text, from_subrip, from_webvtt};
pub use read::read;

/// The largest caption file, bytes: of an upload, and of what is written.
pub const CAPTION_BYTES_MAX: usize = 2 << 20;
/// Cues of one track at most.
pub const CUES_MAX: usize = 20_000;
/// The latest end of a cue: a hundred hours, milliseconds.
pub const END_MS_MAX: u32 = 100 * 3_600_000;

/// Some words, and when they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    pub start_ms: u32,
    pub end_ms: u32,
    /// As WebVTT has it: escaped, with `<i>`, `<b>` and `<u>` at most, without an empty line.
    pub text: String,
}

/// A file that is no caption track, and where it stops being one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {wrong}")]
pub struct Unreadable {
    /// 1-based.
    pub line: u32,
    pub wrong: Wrong,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("the file is larger than 2 MiB")]
    TooLarge,
    #[error("there is nothing to show in this file")]
    Empty,
    #[error("here should be the times of a line, such as 00:01:02,500 --> 00:01:04,000")]
    Times,
    #[error("this ends before it begins")]
    Backwards,
    #[error("this is later than a hundred hours")]
    TooLate,
    #[error("there are more than {CUES_MAX} lines to show")]
    TooMany,
    #[error("there is a character that is no text")]
    Characters,
}

/// The track as a WebVTT file, in the order of the times.
pub fn webvtt(cues: &[Cue]) -> String {
    let mut ordered: Vec<&Cue> = cues.iter().collect();
    ordered.sort_by_key(|cue| (cue.start_ms, cue.end_ms));
    let mut text = String::from("WEBVTT\n");
    for cue in ordered {
        text.push_str(&format!("\n{} --> {}\n{}\n", stamp(cue.start_ms), stamp(cue.end_ms), cue.text));
    }
    text
}

/// `HH:MM:SS.mmm`.
pub fn stamp(ms: u32) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000)
}

/// A language tag as browsers and manifests want it: two letters where there are two, `None` for an unknown one.
pub fn language(told: &str) -> Option<String> {
    /// ISO 639-2 words (both kinds) whose language has a shorter one.
    const SHORT: &str = "afr:af alb:sq ara:ar arm:hy aze:az baq:eu bel:be ben:bn bos:bs bul:bg bur:my cat:ca ces:cs chi:zh \
        cze:cs cym:cy dan:da deu:de dut:nl ell:el eng:en epo:eo est:et eus:eu fas:fa fao:fo fin:fi fra:fr fre:fr geo:ka \
        ger:de gle:ga glg:gl gre:el guj:gu heb:he hin:hi hrv:hr hun:hu hye:hy ice:is ind:id isl:is ita:it jpn:ja kan:kn \
        kat:ka kaz:kk khm:km kor:ko kur:ku lao:lo lat:la lav:lv lit:lt ltz:lb mac:mk mal:ml mao:mi mar:mr may:ms mkd:mk \
        mlt:mt mon:mn mri:mi msa:ms mya:my nep:ne nld:nl nno:nn nob:nb nor:no pan:pa per:fa pol:pl por:pt pus:ps que:qu \
        roh:rm ron:ro rum:ro rus:ru san:sa sin:si slk:sk slo:sk slv:sl som:so spa:es sqi:sq srp:sr swa:sw swe:sv tam:ta \
        tel:te tgk:tg tgl:tl tha:th tib:bo tur:tr ukr:uk urd:ur uzb:uz vie:vi wel:cy xho:xh yid:yi zho:zh zul:zu";
    let told = told.trim().replace('_', "-");
    if !is_language(&told) {
        return None;
    }
    let (first, rest) = told.split_once('-').map_or((told.as_str(), None), |(first, rest)| (first, Some(rest)));
    let first = first.to_ascii_lowercase();
    if matches!(first.as_str(), "und" | "mis" | "mul" | "zxx" | "qaa") {
        return None;
    }
    let short = SHORT.split_whitespace().find_map(|pair| pair.strip_prefix(&format!("{first}:")));
    let first = short.map_or(first.clone(), str::to_owned);
    Some(rest.map_or(first.clone(), |rest| format!("{first}-{rest}")))
}

/// Whether this has the shape of a language tag (RFC 5646), at most 35 characters.
pub fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let letters = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let first = parts.next().is_some_and(letters);
    let rest = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag.len() <= 35 && first && parts.all(rest)
}
