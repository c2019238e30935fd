//! Who is in a room, and what changed since it was last told: at most one frame per [`PRESENCE_INTERVAL_MS`].

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lockstep_domain::{ids::AccountId, permission::ChannelRole};

use crate::{
    clock::HubTime,
    outbox::{Keep, Shared},
    protocol::{Event, Member, PlayerState},
    session::SessionId,
};

/// Presence frames of a room are at least this far apart.
pub const PRESENCE_INTERVAL_MS: i64 = 250;
/// Above this many members a mere change of the sync error is not told: it would grow with their square.
const ERROR_MEMBERS_MAX: usize = 50;

/// Changes of presence not yet told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delta {
    joined: BTreeMap<SessionId, Member>,
    left: BTreeSet<SessionId>,
    changed: BTreeMap<SessionId, Member>,
}

impl Delta {
    fn is_empty(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty() && self.changed.is_empty()
    }
    fn join(&mut self, member: Member) {
        self.joined.insert(member.session, member);
    }
    fn leave(&mut self, session: SessionId) {
        self.joined.remove(&session);
        self.changed.remove(&session);
        self.left.insert(session);
    }
    fn change(&mut self, member: Member) {
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
    }
    /// The delta as an event for everybody.
    pub(crate) fn shared(self) -> Shared {
        let bytes = Event::Presence {
            joined: self.joined.values().collect(),
            left: self.left.iter().copied().collect(),
            changed: self.changed.values().collect(),
        }
        .bytes();
        Shared { bytes, keep: Keep::Presence(Arc::new(self)) }
    }
}

/// The members of one room.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    members: BTreeMap<SessionId, Member>,
    delta: Delta,
    /// Not before this time may the next frame go out.
    quiet_until: HubTime,
}

impl Presence {
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }
    pub(crate) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.members.keys().copied()
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
    pub(crate) fn join(&mut self, member: Member) {
        self.delta.join(member.clone());
        self.members.insert(member.session, member);
    }
    pub(crate) fn leave(&mut self, session: SessionId) {
        if self.members.remove(&session).is_some() {
            self.delta.leave(session);
        }
    }
    /// Notes a player's report.
    pub(crate) fn report(&mut self, session: SessionId, state: PlayerState, error_us: Option<i64>) {
        let few = self.members.len() <= ERROR_MEMBERS_MAX;
        let Some(member) = self.members.get_mut(&session) else { return };
        let told = member.state != state || (few && member.error_us != error_us);
        (member.state, member.error_us) = (state, error_us);
        if told {
            self.delta.change(member.clone());
        }
    }
    /// Gives every session of this account its new role.
    pub(crate) fn grant(&mut self, account: AccountId, role: ChannelRole) {
        for member in self.members.values_mut().filter(|member| member.account.id == account && member.role != role) {
            member.role = role;
            self.delta.change(member.clone());
        }
    }
    /// When the next frame is due.
    pub(crate) fn due(&self) -> Option<HubTime> {
        (!self.delta.is_empty()).then_some(self.quiet_until)
    }
    /// Takes the frame that is due now.
    pub(crate) fn take(&mut self, now: HubTime) -> Option<Shared> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        self.quiet_until = now.plus_ms(PRESENCE_INTERVAL_MS);
        Some(std::mem::take(&mut self.delta).shared())
    }
}
