//! What stands between this process and the parts it needs: limits, breakers and the watch over the database.

use std::sync::Arc;

use anyhow::Context;
use lockstep_commands::{
    Clock,
    window::{InProcess, Windows},
};
use lockstep_object_store::{
    breaker::{Breaker, State},
    cloudfront::{CloudFrontApi, CloudFrontSettings},
};
use serde_json::{Value, json};

use crate::{
    auth::SessionCookie,
    backend::Objects,
    bus::{Bus, BusKey, RedisBus},
    config::Config,
    limits::{Limits, RedisWindows, Shared, WindowClock},
    oidc::Provider,
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
    /// In front of the API of the CDN.
    cdn: Option<Breaker>,
    redis: Option<Arc<Shared>>,
    /// In front of the provider of sign-ins.
    oidc: Option<Breaker>,
    windows: Arc<dyn Windows>,
    /// To the other hubs of the installation.
    bus: Option<Arc<RedisBus>>,
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
        key: Option<&BusKey>,
        bus: Option<Arc<RedisBus>>,
    ) -> anyhow::Result<Self> {
        let (tracker, stop) = (&running.tracker, &running.shutdown);
        let elapsed = vitals::elapsed();
        let (database, look) = DatabaseWatch::new(database_url.to_owned(), stop.clone());
        tracker.spawn(look);
        let cdn_breaker = Breaker::new("the CDN", elapsed.clone());
        let store = objects.embedded.is_none().then(|| Breaker::new("the object store", elapsed.clone()));
        if let Some(breaker) = &store {
            objects.buckets.guard(breaker);
            tracker.spawn(vitals::watch_store(objects.buckets.media.clone(), breaker.clone(), stop.clone()));
        }
        let oidc = config.oidc.is_some().then(|| Breaker::new("oidc", elapsed.clone()));
        let webhooks = WebhookBreakers::new(elapsed.clone());
        let redis = match config.tiers.redis.as_ref().zip(key) {
            Some((url, key)) => {
                let windows = RedisWindows::new(url, WindowClock::Server, &key.limits());
                let windows = windows.context("REDIS_URL cannot be used")?;
                let shared = Arc::new(Shared::new(windows, Breaker::new("redis", elapsed)));
                let (watched, stop) = (Arc::clone(&shared), stop.clone());
                tracker.spawn(async move { watched.watch(stop).await });
                Some(shared)
            }
            None => None,
        };
        let cdn = invalidating(config, objects, cdn_breaker)?;
        let windows: Arc<dyn Windows> = match &redis {
            Some(shared) => Arc::clone(shared) as Arc<dyn Windows>,
            None => Arc::new(InProcess::default()),
        };
        Ok(Self { database, store, cdn, redis, oidc, windows, bus, webhooks })
    }

    /// The provider of sign-ins, if there is one.
    pub(crate) fn provider(
        &self,
        config: &Config,
        public_url: &str,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Option<Provider>> {
        let Some((settings, breaker)) = config.oidc.clone().zip(self.oidc.clone()) else { return Ok(None) };
        Provider::new(settings, public_url, breaker, Arc::clone(clock)).map(Some).context("the provider of sign-ins")
    }

    /// The limits of this process.
    pub fn limits(&self, config: &Config, clock: &Arc<dyn Clock>, cookie: &SessionCookie) -> Limits {
        Limits::new(Arc::clone(&self.windows), config.tiers.table, Arc::clone(clock), cookie.clone())
            .behind(config.server.trusted_proxies.clone())
    }

    /// The way to the other hubs; none where this is the only one.
    pub fn bus(&self) -> Option<Arc<dyn Bus>> {
        self.bus.clone().map(|bus| bus as Arc<dyn Bus>)
    }

    /// The breakers of this process and the state of each.
    pub fn breakers(&self) -> Vec<(&'static str, State)> {
        let redis = self.redis.as_ref().map(|shared| shared.breaker());
        let bus = self.bus.as_ref().map(|bus| bus.breaker());
        let there = [self.store.as_ref(), self.cdn.as_ref(), redis, bus, self.oidc.as_ref()].into_iter().flatten();
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
            "cdn": self.cdn.as_ref().map(breaker),
            "redis": self.redis.as_ref().map(|shared| breaker(shared.breaker())),
            "bus": self.bus.as_ref().map(|bus| {
                let mut detail = breaker(bus.breaker());
                detail["nodes"] = json!(if bus.is_up() { "heard" } else { "away" });
                detail
            }),
            "oidc": self.oidc.as_ref().map(breaker),
            "webhooks": self.webhooks.count(),
            "counted_without_redis": self.redis.as_ref().map_or(0, |shared| shared.fallen()),
        })
    }
}

/// Tells the media bucket how copies in the CDN are forgotten, where it is known.
fn invalidating(config: &Config, objects: &Objects, breaker: Breaker) -> anyhow::Result<Option<Breaker>> {
    let invalidation = config.cdn.as_ref().and_then(|cdn| cdn.invalidation.as_ref());
    let (Some(invalidation), Some(s3)) = (invalidation, &config.objects.s3) else { return Ok(None) };
    let settings = CloudFrontSettings {
        endpoint: invalidation.endpoint.clone(),
        distribution: invalidation.distribution.clone(),
        access_key: s3.access_key.clone(),
        secret_key: s3.secret_key.clone(),
    };
    let api = CloudFrontApi::new(settings, breaker.clone(), Arc::new(crate::system::wall_time));
    objects.buckets.media.cached_by(Arc::new(api.context("the CDN's API cannot be called")?));
    Ok(Some(breaker))
}
