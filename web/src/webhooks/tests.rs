//! Sending, against a receiver on this machine: signatures, attempts, and what is never connected to.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and draw ids")]

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing};
use http::{HeaderMap, StatusCode, header};
use lockstep_commands::{
    Actor, Context, Dispatcher, Services, account,
    webhook::{self, ATTEMPTS_MAX, BACK_OFF_S, Progress, Wanted},
};
use lockstep_domain::{
    account::PlatformRole,
    ids::{AccountId, Position, StreamId, VideoId, WebhookId},
    video::{Video, VideoCommand},
    webhook::Topic,
};
use lockstep_event_store::{MasterKey, PostgresStore};
use lockstep_migrations::testing::TestDatabase;
use lockstep_object_store::{
    EmbeddedS3,
    breaker::{Elapsed, FAULTS_MAX, OPEN_FOR, State as BreakerState},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Client, HOLD_SPREAD, Sender, WebhookBreakers, WebhookKeys, system_lookup};
use crate::{
    routes::rest::{ID, SIGNATURE},
    system::{SystemClock, SystemIds},
};

type Received = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// Answers as it was told to, then with 204, and keeps what it got.
struct Receiver {
    url: String,
    received: Received,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    async fn new(answers: &[u16]) -> Self {
        let received = Received::default();
        let answers: Arc<Mutex<VecDeque<u16>>> = Arc::new(Mutex::new(answers.iter().copied().collect()));
        type Held = (Received, Arc<Mutex<VecDeque<u16>>>);
        let take = async |State((received, answers)): State<Held>, headers: HeaderMap, body: Bytes| {
            received.lock().unwrap().push((headers, body));
            let status = answers.lock().unwrap().pop_front().unwrap_or(204);
            (StatusCode::from_u16(status).unwrap(), [(header::LOCATION, "/elsewhere")])
        };
        let app = Router::new()
            .route("/hook", routing::post(take))
            .route("/elsewhere", routing::post(take))
            .with_state((received.clone(), answers));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, received, task }
    }

    fn got(&self) -> Vec<(HeaderMap, Bytes)> {
        self.received.lock().unwrap().clone()
    }
}

struct World {
    sender: Sender,
    /// What the breakers go by, milliseconds.
    clock: Arc<AtomicU64>,
    owner: AccountId,
    _folder: tempfile::TempDir,
    _objects: EmbeddedS3,
    _database: TestDatabase,
}

impl World {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let folder = tempfile::tempdir().unwrap();
        let (objects, buckets) = EmbeddedS3::open(folder.path(), "http://localhost:1", "interim", "media").unwrap();
        let store = PostgresStore::connect(&database.url(), MasterKey::generate(), "test".to_owned()).await.unwrap();
        let services = Services {
            dispatcher: Dispatcher::new(store.clone()),
            store,
            pool: database.pool().await,
            objects: buckets,
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            uploads: lockstep_commands::upload::Uploads::default(),
        };
        let client = Client::new(true, Arc::new(system_lookup)).unwrap();
        let clock = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&clock);
        let elapsed: Elapsed = Arc::new(move || Duration::from_millis(read.load(Ordering::SeqCst)));
        let breakers = WebhookBreakers::new(elapsed);
        let sender = Sender { services, keys: WebhookKeys::new([3; 32]), client, breakers };
        let owner = AccountId::default();
        let mut world = Self { sender, clock, owner, _folder: folder, _objects: objects, _database: database };
        world.owner = world.person("Ada", PlatformRole::Member).await;
        world
    }

    fn services(&self) -> &Services {
        &self.sender.services
    }

    fn by(&self, actor: Actor) -> Context {
        Context {
            actor,
            command_id: Uuid::new_v4().into(),
            correlation_id: "test".to_owned(),
            causation_id: None,
            now: self.services().clock.now(),
        }
    }

    async fn person(&self, name: &str, role: PlatformRole) -> AccountId {
        let context = self.by(Actor::System);
        let started = account::register(self.services(), &context, name, "correct horse battery", role).await;
        started.unwrap().principal.account
    }

    async fn webhook(&self, owner: AccountId, url: &str, everybody: bool) -> WebhookId {
        let wanted = Wanted { url: url.to_owned(), topics: Topic::ALL.into(), everybody };
        webhook::register(self.services(), &self.by(Actor::Account(owner)), wanted).await.unwrap().0
    }

    /// A film of this person's that arrived, and its note to webhooks.
    async fn arrived(&self, owner: AccountId) -> VideoId {
        let video = VideoId(Uuid::new_v4());
        let request = VideoCommand::RequestUpload {
            owner,
            title: "A film".to_owned(),
            file_name: "film.mp4".to_owned(),
            size_bytes: 9,
            content_type: "video/mp4".to_owned(),
            object_key: format!("u/{video}"),
            fingerprint: None,
        };
        for command in [request, VideoCommand::CompleteUpload] {
            let context = self.by(Actor::System);
            let stream = StreamId::video(video);
            self.services().dispatcher.execute::<Video>(stream, None, &context, command).await.unwrap();
        }
        self.note().await;
        video
    }

    async fn note(&self) {
        let events = self.services().store.read_after(Position::START, 1_000).await.unwrap();
        webhook::note(self.services(), &events).await.unwrap();
    }

    async fn shown(&self, id: WebhookId) -> Vec<webhook::Delivery> {
        webhook::deliveries(self.services(), self.owner, id).await.unwrap().unwrap()
    }

    /// As if the pause before the next attempt were over, and no webhook left alone any more.
    async fn later(&self) {
        self.pass(OPEN_FOR);
        self.due().await;
    }

    fn pass(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap();
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    /// As if the pause before the next attempt were over.
    async fn due(&self) {
        sqlx::query("UPDATE webhook_deliveries SET next_at = now()").execute(&self.services().pool).await.unwrap();
    }
}

