//! The order of a room's transport commands: one at a time, at least [`TRANSPORT_FLOOR_MS`] apart, and the next not
//! before the feed has told the last one's effect. What comes too fast is coalesced to the newest of its class.

use lockstep_domain::ids::{CommandId, Position};

use crate::{
    clock::HubTime,
    protocol::{Intent, Person, Verb},
};

/// Two transport commands of a room start at least this far apart.
pub(crate) const TRANSPORT_FLOOR_MS: i64 = 150;
/// A command without an answer no longer holds up the next after this.
const RUNNING_MS_MAX: i64 = 10_000;
/// The feed's news of a finished command is waited for this long.
const SETTLING_MS_MAX: i64 = 2_000;

/// An intent whose turn has not come.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) account: Person,
    pub(crate) intent: Intent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Busy {
    #[default]
    Free,
    Running {
        ticket: u64,
        until: HubTime,
    },
    Settling {
        position: Position,
        until: HubTime,
    },
}

/// A room's transport commands; at most one waits per class.
#[derive(Debug, Default)]
pub(crate) struct Transport {
    waiting: Vec<Waiting>,
    busy: Busy,
    not_before: HubTime,
}

impl Transport {
    /// Queues an intent; returns the one of its class that it supersedes.
    pub(crate) fn offer(&mut self, waiting: Waiting) -> Option<(Person, CommandId)> {
        let class = class_of(waiting.intent.verb);
        let held = self.waiting.iter().position(|held| class_of(held.intent.verb) == class);
        let superseded = held.map(|index| self.waiting.remove(index));
        self.waiting.push(waiting);
        superseded.map(|held| (held.account, held.intent.op))
    }
    /// Takes the intent whose turn it is; `through` is how far the feed has told.
    pub(crate) fn take(&mut self, now: HubTime, through: Position) -> Option<Waiting> {
        let free = match self.busy {
            Busy::Free => true,
            Busy::Running { until, .. } => now >= until,
            Busy::Settling { position, until } => through >= position || now >= until,
        };
        if !free || now < self.not_before || self.waiting.is_empty() {
            return None;
        }
        Some(self.waiting.remove(0))
    }
    /// Notes that the taken intent runs under this ticket.
    pub(crate) fn started(&mut self, ticket: u64, now: HubTime) {
        self.busy = Busy::Running { ticket, until: now.plus_ms(RUNNING_MS_MAX) };
        self.not_before = now.plus_ms(TRANSPORT_FLOOR_MS);
    }
    /// Notes the answer; `changed` is the position whose news must come from the feed first.
    pub(crate) fn done(&mut self, ticket: u64, changed: Option<Position>, now: HubTime) {
        match self.busy {
            Busy::Running { ticket: running, .. } if running == ticket => {
                self.busy = match changed {
                    Some(position) => Busy::Settling { position, until: now.plus_ms(SETTLING_MS_MAX) },
                    None => Busy::Free,
                };
            }
            _ => {}
        }
    }
    /// When to look again, if the feed or an answer does not come first.
    pub(crate) fn due(&self) -> Option<HubTime> {
        if self.waiting.is_empty() {
            return None;
        }
        Some(match self.busy {
            Busy::Free => self.not_before,
            Busy::Running { until, .. } | Busy::Settling { until, .. } => until.max(self.not_before),
        })
    }
}

fn class_of(verb: Verb) -> u8 {
    match verb {
        Verb::Play | Verb::Pause => 0,
        Verb::Seek => 1,
        Verb::Load => 2,
        Verb::Rate => 3,
    }
}
