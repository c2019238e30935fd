//! When the votes to skip are counted: after each vote, and when those who are here changed while votes are open.
//!
//! Who is present is what this room knows, not what the log's visits say: a visit whose hub died never departs.

use std::collections::BTreeSet;

use lockstep_domain::ids::AccountId;

use crate::clock::HubTime;

/// Two counts are at least this far apart.
pub(crate) const COUNT_INTERVAL_MS: i64 = 500;

/// One room's open vote.
#[derive(Debug, Default)]
pub(crate) struct Ballot {
    open: bool,
    /// Votes came, or the last count failed: count again, whoever is here.
    pending: bool,
    running: bool,
    counted_for: BTreeSet<AccountId>,
    not_before: HubTime,
}

impl Ballot {
    pub(crate) fn voted(&mut self) {
        (self.open, self.pending) = (true, true);
    }
    /// Another film is on, or none.
    pub(crate) fn close(&mut self) {
        (self.open, self.pending) = (false, false);
    }
    /// Takes a count that is due now, among these.
    pub(crate) fn take(
        &mut self,
        now: HubTime,
        present: impl FnOnce() -> BTreeSet<AccountId>,
    ) -> Option<Vec<AccountId>> {
        if !self.open || self.running {
            return None;
        }
        let present = present();
        if present.is_empty() {
            // Nobody to count among: whoever comes is somebody new to count.
            (self.pending, self.counted_for) = (false, present);
            return None;
        }
        self.pending |= present != self.counted_for;
        if !self.pending || now < self.not_before {
            return None;
        }
        self.counted_for = present;
        (self.pending, self.running) = (false, true);
        Some(self.counted_for.iter().copied().collect())
    }
    pub(crate) fn counted(&mut self, done: bool, now: HubTime) {
        self.running = false;
        self.pending |= self.open && !done;
        self.not_before = now.plus_ms(COUNT_INTERVAL_MS);
    }
    /// When to look again; who comes and goes is looked at as it happens.
    pub(crate) fn due(&self) -> Option<HubTime> {
        (self.open && !self.running && self.pending).then_some(self.not_before)
    }
}
