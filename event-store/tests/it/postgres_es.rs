//! The published postgres-es crate, unmodified, on our table: it writes what we read and reads what we write.

use std::collections::HashMap;

use cqrs_es::{Aggregate, DomainEvent, EventStore as _, event_sink::EventSink};
use lockstep_domain::ids::Position;
use lockstep_event_store::{Append, EventStore, NewEvent};
use postgres_es::{default_postgress_pool, postgres_cqrs};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Executor;

use crate::fixture::{Log, append, at};

#[derive(Default, Serialize, Deserialize)]
struct Counter(i64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Counted {
    Added { n: i64 },
}

impl DomainEvent for Counted {
    fn event_type(&self) -> String {
        "Added".to_owned()
    }
    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Aggregate for Counter {
    const TYPE: &'static str = "counter";
    type Command = i64;
    type Event = Counted;
    type Error = std::convert::Infallible;
    type Services = ();
    async fn handle(&mut self, n: i64, (): &(), sink: &EventSink<Self>) -> Result<(), Self::Error> {
        sink.write(Counted::Added { n }, self).await;
        Ok(())
    }
    fn apply(&mut self, Counted::Added { n }: Counted) {
        self.0 += n;
    }
}

/// A role that may do what postgres-es needs, in this test database only.
async fn as_inserter(log: &Log) -> String {
    let pool = log.db.pool().await;
    let role = format!("inserter_{}", log.db.name());
    let script = format!(
        "CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT ON events TO {role}; GRANT SELECT, UPDATE ON es_head TO {role}; \
         GRANT EXECUTE ON FUNCTION es_next_position() TO {role}"
    );
    pool.execute(script.as_str()).await.unwrap();
    log.db.url().replacen("postgres@", &format!("{role}@"), 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_es_writes_what_we_read_and_reads_what_we_write() {
    let log = Log::new().await;
    let theirs = default_postgress_pool(&as_inserter(&log).await).await;
    let cqrs = postgres_cqrs::<Counter>(theirs.clone(), Vec::new(), ());
    for n in [1, 2, 3] {
        let metadata = HashMap::from([("actor".to_owned(), "stock".to_owned())]);
        cqrs.execute_with_metadata("x", n, metadata).await.unwrap();
    }
    let read = log.read_after(Position::START, 10).await.unwrap();
    let seen: Vec<_> =
        read.iter().map(|event| (event.position.as_i64(), event.version, event.payload.clone())).collect();
    assert_eq!(seen, [1, 2, 3].map(|n| (n, n as u64, json!({ "Added": { "n": n } }))));
    assert_eq!(read[0].metadata.actor, "stock");

    let stream = lockstep_domain::ids::StreamId::new("counter", "x");
    let ours = NewEvent {
        event_type: "Added".to_owned(),
        event_version: "1".to_owned(),
        payload: json!({ "Added": { "n": 40 } }),
    };
    let receipt = log.append(Append { events: vec![ours], ..append(&stream, at(3)) }).await.unwrap();
    assert_eq!((receipt.position.as_i64(), receipt.version), (4, 4));
    cqrs.execute("x", 5).await.unwrap();
    let loaded = postgres_es::PostgresEventRepository::new(theirs.clone());
    let loaded = cqrs_es::persist::PersistedEventStore::<_, Counter>::new_event_store(loaded).load_aggregate("x").await;
    let loaded = loaded.unwrap();
    assert_eq!(serde_json::to_value(&loaded.aggregate).unwrap(), json!(51));
    theirs.close().await;
    let drop_role = format!("DROP OWNED BY inserter_{0}; DROP ROLE inserter_{0}", log.db.name());
    log.db.pool().await.execute(drop_role.as_str()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolled_back_plain_insert_leaves_no_gap() {
    let log = Log::new().await;
    let pool = log.db.pool().await;
    let insert = "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
                  VALUES ('counter', 'x', 1, 'Added', '1', '{}', '{}')";
    let mut given_up = pool.begin().await.unwrap();
    given_up.execute(insert).await.unwrap();
    given_up.rollback().await.unwrap();
    pool.execute(insert).await.unwrap();
    let positions: Vec<i64> =
        log.read_after(Position::START, 10).await.unwrap().iter().map(|event| event.position.as_i64()).collect();
    assert_eq!(positions, [1]);
}
