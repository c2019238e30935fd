//! Pictures people upload: told by their bytes, held to a size, and without what cameras write beside the picture (where it
//! was taken, when, with what).
//!
//! Pure: the bytes of a file in, those that are kept out. JPEG: ITU-T T.81; PNG: ISO/IEC 15948; WebP: RFC 9649.

/// The largest picture, bytes.
pub const PICTURE_BYTES_MAX: usize = 2 << 20;
/// The shortest and the longest side, pixels.
pub const PICTURE_SIDE_MIN: u32 = 16;
pub const PICTURE_SIDE_MAX: u32 = 4_096;

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    Jpeg,
    Png,
    Webp,
}

impl PictureKind {
    /// As a file name ends.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }

    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

/// A picture that may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub kind: PictureKind,
    pub width: u32,
    pub height: u32,
    /// Without remarks.
    pub bytes: Vec<u8>,
}

/// A file is no picture that may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error("a picture has at most {PICTURE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("this is not a JPEG, PNG or WebP picture")]
    Kind,
    #[error("this picture is damaged")]
    Damaged,
    #[error("a picture has {PICTURE_SIDE_MIN} to {PICTURE_SIDE_MAX} pixels on each side")]
    Side,
}

/// Reads a picture.
///
/// # Errors
/// What is wrong with it.
pub fn read(file: &[u8]) -> Result<Picture, PictureError> {
    if file.len() > PICTURE_BYTES_MAX {
        return Err(PictureError::TooLarge);
    }
    let (kind, found) = match file {
        [0xFF, 0xD8, 0xFF, ..] => (PictureKind::Jpeg, jpeg(file)),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => (PictureKind::Png, png(file)),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => (PictureKind::Webp, webp(file)),
        _ => return Err(PictureError::Kind),
    };
    let (width, height, bytes) = found.ok_or(PictureError::Damaged)?;
    let side = PICTURE_SIDE_MIN..=PICTURE_SIDE_MAX;
    if !side.contains(&width) || !side.contains(&height) {
        return Err(PictureError::Side);
    }
    Ok(Picture { kind, width, height, bytes })
}

type Found = Option<(u32, u32, Vec<u8>)>;

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    let [a, b, c] = bytes.get(at..at + 3)?.try_into().ok()?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

/// Marker segments and scans up to the end of the picture: what is put behind it stays out. Of the application's own
/// segments, those that say how to show the colours stay. A file that breaks off within a scan ends there, as browsers show it.
fn jpeg(file: &[u8]) -> Found {
    const START: u8 = 0xD8;
    const SCAN: u8 = 0xDA;
    const END: u8 = 0xD9;
    let mut kept = vec![0xFF, START];
    let (mut at, mut size, mut scanned) = (2, None, false);
    loop {
        let marker = match file.get(at..at + 2) {
            Some(&[0xFF, marker]) => marker,
            Some(_) => return None,
            None if scanned => END,
            None => return None,
        };
        if marker == 0xFF {
            at += 1;
            continue;
        }
        if marker == END {
            let (width, height) = size.filter(|_| scanned)?;
            kept.extend_from_slice(&[0xFF, END]);
            return Some((width, height, kept));
        }
        let length = usize::try_from(be16(file, at + 2)?).ok()?;
        let segment = file.get(at..at + 2 + length).filter(|_| length >= 2)?;
        // Frames of every kind but tables of arithmetic codes and the like.
        if matches!(marker, 0xC0..=0xCF) && ![0xC4, 0xC8, 0xCC].contains(&marker) {
            size = Some((be16(file, at + 7)?, be16(file, at + 5)?));
        }
        let remark = matches!(marker, 0xE1 | 0xE3..=0xED | 0xEF | 0xFE);
        if !remark {
            kept.extend_from_slice(segment);
        }
        at += 2 + length;
        if marker == SCAN {
            let long = scan(&file[at..]);
            kept.extend_from_slice(&file[at..at + long]);
            (at, scanned) = (at + long, true);
        }
    }
}

/// Bytes of coded picture up to the next marker; a stuffed byte and the marks within a scan are none (T.81, B.1.1.5).
fn scan(coded: &[u8]) -> usize {
    let ends = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xD0..=0xD7 | 0xFF);
    coded.windows(2).position(ends).unwrap_or(coded.len())
}

fn png(file: &[u8]) -> Found {
    const SIGNATURE: usize = 8;
    const KEPT: [&[u8]; 11] =
        [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs"];
    let mut kept = file.get(..SIGNATURE)?.to_vec();
    let mut at = SIGNATURE;
    let size = match file.get(at + 4..at + 8)? {
        b"IHDR" => (be32(file, at + 8)?, be32(file, at + 12)?),
        _ => return None,
    };
    loop {
        let length = usize::try_from(be32(file, at)?).ok()?;
        let chunk = file.get(at..at.checked_add(length)?.checked_add(12)?)?;
        let name = &chunk[4..8];
        if KEPT.contains(&name) {
            kept.extend_from_slice(chunk);
        }
        if name == b"IEND" {
            return Some((size.0, size.1, kept));
        }
        at += chunk.len();
    }
}

fn webp(file: &[u8]) -> Found {
    const HEADER: usize = 12;
    const KEPT: [&[u8]; 7] = [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
    /// Bits of `VP8X`: there is EXIF, there is XMP.
    const REMARKS: u8 = 0b0000_1100;
    let (mut at, mut size, mut pixels, mut kept) = (HEADER, None, false, vec![]);
    while at + 8 <= file.len() {
        let length = u32::from_le_bytes(file.get(at + 4..at + 8)?.try_into().ok()?);
        let end = at.checked_add(8)?.checked_add(usize::try_from(length).ok()?)?;
        let body = file.get(at + 8..end)?;
        let (name, padded) = (&file[at..at + 4], end + end % 2);
        let whole = file.get(at..padded.min(file.len()))?;
        pixels |= matches!(name, b"VP8 " | b"VP8L" | b"ANMF");
        match name {
            b"VP8X" => size = Some((le24(body, 4)? + 1, le24(body, 7)? + 1)),
            // Lossy: after the start code, 14 bits each.
            b"VP8 " if size.is_none() => {
                let side =
                    |at: usize| Some(u32::from(u16::from_le_bytes(body.get(at..at + 2)?.try_into().ok()?)) & 0x3FFF);
                size = Some((side(6)?, side(8)?));
            }
            // Lossless: after the signature, 14 bits each, less one.
            b"VP8L" if size.is_none() => {
                let bits = u32::from_le_bytes(body.get(1..5)?.try_into().ok()?);
                size = Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1));
            }
            _ => {}
        }
        if KEPT.contains(&name) {
            let from = kept.len();
            kept.extend_from_slice(whole);
            if name == b"VP8X" {
                *kept.get_mut(from + 8)? &= !REMARKS;
            }
        }
        at = padded;
    }
    let (width, height) = size.filter(|_| pixels)?;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend_from_slice(&u32::try_from(kept.len() + 4).ok()?.to_le_bytes());
    bytes.extend_from_slice(b"WEBP");
    bytes.extend_from_slice(&kept);
    Some((width, height, bytes))
}
