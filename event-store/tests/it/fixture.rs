//! A fresh log per test, and the shortest way to say what is appended.

use std::{ops::Deref, sync::Arc, time::Duration};

use lockstep_domain::{
    ids::{CommandId, StreamId},
    time::Timestamp,
};
use lockstep_event_store::{Append, EventStore, Expected, Guard, MasterKey, Metadata, NewEvent, PostgresStore};
use lockstep_migrations::testing::TestDatabase;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

/// How long a test waits for a fact before it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const KEY: [u8; 32] = [7; 32];

/// A store on a database of its own.
pub struct Log {
    pub store: Arc<PostgresStore>,
    pub db: TestDatabase,
}

impl Log {
    pub async fn new() -> Self {
        let db = TestDatabase::create().await;
        let store = connect(&db.url()).await;
        Self { store, db }
    }

    /// Another process would open the same log so.
    pub async fn another(&self) -> Arc<PostgresStore> {
        connect(&self.db.url()).await
    }
}

impl Deref for Log {
    type Target = PostgresStore;
    fn deref(&self) -> &PostgresStore {
        &self.store
    }
}

pub async fn connect(url: &str) -> Arc<PostgresStore> {
    PostgresStore::connect(url, MasterKey::from_bytes(KEY), "test".to_owned()).await.unwrap()
}

pub fn stream(name: &str) -> StreamId {
    StreamId::new("thing", name)
}

pub fn event(n: i64) -> NewEvent {
    event_with(json!({ "n": n }))
}

pub fn event_with(fields: serde_json::Value) -> NewEvent {
    NewEvent {
        event_type: "Happened".to_owned(),
        event_version: "1".to_owned(),
        payload: json!({ "Happened": fields }),
    }
}

/// One event by a new command.
pub fn append(stream: &StreamId, expected: Expected) -> Append {
    let metadata = Metadata { actor: "ada".to_owned(), correlation_id: "c".to_owned(), ..Metadata::default() };
    Append {
        stream: stream.clone(),
        expected,
        guards: Vec::new(),
        command_id: CommandId(Uuid::now_v7()),
        metadata,
        occurred_at: Timestamp::from_micros(1_700_000_000_000_000),
        events: vec![event(0)],
    }
}

pub fn at(version: u64) -> Expected {
    Expected::Version(version)
}

pub fn guarded(mut append: Append, stream: &StreamId, version: u64) -> Append {
    append.guards.push(Guard { stream: stream.clone(), version });
    append
}

/// Appends single events with these numbers to one stream, from an empty one on.
pub async fn fill(store: &dyn EventStore, stream: &StreamId, events: i64) {
    for n in 0..events {
        let one = Append { events: vec![event(n)], ..append(stream, at(n as u64)) };
        store.append(one).await.unwrap();
    }
}

/// Waits until the query says true.
pub async fn until(pool: &PgPool, query: &str) {
    let wait = async {
        while !sqlx::query_scalar::<_, bool>(query).fetch_one(pool).await.unwrap() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never became true: {query}"));
}
