//! Signing in through a provider of the test's own: the routes, the commands and a real log.
#![allow(clippy::disallowed_methods)]

mod accounts;
mod attempts;
mod provider;
mod tokens;
mod trouble;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use lockstep_commands::{
    Actor, Clock, Context, Dispatcher, Principal, Services, account, entry::Entry, session, upload::Uploads,
};
use lockstep_domain::{account::PlatformRole, installation::Registration, time::Timestamp};
use lockstep_event_store::{MasterKey, PostgresStore};
use lockstep_migrations::testing::TestDatabase;
use lockstep_object_store::{EmbeddedS3, breaker::Breaker};
use openidconnect::{IssuerUrl, url::Url};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use self::provider::{CLIENT_ID, CLIENT_SECRET, FakeProvider, Signing};
use super::{OidcState, router};
use crate::{
    auth::{Authenticator, SessionCookie},
    config::{ClientSecret, OidcConfig},
    limits::{Limits, Preset, Table},
    oidc::Provider,
    system::SystemIds,
};

const ORIGIN: &str = "https://watch.example.org";
const PASSWORD: &str = "correct horse battery";
const SESSION: &str = "__Host-lockstep";
const ATTEMPT: &str = "__Host-lockstep-attempt";

/// A clock that the test moves.
struct TestClock(AtomicI64);

impl TestClock {
    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// An installation with a provider.
struct Site {
    router: Router,
    services: Services,
    provider: FakeProvider,
    clock: Arc<TestClock>,
    breaker: Breaker,
    _folder: tempfile::TempDir,
    _objects: EmbeddedS3,
    _database: TestDatabase,
}

impl Site {
    async fn new() -> Self {
        Self::with(Registration::Open).await
    }

    async fn with(registration: Registration) -> Self {
        Self::of(registration, false).await
    }

    async fn of(registration: Registration, without_auth_time: bool) -> Self {
        let database = TestDatabase::create().await;
        let folder = tempfile::tempdir().unwrap();
        let (objects, buckets) = EmbeddedS3::open(folder.path(), ORIGIN, "interim", "media").unwrap();
        let store = PostgresStore::connect(&database.url(), MasterKey::generate(), "test".to_owned()).await.unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(1_700_000_000_000_000)));
        let services = Services {
            dispatcher: Dispatcher::new(store.clone()),
            store,
            pool: database.pool().await,
            objects: buckets,
            clock: clock.clone(),
            ids: Arc::new(SystemIds),
            uploads: Uploads::default(),
        };
        let provider = FakeProvider::start(clock.now().0 / 1_000_000).await;
        let elapsed = Arc::clone(&clock);
        let breaker = Breaker::new("oidc", Arc::new(move || Duration::from_micros(elapsed.now().0 as u64)));
        let cookie = SessionCookie::for_url(ORIGIN);
        let config = OidcConfig {
            issuer: IssuerUrl::new(provider.issuer().to_owned()).unwrap(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: ClientSecret::new(CLIENT_SECRET),
            name: "Company account".to_owned(),
            without_auth_time,
        };
        let state = OidcState {
            provider: Provider::new(config, ORIGIN, breaker.clone(), clock.clone()).unwrap(),
            authenticator: Authenticator::new(services.clone(), cookie.clone()),
            entry: Entry { registration: Some(registration), ..Entry::default() },
            cookie: cookie.clone(),
            public_url: ORIGIN.into(),
            trusted_proxies: Arc::default(),
            services: services.clone(),
        };
        let limits = Limits::in_process(Table::of(Preset::Normal), clock.clone(), cookie);
        let router = router(state, &limits);
        Self { router, services, provider, clock, breaker, _folder: folder, _objects: objects, _database: database }
    }

    fn browser(&self) -> Browser<'_> {
        Browser { site: self, cookies: BTreeMap::new() }
    }

    fn context(&self) -> Context {
        Context {
            actor: Actor::System,
            command_id: Uuid::new_v4().into(),
            correlation_id: "test".to_owned(),
            causation_id: None,
            now: self.services.clock.now(),
        }
    }

    /// A browser in which somebody with a password is signed in.
    async fn person(&self, name: &str, role: PlatformRole) -> Browser<'_> {
        let started = match role {
            PlatformRole::Guest => account::admit_guest(&self.services, &self.context(), name).await,
            role => account::register(&self.services, &self.context(), name, PASSWORD, role).await,
        };
        let mut browser = self.browser();
        browser.cookies.insert(SESSION.to_owned(), started.unwrap().token.expose().to_owned());
        browser
    }

    async fn run(&self, sql: &str) -> u64 {
        sqlx::query(sql).execute(&self.services.pool).await.unwrap().rows_affected()
    }

    /// Accounts that were ever made.
    async fn accounts(&self) -> i64 {
        sqlx::query_scalar("SELECT count(DISTINCT aggregate_id) FROM events WHERE aggregate_type = 'account'")
            .fetch_one(&self.services.pool)
            .await
            .unwrap()
    }
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where a browser is sent.
    fn to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.header("location")
    }
}

/// Keeps cookies as a browser does.
struct Browser<'s> {
    site: &'s Site,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    async fn send(&mut self, request: Request<Body>) -> Answer {
        let (mut parts, body) = request.into_parts();
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            parts.headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        let answer = self.site.router.clone().oneshot(Request::from_parts(parts, body)).await.unwrap();
        let (parts, body) = answer.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            for attribute in ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"] {
                assert!(cookie.split("; ").any(|one| one == attribute), "{attribute}: {cookie}");
            }
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match value {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        let body = to_bytes(body, 100_000).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body: serde_json::from_slice(&body).unwrap_or_default() }
    }

    async fn post(&mut self, path: &str, body: Value) -> Answer {
        let request =
            Request::post(path).header(header::ORIGIN, ORIGIN).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// The provider's address for this browser.
    async fn set_out(&mut self, wish: Value) -> Url {
        let mut body = json!({ "purpose": "sign_in", "returnTo": "/" });
        body.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
        let answer = self.post("/auth/oidc/start", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(answer.header("cache-control"), "no-store");
        answer.body["address"].as_str().unwrap().parse().unwrap()
    }

    async fn come_back(&mut self, code: &str, state: &str) -> Answer {
        self.get(&format!("/auth/oidc/callback?code={code}&state={state}")).await
    }

    /// There and back; where the browser ends.
    async fn journey(&mut self, wish: Value, subject: &str) -> String {
        let address = self.set_out(wish).await;
        let (code, state) = self.site.provider.agree(&address, subject);
        let answer = self.come_back(&code, &state).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        answer.to().to_owned()
    }

    async fn sign_in(&mut self, subject: &str) -> String {
        self.journey(json!({}), subject).await
    }

    /// Who is signed in.
    async fn principal(&self) -> Option<Principal> {
        let token = self.cookies.get(SESSION)?;
        session::authenticate(&self.site.services, token).await.unwrap()
    }

    async fn me(&self) -> Principal {
        self.principal().await.expect("somebody is signed in")
    }
}

/// A sign-in that is not believed: nobody is signed in, nothing is made, and a page says so.
async fn refused(site: &Site, code: &str) {
    let mut browser = site.browser();
    assert_eq!(browser.sign_in("Ada").await, format!("/sign-in?problem={code}"));
    assert!(browser.principal().await.is_none());
    assert_eq!(site.accounts().await, 0);
    assert!(!browser.cookies.contains_key(ATTEMPT), "the attempt has ended");
}
