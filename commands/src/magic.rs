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

impl Container {
    /// The types it may be declared as.
    fn declared_as(self) -> &'static [&'static str] {
        match self {
            Self::IsoMedia => &["video/mp4", "video/quicktime"],
            Self::Avi => &["video/x-msvideo"],
            Self::Matroska => &["video/x-matroska", "video/webm"],
            Self::Ogg => &["video/ogg"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::IsoMedia => "an MP4 or MOV file",
            Self::Avi => "an AVI file",
            Self::Matroska => "a Matroska or WebM file",
            Self::Ogg => "an Ogg file",
        }
    }
}

/// The file's container if that is what it was declared as, or a sentence that says what is wrong. `bytes`: of the file.
pub fn declared(head: &[u8], bytes: u64, content_type: &str) -> Result<Container, String> {
    let found = container(head, bytes)?;
    match found.declared_as().contains(&content_type) {
        true => Ok(found),
        false => Err(format!("This is {}, but it was announced as {content_type}.", found.name())),
    }
}

/// The file's container, or a sentence that names what was found instead.
fn container(head: &[u8], bytes: u64) -> Result<Container, String> {
    if head.is_empty() {
        return Err("This file is empty.".to_owned());
    }
    match head {
        _ if is_box(head) => match first_box(head) {
            Some(long) if (8..=bytes).contains(&long) => Ok(Container::IsoMedia),
            Some(0) if !head[4..].starts_with(b"ftyp") => Ok(Container::IsoMedia),
            _ => Err("This file is cut off, or it only begins like a video.".to_owned()),
        },
        [b'R', b'I', b'F', b'F', ..] if head.get(8..12) == Some(&b"AVI "[..]) => Ok(Container::Avi),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Ok(Container::Matroska),
        [b'O', b'g', b'g', b'S', ..] => Ok(Container::Ogg),
        _ => Err(found_instead(head)),
    }
}

/// A box that ISO media files begin with (ISO/IEC 14496-12, 4.2), by its name.
fn is_box(head: &[u8]) -> bool {
    let name = head.get(4..8).unwrap_or_default();
    [&b"ftyp"[..], b"moov", b"mdat", b"wide", b"free", b"skip"].contains(&name)
}

/// Its length, the head included; 0 reaches to the end of the file. Text that happens to go on with a box's name tells half
/// a gigabyte or more.
fn first_box(head: &[u8]) -> Option<u64> {
    let long = u64::from(u32::from_be_bytes(head.get(..4)?.try_into().ok()?));
    if long == 1 { Some(u64::from_be_bytes(head.get(8..16)?.try_into().ok()?)) } else { Some(long) }
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
        for (head, expected) in [
            (&b"\0\0\0\x20ftypisom"[..], Container::IsoMedia),
            (b"\0\0\0\x08wide\0\0\0\0mdat", Container::IsoMedia),
            (b"\0\0\0\0mdat", Container::IsoMedia),
            (b"\0\0\0\x01mdat\0\0\0\0\0\0\x10\0", Container::IsoMedia),
            (b"RIFF\0\0\0\0AVI LIST", Container::Avi),
            (b"\x1A\x45\xDF\xA3\x01", Container::Matroska),
            (b"OggS\0\x02", Container::Ogg),
        ] {
            assert_eq!(container(head, 4_096), Ok(expected), "{head:?}");
        }
    }

    #[test]
    fn a_box_that_does_not_fit_is_none() {
        for head in [
            &b"<!--free <script>"[..],
            b"<!--mdat",
            b"\0\0\0\x07ftypisom",
            b"\0\0\0\0ftypisom",
            b"\0\0\x20\0ftypisom",
            b"\0\0\0\x01mdat\0\0",
            b"\0\0\0\x01mdat\0\0\0\0\0\0\x10\x01",
        ] {
            assert!(container(head, 4_096).is_err_and(|text| text.contains("cut off")), "{head:?}");
        }
    }

    #[test]
    fn what_was_announced_is_what_it_is() {
        let heads = [&b"\0\0\0\x10ftypisom"[..], b"RIFF\0\0\0\0AVI LIST", b"\x1A\x45\xDF\xA3\x01", b"OggS\0\x02"];
        for content_type in lockstep_domain::video::CONTENT_TYPES {
            let taken = heads.iter().filter(|head| declared(head, 4_096, content_type).is_ok()).count();
            assert_eq!(taken, 1, "{content_type} is one container");
        }
        let told = declared(heads[2], 4_096, "video/mp4");
        assert_eq!(told, Err("This is a Matroska or WebM file, but it was announced as video/mp4.".to_owned()));
    }

    #[test]
    fn what_is_something_else_is_named() {
        let container = |head| container(head, 4_096);
        assert!(container(b"\x89PNG\r\n\x1a\n").is_err_and(|text| text.contains("picture (png)")));
        assert!(container(b"RIFF\0\0\0\0WAVEfmt ").is_err_and(|text| text.contains("sound file (wav)")));
        assert!(container(b"#EXTM3U\n#EXT-X-VERSION:3").is_err_and(|text| text.contains("playlist")));
        assert_eq!(container(b""), Err("This file is empty.".to_owned()));
    }
}