#[tokio::test]
async fn a_delivery_is_signed_and_says_what_happened() {
    let (world, receiver) = (World::new().await, Receiver::new(&[]).await);
    let id = world.webhook(world.owner, &receiver.url, false).await;
    let video = world.arrived(world.owner).await;
    assert_eq!(world.sender.send_due().await.unwrap(), 1);
    let got = receiver.got();
    let (headers, body) = &got[0];
    let secret = world.sender.keys.of(id, 0);
    let now_s = world.services().clock.now().as_micros() / 1_000_000;
    let named = secret.verify(headers, body, now_s).expect("signed");
    let shown = world.shown(id).await;
    assert_eq!((named, shown[0].progress), (shown[0].id.to_string().as_str(), Progress::Delivered));
    assert_eq!((shown[0].last_status, shown[0].attempts), (Some(204), 1));
    let mut said: Value = serde_json::from_slice(body).unwrap();
    assert!(said["timestamp"].take().as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    let expected = json!({ "type": "video.uploaded", "timestamp": null, "data": { "videoId": video.0, "ownerId": world.owner.0 } });
    assert_eq!(said, expected);
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert_ne!(world.sender.keys.of(WebhookId(Uuid::new_v4()), 0), secret, "each webhook has a secret of its own");
    assert_eq!(world.sender.send_due().await.unwrap(), 0);
}

#[tokio::test]
async fn the_same_event_is_one_delivery_however_often_it_is_read() {
    let (world, receiver) = (World::new().await, Receiver::new(&[]).await);
    let id = world.webhook(world.owner, &receiver.url, false).await;
    world.arrived(world.owner).await;
    world.note().await;
    world.sender.send_due().await.unwrap();
    world.note().await;
    assert_eq!(world.sender.send_due().await.unwrap(), 0);
    assert_eq!((receiver.got().len(), world.shown(id).await.len()), (1, 1));
    let event = Uuid::from_u128(5);
    assert_eq!(webhook::delivery_id(id, event), webhook::delivery_id(id, event));
    assert_ne!(webhook::delivery_id(id, event), webhook::delivery_id(WebhookId(Uuid::nil()), event));
}

#[tokio::test]
async fn what_fails_is_sent_again_after_growing_pauses_and_then_given_up() {
    let (world, receiver) = (World::new().await, Receiver::new(&[500; 20]).await);
    let id = world.webhook(world.owner, &receiver.url, false).await;
    world.arrived(world.owner).await;
    let mut pauses = vec![];
    for attempt in 1..=ATTEMPTS_MAX {
        assert_eq!(world.sender.send_due().await.unwrap(), 1, "attempt {attempt}");
        assert_eq!(world.sender.send_due().await.unwrap(), 0, "not before its time");
        let shown = world.shown(id).await;
        assert_eq!((shown[0].attempts, shown[0].last_status), (attempt, Some(500)));
        let now: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM now()) * 1000000)::bigint")
            .fetch_one(&world.services().pool)
            .await
            .unwrap();
        pauses.push((shown[0].next_at.0 - now) / 1_000_000);
        world.later().await;
    }
    for (pause, back_off) in pauses.iter().zip(BACK_OFF_S) {
        let back_off = i64::from(back_off);
        assert!((back_off - 3..=back_off * 3 / 2 + 1).contains(pause), "{pauses:?}");
    }
    assert_eq!(world.shown(id).await[0].progress, Progress::Failed);
    let rows = webhook::list(world.services(), world.owner).await.unwrap();
    assert!(rows[0].state.disabled, "nobody answered for too long");
    let got = receiver.got();
    let ids: std::collections::BTreeSet<_> = got.iter().map(|(headers, _)| headers[ID].to_str().unwrap()).collect();
    assert_eq!((got.len(), ids.len()), (ATTEMPTS_MAX, 1), "one id for every attempt");
    world.arrived(world.owner).await;
    assert_eq!(world.sender.send_due().await.unwrap(), 0, "a disabled webhook is told nothing");
    let context = world.by(Actor::Account(world.owner));
    webhook::enable(world.services(), &context, id).await.unwrap();
    let failed = world.shown(id).await.into_iter().find(|one| one.progress == Progress::Failed).unwrap();
    webhook::send_again(world.services(), &context, failed.id).await.unwrap();
    assert_eq!(world.sender.send_due().await.unwrap(), 1, "sent again by hand");
}

