//! Everything on the public port, put together in one place.

mod arriving;
pub mod delivery;
mod elsewhere;
pub mod graphql;
mod headers;
pub mod health;
pub mod objects;
mod observed;
pub mod oidc;
pub mod rest;
pub mod ui;

use std::{sync::Arc, time::Duration};

use axum::Router;
use http::HeaderMap;
use lockstep_commands::{LoadError, Principal, Services, entry::Entry, setup::SetupLink};
use lockstep_domain::{ids::VideoId, time::Timestamp};
use lockstep_graphql::{CookieConfig, DeliveryToken, DeliveryTokens, Door, Introspection, SchemaDeps, SignInProvider};
use lockstep_object_store::{cloudfront::Cdn, delivery::DeliveryKeys};
use lockstep_projections::Tail;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    auth::{self, Authenticator, CallerError, SessionCookie},
    backend::Objects,
    config::Config,
    data_folder::DataFolder,
    edges::Edges,
    gate::Gate,
    hub::{HubHandle, HubOptions},
    limits::{Limits, Tier},
    oidc::Provider,
    role::{Role, Roles},
    serve::Running,
    socket::{self, SyncState},
    transcoding,
    webhooks::WebhookKeys,
};

/// What the schema is made of.
struct GraphqlParts<'a> {
    cookie: &'a SessionCookie,
    authenticator: &'a Authenticator,
    opening: &'a Opening,
    limits: &'a Limits,
    webhooks: WebhookKeys,
    entry: &'a Entry,
    provider: Option<&'a Provider>,
}

/// What the routes are made of.
pub(crate) struct Parts<'a> {
    pub config: &'a Config,
    pub roles: Roles,
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
        let mut router = health::living().merge(status).merge(elsewhere::router(self.roles));
        if self.roles.has(Role::Api) {
            let opening = Opening { keys, cdn: self.config.cdn.as_ref().map(|cdn| cdn.cdn(&self.config.server)) };
            let delivery = self.delivery(&opening);
            let sockets = limits.layer(Tier::Realtime).only_sockets();
            let tokens = axum::middleware::from_fn_with_state(authenticator.clone(), auth::only_live_tokens);
            let provider = self.edges.provider(self.config, self.public_url, &self.services.clock)?;
            let entry = self.entry(limits);
            let graphql = self.graphql(GraphqlParts {
                cookie: &cookie,
                authenticator: &authenticator,
                opening: &opening,
                limits,
                webhooks: WebhookKeys::open(self.config)?,
                entry: &entry,
                provider: provider.as_ref(),
            })?;
            let graphql = graphql.layer(tokens).route_layer(sockets).route_layer(self.edges.database.layer());
            let rest = self.rest(&authenticator, &delivery, limits).route_layer(self.edges.database.layer());
            router = router
                .merge(ui::router())
                .merge(graphql)
                .merge(rest)
                .merge(delivery::router(delivery).route_layer(limits.layer(Tier::Streaming)));
            if let Some(provider) = provider {
                let state = self.oidc(provider, &cookie, &authenticator, entry);
                router = router.merge(oidc::router(state, limits).route_layer(self.edges.database.layer()));
            }
            if let Some(embedded) = &self.objects.embedded {
                router = router.merge(objects::router(embedded.clone()));
            }
        }
        if self.roles.has(Role::Hub) {
            let sync = self.sync(&authenticator).route_layer(limits.layer(Tier::Realtime));
            router = router.merge(sync.route_layer(self.edges.database.layer()));
        }
        let foreign = headers::Foreign {
            uploads: self.config.objects.s3.as_ref().map(|s3| s3.endpoint.as_str()),
            films: self.config.cdn.as_ref().map(|cdn| cdn.url.as_str()),
        };
        // Also what is answered after a panic has the headers.
        let router = headers::guarded(router.layer(CatchPanicLayer::new()), self.public_url, foreign);
        Ok(observed::observed(router))
    }

    /// Whether this process is ready.
    pub async fn health(&self) -> Router {
        health::router(health::Health {
            services: self.services.clone(),
            reader: self.running.reader.clone(),
            media: match self.roles.has(Role::Transcoder) {
                true => transcoding::check(self.config).await,
                false => Ok(String::new()),
            },
            draining: self.running.draining.clone(),
            edges: self.edges.clone(),
        })
    }

    fn delivery(&self, opening: &Opening) -> delivery::DeliveryState {
        let clock = Arc::clone(&self.services.clock);
        delivery::DeliveryState {
            media: self.services.objects.hurried().media,
            keys: opening.keys.clone(),
            cdn: opening.cdn.clone(),
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

    fn entry(&self, limits: &Limits) -> Entry {
        Entry { registration: self.config.server.registration, throttle: Arc::new(limits.tries()) }
    }

    fn oidc(
        &self,
        provider: Provider,
        cookie: &SessionCookie,
        authenticator: &Authenticator,
        entry: Entry,
    ) -> oidc::OidcState {
        oidc::OidcState {
            services: self.services.clone(),
            provider,
            authenticator: authenticator.clone(),
            entry,
            cookie: cookie.clone(),
            public_url: self.public_url.into(),
            trusted_proxies: self.config.server.trusted_proxies.clone().into(),
        }
    }

    fn graphql(&self, parts: GraphqlParts<'_>) -> anyhow::Result<Router> {
        let GraphqlParts { cookie, authenticator, opening, limits, webhooks, entry, provider } = parts;
        let tail = Tail::new(Arc::clone(&self.services.store));
        self.running.tracker.spawn(tail.clone().run(self.running.shutdown.clone()));
        let schema = lockstep_graphql::schema(SchemaDeps {
            services: Services { objects: self.services.objects.hurried(), ..self.services.clone() },
            reader: self.running.reader.clone(),
            tail,
            delivery: Arc::new(opening.clone()),
            webhooks: Arc::new(webhooks),
            cookie: CookieConfig { name: cookie.name.to_owned(), secure: cookie.secure },
            setup: Arc::clone(self.setup),
            entry: entry.clone(),
            provider: provider.map(|provider| SignInProvider {
                name: provider.name().to_owned(),
                issuer: provider.issuer().to_owned(),
            }),
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
        let options = HubOptions { bus: self.edges.bus(), clock: self.config.hub.clock };
        let hub = HubHandle::start(self.services.clone(), options, self.running.shutdown.clone(), &tracker);
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

/// What opens films: delivery tokens here, and signatures for the CDN if there is one.
#[derive(Clone)]
struct Opening {
    keys: DeliveryKeys,
    cdn: Option<Cdn>,
}

impl DeliveryTokens for Opening {
    fn token(&self, video: VideoId, now: Timestamp) -> DeliveryToken {
        let now_s = now.as_micros() / 1_000_000;
        DeliveryToken {
            token: self.keys.token(video.0, now_s),
            expires_at: Timestamp::from_micros(self.keys.expires_at_s(now_s) * 1_000_000),
        }
    }

    fn door(&self, video: VideoId, now: Timestamp) -> Door {
        let now_s = now.as_micros() / 1_000_000;
        let Some(cdn) = &self.cdn else {
            let DeliveryToken { token, expires_at } = self.token(video, now);
            return Door { base: format!("/v/{token}/"), query: String::new(), cookies: None, expires_at };
        };
        Door {
            base: cdn.base(video.0),
            query: cdn.query(video.0, now_s),
            cookies: cdn.cookies(video.0, now_s),
            expires_at: Timestamp::from_micros(cdn.expires_at_s(now_s) * 1_000_000),
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
