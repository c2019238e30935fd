//! One channel's room in this process: its timeline, its members and what is under way.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_domain::ids::{AccountId, Position, VideoId, VisitId};
use uuid::Uuid;

use crate::{
    clock::HubTime,
    presence::Presence,
    remote::Remote,
    session::SessionId,
    timeline::{Change, Snapshot, Timeline, Track},
    transport::Transport,
    window::Window,
};

/// Playback events kept while the snapshot is read.
const PENDING_EVENTS_MAX: usize = 1_024;
/// A room nobody is in is kept this long, so that a reconnecting crowd finds it.
const LINGER_MS: i64 = 60_000;
/// An end that did not take effect is asked for again after this.
const END_RETRY_MS: i64 = 1_000;
/// A viewer who comes back with the same visit within this has not departed.
const DEPARTURE_GRACE_MS: i64 = 10_000;

/// Whether the snapshot is there.
#[derive(Debug)]
enum Loading {
    /// The playback events that came since it was asked for.
    Asked { pending: Vec<(Position, Change)>, overflowed: bool },
    /// Playback events up to here are in the timeline.
    Loaded { position: Position },
}

/// What became of asking for the end of the film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndAsked {
    Running,
    RetryAt(HubTime),
    Done,
}

/// A room.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) track: Track,
    pub(crate) presence: Presence,
    pub(crate) joining: BTreeSet<SessionId>,
    pub(crate) transport: Transport,
    pub(crate) window: Window,
    pub(crate) remote: Remote,
    loading: Loading,
    end: Option<(u64, EndAsked)>,
    departing: BTreeMap<VisitId, (AccountId, HubTime)>,
    empty_since: Option<HubTime>,
}

impl Room {
    /// A room whose snapshot has been asked for.
    pub(crate) fn asked(epoch: Uuid, seq: u64, floor: HubTime) -> Self {
        Self {
            track: Track::new(epoch, seq, floor),
            presence: Presence::default(),
            joining: BTreeSet::new(),
            transport: Transport::default(),
            window: Window::default(),
            remote: Remote::default(),
            loading: Loading::Asked { pending: vec![], overflowed: false },
            end: None,
            departing: BTreeMap::new(),
            empty_since: None,
        }
    }
    pub(crate) fn is_loaded(&self) -> bool {
        matches!(self.loading, Loading::Loaded { .. })
    }

    /// Takes the snapshot and what the feed told since; false when it must be read again.
    pub(crate) fn load(&mut self, now: HubTime, snapshot: &Snapshot) -> bool {
        let Loading::Asked { pending, overflowed } = &mut self.loading else { return true };
        let pending = std::mem::take(pending);
        if std::mem::take(overflowed) {
            return false;
        }
        self.remote.learn(snapshot.channel_position, snapshot.remote);
        if let Some(playback) = &snapshot.playback {
            self.track.restore(now, playback);
        }
        self.loading = Loading::Loaded { position: snapshot.position };
        for (position, change) in pending {
            self.change(now, position, &change);
        }
        true
    }

    /// A playback event from the feed; the timeline when viewers must be told.
    pub(crate) fn change(&mut self, now: HubTime, at: Position, change: &Change) -> Option<Timeline> {
        match &mut self.loading {
            Loading::Asked { pending, overflowed } => {
                if pending.len() < PENDING_EVENTS_MAX {
                    pending.push((at, *change))
                } else {
                    *overflowed = true
                }
                None
            }
            Loading::Loaded { position } if at <= *position => None,
            Loading::Loaded { position } => {
                *position = at;
                self.track.apply(now, change)
            }
        }
    }

    /// The film whose end must be asked for now, and the timeline's number it belongs to.
    pub(crate) fn take_end(&mut self, now: HubTime) -> Option<(VideoId, u64)> {
        if self.end_due().is_none_or(|due| due > now) {
            return None;
        }
        let timeline = self.track.current()?;
        self.end = Some((timeline.seq, EndAsked::Running));
        Some((timeline.video, timeline.seq))
    }
    /// Notes what became of it.
    pub(crate) fn end_done(&mut self, now: HubTime, seq: u64, changed: bool) {
        if self.end == Some((seq, EndAsked::Running)) {
            let asked = if changed { EndAsked::Done } else { EndAsked::RetryAt(now.plus_ms(END_RETRY_MS)) };
            self.end = Some((seq, asked));
        }
    }
    fn end_due(&self) -> Option<HubTime> {
        let timeline = self.track.current()?;
        let ends_at = timeline.ends_at()?;
        match self.end {
            Some((seq, asked)) if seq == timeline.seq => match asked {
                EndAsked::Running | EndAsked::Done => None,
                EndAsked::RetryAt(at) => Some(at),
            },
            _ => Some(ends_at),
        }
    }

    /// A viewer's socket is gone; whether for good shows later.
    pub(crate) fn gone(&mut self, visit: VisitId, account: AccountId, now: HubTime) {
        self.departing.insert(visit, (account, now.plus_ms(DEPARTURE_GRACE_MS)));
    }
    /// True when this visit had only lost its socket.
    pub(crate) fn came_back(&mut self, visit: VisitId, account: AccountId) -> bool {
        let same = self.departing.get(&visit).is_some_and(|(who, _)| *who == account);
        same && self.departing.remove(&visit).is_some()
    }
    /// Takes a visit that did not come back.
    pub(crate) fn take_departure(&mut self, now: HubTime) -> Option<(VisitId, AccountId)> {
        let (visit, account) =
            self.departing.iter().find(|(_, (_, at))| *at <= now).map(|(visit, (account, _))| (*visit, *account))?;
        self.departing.remove(&visit);
        Some((visit, account))
    }

    /// Notes whether anybody is here; true when the room has been empty long enough to be forgotten.
    pub(crate) fn is_over(&mut self, now: HubTime) -> bool {
        if !self.presence.is_empty() || !self.joining.is_empty() {
            self.empty_since = None;
            return false;
        }
        let since = *self.empty_since.get_or_insert(now);
        now >= since.plus_ms(LINGER_MS)
    }

    /// When this room must be looked at next.
    pub(crate) fn due(&self) -> Option<HubTime> {
        let linger = self.empty_since.map(|since| since.plus_ms(LINGER_MS));
        let departure = self.departing.values().map(|(_, at)| *at).min();
        let remote = self.remote.due(&self.presence);
        let due = [self.presence.due(), self.transport.due(), self.end_due(), departure, remote, linger];
        due.into_iter().flatten().min()
    }
}
