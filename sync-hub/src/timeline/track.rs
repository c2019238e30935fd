//! One channel's timeline as this hub moves it: durable changes, what the store says, and other hubs' moments.

use lockstep_domain::{
    ids::VideoId,
    time::{MediaTime, RATE_NORMAL_PPM},
};
use uuid::Uuid;

use super::{Change, ChangeKind, PlaybackSnapshot, Timeline};
use crate::clock::HubTime;

/// Where a film is and when, after a change everybody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) position: MediaTime,
    pub(crate) rate_ppm: i64,
    pub(crate) at: HubTime,
    pub(crate) hold_until: Option<HubTime>,
}

impl Line {
    /// How far this timeline is from that line, µs of film time or of the wait; `None` when they speak of different
    /// changes. Before `now` nothing can be mended.
    fn apart_us(&self, timeline: &Timeline, now: HubTime) -> Option<i64> {
        if self.rate_ppm != timeline.rate_ppm || self.hold_until.is_some() != timeline.hold_until_us.is_some() {
            return None;
        }
        if self.rate_ppm > 0 {
            return timeline.passes(self.position).map(|at| self.at.since_us(at));
        }
        let stop_us = self.at.max(now).since_us(timeline.at_hub_us.max(now));
        let hold_us = self.hold_until.zip(timeline.hold_until_us).map_or(0, |(ours, theirs)| ours.since_us(theirs));
        let apart_us = if hold_us.abs() > stop_us.abs() { hold_us } else { stop_us };
        (self.position == timeline.position_us).then_some(apart_us)
    }
}

/// One channel's timeline, its sequence number and the floor of its effective times.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    epoch: Uuid,
    seq: u64,
    floor: HubTime,
    /// The shared speed, which outlives a film.
    speed_ppm: i64,
    current: Option<Timeline>,
    /// The number the last change was told with first.
    first_seq: u64,
    /// Whether the moment of the last change is known from the change itself, here or at another hub.
    settled: bool,
    /// Leads are longer by this: the way to the furthest hub with viewers here, µs.
    pub(crate) way_us: i64,
}

