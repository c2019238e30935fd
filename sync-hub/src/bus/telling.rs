//! What of one room the other hubs have not been told yet, and when they are told.

use crate::clock::HubTime;

/// News of a room are at least this far apart.
const NEWS_INTERVAL_MS: i64 = 250;
/// The moment of a change is said again after this, in case the first word got lost.
const AGAIN_MS: i64 = 100;
/// And so often.
const AGAIN_TIMES: u8 = 2;

/// One room's telling.
#[derive(Debug, Default)]
pub(crate) struct Telling {
    version: u64,
    untold: bool,
    quiet_until: HubTime,
    again: Option<(HubTime, u8)>,
}

impl Telling {
    /// Of the last news.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }
    /// Something is not as it was told.
    pub(crate) fn changed(&mut self) {
        self.untold = true;
    }
    /// Whether news are due now.
    pub(crate) fn is_due(&self, now: HubTime) -> bool {
        self.untold && now >= self.quiet_until
    }
    /// They are told, as this version.
    pub(crate) fn told(&mut self, version: u64, now: HubTime) {
        (self.version, self.untold, self.quiet_until) = (version, false, now.plus_ms(NEWS_INTERVAL_MS));
    }
    /// A change's moment was said.
    pub(crate) fn moved(&mut self, now: HubTime) {
        self.again = Some((now.plus_ms(AGAIN_MS), AGAIN_TIMES));
    }
    /// Whether it is to be said again now.
    pub(crate) fn take_again(&mut self, now: HubTime) -> bool {
        let Some((at, times)) = self.again.filter(|(at, _)| *at <= now) else { return false };
        self.again = (times > 1).then(|| (at.max(now).plus_ms(AGAIN_MS), times - 1));
        true
    }
    /// When to tell next.
    pub(crate) fn due(&self) -> Option<HubTime> {
        let news = self.untold.then_some(self.quiet_until);
        [news, self.again.map(|(at, _)| at)].into_iter().flatten().min()
    }
}
