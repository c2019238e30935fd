//! What a channel plays and where: the shared timeline as events.
//!
//! An event says "at wall time `at_us` the film is at `position_us`". The wall time serves replay and recovery
//! only; viewers follow the hub's monotonic clock.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, event_names,
    ids::{QueueItemId, VideoId},
    permission::Permission,
    standing::{Denied, Standing},
    time::{MediaTime, RATE_NORMAL_PPM, Timestamp},
};

/// How long a film that has been started waits for viewers who are not ready, ms.
pub const HOLD_MS_MAX: i64 = 10_000;
/// The slowest shared speed, parts per million.
pub const SPEED_PPM_MIN: i64 = 500_000;
/// The fastest shared speed, parts per million.
pub const SPEED_PPM_MAX: i64 = 2_000_000;
/// Shared speeds are whole multiples of this.
pub const SPEED_PPM_STEP: i64 = 250_000;

/// Why a film is held before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// It was loaded, and everybody's player needs a moment.
    Start,
}

/// What ended a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseCause {
    /// Everybody who was there was ready.
    Ready,
    Deadline,
    /// Somebody did not want to wait any longer.
    Person,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PlaybackEvent {
    VideoLoaded {
        video: VideoId,
        duration_us: MediaTime,
        at_us: Timestamp,
        /// The queue's item it came from; absent when it was loaded by hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<QueueItemId>,
    },
    Played {
        position_us: MediaTime,
        at_us: Timestamp,
    },
    Paused {
        position_us: MediaTime,
        at_us: Timestamp,
    },
    Seeked {
        position_us: MediaTime,
        at_us: Timestamp,
        /// Where the film was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_us: Option<MediaTime>,
    },
    Ended {
        at_us: Timestamp,
    },
    /// It will start when everybody is ready, at the latest at the deadline.
    Held {
        reason: HoldReason,
        position_us: MediaTime,
        deadline_us: Timestamp,
        at_us: Timestamp,
    },
    Released {
        cause: ReleaseCause,
        position_us: MediaTime,
        at_us: Timestamp,
    },
    /// The shared speed, from this position on.
    RateChanged {
        rate_ppm: i64,
        position_us: MediaTime,
        at_us: Timestamp,
    },
    /// Ended before its end, because the viewers voted for the next.
    Skipped {
        /// Where the film was.
        from_us: MediaTime,
        at_us: Timestamp,
    },
}
event_names!(PlaybackEvent { VideoLoaded, Played, Paused, Seeked, Ended, Held, Released, RateChanged, Skipped });

/// The folded timeline. `video` is `None` until something was loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaybackState {
    pub video: Option<VideoId>,
    /// The queue's item that was loaded, if it came from there.
    pub item: Option<QueueItemId>,
    pub duration: MediaTime,
    /// Where the film is at wall time `at`.
    pub position: MediaTime,
    pub at: Timestamp,
    pub playing: bool,
    /// The shared speed, parts per million: how fast it runs when it plays. Outlives a film.
    pub speed_ppm: i64,
    /// How many films have been loaded here: names the present one among loads of the same film.
    pub load: u64,
    /// Whether it was started since it was loaded.
    pub started: bool,
    /// Until when it waits for viewers before it starts.
    pub held_until: Option<Timestamp>,
    /// It came to its end, or was skipped, and nobody has touched it since.
    pub ended: bool,
}

impl Default for PlaybackState {
    fn default() -> Self {
        Self {
            video: None,
            item: None,
            duration: MediaTime::ZERO,
            position: MediaTime::ZERO,
            at: Timestamp::default(),
            playing: false,
            speed_ppm: RATE_NORMAL_PPM,
            load: 0,
            started: false,
            held_until: None,
            ended: false,
        }
    }
}

