//! The frames between hubs: JSON, one object each, at most [`BUS_FRAME_BYTES_MAX`]. Times are of the sender's clock.

use bytes::Bytes;
use lockstep_domain::{
    ids::{AccountId, ChannelId, Position, VisitId},
    permission::ChannelRole,
    time::MediaTime,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    clock::HubTime,
    protocol::{Device, Person, PlayerState},
    session::SessionId,
};

/// The longest frame between hubs, bytes; what a bus takes.
pub const BUS_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Rooms in one beat.
pub const BEAT_ROOMS_MAX: usize = 128;
/// Seats in one room's news.
pub(crate) const SEATS_MAX: usize = 200;
/// Bytes of them, as JSON.
pub(crate) const SEATS_BYTES_MAX: usize = 40 * 1024;
/// People named by their account alone, beyond the seats.
pub(crate) const OTHERS_MAX: usize = 400;
/// Channels asked for at once.
pub(crate) const ASKED_MAX: usize = 64;

/// Why a frame of another hub was not understood. It is dropped: what it said comes again with the next beat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusFrameError {
    #[error("a frame between hubs has at most {BUS_FRAME_BYTES_MAX} bytes")]
    TooLarge,
    #[error("not a frame between hubs: {0}")]
    Shape(String),
}

/// Something a hub says to all others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BusFrame {
    /// The hub that says it, named by its epoch.
    pub from: Uuid,
    /// When it was said, of the sender's clock.
    pub at_us: HubTime,
    #[serde(flatten)]
    pub say: Say,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Say {
    /// "I am here", with some of its rooms; also a probe: everybody answers it with [`Say::Pong`].
    Beat { rooms: Vec<RoomBeat> },
    /// The answer to the beat sent at `t1` of `to`'s clock and read at `t2` of the sender's.
    Pong { to: Uuid, t1: HubTime, t2: HubTime },
    /// Who and what is in one of its rooms.
    Room(RoomNews),
    /// When the last change of a film takes effect.
    Moved { channel: ChannelId, anchor: Anchor },
    /// "I do not know these rooms of yours."
    Ask { to: Uuid, channels: Vec<ChannelId> },
    /// Somebody writes a message.
    Typing { channel: ChannelId, person: Person },
    /// Emoji thrown over the film in its rooms, and how often.
    Burst { channel: ChannelId, counts: Vec<(String, u32)> },
    /// It ends: its viewers come back elsewhere.
    Bye,
}

/// One room in a beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomBeat {
    pub channel: ChannelId,
    /// Of the last news of it: who holds an older one asks.
    pub version: u64,
    /// Whether a socket is open in it.
    pub here: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Anchor>,
}

/// Where a film is and when, after the change at `position` of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    pub position: Position,
    pub position_us: MediaTime,
    pub rate_ppm: i64,
    pub at_us: HubTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_until_us: Option<HubTime>,
    /// False when the hub was not there at the change and computed its moment from what the store says.
    pub settled: bool,
}

/// Everything about one room that other hubs need; replaces what was said before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomNews {
    pub channel: ChannelId,
    pub version: u64,
    pub here: bool,
    pub anchor: Option<Anchor>,
    /// The seats of this hub told by name.
    pub seats: Vec<Seating>,
    /// Further people with a socket open here.
    pub others: Vec<AccountId>,
    /// How many more than those there are.
    pub more: usize,
    /// Of the sockets not among `seats`, those that are not ready for the film as of `anchor`.
    pub unready: usize,
}

/// One seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seating {
    pub seat: SessionId,
    pub visit: VisitId,
    pub account: Person,
    pub role: ChannelRole,
    pub device: Device,
    /// `None` while its socket is gone: it is away.
    pub state: Option<PlayerState>,
    pub error_us: Option<i64>,
    pub since_us: HubTime,
    /// Every socket of it is ready for the film as of this position of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Position>,
}

impl BusFrame {
    /// The frame's text.
    pub fn bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("bus types have string keys and no failing serialisers").into()
    }
}

/// Reads one frame.
///
/// # Errors
/// [`BusFrameError`] says which limit or shape was missed.
pub fn parse(bytes: &[u8]) -> Result<BusFrame, BusFrameError> {
    if bytes.len() > BUS_FRAME_BYTES_MAX {
        return Err(BusFrameError::TooLarge);
    }
    serde_json::from_slice(bytes).map_err(|error| BusFrameError::Shape(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_news_fits_a_frame() {
        let seats_bytes = SEATS_BYTES_MAX;
        let others = vec![AccountId(Uuid::max()); OTHERS_MAX];
        let news = RoomNews {
            channel: ChannelId(Uuid::max()),
            version: u64::MAX,
            here: true,
            anchor: Some(anchor()),
            seats: vec![],
            others,
            more: usize::MAX,
            unready: usize::MAX,
        };
        let frame = BusFrame { from: Uuid::max(), at_us: HubTime(i64::MIN), say: Say::Room(news) };
        assert!(frame.bytes().len() + seats_bytes <= BUS_FRAME_BYTES_MAX);
        let room = RoomBeat { channel: ChannelId(Uuid::max()), version: u64::MAX, here: false, anchor: Some(anchor()) };
        let say = Say::Beat { rooms: vec![room; BEAT_ROOMS_MAX] };
        let frame = BusFrame { from: Uuid::max(), at_us: HubTime(i64::MIN), say };
        assert!(frame.bytes().len() <= BUS_FRAME_BYTES_MAX);
        assert_eq!(parse(&frame.bytes()), Ok(frame));
    }

    fn anchor() -> Anchor {
        Anchor {
            position: Position::from_i64(i64::MAX),
            position_us: MediaTime(i64::MAX),
            rate_ppm: i64::MAX,
            at_us: HubTime(i64::MIN),
            hold_until_us: Some(HubTime(i64::MIN)),
            settled: false,
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        assert!(matches!(parse(b"{}"), Err(BusFrameError::Shape(_))));
        assert_eq!(parse(&vec![b' '; BUS_FRAME_BYTES_MAX + 1]), Err(BusFrameError::TooLarge));
    }
}
