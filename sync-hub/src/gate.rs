//! A film that is held until everybody can start it: who is not ready, and what became of asking for the release.
//!
//! Everybody in the room is waited for, also who came during the hold, but never past its deadline; a viewer whose
//! browser refuses to play is not. Reports say which timeline a player is ready for, so one about an earlier film or
//! an earlier place counts for nothing.

use std::collections::BTreeMap;

use lockstep_domain::{ids::Position, playback::ReleaseCause};

use crate::{clock::HubTime, presence::Presence, protocol::PlayerState, session::SessionId, timeline::Timeline};

/// The timeline and the change it stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Current {
    pub(crate) timeline: Timeline,
    /// The number the change was told with first; a moment mended later has a higher one.
    pub(crate) first_seq: u64,
    /// The change's place in the log: what hubs know it by.
    pub(crate) at: Position,
}

/// Of those a film waits for, this many are named.
const WAITED_TOLD_MAX: usize = 20;
/// Whom a film waits for is told at most once in this time.
const WAITING_INTERVAL_MS: i64 = 250;
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
    /// Nothing more is told of the same timeline before.
    quiet_until: HubTime,
    /// It waits for others than was told.
    untold: bool,
    asked: Option<(u64, Asked)>,
}

impl Gate {
    /// Notes what a player says it could start; true when that is new.
    pub(crate) fn report(&mut self, session: SessionId, ready: Option<u64>) -> bool {
        let before = match ready {
            Some(seq) => self.ready.insert(session, seq),
            None => self.ready.remove(&session),
        };
        before != ready
    }
    pub(crate) fn leave(&mut self, session: SessionId) {
        self.ready.remove(&session);
    }

    /// Whether this socket's player could start the film now.
    pub(crate) fn is_ready(&self, current: &Current, socket: SessionId) -> bool {
        self.ready.get(&socket).is_some_and(|seq| (current.first_seq..=current.timeline.seq).contains(seq))
    }

    /// The seats of those who are connected, here or at another hub, and not ready.
    fn waits_for(&self, current: &Current, presence: &Presence) -> impl Iterator<Item = SessionId> {
        let here = presence.seated().filter(|(socket, _)| !self.is_ready(current, *socket)).map(|(_, member)| member);
        let elsewhere = presence.elsewhere().filter(|seen| seen.ready != Some(current.at)).map(|seen| &seen.member);
        let waiting = here.chain(elsewhere).filter(|member| member.state != PlayerState::Blocked);
        waiting.map(|member| member.session)
    }

    /// What viewers must be told of whom the film waits for: the timeline's number and the sessions.
    /// At most once in [`WAITING_INTERVAL_MS`]: hundreds become ready within a second.
    pub(crate) fn news(
        &mut self,
        now: HubTime,
        current: Option<Current>,
        presence: &Presence,
    ) -> Option<(u64, Vec<SessionId>)> {
        self.untold = false;
        let Some(held) = current.filter(|current| current.timeline.hold_until_us.is_some()) else {
            self.told = None;
            return None;
        };
        let next = (held.timeline.seq, self.waits_for(&held, presence).take(WAITED_TOLD_MAX).collect());
        if self.told.as_ref() == Some(&next) {
            return None;
        }
        if self.told.as_ref().is_some_and(|(seq, _)| *seq == next.0) && now < self.quiet_until {
            self.untold = true;
            return None;
        }
        self.quiet_until = now.plus_ms(WAITING_INTERVAL_MS);
        self.told = Some(next.clone());
        Some(next)
    }

    /// When viewers are to be told of whom the film waits for.
    pub(crate) fn news_due(&self) -> Option<HubTime> {
        self.untold.then_some(self.quiet_until)
    }

    /// Whether the film must be released now, and why; noted as asked for. Who does not conduct the room has patience,
    /// µs: it leaves the viewers to the conductor, and asks when the deadline is that long past.
    pub(crate) fn take(
        &mut self,
        now: HubTime,
        held: &Current,
        presence: &Presence,
        patience_us: i64,
    ) -> Option<ReleaseCause> {
        let deadline = held.timeline.hold_until_us? + patience_us;
        match self.asked {
            Some((seq, Asked::Running | Asked::Done)) if seq == held.first_seq => return None,
            Some((seq, Asked::RetryAt(at))) if seq == held.first_seq && now < at => return None,
            _ => {}
        }
        // Nobody there is nobody ready: an empty room waits for its deadline.
        let all_ready = patience_us == 0
            && presence.here().next().is_some()
            && presence.unready_in_crowds(held.at) == 0
            && self.waits_for(held, presence).next().is_none();
        let cause = match (all_ready, now >= deadline) {
            (true, _) => ReleaseCause::Ready,
            (false, true) => ReleaseCause::Deadline,
            (false, false) => {
                // Somebody came while it was to be asked for again: nothing is due before they are ready.
                self.asked = None;
                return None;
            }
        };
        self.asked = Some((held.first_seq, Asked::Running));
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
    pub(crate) fn due(&self, held: &Current, patience_us: i64) -> Option<HubTime> {
        let deadline = held.timeline.hold_until_us? + patience_us;
        match self.asked {
            Some((seq, Asked::Running | Asked::Done)) if seq == held.first_seq => None,
            Some((seq, Asked::RetryAt(at))) if seq == held.first_seq => Some(at),
            _ => Some(deadline),
        }
    }
}
