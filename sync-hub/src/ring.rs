//! The last durable events of a room, as they were sent: who was cut off for a moment goes on where it stopped.

use std::collections::VecDeque;

use bytes::Bytes;
use lockstep_domain::ids::Position;

/// Events kept per room.
pub const RING_EVENTS_MAX: usize = 512;
/// Bytes of events kept per room: with `joined` they fit a session's queue.
pub const RING_BYTES_MAX: usize = 128 * 1024;

/// Every event after `from`, in log order.
#[derive(Debug)]
pub(crate) struct Ring {
    from: Position,
    events: VecDeque<(Position, Bytes)>,
    bytes: usize,
}

impl Ring {
    /// Nothing has happened after this position yet.
    pub(crate) fn starting(from: Position) -> Self {
        Self { from, events: VecDeque::new(), bytes: 0 }
    }
    /// Keeps an event and lets go of the oldest beyond the bounds.
    pub(crate) fn push(&mut self, position: Position, event: Bytes) {
        self.bytes += event.len();
        self.events.push_back((position, event));
        while self.events.len() > RING_EVENTS_MAX || self.bytes > RING_BYTES_MAX {
            let Some((position, event)) = self.events.pop_front() else { return };
            self.bytes -= event.len();
            self.from = position;
        }
    }
    /// The events after this position; `None` when the ring does not reach back so far.
    pub(crate) fn after(&self, position: Position) -> Option<impl Iterator<Item = &Bytes>> {
        let start = self.events.partition_point(|(at, _)| *at <= position);
        (position >= self.from).then(|| self.events.range(start..).map(|(_, event)| event))
    }
}
