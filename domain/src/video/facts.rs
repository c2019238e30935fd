//! What is found out about a film: its source as probed, its ladder as planned and as made.

use serde::{Deserialize, Serialize};

use super::{Chapter, SoundTrack, TextTrack};
use crate::time::MediaTime;

/// What the probe found in the source. All integers with their unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub container: String,
    pub video_codec: String,
    pub audio_codec: Option<String>,
    pub duration_us: MediaTime,
    /// As displayed: after rotation and with square pixels.
    pub width: u32,
    pub height: u32,
    pub rotation_degrees: i32,
    /// Frames per second as a fraction.
    pub frame_rate_num: u32,
    pub frame_rate_den: u32,
    pub audio_channels: u32,
    /// The sound tracks, when there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sounds: Vec<SoundTrack>,
    /// The text tracks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<TextTrack>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<Chapter>,
}

/// One rung of the ladder, planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenditionPlan {
    /// `1080p`, `720p`, `480p`, `360p`, or `audio`.
    pub name: String,
    pub width: u32,
    pub height: u32,
    pub bitrate_bps: u32,
}

/// One finished rendition, measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenditionFacts {
    pub name: String,
    pub width: u32,
    pub height: u32,
    /// Peak segment rate, bits per second (RFC 8216 4.3.4.2 BANDWIDTH).
    pub bandwidth_bps: u64,
    pub average_bandwidth_bps: u64,
    /// RFC 6381, for example `avc1.64001f`.
    pub codecs: String,
    pub bytes: u64,
    pub segments: u32,
}
