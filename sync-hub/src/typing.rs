//! Who is writing a message: a few names and a number, told again at most every [`TYPING_INTERVAL_MS`].

use std::collections::BTreeMap;

use lockstep_domain::ids::AccountId;

use crate::{
    clock::HubTime,
    outbox::Shared,
    protocol::{Event, Person},
};

/// Typing frames of a room are at least this far apart.
const TYPING_INTERVAL_MS: i64 = 500;
/// Somebody counts as typing for this long after the last word of it.
const TYPING_MS_MAX: i64 = 4_000;
/// Names told: three, and one more for the reader who is among them.
const TYPISTS_TOLD_MAX: usize = 4;
/// Typists followed per room.
const TYPISTS_MAX: usize = 64;

/// A room's typists.
#[derive(Debug, Default)]
pub(crate) struct Typing {
    /// By account: since when, until when.
    typists: BTreeMap<AccountId, (Person, HubTime, HubTime)>,
    untold: bool,
    quiet_until: HubTime,
}

impl Typing {
    /// Somebody types.
    pub(crate) fn typed(&mut self, person: &Person, now: HubTime) {
        let until = now.plus_ms(TYPING_MS_MAX);
        if let Some((_, _, held)) = self.typists.get_mut(&person.id) {
            *held = until;
        } else if self.typists.len() < TYPISTS_MAX {
            self.typists.insert(person.id, (person.clone(), now, until));
            self.untold = true;
        }
    }
    /// Somebody has sent the message, or is gone.
    pub(crate) fn stopped(&mut self, account: AccountId) {
        self.untold |= self.typists.remove(&account).is_some();
    }
    /// When the next frame is due, or somebody has stopped without a word.
    pub(crate) fn due(&self) -> Option<HubTime> {
        let lapse = self.typists.values().map(|(_, _, until)| *until).min();
        let frame = self.untold.then_some(self.quiet_until);
        [lapse, frame].into_iter().flatten().min()
    }
    /// Takes the frame that is due now.
    pub(crate) fn take(&mut self, now: HubTime) -> Option<Shared> {
        let before = self.typists.len();
        self.typists.retain(|_, (_, _, until)| *until > now);
        self.untold |= self.typists.len() < before;
        if !self.untold || self.quiet_until > now {
            return None;
        }
        (self.untold, self.quiet_until) = (false, now.plus_ms(TYPING_INTERVAL_MS));
        let mut typists: Vec<_> = self.typists.values().map(|(person, since, _)| (*since, person)).collect();
        // Who began first stands first, so that the line does not jump.
        typists.sort_by_key(|(since, person)| (*since, person.id));
        let accounts: Vec<&Person> = typists.iter().take(TYPISTS_TOLD_MAX).map(|(_, person)| *person).collect();
        let more = typists.len() - accounts.len();
        Some(Shared::droppable(&Event::Typing { accounts, more }))
    }
}
