//! A token bucket in integer microseconds.

use crate::clock::HubTime;

/// How often something may happen: `burst` at once, then one per `interval_ms`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) burst: i64,
    pub(crate) interval_ms: i64,
}

/// One holder's tokens, kept as the microseconds of waiting they are worth.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    rate: Rate,
    credit_us: i64,
    at: HubTime,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn full(rate: Rate, now: HubTime) -> Self {
        Self { rate, credit_us: rate.burst * rate.interval_ms * 1_000, at: now }
    }
    /// Takes one token; false when there is none.
    pub(crate) fn take(&mut self, now: HubTime) -> bool {
        let token_us = self.rate.interval_ms * 1_000;
        let earned = now.since_us(self.at).max(0);
        self.credit_us = self.credit_us.saturating_add(earned).min(self.rate.burst * token_us);
        self.at = now;
        if self.credit_us < token_us {
            return false;
        }
        self.credit_us -= token_us;
        true
    }
}
