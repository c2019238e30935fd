//! From a caller's append to what the committer sends: checked, sealed, canonical. Runs on the caller's task.

use lockstep_domain::{ids::StreamId, time::Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::{fixed, keys, keys::KeyRing};
use crate::{
    Append, AppendError, EVENT_BYTES_MAX, EVENTS_PER_COMMAND_MAX, Expected, GUARDS_PER_COMMAND_MAX, Guard, Metadata,
    NewEvent,
    canonical::{self, NotCanonical},
    leaf::{Hash, Leaf, event_id},
    personal,
};

/// Bytes of a stream name and of an event's type and version.
const NAME_BYTES_MAX: usize = 200;
/// Times the canonical form can hold, ±2^53 microseconds: years 1684 to 2255.
const TIME_MAX_US: i64 = 1 << 53;

/// A version must fit into canonical JSON.
const VERSION_MAX: u64 = 1 << 52;

/// One command, ready to be sent again and again.
#[derive(Debug)]
pub struct Command {
    pub stream: StreamId,
    pub expected: Expected,
    pub guards: Vec<Guard>,
    pub metadata: String,
    pub occurred_at: Timestamp,
    pub events: Vec<Event>,
    /// Of all events together, as sent.
    pub bytes: usize,
}

#[derive(Debug)]
pub struct Event {
    pub id: Uuid,
    pub event_type: String,
    pub event_version: String,
    pub payload: String,
    /// Present when the version was known beforehand; otherwise the committer computes it.
    leaf: Option<Hash>,
}

impl Command {
    /// The leaf of the n-th event when the command is appended on top of this version.
    pub fn leaf(&self, n: usize, expected: u64) -> Hash {
        self.events[n]
            .leaf
            .unwrap_or_else(|| self.compute_leaf(n, expected).expect("every part was written canonically before"))
    }

    fn compute_leaf(&self, n: usize, expected: u64) -> Result<Hash, NotCanonical> {
        let event = &self.events[n];
        let leaf = Leaf {
            event_id: event.id,
            event_type: &event.event_type,
            event_version: &event.event_version,
            metadata: &self.metadata,
            occurred_at: self.occurred_at,
            payload: &event.payload,
            sequence: expected + n as u64 + 1,
            stream_type: self.stream.kind(),
            stream_id: self.stream.id(),
        };
        leaf.hash()
    }
}

/// Everything that can be refused without asking the log is refused here.
pub async fn prepare(mut append: Append, ring: &KeyRing) -> Result<Command, AppendError> {
    check(&append)?;
    let subjects = keys::subjects(append.events.iter().map(|event| &event.payload)).map_err(invalid)?;
    if !subjects.is_empty() {
        let keys = ring.for_subjects(subjects).await;
        let keys = keys.map_err(|error| AppendError::Unavailable(error.to_string()))?;
        for event in &mut append.events {
            personal::seal(&mut event.payload, &keys).map_err(invalid)?;
        }
    }
    let metadata = metadata_text(&append.metadata)?;
    let mut events = Vec::with_capacity(append.events.len());
    let mut bytes = 0;
    for (n, NewEvent { event_type, event_version, payload }) in append.events.into_iter().enumerate() {
        let payload = payload_text(&payload)?;
        if payload.len() + metadata.len() > EVENT_BYTES_MAX {
            return Err(invalid(format!("an event is larger than {EVENT_BYTES_MAX} bytes")));
        }
        bytes += payload.len() + metadata.len();
        let id = event_id(&append.metadata.actor, &append.stream, append.command_id, n);
        events.push(Event { id, event_type, event_version, payload, leaf: None });
    }
    let Append { stream, expected, guards, occurred_at, .. } = append;
    let mut command = Command { stream, expected, guards, metadata, occurred_at, events, bytes };
    let version = fixed(expected);
    for n in 0..command.events.len() {
        // Also without a version: names are checked by it.
        let leaf = command.compute_leaf(n, version.unwrap_or(0)).map_err(invalid)?;
        command.events[n].leaf = version.map(|_| leaf);
    }
    Ok(command)
}

fn check(append: &Append) -> Result<(), AppendError> {
    let events = append.events.len();
    if !(1..=EVENTS_PER_COMMAND_MAX).contains(&events) {
        return Err(invalid(format!("{events} events: 1 to {EVENTS_PER_COMMAND_MAX} are possible")));
    }
    if append.guards.len() > GUARDS_PER_COMMAND_MAX {
        return Err(invalid(format!("more than {GUARDS_PER_COMMAND_MAX} guards")));
    }
    if !(-TIME_MAX_US..=TIME_MAX_US).contains(&append.occurred_at.as_micros()) {
        return Err(invalid("occurred_at is out of range"));
    }
    let guarded = append.guards.iter().map(|guard| &guard.stream);
    let streams = guarded.chain([&append.stream]).flat_map(|stream| [stream.kind(), stream.id()]);
    let types = append.events.iter().flat_map(|event| [event.event_type.as_str(), event.event_version.as_str()]);
    for name in streams.chain(types) {
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains('\0') {
            return Err(invalid(format!("a name needs 1 to {NAME_BYTES_MAX} bytes: {name:?}")));
        }
    }
    if let Some(channel) = &append.metadata.channel_id {
        Uuid::parse_str(channel).map_err(|_| invalid("the channel id is not a UUID"))?;
    }
    let versions = append.guards.iter().map(|guard| guard.version).chain(fixed(append.expected));
    if versions.into_iter().any(|version| version > VERSION_MAX) {
        return Err(invalid("a version is out of range"));
    }
    Ok(())
}

fn metadata_text(metadata: &Metadata) -> Result<String, AppendError> {
    let value = serde_json::to_value(metadata).map_err(invalid)?;
    payload_text(&value)
}

fn payload_text(value: &Value) -> Result<String, AppendError> {
    let mut text = String::new();
    canonical::write(value, &mut text).map_err(invalid)?;
    Ok(text)
}

fn invalid(reason: impl std::fmt::Display) -> AppendError {
    AppendError::Invalid(reason.to_string())
}
