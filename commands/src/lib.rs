//! The write side: load → decide → append. Policies, reactions, sessions, and the cqrs-es adapter.
//!
//! Nothing here reads a clock or draws randomness by itself: [`Services`] carries both.

pub mod account;
pub mod administration;
pub mod budget;
pub mod captions;
pub mod channel;
pub mod context;
pub mod cqrs;
pub mod credentials;
pub mod dispatcher;
pub mod encoder;
pub mod entry;
pub mod hashing;
pub mod identity;
pub mod inbox;
pub mod invite;
pub mod library;
pub mod loose;
pub mod magic;
pub mod member;
pub mod message;
pub mod pace;
pub mod password;
mod pins;
pub mod playback;
pub mod poster;
pub mod queue;
pub mod reactions;
pub mod refusal;
pub mod registration;
pub mod report;
pub mod services;
pub mod session;
pub mod setup;
pub mod signin;
pub mod throttle;
pub mod token;
pub mod transcode;
pub mod undo;
pub mod upload;
pub mod video;
pub mod visit;
pub mod webhook;
pub mod window;

pub use context::{Actor, Context};
pub use dispatcher::{CommandError, Dispatcher, LoadError, Loaded, Outcome};
/// The feed, for those who follow the log and may not reach the store themselves.
pub use lockstep_event_store::{Feed, RecordedEvent};
pub use services::{Clock, Ids, Services};
pub use session::Principal;
