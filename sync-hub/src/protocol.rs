//! The frames of `/sync`: JSON text, one object each, at most [`FRAME_BYTES_MAX`] from a client.

mod chat;
mod client;
mod server;

pub use chat::{Answered, Burst, Message, MessageView, Reacted, ReactionView, RedactionView};
pub use client::{
    Chat, ClientFrame, Device, FRAME_BYTES_MAX, FRAME_DEPTH_MAX, FrameError, Intent, Join, PlayerState, Verb, nesting,
    parse,
};
pub use server::{Actor, Cause, Condition, Event, Me, Member, Person, ProbeReply, ServerFrame, batch};

/// Close codes of `/sync`.
pub mod close {
    pub const BAD_FRAME: u16 = 4400;
    pub const NOT_SIGNED_IN: u16 = 4401;
    pub const NOT_PERMITTED: u16 = 4403;
    pub const SLOW_CONSUMER: u16 = 4408;
    pub const NO_JOIN: u16 = 4410;
    /// This account has as many sockets open as it may.
    pub const TOO_MANY: u16 = 4429;
    /// Draining or temporarily unable: come back, after a pause of your own choosing.
    pub const DRAINING: u16 = 1012;
}
