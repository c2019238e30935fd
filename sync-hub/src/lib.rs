//! The sync hub: who is in a channel, what its timeline is and who is told when. Sans-IO: no clock, no
//! randomness, no sockets, no store; time and everything from outside arrive inside [`Hub::handle`].
//!
//! The hub never tells viewers about a shared change that did not come from the feed of durable events.

mod bucket;
mod bursts;
pub mod bus;
mod clock;
mod feed;
mod gate;
mod hub;
mod outbox;
mod presence;
pub mod protocol;
mod remote;
mod ring;
mod room;
mod session;
mod timeline;
mod timers;
mod transport;
mod typing;
mod unrecorded;
mod votes;
mod window;

pub use bursts::BURST_INTERVAL_MS;
pub use clock::HubTime;
pub use feed::{Fact, FeedEvent, Noun};
pub use hub::{
    Hub,
    io::{Command, Done, Input, Output, Refusal, RunCommand, Standing},
};
pub use outbox::{IN_FLIGHT_BYTES_MAX, QUEUED_BYTES_MAX, QUEUED_EVENTS_MAX};
pub use presence::{AWAY_MS_MAX, MEMBERS_TOLD_MAX, PRESENCE_INTERVAL_MS};
pub use remote::INHERIT_AFTER_MS;
pub use ring::{RING_BYTES_MAX, RING_EVENTS_MAX};
pub use session::SessionId;
pub use timeline::{
    Change, ChangeKind, LEAD_PAUSE_MS, LEAD_PLAY_MS, LEAD_SEEK_MS, PlaybackSnapshot, Snapshot, Timeline,
};
