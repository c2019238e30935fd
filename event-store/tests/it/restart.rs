//! A store that is closed, dropped or cut off loses nothing it has acknowledged, and the next one goes on.

use lockstep_domain::ids::Position;
use lockstep_event_store::{AppendError, EventStore, Receipt, verify};
use sqlx::Executor;
use tokio::time::timeout;

use crate::fixture::{Log, PATIENCE, append, at, connect, fill, stream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_store_goes_on_where_the_last_one_ended() {
    let log = Log::new().await;
    fill(&*log.store, &stream("a"), 3).await;
    let repeated = append(&stream("a"), at(3));
    let first = log.append(repeated.clone()).await.unwrap();
    log.store.close().await;
    let refused = log.append(append(&stream("a"), at(4))).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");

    let next = connect(&log.db.url()).await;
    assert_eq!(next.append(repeated).await.unwrap(), Receipt { duplicate: true, ..first });
    let receipt = next.append(append(&stream("a"), at(4))).await.unwrap();
    assert_eq!((receipt.version, receipt.position), (5, Position::from_i64(5)));
    assert_eq!(verify(&log.db.pool().await).await.unwrap().commits, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_answers_everything_that_was_taken() {
    let log = Log::new().await;
    let sent: Vec<_> = (0..200)
        .map(|n| {
            let store = log.store.clone();
            tokio::spawn(async move { store.append(append(&stream(&n.to_string()), at(0))).await })
        })
        .collect();
    log.store.close().await;
    let mut acknowledged = 0;
    for sent in sent {
        acknowledged += i64::from(timeout(PATIENCE, sent).await.unwrap().unwrap().is_ok());
    }
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&log.db.pool().await).await.unwrap();
    assert_eq!(acknowledged, stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_cost_no_command_and_double_none() {
    let log = Log::new().await;
    let pool = log.db.pool().await;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = log.store.clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    let command = append(&stream(&writer.to_string()), at(n));
                    let receipt = store.append(command).await.unwrap();
                    assert_eq!(receipt.version, n + 1);
                }
            })
        })
        .collect();
    for cut in 1..=5_i64 {
        crate::fixture::until(&pool, &format!("SELECT last_position >= {} FROM es_head", cut * 50)).await;
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                    WHERE application_name = 'lockstep test' AND datname = current_database()";
        pool.execute(kill).await.unwrap();
    }
    for writer in writers {
        timeout(PATIENCE, writer).await.unwrap().unwrap();
    }
    let report = verify(&pool).await.unwrap();
    assert_eq!((report.events, report.first_bad), (400, None));
}
