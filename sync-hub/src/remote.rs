//! The one remote: who has it, and who inherits it when its holder was away too long.

use std::{cmp::Reverse, collections::BTreeMap};

use lockstep_domain::ids::{AccountId, Position};

use crate::{clock::HubTime, presence::Presence, protocol::Member};

/// The holder of the one remote may be away this long before somebody else gets it.
pub const INHERIT_AFTER_MS: i64 = 30_000;
/// An inheritance that did not take effect is asked for again after this.
const RETRY_MS: i64 = 5_000;

/// What became of asking for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Asked {
    #[default]
    No,
    Running,
    RetryAt(HubTime),
}

/// A room's one remote.
#[derive(Debug, Default)]
pub(crate) struct Remote {
    /// What the log said last, and where.
    known: Position,
    holder: Option<AccountId>,
    absent_since: Option<HubTime>,
    asked: Asked,
    /// Since when somebody is here; a short loss of the socket does not count.
    arrivals: BTreeMap<AccountId, HubTime>,
}

impl Remote {
    /// Takes what the log says at this position; older news changes nothing.
    pub(crate) fn learn(&mut self, at: Position, holder: Option<AccountId>) {
        if at < self.known {
            return;
        }
        self.known = at;
        if self.holder != holder {
            (self.holder, self.absent_since, self.asked) = (holder, None, Asked::No);
        }
    }

    /// Somebody's session was admitted.
    pub(crate) fn arrived(&mut self, account: AccountId, now: HubTime) {
        self.arrivals.entry(account).or_insert(now);
    }
    /// A visit of somebody is over.
    pub(crate) fn departed(&mut self, account: AccountId, presence: &Presence) {
        if !is_here(presence, account) {
            self.arrivals.remove(&account);
        }
    }

    /// From whom to whom the remote goes now, if that is due: to the highest role here, and the longest here of those.
    /// Who does not conduct the room waits longer, µs.
    pub(crate) fn take(
        &mut self,
        now: HubTime,
        presence: &Presence,
        patience_us: i64,
    ) -> Option<(AccountId, AccountId)> {
        let holder = self.holder?;
        if is_here(presence, holder) {
            (self.absent_since, self.asked) = (None, Asked::No);
            return None;
        }
        self.absent_since.get_or_insert(now);
        if self.wanted_at(patience_us).is_none_or(|at| at > now) {
            return None;
        }
        // Who came to another hub is known by when the seat was taken.
        let since = |member: &Member| self.arrivals.get(&member.account.id).copied().unwrap_or(member.since_us);
        let rank = |member: &&Member| (member.role, Reverse(since(member)), Reverse(member.account.id));
        let heir = presence.here().max_by_key(rank)?;
        self.asked = Asked::Running;
        Some((holder, heir.account.id))
    }

    /// Notes the answer: when it worked, the feed tells the new holder before this asks again.
    pub(crate) fn asked(&mut self, now: HubTime) {
        if self.asked == Asked::Running {
            self.asked = Asked::RetryAt(now.plus_ms(RETRY_MS));
        }
    }

    /// When to look again; never while nobody is here to inherit.
    pub(crate) fn due(&self, presence: &Presence, patience_us: i64) -> Option<HubTime> {
        self.wanted_at(patience_us).filter(|_| !presence.is_empty())
    }

    fn wanted_at(&self, patience_us: i64) -> Option<HubTime> {
        let since = self.absent_since?;
        match self.asked {
            Asked::No => Some(since.plus_ms(INHERIT_AFTER_MS) + patience_us),
            Asked::Running => None,
            Asked::RetryAt(at) => Some(at),
        }
    }
}

fn is_here(presence: &Presence, account: AccountId) -> bool {
    presence.here().any(|member| member.account.id == account)
}
