//! Wall time and media time, both integers with their unit; nothing here reads a clock.

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

/// A place in a film, in microseconds from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaTime(pub i64);

impl MediaTime {
    pub const ZERO: Self = Self(0);
    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms * 1_000)
    }
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

/// Playback rate in parts per million: 1 000 000 is normal speed, 0 is paused.
pub const RATE_NORMAL_PPM: i64 = 1_000_000;
