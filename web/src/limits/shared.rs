//! Windows shared through Redis, with this process's own beside them: limits stay on when Redis is away.
//!
//! Every draw that Redis admits is also noted here, so the moment Redis goes, this process goes on from what its callers have
//! drawn already. A Redis that came back may have lost its windows: until the longest of those it could have lost is over,
//! a draw must fit both.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use lockstep_commands::window::{Draw, Exhausted, InProcess, Level, Windows};
use lockstep_domain::time::Timestamp;
use lockstep_object_store::breaker::{Breaker, State};
use tokio_util::sync::CancellationToken;

use super::redis::RedisWindows;

/// How often a Redis that is away is looked for.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// Windows in Redis and in this process.
pub struct Shared {
    redis: RedisWindows,
    local: InProcess,
    breaker: Breaker,
    /// When a draw last had to do without Redis, microseconds.
    lost_at: AtomicI64,
    fallen: AtomicU64,
}

impl Shared {
    pub fn new(redis: RedisWindows, breaker: Breaker) -> Self {
        Self {
            redis,
            local: InProcess::default(),
            breaker,
            lost_at: AtomicI64::new(i64::MIN),
            fallen: AtomicU64::new(0),
        }
    }

    /// Draws that did without Redis, ever.
    pub fn fallen(&self) -> u64 {
        self.fallen.load(Ordering::Relaxed)
    }

    /// The breaker in front of Redis.
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Looks whether Redis is back, if it is away.
    pub async fn look(&self) {
        if self.breaker.state() == State::Closed {
            return;
        }
        // The first question finds out that the old connection is gone and makes a new one, which the second uses.
        if self.redis.ping().await.is_ok() || self.redis.ping().await.is_ok() {
            self.breaker.close();
            tracing::info!("redis is back: limits are shared again");
        }
    }

    /// Looks for a Redis that is away until the shutdown.
    pub async fn watch(&self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => self.look().await,
                () = shutdown.cancelled() => return,
            }
        }
    }

    fn lose(&self, error: &dyn std::fmt::Display, now: Timestamp) {
        if self.fallen.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(%error, "redis does not answer: limits are counted in this process");
        }
        self.lost_at.fetch_max(now.0, Ordering::Relaxed);
    }

    /// Whether Redis may have lost what it knew of one of these windows.
    fn is_doubtful(&self, draws: &[Draw], now: Timestamp) -> bool {
        let since_us = now.0.saturating_sub(self.lost_at.load(Ordering::Relaxed));
        draws.iter().any(|draw| since_us < draw.share.window_us())
    }
}

#[async_trait::async_trait]
impl Windows for Shared {
    async fn draw(&self, draws: &[Draw], now: Timestamp) -> Result<Vec<Level>, Exhausted> {
        let answer = self.breaker.call(self.redis.draw(draws, now), |_| true).await;
        let levels = match answer {
            Ok(levels) => levels?,
            Err(error) => {
                self.lose(&error, now);
                return self.local.draw(draws, now).await;
            }
        };
        let own = self.local.draw(draws, now).await;
        if !self.is_doubtful(draws, now) {
            return Ok(levels);
        }
        let tighter = |(shared, own): (Level, Level)| if own.remaining < shared.remaining { own } else { shared };
        Ok(levels.into_iter().zip(own?).map(tighter).collect())
    }

    async fn forget(&self, key: &str) {
        self.local.forget(key).await;
        // Who is not forgotten there waits at most a window longer.
        let _ = self.breaker.call(self.redis.forget(key), |_| true).await;
    }
}
