//! The log: append, read, follow, verify. One contract ([`EventStore`]), PostgreSQL behind it.
//!
//! Knows streams, versions and positions, never what an event means. Fields about a person are sealed here on
//! the way in and opened on the way out; nobody else sees ciphertext or keys.

mod canonical;
mod error;
mod event;
mod feed;
mod leaf;
mod personal;
mod postgres;
mod secret;
mod store;

pub use canonical::{DEPTH_MAX, EVENT_BYTES_MAX};
pub use error::{AppendError, ConnectError, ReadError, VerifyError};
pub use event::{
    Append, EVENTS_PER_COMMAND_MAX, Expected, GUARDS_PER_COMMAND_MAX, Guard, Metadata, NewEvent, READ_AT_MAX, Receipt,
    RecordedEvent,
};
pub use feed::Feed;
pub use leaf::event_id;
pub use postgres::{
    Damage, DamageKind, KEEPALIVE, PostgresStore, RESTED, VerifyReport, answered, healing, is_alive, verify,
};
pub use secret::MasterKey;
pub use store::EventStore;
