//! One channel's room in this process: its timeline, its members and what is under way.

use std::collections::BTreeSet;

use lockstep_domain::ids::{Position, VideoId};
use uuid::Uuid;

use crate::{
    bursts::Bursts,
    bus::{Anchor, Telling},
    clock::HubTime,
    gate::{Current, Gate},
    outbox::{Keep, Shared},
    presence::Presence,
    remote::Remote,
    ring::Ring,
    session::SessionId,
    timeline::{Change, Line, Snapshot, Timeline, Track},
    transport::Transport,
    typing::Typing,
    votes::Ballot,
    window::Window,
};

/// Playback events kept while the snapshot is read.
const PENDING_EVENTS_MAX: usize = 1_024;
/// A room nobody is in is kept this long, so that a reconnecting crowd finds it.
const LINGER_MS: i64 = 60_000;
/// An end that did not take effect is asked for again after this.
const END_RETRY_MS: i64 = 1_000;

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
    pub(crate) ring: Ring,
    pub(crate) typing: Typing,
    pub(crate) gate: Gate,
    pub(crate) ballot: Ballot,
    pub(crate) bursts: Bursts,
    pub(crate) telling: Telling,
    /// How much longer than the conductor this hub waits before it asks for something by itself, µs; 0 when it conducts.
    pub(crate) patience_us: i64,
    loading: Loading,
    end: Option<(u64, EndAsked)>,
    empty_since: Option<HubTime>,
}

impl Room {
    /// A room whose snapshot has been asked for, when the feed has told up to `told`.
    pub(crate) fn asked(epoch: Uuid, seq: u64, floor: HubTime, told: Position) -> Self {
        Self {
            track: Track::new(epoch, seq, floor),
            presence: Presence::default(),
            joining: BTreeSet::new(),
            transport: Transport::default(),
            window: Window::default(),
            remote: Remote::default(),
            ring: Ring::starting(told),
            typing: Typing::default(),
            gate: Gate::default(),
            ballot: Ballot::default(),
            bursts: Bursts::default(),
            telling: Telling::default(),
            patience_us: 0,
            loading: Loading::Asked { pending: vec![], overflowed: false },
            end: None,
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
            self.change(now, position, &change, None);
        }
        true
    }

    /// The timeline and the change it stands for.
    pub(crate) fn current(&self) -> Option<Current> {
        let Loading::Loaded { position: at } = self.loading else { return None };
        let first_seq = self.track.first_seq();
        self.track.current().map(|timeline| Current { timeline, first_seq, at })
    }

    /// What other hubs are told of the film.
    pub(crate) fn anchor(&self) -> Option<Anchor> {
        let Current { timeline, at, .. } = self.current()?;
        Some(Anchor {
            position: at,
            position_us: timeline.position_us,
            rate_ppm: timeline.rate_ppm,
            at_us: timeline.at_hub_us,
            hold_until_us: timeline.hold_until_us,
            settled: self.track.is_settled(),
        })
    }

    /// A playback event from the feed, and its moment if another hub told it before; the timeline when viewers must be
    /// told.
    pub(crate) fn change(
        &mut self,
        now: HubTime,
        at: Position,
        change: &Change,
        told: Option<&Line>,
    ) -> Option<Timeline> {
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
                self.track.apply(now, change, told)
            }
        }
    }

    /// The film whose end must be asked for now, and the number of the change it belongs to.
    pub(crate) fn take_end(&mut self, now: HubTime) -> Option<(VideoId, u64)> {
        if self.end_due().is_none_or(|due| due > now) {
            return None;
        }
        let timeline = self.track.current()?;
        let seq = self.track.first_seq();
        self.end = Some((seq, EndAsked::Running));
        Some((timeline.video, seq))
    }
    /// Notes what became of it.
    pub(crate) fn end_done(&mut self, now: HubTime, seq: u64, changed: bool) {
        if self.end == Some((seq, EndAsked::Running)) {
            let asked = if changed { EndAsked::Done } else { EndAsked::RetryAt(now.plus_ms(END_RETRY_MS)) };
            self.end = Some((seq, asked));
        }
    }
    fn end_due(&self) -> Option<HubTime> {
        let ends_at = self.track.current()?.ends_at()? + self.patience_us;
        match self.end {
            Some((seq, asked)) if seq == self.track.first_seq() => match asked {
                EndAsked::Running | EndAsked::Done => None,
                EndAsked::RetryAt(at) => Some(at),
            },
            _ => Some(ends_at),
        }
    }

    /// Keeps what is durable for those who come back.
    pub(crate) fn remember(&mut self, events: &[Shared]) {
        for event in events.iter().filter(|event| matches!(event.keep, Keep::Always)) {
            if let Some(position) = event.position {
                self.ring.push(position, event.bytes.clone());
            }
        }
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
        let patience_us = self.patience_us;
        let release = self.current().and_then(|current| self.gate.due(&current, patience_us));
        // Votes are the conductor's to count.
        let count = self.ballot.due().filter(|_| patience_us == 0);
        let due = [
            self.presence.due(),
            self.typing.due(),
            self.bursts.due(),
            self.transport.due(),
            self.end_due(),
            release,
            self.gate.news_due(),
            count,
            self.remote.due(&self.presence, patience_us),
            linger,
        ];
        due.into_iter().flatten().min()
    }
}
