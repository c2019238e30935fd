//! The words between the service and its `lockstep-media` child: length-prefixed frames on stdin and stdout.
//!
//! A frame is one kind byte, the body's length as a little-endian u32, and the body. The child asks for byte
//! ranges of the source and hands back segments; it never hears a path, a URL or a key.

use lockstep_domain::{
    video::{RenditionPlan, Source, TextTrack},
    work::Failure,
};
use serde::{Deserialize, Serialize};

/// The longest frame body either side accepts, bytes.
pub const FRAME_BYTES_MAX: u32 = 64 << 20;
/// The longest range the child asks for at once, bytes: its read-ahead.
pub const RANGE_BYTES_MAX: u32 = 4 << 20;
/// Bytes of a frame's head: kind and length.
pub const HEAD_BYTES: usize = 5;
/// The rendition name under which the poster picture travels.
pub const THUMBNAIL: &str = "thumb";
/// The rendition name of the first sound; another track's is this with its number.
pub const AUDIO: &str = "audio";
/// The rendition name under which caption tracks travel.
pub const TEXT: &str = "text";
/// The rendition name under which sheets of small pictures travel.
pub const TILES: &str = "tiles";

/// What a frame carries. Parent to child below 16, child to parent from 16 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// JSON [`Job`]: the first frame, once.
    Job = 1,
    /// The bytes asked for; fewer or none at the end of the source.
    Bytes = 2,
    /// The source cannot be read now; the body says why.
    Unavailable = 3,
    /// JSON [`Range`].
    Range = 16,
    /// A u32 little-endian head length, JSON [`SegmentHead`], then the media bytes.
    Segment = 17,
    /// JSON [`Progress`].
    Progress = 18,
    /// JSON [`Done`]: the last frame of a job that worked.
    Done = 19,
    /// JSON [`Failure`]: the last frame of a job that did not.
    Error = 20,
    /// JSON [`Sandbox`]: the child's first frame.
    Sandbox = 21,
}

impl Kind {
    /// The kind with this number, if there is one.
    pub fn from_byte(byte: u8) -> Option<Self> {
        [
            Self::Job,
            Self::Bytes,
            Self::Unavailable,
            Self::Range,
            Self::Segment,
            Self::Progress,
            Self::Done,
            Self::Error,
            Self::Sandbox,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == byte)
    }
}

/// The head of a frame with a body of `bytes` bytes.
pub fn head(kind: Kind, bytes: u32) -> [u8; HEAD_BYTES] {
    let [a, b, c, d] = bytes.to_le_bytes();
    [kind as u8, a, b, c, d]
}

/// Reads a frame's head; `None` for an unknown kind or a body over the limit.
pub fn parse_head(head: [u8; HEAD_BYTES]) -> Option<(Kind, u32)> {
    let [kind, a, b, c, d] = head;
    let bytes = u32::from_le_bytes([a, b, c, d]);
    Some((Kind::from_byte(kind)?, bytes)).filter(|_| bytes <= FRAME_BYTES_MAX)
}

/// One job of one child.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The source's length.
    pub source_bytes: u64,
    pub task: Task,
}

/// What the child does with the source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Find out what the source is.
    Probe,
    /// Encode some segments of every video rung, decoding once.
    Chunk(ChunkTask),
    /// Encode the whole sound.
    Audio(AudioTask),
    /// Make the poster picture.
    Thumbnail(ThumbnailTask),
    /// Take out the text tracks.
    Captions(CaptionsTask),
}

impl Task {
    /// Seconds of media this job has to go through, for its limits.
    pub fn media_s(&self) -> u64 {
        let ticks_s = |spans: &[Span], timescale: u32| {
            let ticks = spans.last().map_or(0, |last| last.end) - spans.first().map_or(0, |first| first.start);
            ticks.max(0).unsigned_abs() / u64::from(timescale.max(1)) + 1
        };
        match self {
            Self::Probe | Self::Thumbnail(_) => 10,
            Self::Chunk(chunk) => ticks_s(&chunk.spans, chunk.clock.timescale),
            Self::Audio(audio) => ticks_s(&audio.spans, audio.timescale),
            Self::Captions(captions) => captions.media_s,
        }
    }
}

