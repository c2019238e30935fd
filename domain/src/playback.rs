//! What a channel plays and where: the shared timeline as events.
//!
//! An event says "at wall time `at_us` the film is at `position_us`". The wall time serves replay and recovery
//! only; viewers follow the hub's monotonic clock.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, event_names,
    ids::VideoId,
    permission::Permission,
    standing::{Denied, Standing},
    time::{MediaTime, RATE_NORMAL_PPM, Timestamp},
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PlaybackEvent {
    VideoLoaded { video: VideoId, duration_us: MediaTime, at_us: Timestamp },
    Played { position_us: MediaTime, at_us: Timestamp },
    Paused { position_us: MediaTime, at_us: Timestamp },
    Seeked { position_us: MediaTime, at_us: Timestamp },
    Ended { at_us: Timestamp },
}
event_names!(PlaybackEvent { VideoLoaded, Played, Paused, Seeked, Ended });

/// The folded timeline. `video` is `None` until something was loaded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlaybackState {
    pub video: Option<VideoId>,
    pub duration: MediaTime,
    /// Where the film is at wall time `at`.
    pub position: MediaTime,
    pub at: Timestamp,
    pub playing: bool,
}

impl PlaybackState {
    /// Where the film is at this wall time, within `0..=duration`.
    pub fn position_at(&self, at: Timestamp) -> MediaTime {
        let elapsed = if self.playing { at.0.saturating_sub(self.at.0).max(0) } else { 0 };
        self.nearest(MediaTime(self.position.0.saturating_add(elapsed)))
    }
    fn nearest(&self, position: MediaTime) -> MediaTime {
        position.clamp(MediaTime::ZERO, self.duration.max(MediaTime::ZERO))
    }
    /// Parts per million: normal speed when playing, 0 when paused.
    pub fn rate_ppm(&self) -> i64 {
        if self.playing { RATE_NORMAL_PPM } else { 0 }
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
        video: VideoId,
        duration: MediaTime,
        playable: bool,
        position: MediaTime,
        at: Timestamp,
    },
    /// `position`: where the hub's timeline says the film is; `None` takes it from the wall time `at`.
    Play {
        standing: Standing,
        position: Option<MediaTime>,
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
    /// By the hub when the timeline reached the end.
    End {
        video: VideoId,
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
                if !playable || *duration <= MediaTime::ZERO {
                    return Err(PlaybackError::NotPlayable);
                }
                let same = state.video == Some(*video) && !state.playing && state.position == MediaTime::ZERO;
                let loaded = PlaybackEvent::VideoLoaded { video: *video, duration_us: *duration, at_us: *at };
                Ok(if same { vec![] } else { vec![loaded] })
            }
            PlaybackCommand::PutBack { standing, video, duration, playable, position, at } => {
                standing.may(Permission::LoadVideo, *at)?;
                standing.may(Permission::Seek, *at)?;
                if !playable || *duration <= MediaTime::ZERO {
                    return Err(PlaybackError::NotPlayable);
                }
                Ok(put_back(state, *video, *duration, *position, *at))
            }
            PlaybackCommand::Play { standing, position, at } => {
                standing.may(Permission::PlayPause, *at)?;
                state.video.ok_or(PlaybackError::NoVideo)?;
                if state.playing {
                    return Ok(vec![]);
                }
                let position = position.unwrap_or(state.position);
                // Play at the very end starts the film again, as every player does.
                let position = if position >= state.duration { MediaTime::ZERO } else { within(state, position)? };
                Ok(vec![PlaybackEvent::Played { position_us: position, at_us: *at }])
            }
            PlaybackCommand::Pause { standing, position, at } => {
                standing.may(Permission::PlayPause, *at)?;
                state.video.ok_or(PlaybackError::NoVideo)?;
                if !state.playing {
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
                Ok(if there { vec![] } else { vec![PlaybackEvent::Seeked { position_us: position, at_us: *at }] })
            }
            PlaybackCommand::End { video, at } => {
                let due = state.video == Some(*video) && state.playing && state.position_at(*at) >= state.duration;
                Ok(if due { vec![PlaybackEvent::Ended { at_us: *at }] } else { vec![] })
            }
        }
    }

    fn evolve(state: &mut PlaybackState, event: &PlaybackEvent) {
        match event {
            PlaybackEvent::VideoLoaded { video, duration_us, at_us } => {
                *state = PlaybackState {
                    video: Some(*video),
                    duration: *duration_us,
                    position: MediaTime::ZERO,
                    at: *at_us,
                    playing: false,
                };
            }
            PlaybackEvent::Played { position_us, at_us } => {
                (state.position, state.at, state.playing) = (*position_us, *at_us, true);
            }
            PlaybackEvent::Paused { position_us, at_us } => {
                (state.position, state.at, state.playing) = (*position_us, *at_us, false);
            }
            PlaybackEvent::Seeked { position_us, at_us } => {
                (state.position, state.at) = (*position_us, *at_us);
            }
            PlaybackEvent::Ended { at_us } => {
                (state.position, state.at, state.playing) = (state.duration, *at_us, false);
            }
        }
    }
}

fn put_back(
    state: &PlaybackState,
    video: VideoId,
    duration: MediaTime,
    position: MediaTime,
    at: Timestamp,
) -> Vec<PlaybackEvent> {
    let position = position.clamp(MediaTime::ZERO, duration);
    if state.video == Some(video) && !state.playing && state.position == position {
        return vec![];
    }
    let mut events = vec![PlaybackEvent::VideoLoaded { video, duration_us: duration, at_us: at }];
    if position > MediaTime::ZERO {
        events.push(PlaybackEvent::Seeked { position_us: position, at_us: at });
    }
    events
}

fn within(state: &PlaybackState, position: MediaTime) -> Result<MediaTime, PlaybackError> {
    match position {
        p if p < MediaTime::ZERO => Err(PlaybackError::BeforeStart),
        p if p > state.duration => Err(PlaybackError::PastEnd { end: state.duration }),
        p => Ok(p),
    }
}
