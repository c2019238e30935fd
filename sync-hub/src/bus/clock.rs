//! Another hub's clock as this hub knows it, from probes: four times each, as between hub and viewer (RFC 5905, 8).

use std::collections::VecDeque;

use crate::clock::HubTime;

/// Samples older than this say too little, ms.
const WINDOW_MS: i64 = 30_000;
/// Samples kept.
const SAMPLES_MAX: usize = 64;
/// How far two hubs' clocks may run apart, parts per million: 100 each.
const DRIFT_PPM: i64 = 200;

/// One probe: the peer's clock was ahead by `offset_us`, at most `half_us` wrong, when ours showed `at`.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: HubTime,
    offset_us: i64,
    half_us: i64,
}

impl Sample {
    fn bound_us(&self, now: HubTime) -> i64 {
        self.half_us + now.since_us(self.at).max(0) * DRIFT_PPM / 1_000_000
    }
}

/// A peer's clock now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// The peer's clock minus ours, µs.
    pub offset_us: i64,
    /// How wrong that can be, µs.
    pub bound_us: i64,
}

impl Estimate {
    /// A time of the peer in our time.
    pub fn ours(&self, theirs: HubTime) -> HubTime {
        theirs + self.offset_us.saturating_neg()
    }
}

/// The probes of the last [`WINDOW_MS`].
#[derive(Debug, Clone, Default)]
pub struct PeerClock {
    samples: VecDeque<Sample>,
}

impl PeerClock {
    /// Takes a probe: sent at `t1` and answered at `t4` of our clock, read at `t2` and sent back at `t3` of the peer's.
    /// One whose times contradict each other is not taken.
    pub fn probed(&mut self, [t1, t2, t3, t4]: [HubTime; 4]) {
        let (there, here) = (t3.since_us(t2), t4.since_us(t1));
        let trip_us = here.saturating_sub(there);
        if there < 0 || trip_us < 0 || here > WINDOW_MS * 1_000 {
            return;
        }
        let offset_us = t2.since_us(t1) / 2 + t3.since_us(t4) / 2;
        while self.samples.len() >= SAMPLES_MAX
            || self.samples.front().is_some_and(|oldest| t4.since_us(oldest.at) > WINDOW_MS * 1_000)
        {
            self.samples.pop_front();
        }
        // Clocks run apart while the probe is under way, and halves are rounded.
        let half_us = trip_us / 2 + here * DRIFT_PPM / 1_000_000 + 2;
        self.samples.push_back(Sample { at: t4, offset_us, half_us });
    }

    /// What the best probe says; `None` before the first and when the last is too old.
    pub fn estimate(&self, now: HubTime) -> Option<Estimate> {
        let fresh = self.samples.iter().filter(|sample| now.since_us(sample.at) <= WINDOW_MS * 1_000);
        let best = fresh.min_by_key(|sample| sample.bound_us(now))?;
        Some(Estimate { offset_us: best.offset_us, bound_us: best.bound_us(now) })
    }

    /// Half of the fastest way there and back, µs: what a frame takes at least.
    pub(crate) fn way_us(&self) -> i64 {
        self.samples.iter().map(|sample| sample.half_us).min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(times: [i64; 4]) -> [HubTime; 4] {
        times.map(HubTime)
    }

    #[test]
    fn the_fastest_probe_wins_until_it_is_old() {
        let mut clock = PeerClock::default();
        assert_eq!(clock.estimate(HubTime(0)), None);
        // An hour ahead; 10 ms there, 2 ms back: half the difference is the error, and within the bound.
        let hour = 3_600_000_000;
        clock.probed(times([0, hour + 10_000, hour + 10_500, 12_500]));
        let first = clock.estimate(HubTime(12_500)).unwrap();
        assert_eq!(first.offset_us - hour, 4_000);
        assert!(first.bound_us >= 4_000 && first.bound_us < 6_100, "{first:?}");
        clock.probed(times([1_000_000, hour + 1_001_000, hour + 1_001_000, 1_002_000]));
        assert_eq!(clock.estimate(HubTime(1_002_000)).unwrap().offset_us, hour);
        clock.probed(times([2_000_000, hour + 2_040_000, hour + 2_040_000, 2_080_000]));
        assert_eq!(clock.estimate(HubTime(2_080_000)).unwrap().offset_us, hour, "a slow one does not take its place");
        let grown = clock.estimate(HubTime(20_000_000)).unwrap().bound_us;
        assert!(grown > 4_000, "19 s at 200 ppm: {grown}");
        assert_eq!(clock.estimate(HubTime(60_000_000)), None, "nothing is known for ever");
    }

    #[test]
    fn times_that_contradict_each_other_are_not_taken() {
        let mut clock = PeerClock::default();
        clock.probed(times([0, 10, 5, 20]));
        clock.probed(times([0, 10, 50, 20]));
        clock.probed(times([0, 10, 11, 40_000_000]));
        assert_eq!(clock.estimate(HubTime(20)), None);
    }
}