impl PlaybackState {
    /// Where the film is at this wall time, within `0..=duration`.
    pub fn position_at(&self, at: Timestamp) -> MediaTime {
        let elapsed = if self.playing { at.0.saturating_sub(self.at.0).max(0) } else { 0 };
        let moved = i128::from(elapsed) * i128::from(self.speed_ppm) / i128::from(RATE_NORMAL_PPM);
        let moved = i64::try_from(moved).unwrap_or(i64::MAX);
        self.nearest(MediaTime(self.position.0.saturating_add(moved)))
    }
    fn nearest(&self, position: MediaTime) -> MediaTime {
        position.clamp(MediaTime::ZERO, self.duration.max(MediaTime::ZERO))
    }
    /// Parts per million: the shared speed when playing, 0 when paused.
    pub fn rate_ppm(&self) -> i64 {
        if self.playing { self.speed_ppm } else { 0 }
    }
    /// The load that a vote to skip is about: something that has not ended.
    pub fn skippable(&self) -> Option<u64> {
        (self.video.is_some() && !self.ended).then_some(self.load)
    }
    fn held(&self, position: MediaTime, at: Timestamp) -> PlaybackEvent {
        let deadline_us = Timestamp(at.0.saturating_add(HOLD_MS_MAX * 1_000));
        PlaybackEvent::Held { reason: HoldReason::Start, position_us: position, deadline_us, at_us: at }
    }
}

/// A film to put on, as looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loadable {
    pub video: VideoId,
    pub duration: MediaTime,
    pub playable: bool,
    /// The queue's item it is taken from.
    pub item: Option<QueueItemId>,
}

