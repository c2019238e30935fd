//! The read side: one read model per file (apply and queries), the runner that keeps them up, rebuild, and the
//! tail of the log for subscriptions.
//!
//! A projection never sends, decides or appends anything: rows and their checkpoint are all it writes, in one
//! transaction. Every read model can be dropped and rebuilt. Personal values are stored plain here for now; an
//! erased value becomes `''` at the next rebuild.

pub mod accounts;
pub mod activity;
pub mod audit;
pub mod channels;
mod checkpoint;
pub mod invites;
pub mod library;
pub mod member_page;
pub mod members;
pub mod messages;
pub mod notifications;
pub mod playback;
mod progress;
mod projection;
pub mod queues;
mod reach;
mod reader;
mod rebuild;
pub mod reports;
mod runner;
pub mod tail;
pub mod videos;
pub mod watching;
pub mod words;

pub use checkpoint::ProjectionStatus;
pub use lockstep_event_store::{EventStore, Feed, ReadError, RecordedEvent};
pub use progress::Progress;
pub use projection::{ApplyError, Projection, Table, all, find};
pub use reach::is_out_of_reach;
pub use reader::{Reader, StatusError, WAIT_MAX, WaitError};
pub use rebuild::{RebuildError, Rebuilt, checksum, rebuild};
pub use runner::{BATCH_EVENTS_MAX, Runner};
pub use sqlx::Error as QueryError;
pub use tail::{Scope, Tail};
