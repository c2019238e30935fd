//! The rules of Lockstep: one module per aggregate, each with its events, state, `evolve` and `decide`.
//!
//! Nothing here is asynchronous, reads a clock, draws randomness or does I/O: facts from outside
//! (time, new ids, looked-up data) arrive inside the command.

pub mod account;
pub mod aggregate;
pub mod captions;
pub mod channel;
pub mod emoji;
pub mod ids;
pub mod inbox;
pub mod installation;
pub mod invite;
pub mod member;
pub mod message;
pub mod permission;
pub mod personal;
pub mod picture;
pub mod playback;
pub mod queue;
pub mod report;
pub mod right;
pub mod signin;
pub mod standing;
pub mod time;
pub mod token;
pub mod undo;
pub mod video;
pub mod visit;
pub mod webhook;
pub mod work;

pub use aggregate::Aggregate;
pub use personal::Personal;
