//! What a file is by its first bytes, whatever its name says.

/// How many leading bytes the check wants.
pub const HEAD_BYTES: usize = 64;

/// A container the product accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// ISO base media: MP4, MOV (ISO/IEC 14496-12, 4.3).
    IsoMedia,
    /// RIFF with the form type `AVI `.
    Avi,
    /// EBML: Matroska and WebM (RFC 8794).
    Matroska,
    /// Ogg (RFC 3533).
    Ogg,
}

/// The file's container, or a sentence that names what was found instead.
pub fn container(head: &[u8]) -> Result<Container, String> {
    if head.is_empty() {
        return Err("This file is empty.".to_owned());
    }
    let box_type = head.get(4..8).unwrap_or_default();
    match head {
        _ if [&b"ftyp"[..], b"moov", b"mdat", b"wide", b"free", b"skip"].contains(&box_type) => Ok(Container::IsoMedia),
        [b'R', b'I', b'F', b'F', ..] if head.get(8..12) == Some(&b"AVI "[..]) => Ok(Container::Avi),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Ok(Container::Matroska),
        [b'O', b'g', b'g', b'S', ..] => Ok(Container::Ogg),
        _ => Err(found_instead(head)),
    }
}

fn found_instead(head: &[u8]) -> String {
    if head.starts_with(b"#EXTM3U") {
        return "This is a playlist, not a video.".to_owned();
    }
    match infer::get(head) {
        Some(kind) => {
            let what = match kind.matcher_type() {
                infer::MatcherType::Image => "picture",
                infer::MatcherType::Audio => "sound file",
                infer::MatcherType::Archive => "archive",
                infer::MatcherType::Doc | infer::MatcherType::Book | infer::MatcherType::Text => "document",
                infer::MatcherType::App => "program",
                infer::MatcherType::Font => "font",
                infer::MatcherType::Video => "video of a kind that cannot be watched here",
                infer::MatcherType::Custom => "file of another kind",
            };
            format!("This is a {what} ({}), not one of MP4, MOV, AVI, WebM, Matroska or Ogg.", kind.extension())
        }
        None => "This is not a video we know: we take MP4, MOV, AVI, WebM, Matroska and Ogg.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_known_by_their_first_bytes() {
        assert_eq!(container(b"\0\0\0\x20ftypisom"), Ok(Container::IsoMedia));
        assert_eq!(container(b"\0\0\0\x08wide\0\0\0\0mdat"), Ok(Container::IsoMedia));
        assert_eq!(container(b"RIFF\0\0\0\0AVI LIST"), Ok(Container::Avi));
        assert_eq!(container(b"\x1A\x45\xDF\xA3\x01"), Ok(Container::Matroska));
        assert_eq!(container(b"OggS\0\x02"), Ok(Container::Ogg));
    }

    #[test]
    fn what_is_something_else_is_named() {
        assert!(container(b"\x89PNG\r\n\x1a\n").is_err_and(|text| text.contains("picture (png)")));
        assert!(container(b"RIFF\0\0\0\0WAVEfmt ").is_err_and(|text| text.contains("sound file (wav)")));
        assert!(container(b"#EXTM3U\n#EXT-X-VERSION:3").is_err_and(|text| text.contains("playlist")));
        assert_eq!(container(b""), Err("This file is empty.".to_owned()));
    }
}
