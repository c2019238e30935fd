//! Everything on the public port, put together in one place.

pub mod delivery;
pub mod graphql;
mod headers;
pub mod health;
pub mod objects;
mod observed;
pub mod rest;
pub mod ui;

use std::{sync::Arc, time::Duration};

use axum::Router;
use http::HeaderMap;
use lockstep_commands::{LoadError, Principal, Services, entry::Entry, setup::SetupLink};
use lockstep_domain::{ids::VideoId, time::Timestamp};
use lockstep_graphql::{CookieConfig, DeliveryToken, DeliveryTokens, Introspection, SchemaDeps};
use lockstep_object_store::delivery::DeliveryKeys;
use lockstep_projections::Tail;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    auth::{self, Authenticator, CallerError, SessionCookie},
    backend::Objects,
    cli::Role,
    config::Config,
    data_folder::DataFolder,
    edges::Edges,
    gate::Gate,
    hub::HubHandle,
    limits::{Limits, Tier},
    serve::Running,
    socket::{self, SyncState},
    transcoding,
    webhooks::WebhookKeys,
};

/// What the routes are made of.
pub(crate) struct Parts<'a> {
    pub config: &'a Config,
    pub role: Role,
    pub public_url: &'a str,
    pub services: &'a Services,
    pub objects: &'a Objects,
    pub running: &'a Running,
    pub edges: &'a Edges,
    pub setup: &'a Arc<SetupLink>,
}

