//! A feed hands out everything once, in order, also what another process appends.

use lockstep_domain::ids::Position;
use lockstep_event_store::{EventStore, Feed};
use tokio::time::timeout;

use crate::fixture::{Log, PATIENCE, fill, stream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_follows_other_processes_too() {
    let log = Log::new().await;
    let other = log.another().await;
    let following = {
        let mut feed = Feed::new(log.store.clone(), Position::from_i64(2));
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while feed.position() < Position::from_i64(20) {
                let events = feed.next(3).await;
                assert!((1..=3).contains(&events.len()));
                seen.extend(events.into_iter().map(|event| event.position.as_i64()));
            }
            seen
        })
    };
    fill(&*log.store, &stream("a"), 10).await;
    fill(&*other, &stream("b"), 10).await;
    let seen = timeout(PATIENCE, following).await.unwrap().unwrap();
    assert_eq!(seen, (3..=20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_wakes_another_process_before_its_poll() {
    let log = Log::new().await;
    // A pool of its own hears on the store's channel what the store tells after its commits.
    let mut listener = sqlx::postgres::PgListener::connect(&log.db.url()).await.unwrap();
    listener.listen("lockstep_log").await.unwrap();
    fill(&*log.store, &stream("a"), 1).await;
    let heard = timeout(PATIENCE, listener.recv()).await.unwrap().unwrap();
    assert_eq!(heard.payload(), "1");
    assert_eq!(log.head().await.unwrap(), Position::from_i64(1));
}
