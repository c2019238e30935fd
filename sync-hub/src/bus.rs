//! What the hubs of one installation say to each other, and what each knows of the others: their clocks, and who and
//! what is in their rooms. Nothing durable goes this way, and every frame may get lost.

mod clock;
mod frame;
mod peers;
mod telling;

pub use self::peers::{BEAT_MS, PEER_GONE_MS, PEERS_MAX};
pub use self::{
    clock::{Estimate, PeerClock},
    frame::{
        Anchor, BEAT_ROOMS_MAX, BUS_FRAME_BYTES_MAX, BusFrame, BusFrameError, RoomBeat, RoomNews, Say, Seating, parse,
    },
};
pub(crate) use self::{
    frame::{ASKED_MAX, OTHERS_MAX, SEATS_BYTES_MAX, SEATS_MAX},
    peers::{Peers, Told},
    telling::Telling,
};
