//! The files that a video has, by the shape of their paths, and how each kind is answered.

use std::ops::RangeInclusive;

/// Segments, init segments and pictures never change under their key. `private`: the address carries a person's right,
/// so no shared cache may keep the answer.
const CACHE_FOR_EVER: &str = "private, max-age=86400, immutable";
/// Playlists and manifests grow while a film is being transcoded.
const CACHE_CHECKED: &str = "private, no-cache";
/// Longest rendition name in a path, in bytes.
const RENDITION_BYTES_MAX: usize = 16;
/// Longest id of captions in a path, in bytes.
const CAPTIONS_BYTES_MAX: usize = 40;
/// Digits of a chosen picture's name.
const PICTURE_DIGITS: usize = 32;
/// Digits of a segment's number.
const SEGMENT_DIGITS: usize = 5;

/// How one kind of file is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub content_type: &'static str,
    pub cache: &'static str,
}

impl Kind {
    /// Whether it is written once under its key, so that a CDN may answer for it. What names other files is not led away:
    /// their addresses are relative to its own.
    pub fn is_for_ever(self) -> bool {
        self.cache == CACHE_FOR_EVER
    }
}

/// The files a video has, by shape: nothing else in the bucket can be named, whatever its key.
pub(super) fn kind(path: &str) -> Option<Kind> {
    let checked = |content_type| Some(Kind { content_type, cache: CACHE_CHECKED });
    let for_ever = |content_type| Some(Kind { content_type, cache: CACHE_FOR_EVER });
    match path.split_once('/') {
        None => match path {
            "master.m3u8" => checked("application/vnd.apple.mpegurl"),
            "manifest.mpd" => checked("application/dash+xml"),
            "thumb.jpg" => for_ever("image/jpeg"),
            "storyboard.vtt" => for_ever("text/vtt; charset=utf-8"),
            _ => None,
        },
        Some(("text", file)) if is_named(file, ".vtt", 1..=CAPTIONS_BYTES_MAX) => for_ever("text/vtt; charset=utf-8"),
        Some(("tiles", file)) if is_named(file, ".jpg", SEGMENT_DIGITS..=SEGMENT_DIGITS) => for_ever("image/jpeg"),
        Some(("poster", file)) => match file.rsplit_once('.') {
            Some((name, "jpg")) if is_picture(name) => for_ever("image/jpeg"),
            Some((name, "png")) if is_picture(name) => for_ever("image/png"),
            Some((name, "webp")) if is_picture(name) => for_ever("image/webp"),
            _ => None,
        },
        Some((rendition, file)) if is_rendition(rendition) => match file {
            "playlist.m3u8" => checked("application/vnd.apple.mpegurl"),
            "init.mp4" => for_ever("video/mp4"),
            _ if is_segment(file) => for_ever("video/iso.segment"),
            _ => None,
        },
        Some(_) => None,
    }
}

/// A chosen picture is named by 32 hexadecimal digits.
fn is_picture(name: &str) -> bool {
    name.len() == PICTURE_DIGITS && name.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_rendition(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    plain && (1..=RENDITION_BYTES_MAX).contains(&name.len())
}

/// A file of lower-case letters and digits with this ending.
fn is_named(file: &str, ending: &str, length: RangeInclusive<usize>) -> bool {
    let name = file.strip_suffix(ending).unwrap_or_default();
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    plain && length.contains(&name.len())
}

fn is_segment(file: &str) -> bool {
    let number = file.strip_suffix(".m4s");
    number.is_some_and(|number| number.len() == SEGMENT_DIGITS && number.bytes().all(|byte| byte.is_ascii_digit()))
}
