//! What waits for one session's socket: bounded by count and bytes. State is replaced by newer state, chat is never
//! dropped; a session that cannot keep up overflows and is closed.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use lockstep_domain::ids::Position;

use crate::{
    presence::Delta,
    protocol::{Event, batch},
};

/// Events waiting or in flight per session.
pub const QUEUED_EVENTS_MAX: usize = 256;
/// Bytes waiting or in flight per session.
pub const QUEUED_BYTES_MAX: usize = 256 * 1024;
/// Bytes handed to the socket and not yet written; what is beyond it waits here, where it can be replaced.
pub const IN_FLIGHT_BYTES_MAX: usize = 16 * 1024;

/// An event for everybody in a room, serialised once.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) bytes: Bytes,
    pub(crate) keep: Keep,
    /// Where it stands in the log; nothing when it is not durable.
    pub(crate) position: Option<Position>,
}

/// What may happen to an event that has to wait.
#[derive(Debug, Clone)]
pub(crate) enum Keep {
    /// Never dropped, never reordered.
    Always,
    /// A newer timeline takes its place.
    NewestTimeline,
    /// Merged with the next presence.
    Presence { delta: Arc<Delta>, people: usize },
    /// Dropped when it would have to wait.
    Droppable,
}

/// The session does not read as fast as it is written to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

#[derive(Debug)]
enum Item {
    Frame(Bytes),
    Event(Shared),
}

impl Item {
    fn len(&self) -> usize {
        match self {
            Self::Frame(bytes) | Self::Event(Shared { bytes, .. }) => bytes.len(),
        }
    }
}

/// Frames in flight are (bytes, events) until the socket reports them written.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    in_flight: VecDeque<(usize, usize)>,
    in_flight_bytes: usize,
    in_flight_events: usize,
    /// Bytes written of the first frame in flight.
    written_bytes: usize,
    waiting: VecDeque<Item>,
    waiting_bytes: usize,
}

impl Outbox {
    /// Takes a frame for this session alone; returns what to write now.
    pub(crate) fn offer_frame(&mut self, frame: Bytes) -> Result<Option<Bytes>, Overflow> {
        if self.open() {
            return self.fly(frame, 1).map(Some);
        }
        self.push(Item::Frame(frame));
        self.check().map(|()| None)
    }

    /// Takes a room's events; `frame` is the same events as one batch, written as it is when nothing waits.
    pub(crate) fn offer_events(&mut self, events: &[Shared], frame: &Bytes) -> Result<Option<Bytes>, Overflow> {
        if self.open() {
            return self.fly(frame.clone(), events.len()).map(Some);
        }
        for event in events {
            self.wait(event.clone());
        }
        self.check().map(|()| None)
    }

    /// The socket wrote this many bytes; returns what to write next.
    pub(crate) fn written(&mut self, bytes: usize) -> Vec<Bytes> {
        self.written_bytes += bytes;
        while let Some(&(length, events)) = self.in_flight.front() {
            if length > self.written_bytes {
                break;
            }
            self.written_bytes -= length;
            self.in_flight.pop_front();
            self.in_flight_bytes -= length;
            self.in_flight_events -= events;
        }
        let mut frames = vec![];
        while self.in_flight_bytes < IN_FLIGHT_BYTES_MAX {
            let Some((frame, events)) = self.next_frame() else { break };
            self.count(frame.len(), events);
            frames.push(frame);
        }
        frames
    }

    /// (events, bytes) waiting or in flight.
    pub(crate) fn load(&self) -> (usize, usize) {
        (self.in_flight_events + self.waiting.len(), self.in_flight_bytes + self.waiting_bytes)
    }

    fn open(&self) -> bool {
        self.waiting.is_empty() && self.in_flight_bytes < IN_FLIGHT_BYTES_MAX
    }

    fn check(&self) -> Result<(), Overflow> {
        let (events, bytes) = self.load();
        if events > QUEUED_EVENTS_MAX || bytes > QUEUED_BYTES_MAX { Err(Overflow) } else { Ok(()) }
    }

    fn fly(&mut self, frame: Bytes, events: usize) -> Result<Bytes, Overflow> {
        self.count(frame.len(), events);
        self.check().map(|()| frame)
    }

    fn count(&mut self, bytes: usize, events: usize) {
        self.in_flight.push_back((bytes, events));
        self.in_flight_bytes += bytes;
        self.in_flight_events += events;
    }

    fn push(&mut self, item: Item) {
        self.waiting_bytes += item.len();
        self.waiting.push_back(item);
    }

    fn wait(&mut self, event: Shared) {
        let stale = |keep: &Keep| {
            matches!(
                (&event.keep, keep),
                (Keep::NewestTimeline, Keep::NewestTimeline) | (Keep::Presence { .. }, Keep::Presence { .. })
            )
        };
        if matches!(event.keep, Keep::Droppable) {
            return;
        }
        let held = self.waiting.iter().position(|item| matches!(item, Item::Event(held) if stale(&held.keep)));
        let Some(Item::Event(held)) = held.and_then(|index| self.waiting.remove(index)) else {
            return self.push(Item::Event(event));
        };
        self.waiting_bytes -= held.bytes.len();
        let event = match (held.keep, &event.keep) {
            (Keep::Presence { delta: older, .. }, Keep::Presence { delta: newer, people }) => {
                let mut merged = Arc::unwrap_or_clone(older);
                merged.merge(newer);
                merged.shared(*people)
            }
            _ => event,
        };
        self.push(Item::Event(event));
    }

    /// The next frame to write: one frame, or as many events in a row as fit.
    fn next_frame(&mut self) -> Option<(Bytes, usize)> {
        let first = self.waiting.pop_front()?;
        self.waiting_bytes -= first.len();
        let Item::Event(first) = first else {
            let Item::Frame(frame) = first else { return None };
            return Some((frame, 1));
        };
        let mut length = first.bytes.len();
        let mut events = vec![first.bytes];
        while let Some(Item::Event(next)) = self.waiting.front() {
            length += next.bytes.len();
            if length > IN_FLIGHT_BYTES_MAX {
                break;
            }
            self.waiting_bytes -= next.bytes.len();
            events.push(next.bytes.clone());
            self.waiting.pop_front();
        }
        Some((batch(&events), events.len()))
    }
}

impl Shared {
    /// A chat message or a ban.
    pub(crate) fn always(event: &Event<'_>) -> Self {
        Self { bytes: event.bytes(), keep: Keep::Always, position: event.position() }
    }
    /// A timeline.
    pub(crate) fn timeline(event: &Event<'_>) -> Self {
        Self { bytes: event.bytes(), keep: Keep::NewestTimeline, position: event.position() }
    }
    /// Typing.
    pub(crate) fn droppable(event: &Event<'_>) -> Self {
        Self { bytes: event.bytes(), keep: Keep::Droppable, position: None }
    }
}
