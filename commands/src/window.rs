//! A sliding window over what somebody has drawn from a share: an exact log of draws, so that no stretch of time as long as
//! the window ever holds more than the share. The counts may be this process's, or shared between processes.

mod local;

pub use local::InProcess;
use lockstep_domain::time::Timestamp;

/// How much may be drawn in how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Tries, requests, messages or cost points.
    pub units_max: u32,
    pub window_s: u32,
}

impl Share {
    pub const fn window_us(self) -> i64 {
        self.window_s as i64 * 1_000_000
    }
}

/// One wish to draw from one share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// Whose share of what; see [`KEY_BYTES_MAX`].
    pub key: String,
    /// 0 only looks.
    pub cost: u32,
    pub share: Share,
}

/// Bytes of a key.
pub const KEY_BYTES_MAX: usize = 128;

/// Where a share stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub limit: u32,
    pub remaining: u32,
    /// When all of it is there again, if nothing more is drawn.
    pub reset_at: Timestamp,
}

/// A share does not hold what was wanted; nothing was drawn from any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} of {} are left in this window", level.remaining, level.limit)]
pub struct Exhausted {
    /// Of the share that lets one wait longest.
    pub level: Level,
    /// How long until it holds what was wanted, microseconds.
    pub after_us: i64,
}

impl Exhausted {
    /// The wait in whole seconds, rounded up: whoever waits that long is not refused again for having come early.
    pub fn after_s(&self) -> u32 {
        let after_us = u64::try_from(self.after_us).unwrap_or_default();
        u32::try_from(after_us.div_ceil(1_000_000).max(1)).unwrap_or(u32::MAX)
    }
}

/// Keeps the windows.
#[async_trait::async_trait]
pub trait Windows: Send + Sync + 'static {
    /// Draws from every share or, if one does not hold it, from none. Answers where they stand, in the same order.
    ///
    /// # Errors
    /// [`Exhausted`], of the one with the longest wait.
    async fn draw(&self, draws: &[Draw], now: Timestamp) -> Result<Vec<Level>, Exhausted>;
    /// Forgets what was drawn under this key.
    async fn forget(&self, key: &str);
}
