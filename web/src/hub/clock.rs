//! The hub's clock: the one place where a hub's time is read.

use std::time::{Duration, Instant};

use lockstep_sync_hub::HubTime;
use uuid::Uuid;

const PPM: i128 = 1_000_000;

/// How a hub's clock is wrong on purpose: nodes on one machine share its clock, so a design that mixes two hubs' times up
/// would pass every test there. For tests only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockShift {
    /// What it shows at its start, µs.
    pub offset_us: i64,
    /// How much faster than the machine's it runs, parts per million.
    pub drift_ppm: i64,
}

/// The clock on the wire: monotonic microseconds since the hub started, meaningful within one epoch.
#[derive(Debug, Clone, Copy)]
pub struct HubClock {
    origin: Instant,
    epoch: Uuid,
    shift: ClockShift,
}

impl HubClock {
    /// Starts now.
    #[allow(clippy::disallowed_methods)] // The hub's one origin.
    pub fn start(epoch: Uuid, shift: ClockShift) -> Self {
        Self { origin: Instant::now(), epoch, shift }
    }
    /// The hub's time now.
    pub fn now(&self) -> HubTime {
        self.shift.shown(self.origin.elapsed())
    }
    /// The epoch its times belong to.
    pub fn epoch(&self) -> Uuid {
        self.epoch
    }
    /// When this hub time is, for timers: never before it.
    pub(super) fn instant(&self, at: HubTime) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.origin + self.shift.elapsed(at))
    }
}

impl ClockShift {
    fn shown(self, elapsed: Duration) -> HubTime {
        let elapsed_us = i128::try_from(elapsed.as_micros()).unwrap_or(i128::from(i64::MAX));
        let run_us = elapsed_us * (PPM + i128::from(self.drift_ppm)) / PPM;
        HubTime(i64::try_from(run_us + i128::from(self.offset_us)).unwrap_or(i64::MAX))
    }
    fn elapsed(self, at: HubTime) -> Duration {
        let run_us = (i128::from(at.0) - i128::from(self.offset_us)).max(0);
        let rate = PPM + i128::from(self.drift_ppm);
        Duration::from_micros(u64::try_from((run_us * PPM + rate - 1) / rate).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_clock_is_off_and_runs_at_its_own_pace() {
        for shift in [
            ClockShift::default(),
            ClockShift { offset_us: 3_600_000_000, drift_ppm: 100 },
            ClockShift { offset_us: -3_600_000_000, drift_ppm: -100 },
        ] {
            let hour = Duration::from_secs(3_600);
            let shown = shift.shown(hour);
            assert_eq!(shown.0 - shift.offset_us - 3_600_000_000, shift.drift_ppm * 3_600);
            let back = shift.elapsed(shown);
            assert!(back >= hour.saturating_sub(Duration::from_micros(2)) && back <= hour, "{back:?}");
            assert!(shift.shown(back) >= shown, "a timer is never early");
            assert_eq!(shift.elapsed(HubTime::default()), Duration::ZERO, "long past is at once");
        }
    }
}
