//! How much one caller may ask for, and where that is counted.

use lockstep_commands::window::Share;

use super::{ConfigError, Source};
use crate::limits::{Preset, TIERS, Table};

/// Most units a share may have, and the longest window in seconds.
const UNITS_MAX: u32 = 1_000_000;
const WINDOW_S_MAX: u32 = 86_400;

#[derive(Clone)]
pub struct TiersConfig {
    /// `LOCKSTEP_LIMITS`, `default`; `relaxed` is a hundred times that, for development and tests. `LOCKSTEP_LIMIT_UPLOAD`,
    /// `_GENERAL`, `_STREAMING`, `_STATUS`, `_SEARCH`, `_WEBHOOK`, `_AUTH`, `_GRAPHQL`, `_REALTIME`: one tier's share, as
    /// `units/seconds`.
    pub table: Table,
    /// `REDIS_URL`; unset means that each process counts for itself.
    pub redis: Option<String>,
}

impl std::fmt::Debug for TiersConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let redis = self.redis.as_ref().map(|_| "redis://..");
        f.debug_struct("TiersConfig").field("table", &self.table).field("redis", &redis).finish()
    }
}

impl TiersConfig {
    pub(super) fn read(source: &dyn Source) -> Result<Self, ConfigError> {
        let preset = match source.get("LOCKSTEP_LIMITS").as_deref().map(str::trim) {
            None | Some("default") => Preset::Normal,
            Some("relaxed") => Preset::Relaxed,
            Some(other) => {
                return Err(ConfigError::new("LOCKSTEP_LIMITS", format!("is default or relaxed, not {other:?}")));
            }
        };
        let mut table = Table::of(preset);
        for tier in TIERS {
            if let Some(text) = source.get(tier.variable()) {
                table = table.with(tier, share(tier.variable(), &text)?);
            }
        }
        let redis = source.get("REDIS_URL");
        if let Some(url) = &redis
            && !url.starts_with("redis://")
        {
            return Err(ConfigError::new("REDIS_URL", "starts with redis://"));
        }
        Ok(Self { table, redis })
    }
}

/// `units/seconds`.
fn share(variable: &'static str, text: &str) -> Result<Share, ConfigError> {
    let wrong = || {
        let form = format!("is units/seconds, to {UNITS_MAX} and {WINDOW_S_MAX}, as in 300/60, not {text:?}");
        ConfigError::new(variable, form)
    };
    let (units, seconds) = text.trim().split_once('/').ok_or_else(wrong)?;
    let number = |text: &str, max: u32| text.trim().parse().ok().filter(|number| (1..=max).contains(number));
    match (number(units, UNITS_MAX), number(seconds, WINDOW_S_MAX)) {
        (Some(units_max), Some(window_s)) => Ok(Share { units_max, window_s }),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::limits::Tier;

    struct Map(HashMap<&'static str, &'static str>);

    impl Source for Map {
        fn get(&self, variable: &str) -> Option<String> {
            self.0.get(variable).map(|value| (*value).to_owned())
        }
    }

    fn read(settings: &[(&'static str, &'static str)]) -> Result<TiersConfig, ConfigError> {
        TiersConfig::read(&Map(settings.iter().copied().collect()))
    }

    #[test]
    fn a_tier_can_be_set_on_top_of_a_preset() {
        let config = read(&[("LOCKSTEP_LIMITS", "relaxed"), ("LOCKSTEP_LIMIT_STREAMING", "5/10")]).unwrap();
        assert_eq!(config.table.share(Tier::Streaming), Share { units_max: 5, window_s: 10 });
        assert_eq!(config.table.share(Tier::Status), Share { units_max: 6_000, window_s: 60 });
        assert_eq!(read(&[]).unwrap().table, Table::of(Preset::Normal));
    }

    #[test]
    fn what_is_no_share_is_said() {
        for wrong in ["", "5", "5/", "/5", "0/5", "5/0", "a/5", "5/86401", "1000001/5", "-1/5"] {
            let error = read(&[("LOCKSTEP_LIMIT_AUTH", wrong)]).expect_err(wrong);
            assert_eq!(error.variable, "LOCKSTEP_LIMIT_AUTH");
        }
        assert!(read(&[("LOCKSTEP_LIMITS", "off")]).is_err());
        assert!(read(&[("REDIS_URL", "http://localhost")]).is_err());
    }

    #[test]
    fn every_variable_is_known() {
        for tier in TIERS {
            assert!(super::super::VARIABLES.contains(&tier.variable()), "{tier:?}");
        }
    }
}
