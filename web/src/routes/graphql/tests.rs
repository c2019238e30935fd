//! The transport against real clients: statuses over HTTP, close codes over WebSockets.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and draw ids")]

mod http_posts;
mod revoking;
mod sockets;
mod streams;
mod trusted;
mod unavailable;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::Router;
use http::HeaderMap;
use lockstep_commands::{
    Dispatcher, Principal, Services,
    budget::Costs,
    setup::SetupLink,
    window::{InProcess, Share},
};
use lockstep_domain::{
    account::PlatformRole,
    ids::{AccountId, VideoId, WebhookId},
    time::Timestamp,
    token::Scope,
};
use lockstep_event_store::{MasterKey, PostgresStore};
use lockstep_graphql::{
    Anonymous, CookieConfig, DeliveryToken, DeliveryTokens, Introspection, SchemaDeps, TrustedDocuments,
    WebhookSecrets, schema,
};
use lockstep_migrations::testing::TestDatabase;
use lockstep_object_store::EmbeddedS3;
use lockstep_projections::{Reader, Runner, Tail};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{Authenticate, AuthenticateError, GraphqlState, router};
use crate::system::{SystemClock, SystemIds};

/// Cost points a minute.
const BUDGET: u32 = 1_000;
const ORIGIN: &str = "https://watch.example.org";

/// The cookie `session=ada` is Ada until she signs out, `session=guest` a guest; `session=token` is a program with a token of
/// Ada's, which has no session; `session=broken` cannot be looked up.
struct Sessions {
    signed_in: AtomicBool,
    signed_out: tokio::sync::Notify,
}

#[async_trait::async_trait]
impl Authenticate for Sessions {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Principal>, AuthenticateError> {
        match headers.get("cookie").map(|cookie| cookie.to_str().unwrap()) {
            Some("session=ada") if self.signed_in.load(Ordering::SeqCst) => Ok(Some(Principal {
                account: AccountId(Uuid::from_u128(7)),
                name: "Ada".to_owned(),
                role: PlatformRole::Member,
                session_hash: "00".to_owned(),
                scopes: None,
            })),
            Some("session=guest") => Ok(Some(Principal {
                account: AccountId(Uuid::from_u128(8)),
                name: "Gast".to_owned(),
                role: PlatformRole::Guest,
                session_hash: "01".to_owned(),
                scopes: None,
            })),
            Some("session=token") => Ok(Some(Principal {
                account: AccountId(Uuid::from_u128(7)),
                name: "Ada".to_owned(),
                role: PlatformRole::Member,
                session_hash: "02".to_owned(),
                scopes: Some([Scope::VideosRead].into()),
            })),
            Some("session=broken") => Err(AuthenticateError("the table is gone".to_owned())),
            _ => Ok(None),
        }
    }

    async fn ended(&self, principal: &Principal) {
        if principal.scopes.is_none() {
            self.signed_out.notified().await;
        }
    }
}

struct NoTokens;

impl DeliveryTokens for NoTokens {
    fn token(&self, _: VideoId, now: Timestamp) -> DeliveryToken {
        DeliveryToken { token: String::new(), expires_at: now }
    }
}

impl WebhookSecrets for NoTokens {
    fn secret(&self, _: WebhookId, _: u32) -> String {
        String::new()
    }
}

struct Site {
    router: Router,
    state: GraphqlState,
    sessions: Arc<Sessions>,
    services: Services,
    reader: Reader,
    tracker: TaskTracker,
    shutdown: CancellationToken,
    _folder: tempfile::TempDir,
    _objects: EmbeddedS3,
    _database: TestDatabase,
}

impl Site {
    async fn new() -> Self {
        Self::that_runs(Anonymous::Open, TrustedDocuments::default()).await
    }

    async fn that_runs(anonymous: Anonymous, trusted: TrustedDocuments) -> Self {
        let database = TestDatabase::create().await;
        let folder = tempfile::tempdir().unwrap();
        let (objects, buckets) = EmbeddedS3::open(folder.path(), ORIGIN, "interim", "media").unwrap();
        let store = PostgresStore::connect(&database.url(), MasterKey::generate(), "test".to_owned()).await.unwrap();
        let services = Services {
            dispatcher: Dispatcher::new(store.clone()),
            store: store.clone(),
            pool: database.pool().await,
            objects: buckets,
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            uploads: lockstep_commands::upload::Uploads::default(),
        };
        let (shutdown, background) = (CancellationToken::new(), CancellationToken::new());
        let runner = Runner::new(store.clone(), services.pool.clone());
        let (reader, tail) = (runner.reader(), Tail::new(store));
        tokio::spawn(runner.run(background.clone()));
        tokio::spawn(tail.clone().run(background));
        let schema = schema(SchemaDeps {
            services: services.clone(),
            reader: reader.clone(),
            tail,
            delivery: Arc::new(NoTokens),
            webhooks: Arc::new(NoTokens),
            cookie: CookieConfig { name: "lockstep".to_owned(), secure: false },
            setup: Arc::new(SetupLink::closed()),
            entry: lockstep_commands::entry::Entry::default(),
            provider: None,
            introspection: Introspection::SignedIn,
            trusted,
            anonymous,
            costs: Arc::new(Costs::new(Arc::new(InProcess::default()), Share { units_max: BUDGET, window_s: 60 })),
        });
        let sessions = Arc::new(Sessions { signed_in: AtomicBool::new(true), signed_out: tokio::sync::Notify::new() });
        let tracker = TaskTracker::new();
        let state = GraphqlState {
            schema,
            authenticate: sessions.clone(),
            allowed_origins: Arc::new([ORIGIN.to_owned()]),
            trusted_proxies: Arc::new([]),
            cost_share: Share { units_max: BUDGET, window_s: 60 },
            tracker: tracker.clone(),
            gate: crate::gate::Gate::new(crate::gate::SOCKETS_PER_ADDRESS_MAX),
            shutdown: shutdown.clone(),
        };
        let router = router(state.clone());
        Self {
            router,
            state,
            sessions,
            services,
            reader,
            tracker,
            shutdown,
            _folder: folder,
            _objects: objects,
            _database: database,
        }
    }
}
