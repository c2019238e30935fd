//! Changes of presence not yet told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    outbox::{Keep, Shared},
    protocol::{Event, Member},
    session::SessionId,
};

/// What happened to the seats told by name, and whether the number of people changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delta {
    joined: BTreeMap<SessionId, Member>,
    left: BTreeSet<SessionId>,
    changed: BTreeMap<SessionId, Member>,
    counted: bool,
}

impl Delta {
    pub(super) fn is_empty(&self) -> bool {
        !self.counted && self.joined.is_empty() && self.left.is_empty() && self.changed.is_empty()
    }
    /// The number of people is another.
    pub(super) fn count(&mut self) {
        self.counted = true;
    }
    pub(super) fn join(&mut self, member: Member) {
        self.joined.insert(member.session, member);
    }
    pub(super) fn leave(&mut self, session: SessionId) {
        self.joined.remove(&session);
        self.changed.remove(&session);
        self.left.insert(session);
    }
    pub(super) fn change(&mut self, member: Member) {
        match self.joined.get_mut(&member.session) {
            Some(joined) => *joined = member,
            None => {
                self.changed.insert(member.session, member);
            }
        }
    }
    /// Adds what happened after this delta.
    pub(crate) fn merge(&mut self, newer: &Self) {
        newer.left.iter().for_each(|session| self.leave(*session));
        newer.joined.values().for_each(|member| self.join(member.clone()));
        newer.changed.values().for_each(|member| self.change(member.clone()));
        self.counted |= newer.counted;
    }
    /// The delta as an event for everybody; `people` is how many are here after it.
    pub(crate) fn shared(self, people: usize) -> Shared {
        let bytes = Event::Presence {
            joined: self.joined.values().collect(),
            left: self.left.iter().copied().collect(),
            changed: self.changed.values().map(Member::condition).collect(),
            people,
        }
        .bytes();
        Shared { bytes, keep: Keep::Presence { delta: Arc::new(self), people }, position: None }
    }
}
