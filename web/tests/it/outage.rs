//! A part is gone: PostgreSQL, Redis or the object store, each behind a line that is cut and mended. Answers come within a
//! second, rooms live on, nothing is acknowledged that is not durable, and all is well soon after the part is back.
//! `OUTAGE_SECONDS` keeps the line cut for so long (`make soak`).

use std::{
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{SinkExt, StreamExt};
use lockstep_migrations::testing::TestDatabase;
use lockstep_object_store::delivery::DeliveryKeys;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};
use uuid::Uuid;

use crate::{
    api::Api,
    process::{Server, data_folder, events},
    proxy::{Proxy, Target},
    redis::Redis,
    silent::standing,
    store::s3,
};

/// Answers while a part is gone.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// Everything works again after it is back.
pub const RECOVERY_MAX: Duration = Duration::from_secs(5);
/// Nothing here takes this long; what does is stuck.
pub const PATIENCE: Duration = Duration::from_secs(20);
const KEY: [u8; 32] = [0x5a; 32];

/// An installation whose parts can be taken away.
struct Installation {
    server: Server,
    database: Proxy,
    store: Proxy,
    redis: Proxy,
    direct: String,
    /// A file of a film, and a right to it.
    file: String,
    data: tempfile::TempDir,
    _held: (TestDatabase, Redis, tempfile::TempDir),
}