impl Loadable {
    fn loaded(&self, at: Timestamp) -> Result<PlaybackEvent, PlaybackError> {
        if !self.playable || self.duration <= MediaTime::ZERO {
            return Err(PlaybackError::NotPlayable);
        }
        Ok(PlaybackEvent::VideoLoaded { video: self.video, duration_us: self.duration, at_us: at, item: self.item })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum PlaybackCommand {
    LoadVideo {
        standing: Standing,
        video: VideoId,
        duration: MediaTime,
        playable: bool,
        at: Timestamp,
    },
    /// Another film again, paused where it was.
    PutBack {
        standing: Standing,
        film: Loadable,
        position: MediaTime,
        at: Timestamp,
    },
    /// An item of the queue, which starts when everybody is ready.
    PlayItem {
        standing: Standing,
        film: Loadable,
        at: Timestamp,
    },
    /// The next film after one that ended, or the same once more; starts when everybody is ready.
    Advance {
        film: Loadable,
        at: Timestamp,
    },
    /// `position`: where the hub's timeline says the film is; `None` takes it from the wall time `at`.
    /// `hold`: others are there, so a film that was only just loaded waits for them.
    Play {
        standing: Standing,
        position: Option<MediaTime>,
        hold: bool,
        at: Timestamp,
    },
    Pause {
        standing: Standing,
        position: Option<MediaTime>,
        at: Timestamp,
    },
    Seek {
        standing: Standing,
        position: MediaTime,
        at: Timestamp,
    },
    /// `position`: where the hub's timeline will be when the new speed takes effect.
    ChangeRate {
        standing: Standing,
        rate_ppm: i64,
        position: Option<MediaTime>,
        at: Timestamp,
    },
    /// By the hub: everybody is ready, or the deadline has come.
    Release {
        cause: ReleaseCause,
        at: Timestamp,
    },
    /// Somebody does not want to wait for the others.
    StartNow {
        standing: Standing,
        at: Timestamp,
    },
    /// By the hub when the timeline reached the end.
    End {
        video: VideoId,
        at: Timestamp,
    },
    /// The votes suffice to leave this load.
    Skip {
        load: u64,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaybackError {
    #[error("no video is loaded in this channel")]
    NoVideo,
    #[error("this video is not ready to play")]
    NotPlayable,
    #[error("the video ends at {} ms", end.0 / 1_000)]
    PastEnd { end: MediaTime },
    #[error("a position is not before the start of the video")]
    BeforeStart,
    #[error("the speed is between 0.5 and 2, in steps of 0.25")]
    Rate,
    #[error(transparent)]
    Denied(#[from] Denied),
}

pub struct Playback;

impl Aggregate for Playback {
    const KIND: &'static str = "playback";
    type State = PlaybackState;
    type Command = PlaybackCommand;
    type Event = PlaybackEvent;
    type Error = PlaybackError;

    fn decide(state: &PlaybackState, command: &PlaybackCommand) -> Result<Vec<PlaybackEvent>, PlaybackError> {
        match command {
            PlaybackCommand::LoadVideo { standing, video, duration, playable, at } => {
                standing.may(Permission::LoadVideo, *at)?;
                let film = Loadable { video: *video, duration: *duration, playable: *playable, item: None };
                let loaded = film.loaded(*at)?;
                let same = state.video == Some(*video) && !state.playing && state.position == MediaTime::ZERO;
                Ok(if same && state.held_until.is_none() { vec![] } else { vec![loaded] })
            }
            PlaybackCommand::PutBack { standing, film, position, at } => {
                standing.may(Permission::LoadVideo, *at)?;
                standing.may(Permission::Seek, *at)?;
                put_back(state, film, *position, *at)
            }
            PlaybackCommand::PlayItem { standing, film, at } => {
                standing.may(Permission::LoadVideo, *at)?;
                let on = state.video == Some(film.video) && state.item == film.item && state.held_until.is_some();
                if on { Ok(vec![]) } else { put_on(state, film, *at) }
            }
            PlaybackCommand::Advance { film, at } if state.ended => put_on(state, film, *at),
            PlaybackCommand::Advance { .. } => Ok(vec![]),
            PlaybackCommand::Play { standing, position, hold, at } => {
                standing.may(Permission::PlayPause, *at)?;
                play(state, *position, *hold, *at)
            }
            PlaybackCommand::Pause { standing, position, at } => {
                standing.may(Permission::PlayPause, *at)?;
                state.video.ok_or(PlaybackError::NoVideo)?;
                if !state.playing && state.held_until.is_none() {
                    return Ok(vec![]);
                }
                let position = position.map_or(state.position_at(*at), |position| state.nearest(position));
                Ok(vec![PlaybackEvent::Paused { position_us: position, at_us: *at }])
            }
            PlaybackCommand::Seek { standing, position, at } => {
                standing.may(Permission::Seek, *at)?;
                state.video.ok_or(PlaybackError::NoVideo)?;
                let position = within(state, *position)?;
                let there = state.position == position && (!state.playing || state.at == *at);
                let from_us = Some(state.position_at(*at));
                let seeked = PlaybackEvent::Seeked { position_us: position, at_us: *at, from_us };
                Ok(if there { vec![] } else { vec![seeked] })
            }
            PlaybackCommand::ChangeRate { standing, rate_ppm, position, at } => {
                standing.may(Permission::ChangeRate, *at)?;
                change_rate(state, *rate_ppm, *position, *at)
            }
            PlaybackCommand::Release { cause, at } => Ok(release(state, *cause, *at)),
            PlaybackCommand::StartNow { standing, at } => {
                standing.may(Permission::PlayPause, *at)?;
                Ok(release(state, ReleaseCause::Person, *at))
            }
            PlaybackCommand::End { video, at } => {
                let due = state.video == Some(*video) && state.playing && state.position_at(*at) >= state.duration;
                Ok(if due { vec![PlaybackEvent::Ended { at_us: *at }] } else { vec![] })
            }
            PlaybackCommand::Skip { load, at } => {
                let skipped = PlaybackEvent::Skipped { from_us: state.position_at(*at), at_us: *at };
                Ok(if state.skippable() == Some(*load) { vec![skipped] } else { vec![] })
            }
        }
    }

    fn evolve(state: &mut PlaybackState, event: &PlaybackEvent) {
        match event {
            PlaybackEvent::VideoLoaded { video, duration_us, at_us, item } => {
                *state = PlaybackState {
                    video: Some(*video),
                    item: *item,
                    duration: *duration_us,
                    at: *at_us,
                    speed_ppm: state.speed_ppm,
                    load: state.load.saturating_add(1),
                    ..PlaybackState::default()
                };
            }
            PlaybackEvent::Played { position_us, at_us } | PlaybackEvent::Released { position_us, at_us, cause: _ } => {
                move_to(state, *position_us, *at_us, true);
                (state.started, state.held_until) = (true, None);
            }
            PlaybackEvent::Paused { position_us, at_us } => {
                move_to(state, *position_us, *at_us, false);
                state.held_until = None;
            }
            PlaybackEvent::Seeked { position_us, at_us, from_us: _ } => {
                move_to(state, *position_us, *at_us, state.playing);
            }
            PlaybackEvent::Held { reason: HoldReason::Start, position_us, deadline_us, at_us } => {
                move_to(state, *position_us, *at_us, false);
                state.held_until = Some(*deadline_us);
            }
            PlaybackEvent::RateChanged { rate_ppm, position_us, at_us } => {
                let ended = state.ended;
                move_to(state, *position_us, *at_us, state.playing);
                (state.speed_ppm, state.ended) = (*rate_ppm, ended);
            }
            PlaybackEvent::Ended { at_us } | PlaybackEvent::Skipped { at_us, from_us: _ } => {
                move_to(state, state.duration, *at_us, false);
                (state.held_until, state.ended) = (None, true);
            }
        }
    }
}

fn put_back(
    state: &PlaybackState,
    film: &Loadable,
    position: MediaTime,
    at: Timestamp,
) -> Result<Vec<PlaybackEvent>, PlaybackError> {
    let position = position.clamp(MediaTime::ZERO, film.duration);
    let paused = !state.playing && state.held_until.is_none();
    if state.video == Some(film.video) && paused && state.position == position {
        return Ok(vec![]);
    }
    let moved = PlaybackEvent::Seeked { position_us: position, at_us: at, from_us: Some(MediaTime::ZERO) };
    let loaded = film.loaded(at)?;
    Ok(if position > MediaTime::ZERO { vec![loaded, moved] } else { vec![loaded] })
}

fn move_to(state: &mut PlaybackState, position: MediaTime, at: Timestamp, playing: bool) {
    (state.position, state.at, state.playing, state.ended) = (position, at, playing, false);
}

/// Loads a film that starts by itself: held until everybody is ready.
fn put_on(state: &PlaybackState, film: &Loadable, at: Timestamp) -> Result<Vec<PlaybackEvent>, PlaybackError> {
    Ok(vec![film.loaded(at)?, state.held(MediaTime::ZERO, at)])
}

fn play(
    state: &PlaybackState,
    position: Option<MediaTime>,
    hold: bool,
    at: Timestamp,
) -> Result<Vec<PlaybackEvent>, PlaybackError> {
    state.video.ok_or(PlaybackError::NoVideo)?;
    if state.playing || state.held_until.is_some() {
        return Ok(vec![]);
    }
    let position = position.unwrap_or(state.position);
    // Play at the very end starts the film again, as every player does.
    let position = if position >= state.duration { MediaTime::ZERO } else { within(state, position)? };
    let waits = hold && !state.started;
    Ok(vec![if waits { state.held(position, at) } else { PlaybackEvent::Played { position_us: position, at_us: at } }])
}

fn release(state: &PlaybackState, cause: ReleaseCause, at: Timestamp) -> Vec<PlaybackEvent> {
    let released = PlaybackEvent::Released { cause, position_us: state.position, at_us: at };
    if state.held_until.is_some() { vec![released] } else { vec![] }
}

fn change_rate(
    state: &PlaybackState,
    rate_ppm: i64,
    position: Option<MediaTime>,
    at: Timestamp,
) -> Result<Vec<PlaybackEvent>, PlaybackError> {
    state.video.ok_or(PlaybackError::NoVideo)?;
    if !(SPEED_PPM_MIN..=SPEED_PPM_MAX).contains(&rate_ppm) || rate_ppm % SPEED_PPM_STEP != 0 {
        return Err(PlaybackError::Rate);
    }
    let position = match position {
        Some(position) if state.playing => state.nearest(position),
        _ => state.position_at(at),
    };
    let changed = PlaybackEvent::RateChanged { rate_ppm, position_us: position, at_us: at };
    Ok(if state.speed_ppm == rate_ppm { vec![] } else { vec![changed] })
}

fn within(state: &PlaybackState, position: MediaTime) -> Result<MediaTime, PlaybackError> {
    match position {
        p if p < MediaTime::ZERO => Err(PlaybackError::BeforeStart),
        p if p > state.duration => Err(PlaybackError::PastEnd { end: state.duration }),
        p => Ok(p),
    }
}
