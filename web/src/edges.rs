//! What stands between this process and the parts it needs: limits, breakers and the watch over the database.

use std::sync::Arc;

use anyhow::Context;
use lockstep_commands::{
    Clock,
    window::{InProcess, Windows},
};
use lockstep_object_store::breaker::{Breaker, State};
use serde_json::{Value, json};

use crate::{
    auth::SessionCookie,
    backend::Objects,
    config::Config,
    limits::{Limits, RedisWindows, Shared, WindowClock},
    serve::Running,
    vitals::{self, DatabaseWatch},
    webhooks::WebhookBreakers,
};

/// The edges of one process. Cheap to clone.
#[derive(Clone)]
pub struct Edges {
    pub database: DatabaseWatch,
    /// In front of an object store behind a network.
    store: Option<Breaker>,
    redis: Option<Arc<Shared>>,
    windows: Arc<dyn Windows>,
    /// In front of what other programs are told.
    pub webhooks: WebhookBreakers,
}

impl Edges {
    /// Puts the breakers in and starts what watches.
    pub(crate) fn start(
        config: &Config,
        database_url: &str,
        objects: &Objects,
        running: &Running,
    ) -> anyhow::Result<Self> {
        let (tracker, stop) = (&running.tracker, &running.shutdown);
        let elapsed = vitals::elapsed();
        let (database, look) = DatabaseWatch::new(database_url.to_owned(), stop.clone());
        tracker.spawn(look);
        let store = objects.embedded.is_none().then(|| Breaker::new("the object store", elapsed.clone()));
        if let Some(breaker) = &store {
            objects.buckets.guard(breaker);
            tracker.spawn(vitals::watch_store(objects.buckets.media.clone(), breaker.clone(), stop.clone()));
        }
        let webhooks = WebhookBreakers::new(elapsed.clone());
        let redis = match &config.tiers.redis {
            Some(url) => {
                let windows = RedisWindows::new(url, WindowClock::Server).context("REDIS_URL cannot be used")?;
                let shared = Arc::new(Shared::new(windows, Breaker::new("redis", elapsed)));
                let (watched, stop) = (Arc::clone(&shared), stop.clone());
                tracker.spawn(async move { watched.watch(stop).await });
                Some(shared)
            }
            None => None,
        };
        let windows: Arc<dyn Windows> = match &redis {
            Some(shared) => Arc::clone(shared) as Arc<dyn Windows>,
            None => Arc::new(InProcess::default()),
        };
        Ok(Self { database, store, redis, windows, webhooks })
    }

    /// The limits of this process.
    pub fn limits(&self, config: &Config, clock: &Arc<dyn Clock>, cookie: &SessionCookie) -> Limits {
        Limits::new(Arc::clone(&self.windows), config.tiers.table, Arc::clone(clock), cookie.clone())
            .behind(config.server.trusted_proxies.clone())
    }

    /// The breakers of this process and the state of each.
    pub fn breakers(&self) -> Vec<(&'static str, State)> {
        let redis = self.redis.as_ref().map(|shared| shared.breaker());
        let there = [self.store.as_ref(), redis].into_iter().flatten();
        there.map(|breaker| (breaker.name(), breaker.state())).collect()
    }

    /// How the edges stand, without a name or an address of anything behind them.
    pub fn detail(&self) -> Value {
        let breaker = |breaker: &Breaker| {
            let counts = breaker.counts();
            json!({ "state": breaker.state().name(), "faults": counts.faults, "refused": counts.refused,
                "opened": counts.opened })
        };
        json!({
            "database": self.database.standing().name(),
            "store": self.store.as_ref().map(breaker),
            "redis": self.redis.as_ref().map(|shared| breaker(shared.breaker())),
            "webhooks": self.webhooks.count(),
            "counted_without_redis": self.redis.as_ref().map_or(0, |shared| shared.fallen()),
        })
    }
}
