//! Object keys of a finished film in the media bucket: short, made by the server, never by an uploader.

use lockstep_domain::ids::VideoId;

/// The HLS master playlist.
pub fn master(video: VideoId) -> String {
    format!("v/{video}/master.m3u8")
}

/// The DASH manifest.
pub fn mpd(video: VideoId) -> String {
    format!("v/{video}/manifest.mpd")
}

/// The poster picture.
pub fn thumbnail(video: VideoId) -> String {
    format!("v/{video}/thumb.jpg")
}

/// One rendition's HLS media playlist.
pub fn playlist(video: VideoId, rendition: &str) -> String {
    format!("v/{video}/{rendition}/playlist.m3u8")
}

/// One segment; number 0 is the init segment.
pub fn segment(video: VideoId, rendition: &str, number: u32) -> String {
    format!("v/{video}/{rendition}/{}", file_name(number))
}

/// One caption track.
pub fn captions(video: VideoId, id: &str) -> String {
    format!("v/{video}/text/{id}.vtt")
}

/// The sheet of small pictures of the chunk that begins with this segment.
pub fn sheet(video: VideoId, first_segment: u32) -> String {
    format!("v/{video}/{}", sheet_name(first_segment))
}

/// A sheet's file name inside the film's folder.
pub fn sheet_name(first_segment: u32) -> String {
    format!("tiles/{first_segment:05}.jpg")
}

/// Which small picture is where.
pub fn storyboard(video: VideoId) -> String {
    format!("v/{video}/storyboard.vtt")
}

/// A segment's file name inside its rendition's folder.
pub fn file_name(number: u32) -> String {
    if number == 0 { "init.mp4".to_owned() } else { format!("{number:05}.m4s") }
}
