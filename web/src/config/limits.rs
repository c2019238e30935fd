//! Numbers within bounds.

use super::{ConfigError, Source};

/// A number that must lie within bounds, with what it is when unset.
pub struct Bounded {
    pub variable: &'static str,
    pub min: u64,
    pub max: u64,
    pub default: u64,
}

impl Bounded {
    pub fn read(&self, source: &dyn Source) -> Result<u64, ConfigError> {
        let Some(text) = source.get(self.variable) else { return Ok(self.default) };
        match text.trim().parse::<u64>() {
            Ok(value) if (self.min..=self.max).contains(&value) => Ok(value),
            _ => Err(ConfigError::new(
                self.variable,
                format!("is a whole number from {} to {}, not {text:?}", self.min, self.max),
            )),
        }
    }
}