impl Track {
    /// `seq` and `floor` continue those of the channel's last stay in memory.
    pub(crate) fn new(epoch: Uuid, seq: u64, floor: HubTime) -> Self {
        let speed_ppm = RATE_NORMAL_PPM;
        Self { epoch, seq, floor, speed_ppm, current: None, first_seq: seq, settled: false, way_us: 0 }
    }
    pub(crate) fn current(&self) -> Option<Timeline> {
        self.current
    }
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }
    pub(crate) fn floor(&self) -> HubTime {
        self.floor
    }

    pub(crate) fn first_seq(&self) -> u64 {
        self.first_seq
    }
    pub(crate) fn is_settled(&self) -> bool {
        self.settled
    }
    /// Whether no other hub can know the moment of the last change better.
    pub(crate) fn settle(&mut self, settled: bool) {
        self.settled = settled;
    }

    /// The timeline after a change learnt now, at the moment another hub told if one was faster; `None` when nothing was
    /// loaded to change.
    pub(crate) fn apply(&mut self, now: HubTime, change: &Change, told: Option<&Line>) -> Option<Timeline> {
        let next = self.changed(now, change)?;
        let agreed = told.filter(|line| line.position == next.position_us && line.apart_us(&next, now).is_some());
        self.settled = true;
        Some(self.set(match agreed {
            Some(line) => Timeline { at_hub_us: line.at, hold_until_us: line.hold_until, ..next },
            None => next,
        }))
    }

    /// Takes another hub's word for when the last change takes effect; the timeline when viewers must be told. Less
    /// than the tolerance is not worth telling.
    pub(crate) fn adopt(&mut self, now: HubTime, line: &Line, tolerance_us: i64) -> Option<Timeline> {
        let held = self.current?;
        let apart_us = line.apart_us(&held, now)?;
        self.settled = true;
        if apart_us.abs() <= tolerance_us {
            return None;
        }
        let first_seq = self.first_seq;
        let next = Timeline {
            position_us: line.position,
            at_hub_us: line.at,
            hold_until_us: line.hold_until,
            seq: self.seq + 1,
            ..held
        };
        let next = self.set(next);
        self.first_seq = first_seq;
        Some(next)
    }

    fn changed(&mut self, now: HubTime, change: &Change) -> Option<Timeline> {
        let at = self.effective(now, change);
        if let Change::RateChanged { rate_ppm, .. } = change {
            self.speed_ppm = *rate_ppm;
        }
        let speed = self.speed_ppm;
        let next = match (*change, self.current) {
            (Change::Loaded { video, duration }, _) => self.timeline((video, duration), MediaTime::ZERO, 0, at),
            (_, None) => return None,
            (Change::Played { position } | Change::Released { position }, Some(t)) => {
                self.timeline(t.film(), position, speed, at)
            }
            (Change::Paused { position }, Some(t)) => self.timeline(t.film(), position, 0, at),
            (Change::Held { position, wait_us }, Some(t)) => {
                Timeline { hold_until_us: Some(now + wait_us), ..self.timeline(t.film(), position, 0, at) }
            }
            (Change::Seeked { position }, Some(t)) => {
                Timeline { hold_until_us: t.hold_until_us, ..self.timeline(t.film(), position, t.rate_ppm, at) }
            }
            (Change::RateChanged { position, .. }, Some(t)) => {
                let rate = if t.rate_ppm > 0 { speed } else { 0 };
                Timeline { hold_until_us: t.hold_until_us, ..self.timeline(t.film(), position, rate, at) }
            }
            (Change::Ended, Some(t)) => self.timeline(t.film(), t.duration_us, 0, at),
        };
        Some(next)
    }

    /// The timeline from durable state: position + (database now − recorded), less the lead that had to pass first.
    pub(crate) fn restore(&mut self, now: HubTime, snapshot: &PlaybackSnapshot) -> Timeline {
        self.speed_ppm = snapshot.speed_ppm;
        let rate = if snapshot.playing { snapshot.speed_ppm } else { 0 };
        let elapsed = snapshot.elapsed_us.max(0);
        let effective = snapshot.read_at + (snapshot.last.lead_ms() * 1_000 - elapsed);
        let at = effective.max(now).max(self.floor);
        let film = (snapshot.video, snapshot.duration);
        let from = self.timeline(film, snapshot.position, rate, effective);
        let hold_until_us = snapshot.held_us.map(|wait_us| snapshot.read_at + (wait_us - elapsed));
        let next = Timeline { hold_until_us, ..self.timeline(film, from.position_at(at), rate, at) };
        self.set(next)
    }

    /// The position a pause decided now should stop at: where the film is when the news has reached everybody.
    pub(crate) fn pause_position(&self, now: HubTime) -> Option<MediaTime> {
        self.current.map(|timeline| timeline.position_at(now + self.lead_us(ChangeKind::Paused)))
    }

    fn lead_us(&self, kind: ChangeKind) -> i64 {
        match kind.lead_ms() * 1_000 {
            0 => 0,
            lead_us => lead_us + self.way_us,
        }
    }

    fn effective(&self, now: HubTime, change: &Change) -> HubTime {
        let latest = now + self.lead_us(change.kind());
        let stop = match (change, self.current) {
            // The stop frame was chosen before the append: stop when the film passes it, not a commit's length later.
            (Change::Paused { position } | Change::RateChanged { position, .. }, Some(t)) => {
                t.passes(*position).filter(|at| (now..=latest).contains(at))
            }
            _ => None,
        };
        stop.unwrap_or(latest).max(self.floor)
    }

    fn timeline(
        &self,
        (video, duration): (VideoId, MediaTime),
        position: MediaTime,
        rate: i64,
        at: HubTime,
    ) -> Timeline {
        Timeline {
            video,
            duration_us: duration,
            position_us: position,
            rate_ppm: rate,
            at_hub_us: at,
            speed_ppm: self.speed_ppm,
            hold_until_us: None,
            seq: self.seq + 1,
            epoch: self.epoch,
        }
    }

    fn set(&mut self, next: Timeline) -> Timeline {
        (self.seq, self.floor, self.current) = (next.seq, next.at_hub_us, Some(next));
        self.first_seq = next.seq;
        next
    }
}