impl Parts<'_> {
    /// The whole public side.
    pub async fn router(&self) -> anyhow::Result<Router> {
        let cookie = SessionCookie::for_url(self.public_url);
        if !cookie.secure {
            tracing::warn!(url = self.public_url, "plain http: the session cookie is sent without Secure; use https");
        }
        let authenticator = Authenticator::new(self.services.clone(), cookie.clone());
        self.running.tracker.spawn(authenticator.clone().follow(self.running.shutdown.clone()));
        let keys = self.delivery_keys()?;
        let limits = &self.edges.limits(self.config, &self.services.clock, &cookie);
        let status = self.health().await.route_layer(limits.layer(Tier::Status));
        let mut router = ui::router().merge(health::living()).merge(status);
        if matches!(self.role, Role::All | Role::Api) {
            let delivery = self.delivery(&keys);
            let sockets = limits.layer(Tier::Realtime).only_sockets();
            let tokens = axum::middleware::from_fn_with_state(authenticator.clone(), auth::only_live_tokens);
            let graphql = self.graphql(&cookie, &authenticator, &keys, limits, WebhookKeys::open(self.config)?)?;
            let graphql = graphql.layer(tokens).route_layer(sockets).route_layer(self.edges.database.layer());
            let rest = self.rest(&authenticator, &delivery, limits).route_layer(self.edges.database.layer());
            router = router
                .merge(graphql)
                .merge(rest)
                .merge(delivery::router(delivery).route_layer(limits.layer(Tier::Streaming)));
            if let Some(embedded) = &self.objects.embedded {
                router = router.merge(objects::router(embedded.clone()));
            }
        }
        if matches!(self.role, Role::All | Role::Hub) {
            let sync = self.sync(&authenticator).route_layer(limits.layer(Tier::Realtime));
            router = router.merge(sync.route_layer(self.edges.database.layer()));
        }
        let uploads_to = self.config.objects.s3.as_ref().map(|s3| s3.endpoint.as_str());
        // Also what is answered after a panic has the headers.
        let router = headers::guarded(router.layer(CatchPanicLayer::new()), self.public_url, uploads_to);
        Ok(observed::observed(router))
    }

    /// Whether this process is ready.
    pub async fn health(&self) -> Router {
        health::router(health::Health {
            services: self.services.clone(),
            reader: self.running.reader.clone(),
            media: match self.role.transcodes() {
                true => transcoding::check(self.config).await,
                false => Ok(String::new()),
            },
            draining: self.running.draining.clone(),
            edges: self.edges.clone(),
        })
    }

    fn delivery(&self, keys: &DeliveryKeys) -> delivery::DeliveryState {
        let clock = Arc::clone(&self.services.clock);
        delivery::DeliveryState {
            media: self.services.objects.hurried().media,
            keys: keys.clone(),
            withdrawn: delivery::Withdrawn::of(self.services.pool.clone()),
            now: Arc::new(move || clock.now().as_micros() / 1_000_000),
        }
    }

    fn rest(&self, authenticator: &Authenticator, delivery: &delivery::DeliveryState, limits: &Limits) -> Router {
        let state = rest::RestState {
            services: Services { objects: self.services.objects.hurried(), ..self.services.clone() },
            reader: self.running.reader.clone(),
            authenticator: authenticator.clone(),
            public_url: self.public_url.into(),
            delivery: delivery.clone(),
            encoder: self.config.integrations.encoder_secret.clone(),
        };
        rest::router(state, limits)
    }

    fn delivery_keys(&self) -> anyhow::Result<DeliveryKeys> {
        let secret = match self.config.data.master_key {
            // Nodes that share the master key accept each other's links.
            Some(master) => derived(&master, b"lockstep delivery"),
            None => DataFolder::open(&self.config.data.folder)?.secret("delivery.key")?,
        };
        Ok(DeliveryKeys::new(secret, Duration::from_secs(self.config.server.token_life_s)))
    }

    fn graphql(
        &self,
        cookie: &SessionCookie,
        authenticator: &Authenticator,
        keys: &DeliveryKeys,
        limits: &Limits,
        webhooks: WebhookKeys,
    ) -> anyhow::Result<Router> {
        let tail = Tail::new(Arc::clone(&self.services.store));
        self.running.tracker.spawn(tail.clone().run(self.running.shutdown.clone()));
        let schema = lockstep_graphql::schema(SchemaDeps {
            services: Services { objects: self.services.objects.hurried(), ..self.services.clone() },
            reader: self.running.reader.clone(),
            tail,
            delivery: Arc::new(Tokens(keys.clone())),
            webhooks: Arc::new(webhooks),
            cookie: CookieConfig { name: cookie.name.to_owned(), secure: cookie.secure },
            setup: Arc::clone(self.setup),
            entry: Entry { registration: self.config.server.registration, throttle: Arc::new(limits.tries()) },
            introspection: Introspection::SignedIn,
            trusted: ui::documents()?,
            anonymous: self.config.server.anonymous(self.public_url),
            costs: Arc::new(limits.costs()),
        });
        Ok(graphql::router(graphql::GraphqlState {
            schema,
            authenticate: Arc::new(authenticator.clone()),
            allowed_origins: Arc::new([self.public_url.to_owned()]),
            trusted_proxies: self.config.server.trusted_proxies.clone().into(),
            cost_share: limits.share(Tier::Graphql),
            tracker: self.running.tracker.clone(),
            shutdown: self.running.shutdown.clone(),
            gate: self.gate(),
        }))
    }

    fn gate(&self) -> Gate {
        Gate::new(self.config.server.sockets_per_address_max).behind(self.config.server.trusted_proxies.clone())
    }

    fn sync(&self, authenticator: &Authenticator) -> Router {
        let tracker = self.running.tracker.clone();
        let hub = HubHandle::start(self.services.clone(), self.running.shutdown.clone(), &tracker);
        let _ = self.running.hub.set(hub.clone());
        let origins = Arc::new([self.public_url.to_owned()]);
        let gate = self.gate();
        socket::router(SyncState { hub, authenticator: authenticator.clone(), origins, gate, tracker })
    }
}

/// A secret of its own for each purpose.
pub(crate) fn derived(master: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::new().chain_update(master).chain_update(purpose).finalize().into()
}

/// Delivery tokens for the schema.
struct Tokens(DeliveryKeys);

impl DeliveryTokens for Tokens {
    fn token(&self, video: VideoId, now: Timestamp) -> DeliveryToken {
        let now_s = now.as_micros() / 1_000_000;
        DeliveryToken {
            token: self.0.token(video.0, now_s),
            expires_at: Timestamp::from_micros(self.0.expires_at_s(now_s) * 1_000_000),
        }
    }
}

#[async_trait::async_trait]
impl graphql::Authenticate for Authenticator {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Principal>, graphql::AuthenticateError> {
        match self.caller(headers).await {
            Ok(principal) => Ok(principal),
            // It died between the look before and this one: nobody asks.
            Err(CallerError::Token) => Ok(None),
            Err(CallerError::Unavailable(error)) => Err(away(error)),
        }
    }
    async fn ended(&self, principal: &Principal) {
        self.ended(principal).await;
    }
}

fn away(error: LoadError) -> graphql::AuthenticateError {
    graphql::AuthenticateError(error.to_string())
}
