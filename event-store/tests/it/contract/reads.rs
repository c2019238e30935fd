//! Reading: streams, the whole log, one channel, waiting, times.

use std::sync::Arc;

use lockstep_domain::ids::{ChannelId, Position};
use lockstep_event_store::{Append, EventStore, Metadata};
use tokio::time::timeout;
use uuid::Uuid;

use crate::fixture::{PATIENCE, append, at, fill, stream};

type Store = Arc<dyn EventStore>;

pub async fn a_stream_is_read_in_pages(store: Store) {
    fill(&*store, &stream("a"), 5).await;
    fill(&*store, &stream("a.b"), 2).await;
    let mut seen = Vec::new();
    loop {
        let page = store.read_stream(&stream("a"), seen.len() as u64, 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|event| event.version));
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    assert_eq!(store.read_stream(&stream("none"), 0, 10).await.unwrap(), []);
}

pub async fn the_whole_log_is_read_in_order(store: Store) {
    fill(&*store, &stream("a"), 3).await;
    fill(&*store, &stream("b"), 3).await;
    let first = store.read_after(Position::START, 4).await.unwrap();
    let rest = store.read_after(first[3].position, 4).await.unwrap();
    let positions: Vec<i64> = first.iter().chain(&rest).map(|event| event.position.as_i64()).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5, 6]);
    assert_eq!(store.read_after(Position::from_i64(6), 4).await.unwrap(), []);
}

pub async fn a_channel_is_read_alone(store: Store) {
    let channel = ChannelId(Uuid::now_v7());
    for (n, about) in [Some(channel), None, Some(ChannelId(Uuid::now_v7())), Some(channel)].into_iter().enumerate() {
        let channel_id = about.map(|channel| channel.to_string());
        let metadata = Metadata { channel_id, ..Metadata::default() };
        store.append(Append { metadata, ..append(&stream(&n.to_string()), at(0)) }).await.unwrap();
    }
    let read = |after| store.read_channel(channel, Position::from_i64(after), 10);
    let positions: Vec<i64> = read(0).await.unwrap().iter().map(|event| event.position.as_i64()).collect();
    assert_eq!(positions, [1, 4]);
    assert_eq!(read(1).await.unwrap().len(), 1);
    assert_eq!(store.read_channel(channel, Position::START, 1).await.unwrap().len(), 1);
}

pub async fn events_are_found_by_their_positions(store: Store) {
    fill(&*store, &stream("a"), 3).await;
    let wanted = [3, 1, 9].map(Position::from_i64);
    let found: Vec<_> = store.read_at(&wanted).await.unwrap();
    let positions: Vec<i64> = found.iter().map(|event| event.position.as_i64()).collect();
    assert_eq!(positions, [1, 3]);
    assert_eq!(found[..1], store.read_after(Position::START, 1).await.unwrap()[..]);
    assert_eq!(store.read_at(&[]).await.unwrap(), []);
}

pub async fn waiting_ends_with_the_next_append(store: Store) {
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move {
            while store.read_after(Position::START, 1).await.unwrap().is_empty() {
                store.wait_past(Position::START).await;
            }
        })
    };
    fill(&*store, &stream("a"), 1).await;
    timeout(PATIENCE, waiting).await.unwrap().unwrap();
    // Already past: no waiting at all.
    timeout(PATIENCE, store.wait_past(Position::START)).await.unwrap();
}

pub async fn many_streams_are_read_at_once_and_apart(store: Store) {
    for n in 0..8 {
        fill(&*store, &stream(&n.to_string()), n).await;
    }
    let reads = (0..64_i64).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { (n % 8, store.read_stream(&stream(&(n % 8).to_string()), 1, 5).await.unwrap()) })
    });
    for read in reads.collect::<Vec<_>>() {
        let (n, events) = read.await.unwrap();
        let versions: Vec<i64> = events.iter().map(|event| event.version as i64).collect();
        assert_eq!(versions, (2..=n.min(6)).collect::<Vec<_>>(), "stream {n}");
        assert!(events.iter().all(|event| event.stream == stream(&n.to_string())));
    }
}

pub async fn recorded_times_follow_the_database_clock(store: Store) {
    let before = store.database_now().await.unwrap();
    fill(&*store, &stream("a"), 3).await;
    let after = store.database_now().await.unwrap();
    let events = store.read_stream(&stream("a"), 0, 10).await.unwrap();
    let mut times = vec![before];
    times.extend(events.iter().map(|event| event.recorded_at));
    times.push(after);
    assert!(times.is_sorted(), "{times:?}");
    assert!(before < after);
}
