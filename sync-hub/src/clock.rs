//! The hub's time: monotonic microseconds since the process started, given by the caller, never read here.

use std::ops::Add;

use serde::{Deserialize, Serialize};

/// Microseconds of the hub's monotonic clock. Means nothing in another epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HubTime(pub i64);

impl HubTime {
    /// From whole milliseconds.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms * 1_000)
    }
    /// Later by this many milliseconds.
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000)))
    }
    /// Microseconds from `earlier` to this time; negative when it is later.
    pub const fn since_us(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Before every time a clock shows, wherever it began.
impl Default for HubTime {
    fn default() -> Self {
        Self(i64::MIN / 4)
    }
}

/// Later by microseconds.
impl Add<i64> for HubTime {
    type Output = Self;
    fn add(self, us: i64) -> Self {
        Self(self.0.saturating_add(us))
    }
}
