//! One wake-up time per session, per room and for the beat, in order; ties break by key so that a run repeats exactly.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_domain::ids::ChannelId;

use crate::{clock::HubTime, session::SessionId};

/// What a wake-up belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerKey {
    Session(SessionId),
    Room(ChannelId),
    Unrecorded,
    Beat,
}

/// The pending wake-ups: at most one per key.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_time: BTreeSet<(HubTime, TimerKey)>,
    by_key: BTreeMap<TimerKey, HubTime>,
}

impl Timers {
    /// Replaces the key's wake-up; `None` removes it.
    pub(crate) fn set(&mut self, key: TimerKey, at: Option<HubTime>) {
        let held = match at {
            Some(at) => self.by_key.insert(key, at),
            None => self.by_key.remove(&key),
        };
        if held != at {
            if let Some(held) = held {
                self.by_time.remove(&(held, key));
            }
            if let Some(at) = at {
                self.by_time.insert((at, key));
            }
        }
    }
    /// Puts the key's wake-up off until then, if it has one before.
    pub(crate) fn not_before(&mut self, key: TimerKey, at: HubTime) {
        if self.by_key.get(&key).is_some_and(|held| *held < at) {
            self.set(key, Some(at));
        }
    }
    /// Takes the earliest key that is due.
    pub(crate) fn take_due(&mut self, now: HubTime) -> Option<TimerKey> {
        let (at, key) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.set(key, None);
        Some(key)
    }
    /// The earliest wake-up.
    pub(crate) fn next(&self) -> Option<HubTime> {
        self.by_time.first().map(|(at, _)| *at)
    }
}
