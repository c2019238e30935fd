//! PostgreSQL killed with -9 while appending, on a cluster of its own that does reach the disk: every
//! acknowledged append is in the log once, and the store goes on by itself.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use lockstep_event_store::{AppendError, EventStore, PostgresStore, Receipt, verify};
use lockstep_migrations::cluster::{Cluster, ClusterOptions};
use sqlx::PgPool;
use tokio::{task::spawn_blocking, time::timeout};
use uuid::Uuid;

use crate::fixture::{PATIENCE, append, at, connect, stream};

const WRITERS: usize = 16;
/// Acknowledged appends before each kill, and after the last.
const APPENDS: usize = 150;
const KILLS: usize = 2;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(folder: &Folder) -> Cluster {
    let options = ClusterOptions::new(&folder.0);
    spawn_blocking(|| Cluster::start(options)).await.unwrap().unwrap()
}

/// Appends to one stream until told to stop; every command is repeated until it is acknowledged.
async fn write(store: Arc<PostgresStore>, name: usize, acks: Arc<AtomicUsize>, stop: Arc<AtomicBool>) -> Vec<Receipt> {
    let mut receipts: Vec<Receipt> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let command = append(&stream(&name.to_string()), at(receipts.len() as u64));
        let receipt = loop {
            match store.append(command.clone()).await {
                Ok(receipt) => break receipt,
                Err(AppendError::Unavailable(_) | AppendError::TimedOut) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(receipt.version, receipts.len() as u64 + 1);
        receipts.push(receipt);
        acks.fetch_add(1, Ordering::Relaxed);
    }
    receipts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_forgets_nothing_it_acknowledged() {
    let folder = Folder(std::env::temp_dir().join(format!("lockstep-crash-{}", Uuid::now_v7().simple())));
    let mut cluster = start(&folder).await;
    cluster.ensure_database("lockstep").await.unwrap();
    let url = cluster.url("lockstep");
    lockstep_migrations::migrate(&PgPool::connect(&url).await.unwrap()).await.unwrap();
    let store = connect(&url).await;
    let (acks, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> =
        (0..WRITERS).map(|name| tokio::spawn(write(store.clone(), name, acks.clone(), stop.clone()))).collect();
    let until = async |count: usize| {
        let wait = async {
            while acks.load(Ordering::Relaxed) < count {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, wait).await.expect("appends go on");
    };
    for _ in 0..KILLS {
        until(acks.load(Ordering::Relaxed) + APPENDS).await;
        spawn_blocking(|| cluster.kill()).await.unwrap();
        cluster = start(&folder).await;
    }
    until(acks.load(Ordering::Relaxed) + APPENDS).await;
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = HashMap::new();
    for (name, writer) in writers.into_iter().enumerate() {
        for receipt in timeout(PATIENCE, writer).await.unwrap().unwrap() {
            let twice = acknowledged.insert(receipt.position.as_i64(), (name.to_string(), receipt.version as i64));
            assert_eq!(twice, None, "one position was acknowledged twice");
        }
    }
    let pool = PgPool::connect(&url).await.unwrap();
    let rows: Vec<(i64, String, i64)> =
        sqlx::query_as("SELECT global_position, aggregate_id, sequence FROM events ORDER BY 1")
            .fetch_all(&pool)
            .await
            .unwrap();
    let positions: Vec<i64> = rows.iter().map(|(position, ..)| *position).collect();
    assert_eq!(positions, (1..=rows.len() as i64).collect::<Vec<_>>());
    let stored: HashMap<_, _> = rows.into_iter().map(|(position, id, sequence)| (position, (id, sequence))).collect();
    assert_eq!(stored, acknowledged);
    assert_eq!(verify(&pool).await.unwrap().first_bad, None);
    store.close().await;
    pool.close().await;
    spawn_blocking(|| cluster.stop()).await.unwrap();
}
