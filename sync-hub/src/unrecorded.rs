//! Arrivals and departures that the log could not take: tried again, each time later, until it takes them, they do not hold
//! any more, or this process ends.

use std::collections::BTreeMap;

use lockstep_domain::ids::{AccountId, ChannelId, VisitId};

use crate::clock::HubTime;

/// Visits that wait; the one that would be tried next goes when there are more.
const WAITING_MAX: usize = 4_096;
/// The first pause, ms; each is twice as long as the one before, up to the last.
const AGAIN_MS_FIRST: i64 = 1_000;
const AGAIN_MS_MAX: i64 = 32_000;
/// Tried at once, and then not for a while, ms: what failed together is not tried together.
const AT_ONCE_MAX: usize = 16;
const PACE_MS: i64 = 250;

/// What is to be recorded of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Note {
    pub channel: ChannelId,
    pub account: AccountId,
    pub visit: VisitId,
    pub arrives: bool,
    /// How often it was tried before.
    pub tries: u32,
}

/// Those that wait, by when they are due.
#[derive(Debug, Default)]
pub(crate) struct Unrecorded {
    waiting: BTreeMap<(HubTime, VisitId), Note>,
    due_of: BTreeMap<VisitId, HubTime>,
}

impl Unrecorded {
    /// To be tried again, in place of what waited for this visit.
    pub(crate) fn put(&mut self, note: Note, now: HubTime) {
        self.forget(note.visit);
        if self.waiting.len() >= WAITING_MAX
            && let Some((_, dropped)) = self.waiting.pop_first()
        {
            self.due_of.remove(&dropped.visit);
        }
        let pause = AGAIN_MS_FIRST.saturating_mul(1 << note.tries.min(16)).min(AGAIN_MS_MAX);
        let due = now.plus_ms(pause);
        self.due_of.insert(note.visit, due);
        self.waiting.insert((due, note.visit), Note { tries: note.tries + 1, ..note });
    }

    fn forget(&mut self, visit: VisitId) {
        if let Some(due) = self.due_of.remove(&visit) {
            self.waiting.remove(&(due, visit));
        }
    }

    /// Those to be tried now.
    pub(crate) fn take(&mut self, now: HubTime) -> Vec<Note> {
        let mut taken = vec![];
        while taken.len() < AT_ONCE_MAX
            && let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now)
        {
            let note = first.remove();
            self.due_of.remove(&note.visit);
            taken.push(note);
        }
        taken
    }

    /// When the next are to be taken.
    pub(crate) fn due(&self, now: HubTime) -> Option<HubTime> {
        self.waiting.first_key_value().map(|((due, _), _)| (*due).max(now.plus_ms(PACE_MS)))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn note(n: u128) -> Note {
        let (channel, account) = (ChannelId(Uuid::nil()), AccountId(Uuid::nil()));
        Note { channel, account, visit: VisitId(Uuid::from_u128(n)), arrives: false, tries: 0 }
    }

    #[test]
    fn pauses_double_up_to_the_last() {
        let (mut list, mut now, mut next, mut pauses) = (Unrecorded::default(), HubTime::default(), note(1), vec![]);
        for _ in 0..8 {
            list.put(next, now);
            let due = list.due(now).unwrap();
            pauses.push(due.since_us(now) / 1_000_000);
            assert_eq!(list.take(HubTime(due.0 - 1)), []);
            now = due;
            next = list.take(now)[0];
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 32, 32]);
    }

    #[test]
    fn what_failed_together_is_tried_a_few_at_a_time_and_once_for_each_visit() {
        let (mut list, now) = (Unrecorded::default(), HubTime::default());
        for n in 0..40 {
            list.put(note(n), now);
            list.put(note(n), now);
        }
        list.forget(note(7).visit);
        let mut at = list.due(now).unwrap();
        let mut taken = vec![];
        while let Some(due) = list.due(at).filter(|_| taken.len() < 5) {
            taken.push(list.take(at).len());
            at = due;
        }
        assert_eq!(taken, [16, 16, 7]);
    }

    #[test]
    fn only_so_many_wait() {
        let (mut list, now) = (Unrecorded::default(), HubTime::default());
        for n in 0..=WAITING_MAX as u128 {
            list.put(note(n), now);
        }
        assert_eq!((list.waiting.len(), list.due_of.len()), (WAITING_MAX, WAITING_MAX));
    }
}
