//! What goes into the log and what comes out of it.

use lockstep_domain::{
    ids::{CommandId, Position, StreamId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Events one command may append.
pub const EVENTS_PER_COMMAND_MAX: usize = 64;
/// Streams one command may rely on besides its own.
pub const GUARDS_PER_COMMAND_MAX: usize = 16;

/// Events that one read by positions returns at most.
pub const READ_AT_MAX: usize = 500;

/// An event to append. The payload is the event enum as serde writes it, externally tagged.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    pub event_type: String,
    pub event_version: String,
    pub payload: Value,
}

/// Who caused an event, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// An account id, `system` or `worker:<name>`.
    pub actor: String,
    pub correlation_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_id: Option<String>,
    /// The channel this belongs to (a UUID as text): the key of the channel's audit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<String>,
}

/// The version a stream must have for an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Exactly this one; 0 is a stream without events.
    Version(u64),
    /// Whatever it is: for events that commute.
    Any,
}

/// A stream the decision relied on, at the version it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    pub stream: StreamId,
    pub version: u64,
}

/// One command's events: all of them are stored, together, or none.
#[derive(Debug, Clone)]
pub struct Append {
    pub stream: StreamId,
    pub expected: Expected,
    pub guards: Vec<Guard>,
    pub command_id: CommandId,
    pub metadata: Metadata,
    pub occurred_at: Timestamp,
    /// 1 to [`EVENTS_PER_COMMAND_MAX`].
    pub events: Vec<NewEvent>,
}

/// Proof that events are stored durably, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub first_position: Position,
    /// Of the last event.
    pub position: Position,
    /// The stream's version after the last event.
    pub version: u64,
    pub recorded_at: Timestamp,
    /// The command was stored before; this is the first receipt again.
    pub duplicate: bool,
}

/// A stored event, its personal fields opened.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEvent {
    pub position: Position,
    pub stream: StreamId,
    pub version: u64,
    pub event_id: Uuid,
    pub event_type: String,
    pub event_version: String,
    pub payload: Value,
    pub metadata: Metadata,
    /// The caller's clock: never used for order.
    pub occurred_at: Timestamp,
    /// The database's clock when the batch was committed.
    pub recorded_at: Timestamp,
}
