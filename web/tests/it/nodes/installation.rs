//! One database, one store and one Redis, and nodes on them whose clocks are far apart.

use std::{str::FromStr, time::Duration};

use lockstep_domain::{
    aggregate::Event,
    ids::{AccountId, ChannelId, CommandId, StreamId, VideoId},
    playback::PlaybackEvent,
    time::MediaTime,
};
use lockstep_event_store::{Append, EventStore, Expected, MasterKey, Metadata, NewEvent, PostgresStore};
use lockstep_migrations::testing::TestDatabase;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

use super::viewer::{PATIENCE, Viewer};
use crate::{
    api::Api,
    outage::of_database,
    process::{Server, data_folder, stable_port},
    proxy::Proxy,
    redis::{Gone, Redis},
    store::s3,
};

const KEY: [u8; 32] = [0x5a; 32];
/// The roles of a node here: everything that two nodes share.
const ROLES: &str = "api,hub,projector";
/// Two hours and 200 millionths apart.
const CLOCKS: [&str; 2] = ["+3600000000us,+100ppm", "-3600000000us,-100ppm"];
/// Longer than any test.
const FILM_US: i64 = 3_600_000_000;

/// Two nodes, one viewer on each.
pub struct Party {
    pub nodes: Vec<Server>,
    internal: [u16; 2],
    /// The second node's line to the database.
    pub line: Proxy,
    pub bea: Api,
    pub channel: Uuid,
    /// Ada, on the first node.
    pub one: Viewer,
    /// Bea, on the second.
    pub two: Viewer,
    redis: Option<Redis>,
    gone: Option<Gone>,
    database: TestDatabase,
    _data: [tempfile::TempDir; 3],
}

impl Party {
    pub async fn start() -> Self {
        let (database, redis) = (TestDatabase::create().await, Redis::start().await);
        let data = [data_folder(), data_folder(), data_folder()];
        let endpoint = s3(data[2].path()).await;
        let options = PgConnectOptions::from_str(&database.url()).expect("a database URL");
        let line = Proxy::start(of_database(&options)).await;
        let through = through(&options, line.port);
        let (redis_url, key) = (redis.url(), hex::encode(KEY));
        let internal = [stable_port(), stable_port()];
        let node = async |at: usize, url: &str| {
            let internal = format!("127.0.0.1:{}", internal[at]);
            let env = [
                ("LOCKSTEP_INTERNAL", internal.as_str()),
                ("DATABASE_URL", url),
                ("LOCKSTEP_MASTER_KEY", &key),
                ("REDIS_URL", &redis_url),
                ("LOCKSTEP_HUB_CLOCK", CLOCKS[at]),
                ("S3_ENDPOINT", &endpoint),
                ("S3_ACCESS_KEY_ID", "access"),
                ("S3_SECRET_ACCESS_KEY", "secret"),
            ];
            Server::start_role(data[at].path(), ROLES, &env).await
        };
        let first = node(0, &database.url()).await;
        let ada = Api::set_up(&first.url, first.setup_link.as_deref().expect("a link")).await;
        let second = node(1, &through).await;
        for port in &internal {
            have_met(*port).await;
        }
        let channel = ada.create_channel("Movie night").await;
        let bea = Api::guest(&second.url, "Bea").await;
        bea.join_channel(channel).await;
        let (one, two) = (Viewer::join(&first, &ada, channel).await, Viewer::join(&second, &bea, channel).await);
        let (redis, nodes) = (Some(redis), vec![first, second]);
        Self { nodes, internal, line, bea, channel, one, two, redis, gone: None, database, _data: data }
    }

    /// How often each node was told by a notification that another process had recorded something.
    pub async fn told(&self) -> Vec<u64> {
        let mut told = Vec::new();
        for port in &self.internal {
            let metrics = metrics(*port).await;
            let number = metrics.lines().find_map(|line| line.strip_prefix(r#"lockstep_log_heard_total{how="told"} "#));
            told.push(number.map_or(0, |number| number.parse().expect("a number")));
        }
        told
    }

    /// SIGKILL.
    pub fn kill_redis(&mut self) {
        self.gone = Some(self.redis.take().expect("runs").kill());
    }

    /// In its place, empty.
    pub async fn restart_redis(&mut self) {
        self.redis = Some(self.gone.take().expect("was killed").restart().await);
    }

    /// Loads a film, as if one were ready; both see it.
    pub async fn load_film(&mut self) {
        let (url, key) = (self.database.url(), MasterKey::from_bytes(KEY));
        let store = PostgresStore::connect(&url, key, "test".to_owned()).await.expect("connects");
        let now = lockstep_commands::Clock::now(&lockstep::system::SystemClock);
        let (video, duration_us) = (VideoId(Uuid::now_v7()), MediaTime(FILM_US));
        let event = PlaybackEvent::VideoLoaded { video, duration_us, at_us: now, item: None };
        let append = Append {
            stream: StreamId::playback(ChannelId(self.channel)),
            expected: Expected::Any,
            guards: vec![],
            command_id: CommandId(Uuid::now_v7()),
            metadata: Metadata {
                actor: AccountId(Uuid::now_v7()).to_string(),
                channel_id: Some(self.channel.to_string()),
                ..Metadata::default()
            },
            occurred_at: now,
            events: vec![NewEvent {
                event_type: event.event_type().to_owned(),
                event_version: event.event_version().to_owned(),
                payload: json!(event),
            }],
        };
        store.append(append).await.expect("appended");
        store.close().await;
        for viewer in [&mut self.one, &mut self.two] {
            viewer.see("the film", |viewer| !viewer.timeline.is_null()).await;
        }
    }

    /// Starts the film: it waits for both, and both have buffered it.
    pub async fn play(&mut self) {
        self.one.intend("play", None).await;
        for viewer in [&mut self.one, &mut self.two] {
            viewer.until(|event| event["e"] == "timeline" && event["cause"]["verb"] == "hold").await;
        }
        self.one.ready().await;
        self.two.ready().await;
        for viewer in [&mut self.one, &mut self.two] {
            viewer.see("the film runs", |viewer| viewer.timeline["rate_ppm"] == 1_000_000).await;
        }
    }
}

/// Until this node knows the other one and its clock.
async fn have_met(internal: u16) {
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    let mut last = String::new();
    let meeting = async {
        loop {
            pause.tick().await;
            last = metrics(internal).await;
            if last.lines().any(|line| line == "lockstep_hub_peers 1") {
                return;
            }
        }
    };
    let met = tokio::time::timeout(PATIENCE, meeting).await;
    let said = last.lines().filter(|line| ["lockstep_hub", "lockstep_bus"].iter().any(|name| line.starts_with(name)));
    assert!(met.is_ok(), "they do not meet: {:#?}", said.collect::<Vec<_>>());
}

async fn metrics(internal: u16) -> String {
    let answer = reqwest::get(format!("http://127.0.0.1:{internal}/metrics")).await.expect("answers");
    answer.text().await.expect("a body")
}

/// The same database behind a line.
fn through(options: &PgConnectOptions, port: u16) -> String {
    let (user, name) = (options.get_username(), options.get_database().expect("a name"));
    format!("postgres://{user}@127.0.0.1:{port}/{name}?sslmode=disable")
}
