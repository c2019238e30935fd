//! Pictures: told by their bytes, held to a size, and freed of remarks.

use lockstep_domain::picture::{PICTURE_BYTES_MAX, PICTURE_SIDE_MAX, PictureError as No, PictureKind, read};

const PLACE: &[u8] = b"GPS 48.8566 N 2.3522 E";

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&[0xFF, marker], &length[..], body].concat()
}

/// A JPEG with the place it was taken in, a remark, and its colours' profile.
fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let frame = [&[8][..], &height.to_be_bytes(), &width.to_be_bytes(), &[3, 1, 0x22, 0]].concat();
    [
        vec![0xFF, 0xD8],
        segment(0xE0, b"JFIF\0"),
        segment(0xE1, &[b"Exif\0\0", PLACE].concat()),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xFE, PLACE),
        segment(0xC4, &[0; 20]),
        segment(0xC2, &frame),
        segment(0xDA, &[0; 4]),
        b"scan\xFF\xD9".to_vec(),
    ]
    .concat()
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], name, body, &[0; 4]].concat()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &head),
        chunk(b"eXIf", PLACE),
        chunk(b"iTXt", PLACE),
        chunk(b"IDAT", b"pixels"),
        chunk(b"IEND", b""),
        PLACE.to_vec(),
    ]
    .concat()
}

fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (name, content) in chunks {
        body.extend_from_slice(*name);
        body.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
        body.extend_from_slice(content);
        body.extend(std::iter::repeat_n(0, content.len() % 2));
    }
    [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat()
}

/// With EXIF and XMP said to be there.
fn webp() -> Vec<u8> {
    let canvas = [0b0000_1100, 0, 0, 0, 0x7F, 0x02, 0, 0x67, 0x01, 0];
    riff(&[(b"VP8X", &canvas), (b"VP8L", b"pixels!"), (b"EXIF", PLACE), (b"XMP ", PLACE)])
}

fn has(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

#[test]
fn a_picture_is_kept_without_what_was_written_beside_it() {
    let files = [
        (jpeg(640, 360), PictureKind::Jpeg, &b"scan"[..]),
        (png(640, 360), PictureKind::Png, b"pixels"),
        (webp(), PictureKind::Webp, b"pixels!"),
    ];
    for (file, kind, content) in files {
        assert!(has(&file, b"GPS"), "{kind:?}");
        let picture = read(&file).unwrap();
        assert_eq!((picture.kind, picture.width, picture.height), (kind, 640, 360));
        assert!(!has(&picture.bytes, b"GPS") && has(&picture.bytes, content), "{kind:?}");
        let again = read(&picture.bytes).unwrap();
        assert_eq!(again, picture, "{kind:?}: what is kept is a picture, and nothing more goes");
    }
    assert!(has(&read(&jpeg(640, 360)).unwrap().bytes, b"ICC_PROFILE"), "colours stay as they are");
    let plain = riff(&[(b"VP8 ", &[0, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01])]);
    assert_eq!(read(&plain).map(|picture| (picture.width, picture.height)), Ok((640, 360)));
    let lossless = riff(&[(b"VP8L", &[0x2F, 0x7F, 0xC2, 0x59, 0x00])]);
    assert_eq!(read(&lossless).map(|picture| (picture.width, picture.height)), Ok((640, 360)));
}

#[test]
fn what_hides_in_a_picture_stays_out() {
    const SCRIPT: &[u8] = b"<script>alert(1)</script>";
    const ARCHIVE: &[u8] = b"PK\x03\x04 an archive";
    let hidden = [SCRIPT, ARCHIVE].concat();
    let behind = |file: Vec<u8>| [file, hidden.clone()].concat();
    let mut between = jpeg(640, 360);
    // A progressive picture has several scans; a remark may stand between them.
    let end = between.split_off(between.len() - 2);
    between.extend([segment(0xFE, SCRIPT), segment(0xDA, &[0; 4]), b"more\xFF\x00\xFF\xD3".to_vec(), end].concat());
    let unknown = riff(&[(b"VP8L", &[0x2F, 0x7F, 0xC2, 0x59, 0x00]), (b"EVIL", &hidden)]);
    for (name, file) in [
        ("behind a JPEG", behind(jpeg(640, 360))),
        ("between scans", between.clone()),
        ("behind a PNG", behind(png(640, 360))),
        ("an unknown chunk", unknown),
    ] {
        let picture = read(&file).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        assert!(!has(&picture.bytes, b"script") && !has(&picture.bytes, b"PK\x03\x04"), "{name}");
        assert_eq!(read(&picture.bytes), Ok(picture.clone()), "{name}: and it is still a picture");
    }
    assert!(has(&read(&between).unwrap().bytes, b"more\xFF\x00\xFF\xD3\xFF\xD9"), "scans stay whole");
    assert_eq!(read(&behind(webp())), Err(No::Damaged), "a chunk without an end");
}

#[test]
fn what_is_no_picture_is_refused() {
    for other in [&b""[..], b"GIF89a", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", b"RIFF\0\0\0\0AVI ", b"\xFF\xD8"]
    {
        assert_eq!(read(other), Err(No::Kind), "{other:?}");
    }
    for (width, height) in [(0, 360), (15, 360), (640, PICTURE_SIDE_MAX + 1), (u32::MAX, u32::MAX)] {
        assert_eq!(read(&png(width, height)), Err(No::Side), "{width} x {height}");
    }
    assert_eq!(read(&vec![0xFF; PICTURE_BYTES_MAX + 1]), Err(No::TooLarge));
    for whole in [jpeg(640, 360), png(640, 360), webp()] {
        // Cut anywhere before its content it is damaged; never does it panic.
        for cut in 12..whole.len() {
            let _ = read(&whole[..cut]);
        }
        assert_eq!(read(&whole[..30]), Err(No::Damaged));
    }
}
