//! A film that is held until everybody can start it: who is not ready, and what became of asking for the release.
//!
//! Everybody in the room is waited for, also who came during the hold, but never past its deadline; a viewer whose
//! browser refuses to play is not. Reports say which timeline a player is ready for, so one about an earlier film or
//! an earlier place counts for nothing.

use std::collections::BTreeMap;

use lockstep_domain::playback::ReleaseCause;

use crate::{clock::HubTime, presence::Presence, protocol::PlayerState, session::SessionId, timeline::Timeline};

/// Of those a film waits for, this many are named.
const WAITED_TOLD_MAX: usize = 20;
/// A release that had no effect is asked for again after this.
const RELEASE_RETRY_MS: i64 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Running,
    RetryAt(HubTime),
    Done,
}

/// One room's readiness.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    ready: BTreeMap<SessionId, u64>,
    /// The held timeline's number and whom viewers were told it waits for.
    told: Option<(u64, Vec<SessionId>)>,
    asked: Option<(u64, Asked)>,
}

impl Gate {
    /// Notes what a player says it could start.
    pub(crate) fn report(&mut self, session: SessionId, ready: Option<u64>) {
        match ready {
            Some(seq) => self.ready.insert(session, seq),
            None => self.ready.remove(&session),
        };
    }
    pub(crate) fn leave(&mut self, session: SessionId) {
        self.ready.remove(&session);
    }

    /// The seats of those who are connected and not ready.
    fn waits_for<'a>(
        &self,
        timeline: &Timeline,
        presence: &'a Presence,
    ) -> impl Iterator<Item = SessionId> + use<'a, '_> {
        let seq = timeline.seq;
        presence
            .seated()
            .filter(move |(socket, member)| {
                member.state != PlayerState::Blocked && self.ready.get(socket) != Some(&seq)
            })
            .map(|(_, member)| member.session)
    }

    /// What viewers must be told of whom the film waits for: the timeline's number and the sessions.
    pub(crate) fn news(&mut self, timeline: Option<Timeline>, presence: &Presence) -> Option<(u64, Vec<SessionId>)> {
        let Some(held) = timeline.filter(|timeline| timeline.hold_until_us.is_some()) else {
            self.told = None;
            return None;
        };
        let next = (held.seq, self.waits_for(&held, presence).take(WAITED_TOLD_MAX).collect());
        if self.told.as_ref() == Some(&next) {
            return None;
        }
        self.told = Some(next.clone());
        Some(next)
    }

    /// Whether the film must be released now, and why; noted as asked for.
    pub(crate) fn take(&mut self, now: HubTime, held: &Timeline, presence: &Presence) -> Option<ReleaseCause> {
        let deadline = held.hold_until_us?;
        match self.asked {
            Some((seq, Asked::Running | Asked::Done)) if seq == held.seq => return None,
            Some((seq, Asked::RetryAt(at))) if seq == held.seq && now < at => return None,
            _ => {}
        }
        // Nobody there is nobody ready: an empty room waits for its deadline.
        let all_ready = !presence.is_empty() && self.waits_for(held, presence).next().is_none();
        let cause = match (all_ready, now >= deadline) {
            (true, _) => ReleaseCause::Ready,
            (false, true) => ReleaseCause::Deadline,
            (false, false) => {
                // Somebody came while it was to be asked for again: nothing is due before they are ready.
                self.asked = None;
                return None;
            }
        };
        self.asked = Some((held.seq, Asked::Running));
        Some(cause)
    }
    /// Notes what became of it.
    pub(crate) fn released(&mut self, seq: u64, changed: bool, now: HubTime) {
        if self.asked == Some((seq, Asked::Running)) {
            let asked = if changed { Asked::Done } else { Asked::RetryAt(now.plus_ms(RELEASE_RETRY_MS)) };
            self.asked = Some((seq, asked));
        }
    }
    /// When to look again if nobody reports before.
    pub(crate) fn due(&self, timeline: &Timeline) -> Option<HubTime> {
        let deadline = timeline.hold_until_us?;
        match self.asked {
            Some((seq, Asked::Running | Asked::Done)) if seq == timeline.seq => None,
            Some((seq, Asked::RetryAt(at))) if seq == timeline.seq => Some(at),
            _ => Some(deadline),
        }
    }
}