#[tokio::test]
async fn a_rotated_secret_signs_beside_the_old_one_until_that_ends() {
    let (world, receiver) = (World::new().await, Receiver::new(&[]).await);
    let id = world.webhook(world.owner, &receiver.url, false).await;
    let context = world.by(Actor::Account(world.owner));
    let rotated = webhook::rotate(world.services(), &context, id, 24).await.unwrap();
    let day = context.now.as_micros() + 24 * 3_600_000_000;
    assert_eq!((rotated.generation, rotated.old_until.unwrap().as_micros()), (1, day));
    let again = webhook::rotate(world.services(), &context, id, 24).await.unwrap();
    assert_eq!(again.generation, 1, "the same wish is one new secret");
    let signed_by = async |generations: &[u32]| {
        world.arrived(world.owner).await;
        assert_eq!(world.sender.send_due().await.unwrap(), 1);
        let (headers, body) = receiver.got().pop().unwrap();
        let signatures = headers[SIGNATURE].to_str().unwrap().split(' ').count();
        assert_eq!(signatures, generations.len(), "{headers:?}");
        let now_s = world.services().clock.now().as_micros() / 1_000_000;
        for generation in 0..4 {
            let verified = world.sender.keys.of(id, generation).verify(&headers, &body, now_s);
            assert_eq!(verified.is_ok(), generations.contains(&generation), "generation {generation}");
        }
    };
    signed_by(&[1, 0]).await;
    let second = world.by(Actor::Account(world.owner));
    webhook::rotate(world.services(), &second, id, 1).await.unwrap();
    signed_by(&[2, 1, 0]).await;
    // A leaked secret: no old one is signed with any more.
    let third = world.by(Actor::Account(world.owner));
    let rotated = webhook::rotate(world.services(), &third, id, 0).await.unwrap();
    assert_eq!((rotated.generation, rotated.old_until), (3, None));
    signed_by(&[3]).await;
    let eve = world.person("Eve", PlatformRole::Member).await;
    assert!(webhook::rotate(world.services(), &world.by(Actor::Account(eve)), id, 24).await.is_err());
    let log = world.services().store.read_after(Position::START, 1_000).await.unwrap();
    let log: String = log.iter().map(|event| event.payload.to_string()).collect();
    assert!(log.contains("SecretRotated") && !log.contains("whsec_"), "{log}");
    for generation in 0..4 {
        let secret = world.sender.keys.of(id, generation).expose();
        assert!(!log.contains(secret.trim_start_matches("whsec_")));
    }
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_is_left_alone_and_loses_nothing() {
    const FILMS: usize = 9;
    let faults = FAULTS_MAX as usize;
    // Five faults in a row, the first trial fails, the second is taken.
    let script: Vec<u16> = std::iter::repeat_n(503, faults + 1).collect();
    let (world, dead, well) = (World::new().await, Receiver::new(&script).await, Receiver::new(&[]).await);
    let id = world.webhook(world.owner, &dead.url, false).await;
    let other = world.webhook(world.owner, &well.url, false).await;
    let breaker = world.sender.breakers.of(id);
    for _ in 0..faults {
        world.arrived(world.owner).await;
        world.sender.send_due().await.unwrap();
    }
    assert_eq!((dead.got().len(), breaker.state()), (faults, BreakerState::Open));
    for _ in faults..FILMS {
        world.arrived(world.owner).await;
    }
    world.due().await;
    assert_eq!(world.sender.send_due().await.unwrap(), FILMS - faults, "the other webhook's alone");
    assert_eq!((dead.got().len(), well.got().len()), (faults, FILMS), "it is not asked, and nobody else waits for it");
    assert_eq!(world.sender.send_due().await.unwrap(), 0, "they are not taken again and again");
    let attempts = |shown: &[webhook::Delivery]| shown.iter().map(|one| one.attempts).sum::<usize>();
    let shown = world.shown(id).await;
    assert!(shown.iter().all(|one| one.progress == Progress::Waiting));
    assert_eq!(attempts(&shown), faults, "what waits costs no attempt");
    let counts = world.sender.breakers.count();
    assert_eq!((counts["open"], counts["closed"], counts["half-open"]), (1, 1, 0));
    for (state, trials) in [(BreakerState::Open, 1), (BreakerState::Closed, 2)] {
        world.pass(OPEN_FOR);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        world.due().await;
        let sent = world.sender.send_due().await.unwrap();
        assert_eq!(breaker.state(), state);
        if state == BreakerState::Open {
            assert_eq!((sent, dead.got().len()), (1, faults + trials), "one call tries");
        }
    }
    // What was kept back while the second one tried comes after it.
    world.pass(OPEN_FOR + HOLD_SPREAD);
    world.due().await;
    world.sender.send_due().await.unwrap();
    let shown = world.shown(id).await;
    assert!(shown.len() == FILMS && shown.iter().all(|one| one.progress == Progress::Delivered), "{shown:?}");
    assert_eq!(attempts(&shown), FILMS + faults + 1);
    assert!(world.shown(other).await.iter().all(|one| one.attempts == 1));
}

#[tokio::test]
async fn those_that_are_slow_to_answer_keep_no_other_waiting() {
    /// Less than anybody has to answer.
    const PATIENCE: Duration = Duration::from_secs(5);
    let (world, receiver) = (World::new().await, Receiver::new(&[]).await);
    // Connections are taken and never answered.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow = format!("http://127.0.0.1:{}/hook", silent.local_addr().unwrap().port());
    for _ in 0..4 {
        world.webhook(world.owner, &slow, false).await;
    }
    for _ in 0..5 {
        world.arrived(world.owner).await;
    }
    let bea = world.person("Bea", PlatformRole::Member).await;
    world.webhook(bea, &receiver.url, false).await;
    let sender = world.sender.clone();
    let sending = tokio::spawn(async move { sender.send_due().await });
    // Also what comes while the others are waited for.
    for _ in 0..3 {
        world.arrived(bea).await;
    }
    let told = async {
        while receiver.got().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("told while the others are waited for");
    assert!(!sending.is_finished(), "they are waited for");
    sending.abort();
}

#[tokio::test]
async fn a_webhook_that_refuses_is_well() {
    let (world, receiver) = (World::new().await, Receiver::new(&[404; 8]).await);
    let id = world.webhook(world.owner, &receiver.url, false).await;
    for _ in 0..8 {
        world.arrived(world.owner).await;
        world.sender.send_due().await.unwrap();
    }
    assert_eq!((receiver.got().len(), world.sender.breakers.of(id).state()), (8, BreakerState::Closed));
}

#[tokio::test]
async fn nobody_is_told_of_what_is_not_theirs() {
    let (world, receiver) = (World::new().await, Receiver::new(&[]).await);
    let eve = world.person("Eve", PlatformRole::Member).await;
    let root = world.person("Root", PlatformRole::Administrator).await;
    world.webhook(eve, &receiver.url, false).await;
    world.webhook(root, &receiver.url, false).await;
    let all = world.webhook(root, &receiver.url, true).await;
    world.arrived(world.owner).await;
    assert_eq!(world.sender.send_due().await.unwrap(), 1, "the administrator's, of everybody");
    assert_eq!(webhook::deliveries(world.services(), eve, all).await.unwrap(), None);
    // Noted and not yet sent: who is suspended meanwhile is not told.
    world.arrived(eve).await;
    let context = world.by(Actor::Account(root));
    lockstep_commands::administration::suspend(world.services(), &context, eve, None).await.unwrap();
    assert_eq!(world.sender.send_due().await.unwrap(), 1, "the administrator's alone");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (world, receiver) = (World::new().await, Receiver::new(&[307]).await);
    let id = world.webhook(world.owner, &receiver.url, false).await;
    world.arrived(world.owner).await;
    world.sender.send_due().await.unwrap();
    assert_eq!(receiver.got().len(), 1);
    assert_eq!(world.shown(id).await[0].last_error.as_deref(), Some("redirects are not followed"));
}

async fn post(client: &Client, url: &str) -> webhook::Attempt {
    client.post(url, "id", 0, "v1,x", "{}".to_owned()).await
}

#[tokio::test]
async fn no_address_but_those_of_the_public_internet_is_connected_to() {
    let receiver = Receiver::new(&[]).await;
    let port = receiver.url.rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    let closed = Client::new(false, Arc::new(system_lookup)).unwrap();
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "0.0.0.0"] {
        let attempt = post(&closed, &format!("https://{host}:{port}/hook")).await;
        assert_eq!(attempt.error.as_deref(), Some("this address is not of the public internet"), "{host}");
    }
    for url in [format!("http://127.0.0.1:{port}/hook"), "ftp://1.1.1.1/".to_owned(), "https://a:b@1.1.1.1/".to_owned()]
    {
        assert!(post(&closed, &url).await.error.is_some(), "{url}");
    }
    let local = Client::new(true, Arc::new(system_lookup)).unwrap();
    assert_eq!(post(&local, &format!("http://127.0.0.1:{port}/hook")).await.error, None);
    assert!(post(&local, "http://10.0.0.1/hook").await.error.is_some(), "the neighbours stay closed");
    assert_eq!(receiver.got().len(), 1);
}

#[tokio::test]
async fn a_name_that_stands_for_something_else_the_second_time_gains_nothing() {
    let receiver = Receiver::new(&[]).await;
    let port = receiver.url.rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    // Public beside private is refused as a whole; private alone as well. What was checked is what is connected to: each
    // request looks a name up once.
    let client = Client::new(
        false,
        Arc::new(move |name: String| {
            count.fetch_add(1, Ordering::SeqCst);
            let found: Vec<IpAddr> = match name.as_str() {
                "mixed.example" => vec!["1.1.1.1".parse().unwrap(), "127.0.0.1".parse().unwrap()],
                "inside.example" => vec!["127.0.0.1".parse().unwrap()],
                _ => vec![],
            };
            Box::pin(async move { Ok(found) })
        }),
    )
    .unwrap();
    for name in ["mixed.example", "inside.example", "nothing.example"] {
        let before = asked.load(Ordering::SeqCst);
        let attempt = post(&client, &format!("https://{name}:{port}/hook")).await;
        assert_eq!(attempt.error.as_deref(), Some("this address is not of the public internet"), "{name}");
        assert_eq!(asked.load(Ordering::SeqCst) - before, 1, "{name}");
    }
    let times = Arc::new(AtomicUsize::new(0));
    let local = Client::new(
        true,
        Arc::new(move |_: String| {
            let address = if times.fetch_add(1, Ordering::SeqCst) == 0 { "127.0.0.1" } else { "10.0.0.1" };
            Box::pin(async move { Ok(vec![address.parse().unwrap()]) })
        }),
    )
    .unwrap();
    assert_eq!(post(&local, &format!("http://once.example:{port}/hook")).await.error, None);
    assert!(post(&local, &format!("http://once.example:{port}/hook")).await.error.is_some(), "looked up anew");
    assert_eq!(receiver.got().len(), 1);
}
