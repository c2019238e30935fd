//! Readers that follow while many processes write: nothing lost, doubled or out of order. A naive serial column
//! in the same setting does lose, so the test can see it.

use std::{
    collections::{BTreeSet, HashMap},
    process::Stdio,
    sync::Arc,
};

use lockstep_domain::ids::Position;
use lockstep_event_store::{EventStore, Feed, RecordedEvent, verify};
use sqlx::{Connection, Executor, PgConnection};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    task::JoinHandle,
    time::timeout,
};

use crate::fixture::{Log, PATIENCE};

const PROCESSES: u64 = 2;
const TASKS: u64 = 32;
const APPENDS: u64 = 20;
const STREAMS: u64 = 60;
/// One event, two events, one event ..: three for two appends.
const EVENTS: i64 = (PROCESSES * TASKS * APPENDS * 3 / 2) as i64;

/// A writing process; its acknowledged positions.
fn writer(url: &str, name: &str) -> JoinHandle<Vec<i64>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep-log-writer"));
    command.args([url, name]).args([TASKS, APPENDS, STREAMS].map(|n| n.to_string()));
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    tokio::spawn(async move {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            acknowledged.push(line.split(' ').next().unwrap().parse().unwrap());
        }
        assert!(child.wait().await.unwrap().success());
        acknowledged
    })
}

/// Follows by feed: woken, or polling where nobody wakes it.
fn following(store: Arc<dyn EventStore>, page: usize) -> JoinHandle<Vec<RecordedEvent>> {
    tokio::spawn(async move {
        let mut feed = Feed::new(store, Position::START);
        let mut seen = Vec::new();
        while feed.position() < Position::from_i64(EVENTS) {
            seen.extend(feed.next(page).await);
        }
        seen
    })
}

/// Reads again and again without waiting: as close behind the writers as can be.
fn racing(store: Arc<dyn EventStore>) -> JoinHandle<Vec<RecordedEvent>> {
    tokio::spawn(async move {
        let mut seen: Vec<RecordedEvent> = Vec::new();
        while seen.len() < EVENTS as usize {
            let after = seen.last().map_or(Position::START, |event| event.position);
            seen.extend(store.read_after(after, 500).await.unwrap());
        }
        seen
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tailing_readers_miss_nothing_while_two_processes_write() {
    let log = Log::new().await;
    let other = log.another().await;
    let readers =
        [following(log.store.clone(), 7), following(other.clone(), 500), racing(other), racing(log.store.clone())];
    let writers = ["one", "two"].map(|name| writer(&log.db.url(), name));
    let mut acknowledged = BTreeSet::new();
    for writer in writers {
        for position in timeout(PATIENCE, writer).await.unwrap().unwrap() {
            assert!(acknowledged.insert(position), "position {position} was acknowledged twice");
        }
    }
    assert_eq!(acknowledged.len() as u64, PROCESSES * TASKS * APPENDS);
    for reader in readers {
        let seen = timeout(PATIENCE, reader).await.unwrap().unwrap();
        let positions: Vec<i64> = seen.iter().map(|event| event.position.as_i64()).collect();
        assert_eq!(positions, (1..=EVENTS).collect::<Vec<_>>());
        let mut versions = HashMap::new();
        for event in &seen {
            let version = versions.entry(event.stream.clone()).or_insert(0);
            *version += 1;
            assert_eq!(event.version, *version, "{}", event.stream);
        }
        assert!(acknowledged.iter().all(|position| (1..=EVENTS).contains(position)));
    }
    let report = verify(&log.db.pool().await).await.unwrap();
    assert_eq!((report.events as i64, report.first_bad), (EVENTS, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_naive_serial_column_loses_what_our_log_keeps() {
    let log = Log::new().await;
    let pool = log.db.pool().await;
    pool.execute("CREATE TABLE naive (position bigserial PRIMARY KEY)").await.unwrap();
    let mut slow = PgConnection::connect(&log.db.url()).await.unwrap();
    let mut slow = slow.begin().await.unwrap();
    slow.execute("INSERT INTO naive DEFAULT VALUES").await.unwrap(); // has its number, is not committed
    pool.execute("INSERT INTO naive DEFAULT VALUES").await.unwrap();
    let tail = "SELECT position FROM naive WHERE position > $1 ORDER BY position";
    let mut seen: Vec<i64> = sqlx::query_scalar(tail).bind(0_i64).fetch_all(&pool).await.unwrap();
    slow.commit().await.unwrap();
    let checkpoint = *seen.last().unwrap();
    seen.extend(sqlx::query_scalar::<_, i64>(tail).bind(checkpoint).fetch_all(&pool).await.unwrap());
    let all: Vec<i64> = sqlx::query_scalar(tail).bind(0_i64).fetch_all(&pool).await.unwrap();
    assert_eq!((seen, all), (vec![2], vec![1, 2]), "the reader has lost position 1 for good");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_held_open_delays_the_log_and_loses_nothing() {
    let log = Log::new().await;
    let pool = log.db.pool().await;
    let insert = "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
                  VALUES ('slow', 'x', 1, 'Added', '1', '{}', '{}')";
    let mut slow = pool.begin().await.unwrap();
    slow.execute(insert).await.unwrap(); // has position 1, is not committed
    let store = log.store.clone();
    let quick = tokio::spawn(async move {
        store.append(crate::fixture::append(&crate::fixture::stream("a"), crate::fixture::at(0))).await
    });
    crate::one_batch::until_stuck(&pool).await;
    assert_eq!(log.read_after(Position::START, 10).await.unwrap(), []);
    slow.commit().await.unwrap();
    assert_eq!(timeout(PATIENCE, quick).await.unwrap().unwrap().unwrap().position, Position::from_i64(2));
    assert_eq!(log.read_after(Position::START, 10).await.unwrap().len(), 2);
}