/// The time axis of every video rendition of one film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Ticks per second: the track timescale.
    pub timescale: u32,
    /// Ticks of one frame at the output rate.
    pub frame_ticks: u32,
    /// The output frame rate: `timescale / frame_ticks`, reduced.
    pub rate_num: u32,
    pub rate_den: u32,
}

/// Frames an encoder may decode ahead of what it shows: x264 with three B pictures in a pyramid.
const REORDER_FRAMES: u32 = 2;

impl Clock {
    /// The constant part of composition offsets, ticks.
    pub fn delay(&self) -> u32 {
        REORDER_FRAMES * self.frame_ticks
    }
    /// Ticks to microseconds, rounded to nearest.
    pub fn us(&self, ticks: i64) -> i64 {
        scale(ticks, 1_000_000, i64::from(self.timescale))
    }
    /// Microseconds to ticks, rounded to nearest.
    pub fn ticks(&self, us: i64) -> i64 {
        scale(us, i64::from(self.timescale), 1_000_000)
    }
}

/// `value * num / den`, rounded to nearest, without overflow.
pub fn scale(value: i64, num: i64, den: i64) -> i64 {
    let den = i128::from(den.max(1));
    let wide = i128::from(value) * i128::from(num) * 2 + den;
    i64::try_from(wide.div_euclid(den * 2)).unwrap_or(i64::MAX)
}

/// One segment on the film's time axis, in ticks of its clock: `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// 1-based.
    pub number: u32,
    pub start: i64,
    pub end: i64,
}

/// Segments to encode in every rung.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChunkTask {
    /// Largest first.
    pub rungs: Vec<RenditionPlan>,
    pub clock: Clock,
    pub spans: Vec<Span>,
    /// Where an IDR picture is due, in ticks, every segment start among them.
    pub keyframes: Vec<i64>,
    /// The small pictures of this chunk.
    pub tiles: Option<TilesTask>,
}

/// Small pictures on one sheet, in rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TilesTask {
    /// The picture in its tile; the rest is black.
    pub width: u32,
    pub height: u32,
    /// When each is taken, in ticks.
    pub ticks: Vec<i64>,
}

/// The text tracks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaptionsTask {
    /// Track n travels as number n + 1.
    pub tracks: Vec<TextTrack>,
    /// Seconds of the film, for the limits.
    pub media_s: u64,
}

/// The sound, cut near the picture's cuts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioTask {
    /// The rendition's name.
    pub rendition: String,
    /// The track's place in the container; the best one when absent.
    pub stream: Option<u32>,
    pub bitrate_bps: u32,
    /// Of the spans.
    pub timescale: u32,
    pub spans: Vec<Span>,
}

/// The poster picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThumbnailTask {
    pub at_us: i64,
    pub width: u32,
    pub height: u32,
}

/// The child wants these bytes of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    pub start: u64,
    pub bytes: u32,
}

/// What one media segment is; the bytes follow it in the frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentHead {
    pub rendition: String,
    /// 0 is the init segment.
    pub number: u32,
    pub pts_us: i64,
    pub duration_us: i64,
    /// RFC 6381, on init segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codecs: Option<String>,
    /// What the file calls a text track.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Media time worked through so far in this job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub done_us: i64,
}

/// The result of a job that worked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    Probed(Source),
    Encoded,
}

/// What the child could take away from itself before it read the first byte.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// `PR_SET_NO_NEW_PRIVS`.
    pub no_new_privs: bool,
    /// An empty network namespace of its own.
    pub network_namespace: bool,
    /// `RLIMIT_NOFILE` at 3: no further file or socket can be opened at all.
    pub no_new_descriptors: bool,
    /// `RLIMIT_AS`, `RLIMIT_CPU`, `RLIMIT_FSIZE`, `RLIMIT_CORE`.
    pub limits: bool,
    /// False only in the positive control of the hostile-files test.
    pub allow_list: bool,
}

/// A failure with these words, not worth a retry.
pub fn failure(stage: &str, code: &str, reason: impl Into<String>) -> Failure {
    Failure { stage: stage.to_owned(), code: code.to_owned(), reason: reason.into(), retryable: false }
}
