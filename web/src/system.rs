//! The clock and the random ids of the running program.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lockstep_commands::{Clock, Ids};
use lockstep_domain::time::Timestamp;
use rand::{TryRngCore, rngs::OsRng};
use uuid::Uuid;

/// The machine's wall clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // The one place that reads it.
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(since.as_micros() as i64)
    }
}

/// The same as the standard library has it.
pub fn wall_time() -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(SystemClock.now().as_micros().unsigned_abs())
}

/// Ids from the system's random generator.
pub struct SystemIds;

impl Ids for SystemIds {
    #[allow(clippy::disallowed_methods)] // The one place that draws them.
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        OsRng.try_fill_bytes(&mut bytes).expect("the system's random generator answers");
        bytes
    }
}