impl Installation {
    async fn start() -> Self {
        let (test, real_redis, objects) = (TestDatabase::create().await, Redis::start().await, data_folder());
        let direct = test.url();
        let options = PgConnectOptions::from_str(&direct).expect("a database URL");
        let database = Proxy::start(of_database(&options)).await;
        let redis = Proxy::start(Target::Tcp(([127, 0, 0, 1], real_redis.port).into())).await;
        let endpoint = s3(objects.path()).await;
        let port = endpoint.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let store = Proxy::start(Target::Tcp(([127, 0, 0, 1], port).into())).await;
        let (user, name) = (options.get_username(), options.get_database().expect("a name"));
        let urls = (
            format!("postgres://{user}@127.0.0.1:{}/{name}?sslmode=disable", database.port),
            format!("redis://127.0.0.1:{}/", redis.port),
            format!("http://127.0.0.1:{}", store.port),
            hex::encode(KEY),
        );
        let env = [
            ("DATABASE_URL", urls.0.as_str()),
            ("REDIS_URL", urls.1.as_str()),
            ("S3_ENDPOINT", urls.2.as_str()),
            ("LOCKSTEP_MASTER_KEY", urls.3.as_str()),
            ("S3_ACCESS_KEY_ID", "access"),
            ("S3_SECRET_ACCESS_KEY", "secret"),
            ("LOCKSTEP_LIMIT_STREAMING", "100000/3600"),
        ];
        let data = data_folder();
        let server = Server::start(data.path(), 0, &env).await;
        let film = Uuid::now_v7();
        let folder = objects.path().join("lockstep-media/v").join(film.to_string());
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("thumb.jpg"), b"a picture").expect("a file");
        let secret = Sha256::new().chain_update(KEY).chain_update(b"lockstep delivery").finalize().into();
        let now_s = lockstep_commands::Clock::now(&lockstep::system::SystemClock).0 / 1_000_000;
        let token = DeliveryKeys::new(secret, Duration::from_secs(600)).token(film, now_s);
        let file = format!("/v/{token}/thumb.jpg");
        Self { server, database, store, redis, direct, file, data, _held: (test, real_redis, objects) }
    }

    /// A request of somebody without a session: status, `Retry-After`, and the answer.
    async fn get(&self, path: &str) -> (u16, String, Value) {
        self.measured(reqwest::Client::new().get(format!("{}{path}", self.server.url))).await
    }

    async fn post(&self) -> (u16, String, Value) {
        let body = json!({ "query": "{ setUpNeeded }" });
        self.measured(reqwest::Client::new().post(format!("{}/graphql", self.server.url)).json(&body)).await
    }

    /// A mutation of somebody's: status, `Retry-After`, and the answer.
    async fn change(&self, by: &Api, field: &str, kind: &str, input: Value) -> (u16, String, Value) {
        self.measured(self.mutation(by, field, kind, input)).await
    }

    fn mutation(&self, by: &Api, field: &str, kind: &str, input: Value) -> reqwest::RequestBuilder {
        let query = format!("mutation($i: {kind}!) {{ {field}(input: $i) {{ __typename }} }}");
        let request = reqwest::Client::new().post(format!("{}/graphql", self.server.url));
        let request = request.header("origin", &self.server.url).header("cookie", by.cookie());
        request.json(&json!({ "query": query, "variables": { "i": input } }))
    }

    async fn measured(&self, request: reqwest::RequestBuilder) -> (u16, String, Value) {
        let asked = Instant::now();
        let answer = request.send().await.expect("answers");
        let after = answer.headers().get("retry-after").map_or("", |value| value.to_str().expect("text")).to_owned();
        let status = answer.status().as_u16();
        let body = answer.bytes().await.expect("a body");
        let took = asked.elapsed();
        assert!(took <= ANSWER_MAX, "{status} after {took:?}");
        (status, after, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// How an edge stands.
    async fn edge(&self, name: &str) -> Value {
        self.get("/readyz").await.2["edges"][name].clone()
    }
}

/// The server behind a connection string.
pub fn of_database(options: &PgConnectOptions) -> Target {
    match options.get_socket() {
        Some(folder) => Target::Unix(PathBuf::from(folder).join(format!(".s.PGSQL.{}", options.get_port()))),
        None => {
            let address = (options.get_host(), options.get_port());
            let mut found = std::net::ToSocketAddrs::to_socket_addrs(&address).expect("a host");
            Target::Tcp(found.next().expect("an address"))
        }
    }
}

/// Asks until it is so; within how long.
pub async fn until<F: Future<Output = bool>>(within: Duration, what: &str, is_so: impl Fn() -> F) {
    let since = Instant::now();
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    loop {
        pause.tick().await;
        if is_so().await {
            return;
        }
        assert!(since.elapsed() < within, "not within {within:?}: {what}");
    }
}

/// Keeps things as they are, looking again and again: once, or for `OUTAGE_SECONDS`.
async fn throughout<F: Future<Output = ()>>(look: impl Fn() -> F) {
    let seconds = std::env::var("OUTAGE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let since = Instant::now();
    let mut pause = tokio::time::interval(Duration::from_millis(250));
    loop {
        pause.tick().await;
        look().await;
        if since.elapsed() >= Duration::from_secs(seconds) {
            return;
        }
    }
}

/// Somebody on `/sync`.
pub struct Viewer(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Viewer {
    pub async fn join(server: &Server, api: &Api, channel: Uuid) -> Self {
        let mut request = format!("ws://127.0.0.1:{}/sync", server.port).into_client_request().expect("a request");
        request.headers_mut().insert("origin", server.url.parse().expect("a header"));
        request.headers_mut().insert("cookie", api.cookie().parse().expect("a header"));
        let (socket, _) = tokio_tungstenite::connect_async(request).await.expect("upgraded");
        let mut viewer = Self(socket);
        viewer.send(json!({ "t": "join", "channel": channel, "visit": Uuid::now_v7() })).await;
        viewer.until(|frame| frame["t"] == "joined").await;
        viewer
    }

    pub async fn send(&mut self, frame: Value) {
        self.0.send(Message::Text(frame.to_string().into())).await.expect("sent");
    }

    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("it comes in time");
            let frame: Value = match message {
                Some(Ok(Message::Text(text))) => serde_json::from_str(&text).expect("JSON"),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                other => panic!("{other:?}"),
            };
            let inner = frame["events"].as_array().cloned().unwrap_or_default();
            if let Some(found) = std::iter::once(frame).chain(inner).find(|frame| wanted(frame)) {
                return found;
            }
        }
    }

    /// Waits until the server has closed the socket.
    async fn closed(mut self) {
        let closing = async { while !matches!(self.0.next().await, None | Some(Ok(Message::Close(_)) | Err(_))) {} };
        tokio::time::timeout(PATIENCE, closing).await.expect("it closes in time");
    }

    /// What becomes of a message: `ack` or `refused`.
    pub async fn say(&mut self, text: &str) -> Value {
        let op = Uuid::now_v7();
        self.send(json!({ "t": "chat", "op": op, "id": Uuid::now_v7(), "text": text })).await;
        self.until(|frame| frame["op"] == json!(op) && matches!(frame["t"].as_str(), Some("ack" | "refused"))).await
    }
}

/// Asks and changes without a pause until told to stop; how often it was answered, and how often told to come again. There
/// is nothing else: an answer is whole, or it is 503.
async fn asked_throughout(by: Api, stop: Arc<AtomicBool>) -> (u32, u32) {
    let client = reqwest::Client::new();
    let make = "mutation($i: CreateChannelInput!) { createChannel(input: $i) { __typename } }";
    let (mut answered, mut refused) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let input = json!({ "operationId": Uuid::now_v7(), "name": "Again", "visibility": "PUBLIC" });
        for (query, variables) in [("{ channels { id } }", json!({})), (make, json!({ "i": input }))] {
            let request = client.post(format!("{}/graphql", by.url)).header("origin", &by.url);
            let request = request.header("cookie", by.cookie());
            let body = json!({ "query": query, "variables": variables });
            let answer = request.json(&body).send().await.expect("answers");
            let after = answer.headers().get("retry-after").cloned();
            let status = answer.status();
            let body: Value = answer.json().await.expect("JSON");
            match (status.as_u16(), after) {
                (200, None) => assert!(body["errors"].is_null(), "200 with {body}"),
                (503, Some(after)) => {
                    let nothing = body["data"].as_object().is_none_or(|data| data.values().all(Value::is_null));
                    assert!(after == "1" && nothing, "{body}");
                }
                (other, after) => panic!("{other} {after:?}: {body}"),
            }
            if status == 200 { answered += 1 } else { refused += 1 }
        }
    }
    (answered, refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_at_the_cut_is_whole_or_says_when_to_come_again() {
    let mut here = Installation::start().await;
    let ada = Api::set_up(&here.server.url, here.server.setup_link.as_deref().expect("a link")).await;
    let stop = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = (0..2).map(|_| tokio::spawn(asked_throughout(ada.clone(), stop.clone()))).collect();
    for _ in 0..3 {
        here.database.cut().await;
        until(PATIENCE, "turned away", async || standing(&here.server).await == "away").await;
        here.database.mend().await;
        until(PATIENCE, "answered again", async || standing(&here.server).await == "there").await;
    }
    stop.store(true, Ordering::Relaxed);
    for asker in askers {
        let (answered, refused) = asker.await.expect("no other answer");
        assert!(answered > 0 && refused > 0, "{answered} and {refused}");
    }
    here.server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_requests_are_turned_away_and_rooms_live_on() {
    let mut here = Installation::start().await;
    let ada = Api::set_up(&here.server.url, here.server.setup_link.as_deref().expect("a link")).await;
    let channel = ada.create_channel("Movie night").await;
    let bea = Api::guest(&here.server.url, "Bea").await;
    bea.join_channel(channel).await;
    let (mut one, mut two) =
        (Viewer::join(&here.server, &ada, channel).await, Viewer::join(&here.server, &bea, channel).await);
    assert_eq!(one.say("before").await["t"], "ack");
    two.until(|event| event["message"]["text"] == "before").await;
    assert_eq!(here.get(&here.file).await.0, 200);

    here.database.cut().await;
    // A connection that is closed may be noticed before the watch looks again.
    let away = async || here.post().await.0 == 503 && here.edge("database").await == "away";
    until(ANSWER_MAX, "turned away", away).await;
    throughout(async || {
        let (status, after, body) = here.post().await;
        assert_eq!((status, after.as_str()), (503, "1"));
        assert_eq!(body["errors"][0]["extensions"]["code"], "unavailable");
        assert_eq!(here.get("/healthz").await.0, 200, "the process lives");
        let (status, after, detail) = here.get("/readyz").await;
        assert_eq!((status, after.as_str()), (503, "1"));
        assert_eq!((&detail["checks"]["database"], &detail["edges"]["database"]), (&json!("failing"), &json!("away")));
        assert_eq!(here.get(&here.file).await.0, 200, "a film goes on");
    })
    .await;
    // The room is still there: its clock answers, its people see each other, and what cannot be kept is refused.
    one.send(json!({ "t": "probe", "n": 1, "c0": 2 })).await;
    one.until(|frame| frame["t"] == "probe" && frame["n"] == 1).await;
    one.send(json!({ "t": "typing" })).await;
    two.until(|event| event["e"] == "typing").await;
    let asked = Instant::now();
    let refused = one.say("meanwhile").await;
    assert_eq!((&refused["t"], &refused["code"]), (&json!("refused"), &json!("unavailable")), "{refused}");
    assert!(asked.elapsed() < RECOVERY_MAX, "before a viewer drops it: {:?}", asked.elapsed());

    here.database.mend().await;
    let since = Instant::now();
    until(RECOVERY_MAX, "answered again", async || here.post().await.0 == 200).await;
    until(RECOVERY_MAX, "ready again", async || here.get("/readyz").await.0 == 200).await;
    assert_eq!(one.say("after").await["t"], "ack");
    let heard = two.until(|event| event["e"] == "message").await;
    assert_eq!(heard["message"]["text"], "after", "nothing that was refused is told");
    let renamed = ada.create_channel("Second").await;
    assert_eq!(ada.channel_name(renamed).await, "Second", "read models follow");
    assert!(since.elapsed() <= RECOVERY_MAX, "all of it took {:?}", since.elapsed());
    let log = events(here.data.path(), &[("DATABASE_URL", &here.direct), ("LOCKSTEP_MASTER_KEY", &hex::encode(KEY))]);
    assert_eq!(log.iter().filter(|event| event["type"] == "Posted").count(), 2, "before and after");
    here.server.stop();
}

/// Connections that died unheard are given up within this: a projection waits a quarter of a minute for the end of a transaction.
const GIVEN_UP_MAX: Duration = Duration::from_secs(45);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_died_unheard_are_given_up() {
    let here = Installation::start().await;
    let ada = Api::set_up(&here.server.url, here.server.setup_link.as_deref().expect("a link")).await;
    let channel = ada.create_channel("Movie night").await;
    let mut one = Viewer::join(&here.server, &ada, channel).await;
    assert_eq!(one.say("before").await["t"], "ack");
    let direct = sqlx::PgPool::connect(&here.direct).await.expect("connects");
    // At rest: a connection that the pool itself is asking just then it would ask for ever, as docs/nodes.md says.
    until(PATIENCE, "rest", async || {
        let busy =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                    AND state_change > clock_timestamp() - interval '50 ms'";
        sqlx::query_scalar::<_, i64>(busy).fetch_one(&direct).await.expect("counts") == 0
    })
    .await;
    // The machine is replaced by another one: nobody says goodbye, and the new one knows none of the old connections.
    here.database.lose();
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(&direct)
    .await
    .expect("ended");
    until(GIVEN_UP_MAX, "a change", async || {
        let input = json!({ "operationId": Uuid::now_v7(), "name": "Second", "visibility": "PUBLIC" });
        let answer = here.mutation(&ada, "createChannel", "CreateChannelInput", input).send().await;
        answer.expect("answers").status() == 200
    })
    .await;
    until(GIVEN_UP_MAX, "ready", async || here.get("/readyz").await.0 == 200).await;
    let third = ada.create_channel("Third").await;
    assert_eq!(ada.channel_name(third).await, "Third", "read models follow");
    let mut two = Viewer::join(&here.server, &ada, channel).await;
    assert_eq!(two.say("after").await["t"], "ack");
    // What is done beside requests goes on too: sessions that end elsewhere end here.
    sqlx::query("UPDATE sessions SET revoked_at = now()").execute(&direct).await.expect("ended");
    two.closed().await;
    here.server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_store_files_are_turned_away_and_the_rest_goes_on() {
    let mut here = Installation::start().await;
    assert_eq!(here.get(&here.file).await.0, 200);
    assert_eq!(here.edge("store").await["state"], "closed");
    let ada = Api::set_up(&here.server.url, here.server.setup_link.as_deref().expect("a link")).await;
    let wanted = json!({
        "operationId": Uuid::now_v7(), "title": "A film", "fileName": "film.mp4", "sizeBytes": 9,
        "contentType": "video/mp4",
    });
    let request = "mutation($i: RequestUploadInput!) { requestUpload(input: $i) { ... on UploadRequested { video } } }";
    let film = ada.until_answered(request, wanted).await["requestUpload"]["video"].clone();
    here.store.cut().await;
    throughout(async || {
        let confirm = json!({ "operationId": Uuid::now_v7(), "video": film });
        let (status, after, body) = here.change(&ada, "confirmUpload", "ConfirmUploadInput", confirm).await;
        assert_eq!((status, after.as_str(), &body["data"]["confirmUpload"]), (503, "1", &Value::Null), "{body}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "unavailable");
        let (status, after, body) = here.get(&here.file).await;
        assert_eq!((status, after.as_str(), &body["code"]), (503, "1", &json!("store_unavailable")));
        assert_eq!(here.post().await.0, 200, "the rest goes on");
    })
    .await;
    until(PATIENCE, "its breaker opens", async || {
        here.get(&here.file).await;
        here.edge("store").await["state"] == "open"
    })
    .await;
    let faults = here.edge("store").await["faults"].clone();
    for _ in 0..20 {
        assert_eq!(here.get(&here.file).await.0, 503);
    }
    assert_eq!(here.edge("store").await["faults"], faults, "it is not asked any more");
    here.store.mend().await;
    until(RECOVERY_MAX, "files again", async || here.get(&here.file).await.0 == 200).await;
    assert_eq!(here.edge("store").await["state"], "closed");
    here.server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_everything_is_answered_and_limits_stay_on() {
    let mut here = Installation::start().await;
    let left = async |here: &Installation| {
        let answer = reqwest::get(format!("{}{}", here.server.url, here.file)).await.expect("answers");
        assert_eq!(answer.status(), 200);
        answer.headers()["x-ratelimit-remaining"].to_str().expect("text").parse::<u32>().expect("a number")
    };
    let before = left(&here).await;
    assert_eq!(left(&here).await, before - 1);
    here.redis.cut().await;
    let limits = std::sync::atomic::AtomicU32::new(before - 1);
    throughout(async || {
        for _ in 0..6 {
            assert_eq!(here.get(&here.file).await.0, 200);
        }
        let now = left(&here).await;
        let earlier = limits.swap(now, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(now, earlier - 7, "counted on from where it was");
    })
    .await;
    let (status, _, detail) = here.get("/readyz").await;
    assert_eq!((status, &detail["edges"]["redis"]["state"]), (200, &json!("open")), "{detail}");
    assert!(detail["edges"]["counted_without_redis"].as_u64().is_some_and(|count| count >= 7), "{detail}");
    here.redis.mend().await;
    until(RECOVERY_MAX, "shared again", async || here.edge("redis").await["state"] == "closed").await;
    let fallen = here.edge("counted_without_redis").await;
    assert_eq!(here.get(&here.file).await.0, 200);
    assert_eq!(here.edge("counted_without_redis").await, fallen, "redis counts");
    here.server.stop();
}
