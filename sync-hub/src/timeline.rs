//! Where the film is in hub time, and how durable changes move it. Effective times never decrease.

mod track;

use lockstep_domain::{
    ids::{AccountId, Position, VideoId},
    time::{MediaTime, RATE_NORMAL_PPM},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use self::track::{Line, Track};
use crate::clock::HubTime;

/// Time for every viewer to have the film started: decode, `play()` to motion, network (browser-facts 3).
pub const LEAD_PLAY_MS: i64 = 600;
/// Time for every viewer to seek, decode and hold.
pub const LEAD_SEEK_MS: i64 = 400;
/// Time for the news of a pause to reach every viewer before the common last frame.
pub const LEAD_PAUSE_MS: i64 = 150;

/// The shared timeline as viewers follow it: the film is at `position_us` when the hub's clock is `at_hub_us`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    pub video: VideoId,
    pub duration_us: MediaTime,
    pub position_us: MediaTime,
    /// Parts per million: 1 000 000 is normal speed, 0 is paused at exactly `position_us`.
    pub rate_ppm: i64,
    /// May lie up to the lead in the future; before it the film holds or runs on as it was.
    pub at_hub_us: HubTime,
    /// How fast it runs when it plays: the shared speed, also while paused.
    pub speed_ppm: i64,
    /// Held: it starts when everybody is ready, and then at the latest. Absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_until_us: Option<HubTime>,
    /// One more per change in this channel and epoch.
    pub seq: u64,
    pub epoch: Uuid,
}

impl Timeline {
    /// Where the film is at this hub time, within `0..=duration`; before `at_hub_us` it holds at `position_us`.
    pub fn position_at(&self, at: HubTime) -> MediaTime {
        let elapsed = i128::from(at.since_us(self.at_hub_us).max(0));
        let moved = elapsed * i128::from(self.rate_ppm) / i128::from(RATE_NORMAL_PPM);
        let position = i128::from(self.position_us.0) + moved;
        MediaTime(position.clamp(0, i128::from(self.duration_us.0)) as i64)
    }
    fn film(&self) -> (VideoId, MediaTime) {
        (self.video, self.duration_us)
    }
    /// When the film passes this position; `None` while paused.
    pub fn passes(&self, position: MediaTime) -> Option<HubTime> {
        (self.rate_ppm > 0).then(|| {
            let ahead = i128::from(position.0 - self.position_us.0);
            let wait = ahead * i128::from(RATE_NORMAL_PPM) / i128::from(self.rate_ppm);
            self.at_hub_us + wait.clamp(i128::from(i64::MIN / 2), i128::from(i64::MAX / 2)) as i64
        })
    }
    /// When the film reaches its end; `None` while paused.
    pub fn ends_at(&self) -> Option<HubTime> {
        self.passes(self.duration_us)
    }
}

/// A durable change of a channel's playback, as the feed tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Loaded {
        video: VideoId,
        duration: MediaTime,
    },
    Played {
        position: MediaTime,
    },
    Paused {
        position: MediaTime,
    },
    Seeked {
        position: MediaTime,
    },
    Ended,
    /// Started, but held for at most this long for viewers who are not ready.
    Held {
        position: MediaTime,
        wait_us: i64,
    },
    /// What was held starts.
    Released {
        position: MediaTime,
    },
    RateChanged {
        rate_ppm: i64,
        position: MediaTime,
    },
}

/// Which change it was; its lead and its verb on the wire follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    #[serde(rename = "load")]
    Loaded,
    #[serde(rename = "play")]
    Played,
    #[serde(rename = "pause")]
    Paused,
    #[serde(rename = "seek")]
    Seeked,
    #[serde(rename = "end")]
    Ended,
    #[serde(rename = "hold")]
    Held,
    #[serde(rename = "release")]
    Released,
    #[serde(rename = "rate")]
    RateChanged,
}

impl ChangeKind {
    /// How long after the news the change takes effect, ms.
    pub fn lead_ms(self) -> i64 {
        match self {
            Self::Played | Self::Released => LEAD_PLAY_MS,
            Self::Seeked => LEAD_SEEK_MS,
            Self::Paused | Self::RateChanged => LEAD_PAUSE_MS,
            Self::Loaded | Self::Ended | Self::Held => 0,
        }
    }
}

impl Change {
    /// Which change this is.
    pub fn kind(&self) -> ChangeKind {
        match self {
            Self::Loaded { .. } => ChangeKind::Loaded,
            Self::Played { .. } => ChangeKind::Played,
            Self::Paused { .. } => ChangeKind::Paused,
            Self::Seeked { .. } => ChangeKind::Seeked,
            Self::Ended => ChangeKind::Ended,
            Self::Held { .. } => ChangeKind::Held,
            Self::Released { .. } => ChangeKind::Released,
            Self::RateChanged { .. } => ChangeKind::RateChanged,
        }
    }
}

/// What the store says about a channel's playback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// `None` until something was loaded.
    pub playback: Option<PlaybackSnapshot>,
    /// Of the last playback event folded into it (or the start): later events are applied on top, earlier ones are not.
    pub position: Position,
    /// Who has the one remote; `None`: everybody whose role permits it.
    pub remote: Option<AccountId>,
    /// Of the last channel event folded into `remote`.
    pub channel_position: Position,
}

/// The folded playback and its age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaybackSnapshot {
    pub video: VideoId,
    pub duration: MediaTime,
    pub position: MediaTime,
    pub playing: bool,
    /// The shared speed, parts per million.
    pub speed_ppm: i64,
    /// Held: how long after its last change it starts at the latest, µs.
    pub held_us: Option<i64>,
    /// The last change: its lead had to pass before the film moved.
    pub last: ChangeKind,
    /// Database now − `recorded_at` of the last change, µs.
    pub elapsed_us: i64,
    /// The hub's time when the database was asked for its now.
    pub read_at: HubTime,
}
