//! A ban between check and append: a message that relied on the old rights is never stored after the ban.

use std::sync::Arc;

use lockstep_event_store::{Append, AppendError, EventStore, PostgresStore, Receipt};

use crate::{
    fixture::{Log, append, at, fill, guarded, stream},
    one_batch::{hold_head, until_stuck},
};

fn ban(version: u64) -> Append {
    append(&stream("channel"), at(version))
}

fn message(name: &str, relied_on: u64) -> Append {
    guarded(append(&stream(name), at(0)), &stream("channel"), relied_on)
}

/// Both arrive while the committer is stuck, in this order, and so meet in one batch.
async fn in_one_batch(log: &Log, first: Append, second: Append) -> [Result<Receipt, AppendError>; 2] {
    let pool = log.db.pool().await;
    let held = hold_head(&pool).await;
    let (store, filler) = (log.store.clone(), append(&stream("filler"), at(0)));
    let filler = tokio::spawn(async move { store.append(filler).await });
    until_stuck(&pool).await;
    let release = async { held.rollback().await.unwrap() };
    let (first, second, ()) = tokio::join!(log.append(first), log.append(second), release);
    filler.await.unwrap().unwrap();
    [first, second]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ban_first_refuses_the_message() {
    let log = Log::new().await;
    fill(&*log.store, &stream("channel"), 1).await;
    let [ban, message] = in_one_batch(&log, ban(1), message("m", 1)).await;
    assert_eq!(ban.unwrap().version, 2);
    assert_eq!(message, Err(AppendError::GuardFailed { stream: stream("channel"), actual: 2 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn message_first_lets_both_pass() {
    let log = Log::new().await;
    fill(&*log.store, &stream("channel"), 1).await;
    let [message, ban] = in_one_batch(&log, message("m", 1), ban(1)).await;
    assert!(message.unwrap().position < ban.unwrap().position);
}

async fn send(store: Arc<PostgresStore>, append: Append) -> Result<Receipt, AppendError> {
    tokio::spawn(async move { store.append(append).await }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_racing_never_store_the_message_after_the_ban() {
    let log = Log::new().await;
    let other = log.another().await;
    fill(&*log.store, &stream("channel"), 1).await;
    for round in 1..=60 {
        let name = format!("m{round}");
        let (ban, message) = match round % 2 {
            0 => tokio::join!(send(log.store.clone(), ban(round)), send(other.clone(), message(&name, round))),
            _ => {
                let (message, ban) =
                    tokio::join!(send(log.store.clone(), message(&name, round)), send(other.clone(), ban(round)));
                (ban, message)
            }
        };
        let ban = ban.unwrap();
        match message {
            Ok(message) => assert!(message.position < ban.position),
            Err(error) => {
                assert_eq!(error, AppendError::GuardFailed { stream: stream("channel"), actual: round + 1 });
            }
        }
    }
}
