//! The files of the corpus, made here: by hand, or from clips of the `ffmpeg` command.

use std::{path::Path, process::Command};

use super::{End, Film, MARK};

const HTML: &str = "<!DOCTYPE html><html><body><script>alert(1)</script></body></html>";
const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"><script>alert(1)</script></svg>";
const VTT: &str = "WEBVTT\n\n00:01.000 --> 00:02.000\n";

/// Runs `ffmpeg`; what it made.
fn made(folder: &Path, name: &str, arguments: &[&str]) -> Vec<u8> {
    let path = folder.join(name);
    let status =
        Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).arg(&path).status().expect("ffmpeg runs");
    assert!(status.success(), "{name}");
    std::fs::read(path).expect("it was made")
}

fn clip(folder: &Path, name: &str, more: &[&str]) -> Vec<u8> {
    let picture = ["-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25:duration=1"];
    made(folder, name, &[&picture[..], more].concat())
}

/// A box of ISO media.
fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let long = u32::try_from(body.len() + 8).expect("short").to_be_bytes();
    [&long[..], name, body].concat()
}

fn zip() -> Vec<u8> {
    [&b"PK\x03\x04\x14\0\0\0\0\0"[..], b"index.html", HTML.as_bytes()].concat()
}

fn utf16(text: &str) -> Vec<u8> {
    [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn rejected(name: &'static str, declared: &'static str, bytes: impl AsRef<[u8]>, why: &'static str) -> Film {
    Film { name, declared, bytes: bytes.as_ref().to_vec(), end: End::Rejected(why) }
}

fn failed(name: &'static str, declared: &'static str, bytes: Vec<u8>) -> Film {
    let end = End::Failed(&["not_a_video", "truncated", "undecodable", "no_video_track"]);
    Film { name, declared, bytes, end }
}

/// Everything that is sent as a film.
pub fn films(folder: &Path) -> Vec<Film> {
    let mut films = strangers(folder);
    films.extend(begun(folder));
    films.extend(polyglots(folder));
    films
}

/// What is seen by its first bytes, or by what was said of it.
fn strangers(folder: &Path) -> Vec<Film> {
    let (mp4, mkv, webm, avi) = ("video/mp4", "video/x-matroska", "video/webm", "video/x-msvideo");
    let unknown = "not a video we know";
    let cut = "only begins like a video";
    let png = made(folder, "p.png", &["-f", "lavfi", "-i", "testsrc2=size=64x64", "-frames:v", "1"]);
    let film = clip(folder, "plain.mp4", &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    let matroska = clip(folder, "plain.mkv", &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    let exif = [&b"\xFF\xD8\xFF\xE1\x00\x30Exif\0\0"[..], HTML.as_bytes()].concat();
    let unwanted = |name, declared, code| Film { name, declared, bytes: HTML.into(), end: End::Unwanted(code) };
    vec![
        unwanted("page.html", "text/html", "content_type"),
        unwanted("picture.svg", "image/svg+xml", "content_type"),
        unwanted("typed.mp4", "video/mp4; charset=text/html", "content_type"),
        unwanted("upper.mp4", "VIDEO/MP4", "content_type"),
        Film { name: "empty.mp4", declared: mp4, bytes: vec![], end: End::Unwanted("empty") },
        rejected("html.mp4", mp4, HTML, "document (html)"),
        rejected("bom.mp4", mp4, format!("\u{feff}{HTML}"), unknown),
        rejected("utf16.webm", webm, utf16(HTML), unknown),
        rejected("svg.mkv", mkv, SVG, unknown),
        rejected("xml.mp4", mp4, format!("<?xml version=\"1.0\"?>{SVG}"), "document (xml)"),
        rejected("script.webm", webm, "alert(1);\n", unknown),
        rejected("shebang.mp4", mp4, "#!/bin/sh\ncurl example.org | sh\n", "document (sh)"),
        rejected("words.mp4", mp4, format!("1\n00:00:01,000 --> 00:00:02,000\n{HTML}\n"), unknown),
        rejected("words.vtt.mp4", mp4, format!("{VTT}{HTML}\n"), unknown),
        rejected("playlist.mp4", mp4, "#EXTM3U\n#EXT-X-VERSION:3\nhttp://127.0.0.1/x.ts\n", "playlist"),
        rejected("paper.mp4", mp4, format!("%PDF-1.7\n{HTML}"), "(pdf)"),
        rejected("archive.mkv", mkv, zip(), "(zip)"),
        rejected("gifar.mp4", mp4, [b"GIF89a\x01\0\x01\0".to_vec(), zip()].concat(), "picture (gif)"),
        rejected("windows.mp4", mp4, [&b"MZ\x90\0"[..], &[0; 60]].concat(), "program (exe)"),
        rejected("linux.webm", webm, [&b"\x7FELF\x02\x01\x01"[..], &[0; 57]].concat(), "program (elf)"),
        rejected("packed.mkv", mkv, [&b"\x1F\x8B\x08\0"[..], &[0; 60]].concat(), "(gz)"),
        rejected("exif.mp4", mp4, exif, "picture (jpg)"),
        rejected("png.mp4", mp4, [png, HTML.into()].concat(), "picture (png)"),
        rejected("riff.avi", avi, [&b"RIFF\x60\0\0\0WEBPVP8 "[..], HTML.as_bytes()].concat(), "picture (webp)"),
        rejected("sound.avi", avi, [&b"RIFF\x60\0\0\0WAVEfmt "[..], HTML.as_bytes()].concat(), "sound file (wav)"),
        rejected("comment.mp4", mp4, format!("<!--free -->{HTML}"), cut),
        rejected("comment.mov", "video/quicktime", format!("<a><mdat -->{HTML}"), cut),
        rejected("beginning.mp4", mp4, b"\0\0\0\x40ftypisom", cut),
        rejected("matroska.mp4", mp4, matroska, "announced as video/mp4"),
        rejected("film.webm", webm, film.clone(), "announced as video/webm"),
        rejected("film.ogv", "video/ogg", film, "announced as video/ogg"),
    ]
}

/// What begins like a film and is none.
fn begun(folder: &Path) -> Vec<Film> {
    let (mp4, mkv) = ("video/mp4", "video/x-matroska");
    let head = boxed(b"ftyp", b"isom\0\0\x02\0isomavc1");
    let film = clip(folder, "cut.mp4", &["-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    let tone = ["-f", "lavfi", "-i", "sine=duration=1"];
    let sound = made(folder, "sound.mp4", &[&tone[..], &["-c:a", "aac"]].concat());
    vec![
        failed("head.mp4", mp4, [head.clone(), HTML.into()].concat()),
        failed("boxes.mp4", mp4, [head, boxed(b"free", HTML.as_bytes()), boxed(b"mdat", &zip())].concat()),
        failed("half.mp4", mp4, film[..film.len() / 2].to_vec()),
        failed("heic.mp4", mp4, [boxed(b"ftyp", b"heic\0\0\0\0mif1heic"), boxed(b"meta", &[0; 64])].concat()),
        failed("sound.mp4", mp4, sound),
        failed("ebml.mkv", mkv, [&b"\x1A\x45\xDF\xA3\x80"[..], &zip()].concat()),
        failed("page.ogv", "video/ogg", [&b"OggS\0\x02"[..], HTML.as_bytes()].concat()),
        failed("list.avi", "video/x-msvideo", [&b"RIFF\xFF\0\0\0AVI LIST"[..], HTML.as_bytes()].concat()),
    ]
}

/// Films that are something else as well.
fn polyglots(folder: &Path) -> Vec<Film> {
    let x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
    let title = format!("title={HTML}");
    let fragments = ["-metadata", &title, "-movflags", "+frag_keyframe+empty_moov+default_base_moof"];
    let mp4 = clip(folder, "poly.mp4", &[&x264[..], &fragments].concat());
    let first = usize::try_from(u32::from_be_bytes(mp4[..4].try_into().expect("a box"))).expect("short");
    let free = [&mp4[..first], &boxed(b"free", HTML.as_bytes()), &mp4[first..], HTML.as_bytes()].concat();
    let webm = clip(folder, "poly.webm", &["-c:v", "libvpx", "-deadline", "realtime", "-b:v", "100k"]);

    let (page, words) = (folder.join("page.html"), folder.join("words.srt"));
    std::fs::write(&page, HTML).expect("writes");
    std::fs::write(&words, format!("1\n00:00:00,100 --> 00:00:00,900\n{HTML}\n")).expect("writes");
    let (page, words) = (page.to_str().expect("text"), words.to_str().expect("text"));
    let attached =
        ["-i", words, "-map", "0:v", "-map", "1:s", "-c:s", "srt", "-metadata:s:s:0", &title, "-attach", page];
    let typed = ["-metadata:s:t", "mimetype=text/html"];
    let mkv = clip(folder, "poly.mkv", &[&attached[..], &typed, &x264].concat());

    let ready = |name, declared, bytes: Vec<u8>| {
        assert!(bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes()), "{name} carries its script");
        Film { name, declared, bytes, end: End::Ready }
    };
    vec![
        ready("page.mkv", "video/x-matroska", mkv),
        ready("page.mp4", "video/mp4", free),
        ready("archive.webm", "video/webm", [webm, zip()].concat()),
    ]
}

/// Caption files: a name, the text, and the code they are refused with.
pub fn captions() -> Vec<(&'static str, String, Option<&'static str>)> {
    let wide: String = utf16(VTT).iter().map(|byte| char::from(*byte)).filter(|c| *c != '\0').collect();
    let read_as_utf8 = String::from_utf8_lossy(&[&[0xFF, 0xFE][..], VTT.as_bytes()].concat()).into_owned();
    vec![
        ("a page", HTML.into(), Some("captions_times")),
        ("a picture", SVG.into(), Some("captions_times")),
        ("a script", "alert(1)\n".into(), Some("captions_times")),
        ("a paper", format!("%PDF-1.7\n{HTML}"), Some("captions_times")),
        ("nothing", String::new(), Some("captions_empty")),
        ("a mark alone", "\u{feff}".into(), Some("captions_empty")),
        ("UTF-16 read as Latin", wide, Some("captions_times")),
        ("UTF-16 read as UTF-8", read_as_utf8, Some("captions_characters")),
        ("a bell", format!("{VTT}\u{7}{HTML}\n"), Some("captions_characters")),
        ("a page behind", format!("{VTT}word\n\n{HTML}\n"), Some("captions_times")),
        ("a page within", format!("{VTT}{HTML}\n"), None),
        ("a page within SubRip", format!("1\n00:00:01,000 --> 00:00:02,000\n{HTML}\n"), None),
        ("behind a mark", format!("\u{feff}{VTT}{SVG}\n"), None),
        ("a voice", format!("{VTT}<v Eve onclick=alert(1)>word</v> <v {HTML}>\n"), None),
        (
            "a remark",
            format!(
                "WEBVTT {HTML}\n\nNOTE {HTML}\n\nSTYLE\n::cue {{ background: url(javascript:alert(1)) }}\n\n{}x\n",
                &VTT[8..]
            ),
            None,
        ),
        ("half a tag", format!("{VTT}<scr<script>ipt>alert(1)</scr</script>ipt> <b <script>alert(1)</script>\n"), None),
        ("entities", format!("{VTT}&lt;script&gt;alert(1)&#60;script>alert(1)&lt\n"), None),
    ]
}

/// Pictures for a film: a name, the file, and the code they are refused with.
pub fn pictures(folder: &Path) -> Vec<(&'static str, Vec<u8>, Option<&'static str>)> {
    let one = |name: &str| made(folder, name, &["-f", "lavfi", "-i", "testsrc2=size=64x64", "-frames:v", "1"]);
    let (png, jpeg) = (one("a.png"), one("a.jpg"));
    let mut huge = png.clone();
    huge[16..24].copy_from_slice(&[30_000_u32.to_be_bytes(), 30_000_u32.to_be_bytes()].concat());
    let remark = [&b"\xFF\xFE\x00\x45"[..], HTML.as_bytes(), b" "].concat();
    let exif = [&b"\xFF\xE1\x00\x4AExif\0"[..], HTML.as_bytes(), b" "].concat();
    assert_eq!((remark.len() - 2, exif.len() - 2), (0x45, 0x4A), "lengths as told");
    let written = [&jpeg[..2], &remark, &exif, &jpeg[2..], &zip(), HTML.as_bytes()].concat();
    let mut webp = b"WEBPVP8L\x05\0\0\0\x2F\x3F\xC0\x0F\0\0EVIL".to_vec();
    webp.extend(u32::try_from(HTML.len()).expect("short").to_le_bytes());
    webp.extend(HTML.bytes());
    let webp = [b"RIFF", &u32::try_from(webp.len()).expect("short").to_le_bytes()[..], &webp].concat();
    vec![
        ("a page", HTML.into(), Some("picture_kind")),
        ("an SVG", SVG.into(), Some("picture_kind")),
        ("a GIF with an archive", [b"GIF89a\x40\0\x40\0".to_vec(), zip()].concat(), Some("picture_kind")),
        ("a paper", b"%PDF-1.7\n".to_vec(), Some("picture_kind")),
        ("a bitmap", [&b"BM"[..], &[0; 60]].concat(), Some("picture_kind")),
        ("nothing", vec![], Some("picture_kind")),
        ("half a PNG", png[..png.len() / 2].to_vec(), Some("picture_damaged")),
        ("a PNG of 30,000 by 30,000", huge, Some("picture_side")),
        ("a PNG with a page behind it", [png, HTML.into()].concat(), None),
        ("a JPEG with a page before, in and behind it", written, None),
        ("a WebP with a page in it", webp, None),
    ]
}
