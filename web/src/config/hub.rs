//! The hub's own settings.

use super::{ConfigError, Source};
use crate::hub::ClockShift;

/// A day: beyond it a shifted clock proves nothing more.
const OFFSET_US_MAX: i64 = 86_400_000_000;
/// More than any quartz.
const DRIFT_PPM_MAX: i64 = 1_000;

#[derive(Debug, Clone, Copy, Default)]
pub struct HubConfig {
    /// `LOCKSTEP_HUB_CLOCK`, unset: makes this hub's clock wrong on purpose, for tests of several nodes on one machine:
    /// what it shows at its start in µs, and how much faster it runs, as `+3600000000us,+100ppm`.
    pub clock: ClockShift,
}

impl HubConfig {
    pub(super) fn read(source: &dyn Source) -> Result<Self, ConfigError> {
        let Some(text) = source.get("LOCKSTEP_HUB_CLOCK") else { return Ok(Self::default()) };
        let clock = shift(&text).ok_or_else(|| {
            let problem = format!("is like +3600000000us,+100ppm (a day and 1000 ppm at most), not {text:?}");
            ConfigError::new("LOCKSTEP_HUB_CLOCK", problem)
        })?;
        Ok(Self { clock })
    }
}

fn shift(text: &str) -> Option<ClockShift> {
    let mut shift = ClockShift::default();
    for part in text.split(',').map(str::trim) {
        if let Some(offset) = part.strip_suffix("us") {
            shift.offset_us = offset.parse().ok().filter(|us: &i64| us.abs() <= OFFSET_US_MAX)?;
        } else {
            shift.drift_ppm = part.strip_suffix("ppm")?.parse().ok().filter(|ppm: &i64| ppm.abs() <= DRIFT_PPM_MAX)?;
        }
    }
    Some(shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_shifted_by_both_or_one() {
        let expected = [
            ("+3600000000us,+100ppm", Some((3_600_000_000, 100))),
            ("-3600000000us, -100ppm", Some((-3_600_000_000, -100))),
            ("50ppm", Some((0, 50))),
            ("12us", Some((12, 0))),
            ("", None),
            ("1h", None),
            ("+100ppm,", None),
            ("1001ppm", None),
            ("86400000001us", None),
            ("us", None),
        ];
        for (text, shifted) in expected {
            assert_eq!(shift(text).map(|shift| (shift.offset_us, shift.drift_ppm)), shifted, "{text}");
        }
    }
}
