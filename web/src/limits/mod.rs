//! How much one caller may ask for: named tiers over sliding windows, in Redis where there is one, else in this process.

mod headers;
mod layer;
mod redis;
mod shared;
mod tier;

use std::{net::IpAddr, sync::Arc};

pub use headers::{Allowance, TooMany, counted_refusal, refusal, write};
pub use layer::{LimitLayer, Limited};
use lockstep_commands::{
    Clock,
    budget::{Caller, Costs},
    throttle::Counting,
    window::{Draw, Exhausted, InProcess, Level, Windows},
};
use lockstep_domain::time::Timestamp;
pub use redis::{RedisWindows, WindowClock};
pub use shared::Shared;
pub use tier::{CALLERS_PER_ADDRESS, Preset, TIERS, Table, Tier};

use crate::auth::SessionCookie;

/// The limits of one process. Cheap to clone.
#[derive(Clone)]
pub struct Limits {
    windows: Arc<dyn Windows>,
    table: Table,
    clock: Arc<dyn Clock>,
    /// Whose `X-Forwarded-For` is believed.
    trusted: Arc<[IpAddr]>,
    cookie: SessionCookie,
}

impl Limits {
    pub fn new(windows: Arc<dyn Windows>, table: Table, clock: Arc<dyn Clock>, cookie: SessionCookie) -> Self {
        Self { windows, table, clock, trusted: Arc::default(), cookie }
    }

    /// Counted in this process only.
    pub fn in_process(table: Table, clock: Arc<dyn Clock>, cookie: SessionCookie) -> Self {
        Self::new(Arc::new(InProcess::default()), table, clock, cookie)
    }

    /// The same behind these proxies.
    #[must_use]
    pub fn behind(self, trusted: impl Into<Arc<[IpAddr]>>) -> Self {
        Self { trusted: trusted.into(), ..self }
    }

    /// Draws one from the caller's share of a tier.
    ///
    /// # Errors
    /// [`Exhausted`]: nothing was drawn, and how long to wait; [`refusal`] makes an answer of it.
    pub async fn draw(&self, tier: Tier, caller: &Caller) -> Result<Allowance, Exhausted> {
        let (share, now) = (self.table.share(tier), self.now());
        let draw = Draw { key: caller.key(tier.name()), cost: 1, share };
        let levels = self.windows.draw(&[draw], now).await?;
        let level = levels.first().copied().unwrap_or(self.untouched(tier, now));
        Ok(Allowance { name: tier.name(), share, level })
    }

    /// The budget of GraphQL's cost points.
    pub fn costs(&self) -> Costs {
        Costs::new(Arc::clone(&self.windows), self.table.share(Tier::Graphql))
    }

    /// The count of tries at passwords.
    pub fn tries(&self) -> Counting {
        Counting::new(Arc::clone(&self.windows), self.table.tries())
    }

    /// One caller's share of a tier.
    pub fn share(&self, tier: Tier) -> lockstep_commands::window::Share {
        self.table.share(tier)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn untouched(&self, tier: Tier, now: Timestamp) -> Level {
        let units = self.table.share(tier).units_max;
        Level { limit: units, remaining: units, reset_at: now }
    }
}
