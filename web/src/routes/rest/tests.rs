//! The API through its router, over real commands, read models, a real log and a store in a folder of its own.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and draw ids")]

mod encoder;
mod limited;
mod openapi;
mod rights;
mod shapes;
mod tokens;
mod uploads;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use lockstep_commands::{
    Actor, Context, Dispatcher, Principal, Services, account,
    entry::Entry,
    session,
    token::{self, Wanted},
    upload::{Limits, Uploads},
};
use lockstep_domain::{
    account::PlatformRole,
    ids::{StreamId, VideoId},
    time::{MediaTime, Timestamp},
    token::Scope,
    video::{RenditionFacts, Video, VideoCommand},
};
use lockstep_event_store::{MasterKey, PostgresStore};
use lockstep_migrations::testing::TestDatabase;
use lockstep_object_store::{EmbeddedS3, delivery::DeliveryKeys};
use lockstep_projections::Runner;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use super::{RestState, SharedSecret, router};
use crate::{
    auth::{Authenticator, SessionCookie},
    limits::{Preset, Table},
    routes::delivery::{DeliveryState, Withdrawn},
    system::{SystemClock, SystemIds},
};

const ORIGIN: &str = "https://watch.example.org";
const PASSWORD: &str = "correct horse battery";
const ENCODER: [u8; 32] = [9; 32];

/// Somebody with a session.
struct Person {
    principal: Principal,
    cookie: String,
}

struct Site {
    router: Router,
    state: RestState,
    shutdown: CancellationToken,
    _folder: tempfile::TempDir,
    _objects: EmbeddedS3,
    _database: TestDatabase,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The data of an answer of 200.
    fn data(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.json()["data"].clone()
    }

    /// The code of a refusal, whose shape is looked at as a whole.
    fn refused(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(self.headers[header::CACHE_CONTROL], "no-store");
        let body = self.json();
        let error = body["error"].as_object().unwrap_or_else(|| panic!("{body}"));
        assert_eq!((body.as_object().unwrap().len(), error.len()), (1, 3), "{body}");
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        assert!(error["requestId"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        error["code"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
    }
}

/// Twenty uploads in a quarter of an hour, and the rest of the table.
fn limits(state: &RestState) -> crate::limits::Limits {
    let table = Table::of(Preset::Normal);
    crate::limits::Limits::in_process(table, state.services.clock.clone(), SessionCookie::for_url(ORIGIN))
}

impl Site {
    async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    async fn with(uploads: Limits) -> Self {
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
            uploads: Uploads::new(uploads),
        };
        let shutdown = CancellationToken::new();
        let runner = Runner::new(store, services.pool.clone());
        let reader = runner.reader();
        tokio::spawn(runner.run(shutdown.clone()));
        let clock = services.clock.clone();
        let state = RestState {
            authenticator: Authenticator::new(services.clone(), SessionCookie::for_url(ORIGIN)),
            reader,
            public_url: ORIGIN.into(),
            delivery: DeliveryState {
                media: services.objects.media.clone(),
                keys: DeliveryKeys::new([7; 32], Duration::from_secs(600)),
                cdn: None,
                withdrawn: Withdrawn::of(services.pool.clone()),
                now: Arc::new(move || clock.now().as_micros() / 1_000_000),
            },
            encoder: Some(SharedSecret::new(&ENCODER)),
            services,
        };
        let router = router(state.clone(), &limits(&state));
        Self { router, state, shutdown, _folder: folder, _objects: objects, _database: database }
    }

    fn system(&self) -> Context {
        Context {
            actor: Actor::System,
            command_id: Uuid::new_v4().into(),
            correlation_id: "test".to_owned(),
            causation_id: None,
            now: self.state.services.clock.now(),
        }
    }

    async fn person(&self, name: &str, role: PlatformRole) -> Person {
        let services = &self.state.services;
        let started = match role {
            PlatformRole::Guest => account::admit_guest(services, &self.system(), name).await,
            role => account::register(services, &self.system(), name, PASSWORD, role).await,
        };
        let token = started.unwrap().token;
        let principal = session::authenticate(services, token.expose()).await.unwrap().unwrap();
        Person { principal, cookie: format!("__Host-lockstep={}", token.expose()) }
    }

    /// A token of this person's, for `Authorization`.
    async fn token(&self, person: &Person, scopes: &[Scope]) -> String {
        let context = Context { actor: Actor::Account(person.principal.account), ..self.system() };
        let wanted = Wanted {
            name: "test",
            scopes: scopes.iter().copied().collect::<BTreeSet<_>>(),
            expires_at: Timestamp(context.now.0 + 3_600_000_000),
            password: PASSWORD,
        };
        let entry = Entry::default();
        let issued = token::issue(&self.state.services, &entry, &context, &person.principal, wanted).await.unwrap();
        format!("Bearer {}", issued.expose())
    }

    async fn film(&self, video: VideoId, command: VideoCommand) {
        let stream = StreamId::video(video);
        self.state.services.dispatcher.execute::<Video>(stream, None, &self.system(), command).await.unwrap();
    }

    /// A film of this person's that is being transcoded.
    async fn processing(&self, owner: &Person, title: &str) -> VideoId {
        let video = VideoId(Uuid::new_v4());
        let request = VideoCommand::RequestUpload {
            owner: owner.principal.account,
            title: title.to_owned(),
            file_name: "film.mp4".to_owned(),
            size_bytes: 1_000,
            content_type: "video/mp4".to_owned(),
            object_key: format!("u/{video}"),
            fingerprint: None,
        };
        for command in [request, VideoCommand::CompleteUpload, VideoCommand::StartTranscode] {
            self.film(video, command).await;
        }
        video
    }

    /// One that can be watched.
    async fn ready(&self, owner: &Person, title: &str) -> VideoId {
        let video = self.processing(owner, title).await;
        let rendition = RenditionFacts {
            name: "720p".to_owned(),
            width: 1280,
            height: 720,
            bandwidth_bps: 3_000_000,
            average_bandwidth_bps: 2_000_000,
            codecs: "avc1.64001f".to_owned(),
            bytes: 1,
            segments: 15,
        };
        self.film(video, VideoCommand::CompleteRendition { rendition }).await;
        let (hls_key, dash_key) = (format!("v/{video}/master.m3u8"), format!("v/{video}/manifest.mpd"));
        self.film(video, VideoCommand::CompleteTranscode { hls_key, dash_key, duration: MediaTime(60_500_000) }).await;
        video
    }

    /// All read models show everything that happened so far.
    async fn settle(&self) {
        let head = self.state.services.store.head().await.unwrap();
        let names: Vec<_> = lockstep_projections::all().iter().map(|projection| projection.name()).collect();
        while self.state.reader.wait_for(&names, head).await.is_err() {}
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, 1 << 20).await.unwrap() }
    }

    /// As a page of ours asks.
    async fn ask(&self, by: &Person, method: &str, path: &str, body: Option<Value>) -> Answer {
        let headers = [("cookie", by.cookie.as_str()), ("origin", ORIGIN), ("content-type", "application/json")];
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(method, path, &headers, body).await
    }

    async fn get(&self, by: &Person, path: &str) -> Answer {
        self.ask(by, "GET", path, None).await
    }

    /// With a token and nothing else.
    async fn with_token(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let headers = [("authorization", token), ("content-type", "application/json")];
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(method, path, &headers, body).await
    }
}

fn upload(size: u64) -> Value {
    json!({ "fileName": "holiday.mp4", "fileSize": size, "contentType": "video/mp4" })
}
