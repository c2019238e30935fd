//! Which commands go into one batch, and the arrays that carry them. Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use lockstep_domain::ids::StreamId;
use uuid::Uuid;

use super::{committer::Queued, time::PgTime};
use crate::{Expected, leaf::Hash};

/// Commands in one batch.
pub const BATCH_COMMANDS_MAX: usize = 512;
/// A batch is closed when it has grown past this.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// Takes the next batch out of the waiting commands, oldest first, and leaves those that must come later:
/// a stream is written once per batch, commands of one stream keep their order, and nothing is guarded by a
/// stream that an earlier command of the same batch writes (the guard is checked before the batch).
pub fn select(pending: &mut VecDeque<Queued>) -> Vec<Queued> {
    let mut picker = Picker::default();
    let picks: Vec<bool> = pending.iter().map(|queued| picker.pick(queued)).collect();
    let (mut batch, mut later) = (Vec::new(), VecDeque::new());
    for (queued, pick) in pending.drain(..).zip(picks) {
        if pick { batch.push(queued) } else { later.push_back(queued) }
    }
    *pending = later;
    batch
}

#[derive(Default)]
struct Picker<'a> {
    written: HashSet<&'a StreamId>,
    waiting: HashSet<&'a StreamId>,
    commands: usize,
    bytes: usize,
}

impl<'a> Picker<'a> {
    fn pick(&mut self, queued: &'a Queued) -> bool {
        if self.commands >= BATCH_COMMANDS_MAX || self.bytes >= BATCH_BYTES_MAX {
            return false;
        }
        let command = &queued.command;
        // A command that is known to be too late writes nothing: any number of them is answered at once, so that
        // a crowd on one stream does not queue for its refusals.
        if !queued.is_late() {
            let stream = &command.stream;
            let after_guarded = command.guards.iter().any(|guard| self.written.contains(&guard.stream));
            if after_guarded || self.written.contains(stream) || self.waiting.contains(stream) {
                self.waiting.insert(stream);
                return false;
            }
            self.written.insert(stream);
        }
        self.commands += 1;
        self.bytes += command.bytes;
        true
    }
}

/// The parameters of `es_append`, in the order of its signature; indexes are 1-based.
#[derive(Debug, Default)]
pub struct Arrays<'a> {
    pub s_type: Vec<&'a str>,
    pub s_id: Vec<&'a str>,
    pub c_stream: Vec<i32>,
    pub c_expected: Vec<i64>,
    pub c_events: Vec<i32>,
    pub c_first: Vec<Uuid>,
    pub g_command: Vec<i32>,
    pub g_stream: Vec<i32>,
    pub g_version: Vec<i64>,
    pub e_command: Vec<i32>,
    pub e_stream_type: Vec<&'a str>,
    pub e_stream_id: Vec<&'a str>,
    pub e_sequence: Vec<i64>,
    pub e_id: Vec<Uuid>,
    pub e_type: Vec<&'a str>,
    pub e_version: Vec<&'a str>,
    pub e_payload: Vec<&'a str>,
    pub e_metadata: Vec<&'a str>,
    pub e_occurred: Vec<PgTime>,
    pub e_leaf: Vec<Hash>,
    streams: HashMap<&'a StreamId, i32>,
}

impl<'a> Arrays<'a> {
    /// Every command's expected version must be resolved.
    pub fn new(batch: &'a [Queued]) -> Self {
        let mut arrays = Self::default();
        for queued in batch {
            arrays.add(queued);
        }
        arrays
    }

    fn add(&mut self, queued: &'a Queued) {
        let command = &queued.command;
        let expected = queued.base();
        let stream = self.stream(&command.stream);
        self.c_stream.push(stream);
        self.c_expected.push(signed(expected));
        self.c_events.push(small(command.events.len()));
        self.c_first.push(command.events[0].id);
        let number = small(self.c_first.len());
        for guard in &command.guards {
            let stream = self.stream(&guard.stream);
            self.g_command.push(number);
            self.g_stream.push(stream);
            self.g_version.push(signed(guard.version));
        }
        for (n, event) in command.events.iter().enumerate() {
            self.e_command.push(number);
            self.e_stream_type.push(command.stream.kind());
            self.e_stream_id.push(command.stream.id());
            self.e_sequence.push(signed(expected + n as u64 + 1));
            self.e_id.push(event.id);
            self.e_type.push(&event.event_type);
            self.e_version.push(&event.event_version);
            self.e_payload.push(&event.payload);
            self.e_metadata.push(&command.metadata);
            self.e_occurred.push(command.occurred_at.into());
            self.e_leaf.push(command.leaf(n, expected));
        }
    }

    fn stream(&mut self, stream: &'a StreamId) -> i32 {
        if let Some(index) = self.streams.get(stream) {
            return *index;
        }
        self.s_type.push(stream.kind());
        self.s_id.push(stream.id());
        let index = small(self.s_type.len());
        self.streams.insert(stream, index);
        index
    }
}

impl Queued {
    /// Whether the stream is known to have passed the version this command expects.
    fn is_late(&self) -> bool {
        matches!((self.command.expected, self.known), (Expected::Version(version), Some(known)) if version < known)
    }

    /// The version this command is appended on top of.
    pub fn base(&self) -> u64 {
        match self.command.expected {
            Expected::Version(version) => version,
            Expected::Any => self.known.unwrap_or(0),
        }
    }
}

fn small(n: usize) -> i32 {
    i32::try_from(n).expect("a batch is far smaller")
}

fn signed(version: u64) -> i64 {
    i64::try_from(version).expect("versions are checked when a command is prepared")
}
