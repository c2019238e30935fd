//! What one account may upload.

use lockstep_commands::upload::Limits;

use super::{Bounded, ConfigError, Source};

/// `LOCKSTEP_ACCOUNT_BYTES_MAX`, 200 GB; `LOCKSTEP_ACCOUNT_FILMS_MAX`, 1 000; `LOCKSTEP_ACCOUNT_UPLOADS_MAX` (unfinished at
/// a time), 20.
pub(super) fn read(source: &dyn Source) -> Result<Limits, ConfigError> {
    let Limits { bytes_max, films_max, unfinished_max } = Limits::default();
    let bounded = |variable, max, default| Bounded { variable, min: 0, max, default }.read(source);
    Ok(Limits {
        bytes_max: bounded("LOCKSTEP_ACCOUNT_BYTES_MAX", 1 << 50, bytes_max)?,
        films_max: bounded("LOCKSTEP_ACCOUNT_FILMS_MAX", 1_000_000, films_max)?,
        unfinished_max: bounded("LOCKSTEP_ACCOUNT_UPLOADS_MAX", 1_000, unfinished_max)?,
    })
}
