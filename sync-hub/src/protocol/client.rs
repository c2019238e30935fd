//! What a client may send, and the limits on its size, depth and shape.

use lockstep_domain::{
    emoji::is_emoji,
    ids::{AccountId, ChannelId, CommandId, MessageId, Position, VideoId, VisitId},
    message::MENTIONS_MAX,
    time::MediaTime,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// The longest frame a client may send, bytes.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Objects and arrays may nest this deep; no frame needs more than one level.
pub const FRAME_DEPTH_MAX: usize = 4;
/// Integers beyond this lose digits in a browser (2^53).
const INTEGER_MAX: i64 = 1 << 53;

/// Why a frame was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame has at most {FRAME_BYTES_MAX} bytes")]
    TooLarge,
    #[error("a frame nests at most {FRAME_DEPTH_MAX} deep")]
    TooDeep,
    #[error("not a frame of this protocol: {0}")]
    Shape(String),
    #[error("{0} is out of range")]
    OutOfRange(&'static str),
    #[error("{verb} needs {field}")]
    Missing { verb: &'static str, field: &'static str },
}

/// A frame from a client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ClientFrame {
    Join(Join),
    Probe {
        n: u64,
        c0: i64,
    },
    Intent(Intent),
    Chat(Chat),
    /// Throws an emoji over the film; it is told once and never stored.
    React {
        emoji: String,
    },
    Report {
        state: PlayerState,
        error_us: Option<i64>,
        bound_us: Option<i64>,
        /// The timeline's number whose film is buffered at its position: its viewer could start now.
        #[serde(default)]
        ready: Option<u64>,
    },
    Typing,
}

/// Something to be said.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Chat {
    /// The same id again has no second effect.
    pub op: CommandId,
    pub id: MessageId,
    pub text: String,
    pub playback_us: Option<MediaTime>,
    /// The message it answers.
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// The members it speaks to.
    #[serde(default)]
    pub mentions: Vec<AccountId>,
}

/// A wish to change the shared timeline.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Intent {
    /// The same id again has no second effect.
    pub op: CommandId,
    pub verb: Verb,
    pub position_us: Option<MediaTime>,
    pub video: Option<VideoId>,
    #[serde(default)]
    pub rate_ppm: Option<i64>,
}

/// The wish to be in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Join {
    pub channel: ChannelId,
    pub visit: VisitId,
    #[serde(default)]
    pub device: Device,
    /// The last position this viewer has seen: what came after it is sent again, if the hub still has it.
    #[serde(default, deserialize_with = "opaque")]
    pub after: Option<Position>,
}

/// What somebody watches on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    Phone,
    Tablet,
    #[default]
    Desktop,
    Tv,
}

/// What an intent asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Play,
    Pause,
    Seek,
    Load,
    Rate,
}

/// What a viewer's player does; telemetry, never moves the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlayerState {
    Playing,
    Paused,
    Buffering,
    Hidden,
    Blocked,
    /// The socket is gone, the visit not yet. Said by the hub alone.
    #[serde(skip_deserializing)]
    Away,
}

/// Positions are opaque strings outside.
fn opaque<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Position>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

/// Reads one frame.
///
/// # Errors
/// [`FrameError`] says which limit or shape was missed; the connection is closed with 4400.
pub fn parse(text: &str) -> Result<ClientFrame, FrameError> {
    if text.len() > FRAME_BYTES_MAX {
        return Err(FrameError::TooLarge);
    }
    if nesting(text) > FRAME_DEPTH_MAX {
        return Err(FrameError::TooDeep);
    }
    let frame = serde_json::from_str(text).map_err(|error| FrameError::Shape(error.to_string()))?;
    check(&frame)?;
    Ok(frame)
}

/// How deep brackets nest outside strings; counts before any parser allocates.
pub fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn check(frame: &ClientFrame) -> Result<(), FrameError> {
    match frame {
        ClientFrame::Join(_) | ClientFrame::Typing => Ok(()),
        ClientFrame::Probe { n, c0 } => {
            within("n", i64::try_from(*n).ok(), 0)?;
            within("c0", Some(*c0), -INTEGER_MAX)
        }
        ClientFrame::Chat(chat) if chat.mentions.len() > MENTIONS_MAX => Err(FrameError::OutOfRange("mentions")),
        ClientFrame::Chat(chat) => position("playback_us", chat.playback_us),
        ClientFrame::React { emoji } if !is_emoji(emoji) => Err(FrameError::OutOfRange("emoji")),
        ClientFrame::React { .. } => Ok(()),
        ClientFrame::Report { error_us, bound_us, .. } => {
            within("error_us", Some(error_us.unwrap_or(0)), -INTEGER_MAX)?;
            within("bound_us", Some(bound_us.unwrap_or(0)), 0)
        }
        ClientFrame::Intent(intent) => {
            position("position_us", intent.position_us)?;
            match intent.verb {
                Verb::Seek if intent.position_us.is_none() => {
                    Err(FrameError::Missing { verb: "seek", field: "position_us" })
                }
                Verb::Rate => match intent.rate_ppm {
                    Some(_) => within("rate_ppm", intent.rate_ppm, 0),
                    None => Err(FrameError::Missing { verb: "rate", field: "rate_ppm" }),
                },
                Verb::Load if intent.video.is_none() => Err(FrameError::Missing { verb: "load", field: "video" }),
                _ => Ok(()),
            }
        }
    }
}

fn position(field: &'static str, value: Option<MediaTime>) -> Result<(), FrameError> {
    within(field, Some(value.unwrap_or(MediaTime::ZERO).0), 0)
}

fn within(field: &'static str, value: Option<i64>, least: i64) -> Result<(), FrameError> {
    match value {
        Some(value) if (least..=INTEGER_MAX).contains(&value) => Ok(()),
        _ => Err(FrameError::OutOfRange(field)),
    }
}
