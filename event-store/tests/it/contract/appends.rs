//! Appending: expectations, guards, order, refusals.

use std::{collections::BTreeSet, sync::Arc};

use lockstep_domain::{ids::Position, time::Timestamp};
use lockstep_event_store::{
    Append, AppendError, EVENT_BYTES_MAX, EVENTS_PER_COMMAND_MAX, EventStore, Expected, Metadata,
};
use serde_json::json;

use crate::fixture::{append, at, event, event_with, fill, guarded, stream};

type Store = Arc<dyn EventStore>;

pub async fn an_append_is_read_back_as_it_was(store: Store) {
    let metadata = Metadata {
        actor: "ada".to_owned(),
        correlation_id: "corr".to_owned(),
        causation_id: Some("cause".to_owned()),
        command_id: Some("cmd".to_owned()),
        channel_id: Some("0190b8a0-0000-7000-8000-000000000001".to_owned()),
    };
    let payload = json!({"text": "Grüße \u{1F600} \"quoted\" \\ \n\u{1}", "list": [1, -2, {"b": null, "a": true}], "max": 9_007_199_254_740_992_i64});
    let given = Append {
        metadata: metadata.clone(),
        occurred_at: Timestamp::from_micros(1_234_567),
        events: vec![event_with(payload), event(2)],
        ..append(&stream("a"), at(0))
    };
    let receipt = store.append(given.clone()).await.unwrap();
    assert_eq!((receipt.first_position, receipt.position), (Position::from_i64(1), Position::from_i64(2)));
    assert_eq!((receipt.version, receipt.duplicate), (2, false));
    let read = store.read_stream(&stream("a"), 0, 10).await.unwrap();
    assert_eq!(read.len(), 2);
    for (n, (read, given)) in read.iter().zip(&given.events).enumerate() {
        assert_eq!(read.payload, given.payload);
        assert_eq!((&read.event_type, &read.event_version), (&given.event_type, &given.event_version));
        assert_eq!((read.version, read.position), (n as u64 + 1, Position::from_i64(n as i64 + 1)));
        assert_eq!((&read.stream, &read.metadata), (&stream("a"), &metadata));
        assert_eq!((read.occurred_at, read.recorded_at), (Timestamp::from_micros(1_234_567), receipt.recorded_at));
    }
}

pub async fn positions_have_no_gaps_and_versions_count_up(store: Store) {
    for name in ["a", "b", "c"] {
        fill(&*store, &stream(name), 3).await;
    }
    let all = store.read_after(Position::START, 100).await.unwrap();
    let positions: Vec<i64> = all.iter().map(|event| event.position.as_i64()).collect();
    assert_eq!(positions, (1..=9).collect::<Vec<_>>());
    let versions: Vec<u64> = all.iter().map(|event| event.version).collect();
    assert_eq!(versions, [1, 2, 3, 1, 2, 3, 1, 2, 3]);
    assert_eq!(store.head().await.unwrap(), Position::from_i64(9));
}

pub async fn a_wrong_expectation_is_a_conflict_and_burns_no_position(store: Store) {
    fill(&*store, &stream("a"), 2).await;
    for (expected, name, actual) in [(1, "a", 2), (3, "a", 2), (1, "empty", 0)] {
        let refused = store.append(append(&stream(name), at(expected))).await;
        assert_eq!(refused, Err(AppendError::Conflict { stream: stream(name), actual }));
    }
    let next = store.append(append(&stream("a"), at(2))).await.unwrap();
    assert_eq!(next.position, Position::from_i64(3));
}

pub async fn any_version_takes_every_append(store: Store) {
    let all = (0..40).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.append(append(&stream("hot"), Expected::Any)).await })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    let versions: Vec<u64> =
        store.read_stream(&stream("hot"), 0, 100).await.unwrap().iter().map(|event| event.version).collect();
    assert_eq!(versions, (1..=40).collect::<Vec<_>>());
}

pub async fn a_guard_that_moved_refuses(store: Store) {
    fill(&*store, &stream("rights"), 2).await;
    let stale = guarded(append(&stream("a"), at(0)), &stream("rights"), 1);
    let refused = store.append(stale).await;
    assert_eq!(refused, Err(AppendError::GuardFailed { stream: stream("rights"), actual: 2 }));
    let fresh = guarded(append(&stream("a"), at(0)), &stream("rights"), 2);
    assert_eq!(store.append(fresh).await.unwrap().position, Position::from_i64(3));
}

pub async fn a_guard_on_an_empty_stream_is_version_zero(store: Store) {
    let first = guarded(append(&stream("a"), at(0)), &stream("none"), 0);
    store.append(first).await.unwrap();
    fill(&*store, &stream("none"), 1).await;
    let second = guarded(append(&stream("a"), at(1)), &stream("none"), 0);
    let refused = store.append(second).await;
    assert_eq!(refused, Err(AppendError::GuardFailed { stream: stream("none"), actual: 1 }));
}

pub async fn what_cannot_be_stored_is_refused(store: Store) {
    let mut nested = json!(1);
    for _ in 0..40 {
        nested = json!([nested]);
    }
    let payloads = [
        json!({"seconds": 1.5}),
        json!({"n": 9_007_199_254_740_993_i64}),
        json!({"n": u64::MAX}),
        json!({"text": "a\0b"}),
        json!({"\0": 1}),
        json!({"$k": "looks sealed"}),
        json!({"$personal": {"subject": "", "value": 1}}),
        json!({"$personal": {"subject": "ada", "value": {"$personal": {"subject": "bob", "value": 1}}}}),
        json!({"$personal": {"subject": "ada", "value": 0.5}}),
        json!("x".repeat(EVENT_BYTES_MAX)),
        nested,
    ];
    let base = || append(&stream("a"), at(0));
    let mut refused: Vec<Append> =
        payloads.into_iter().map(|payload| Append { events: vec![event_with(payload)], ..base() }).collect();
    refused.push(Append { events: Vec::new(), ..base() });
    refused.push(Append { events: vec![event(1); EVENTS_PER_COMMAND_MAX + 1], ..base() });
    let with = |metadata| Append { metadata, ..base() };
    refused.push(with(Metadata { channel_id: Some("no uuid".to_owned()), ..Metadata::default() }));
    refused.push(with(Metadata { actor: "\0".to_owned(), ..Metadata::default() }));
    refused.push(Append { occurred_at: Timestamp::from_micros(i64::MAX), ..base() });
    for one in refused {
        let told = format!("{:?}", one.events.first()).chars().take(80).collect::<String>();
        assert!(matches!(store.append(one).await, Err(AppendError::Invalid(_))), "{told}");
    }
    assert_eq!(store.head().await.unwrap(), Position::START);
}

pub async fn concurrent_appends_to_one_stream_are_all_accounted_for(store: Store) {
    let writers = (0..64).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut expected = 0;
            loop {
                match store.append(append(&stream("hot"), at(expected))).await {
                    Ok(receipt) => return receipt.version,
                    Err(AppendError::Conflict { actual, .. }) => expected = actual,
                    Err(error) => panic!("{error}"),
                }
            }
        })
    });
    let mut versions = BTreeSet::new();
    for writer in writers.collect::<Vec<_>>() {
        versions.insert(writer.await.unwrap());
    }
    assert_eq!(versions, (1..=64).collect());
    assert_eq!(store.head().await.unwrap(), Position::from_i64(64));
}

pub async fn one_command_is_all_or_nothing(store: Store) {
    let mixed = Append { events: vec![event(1), event_with(json!({"n": 0.5}))], ..append(&stream("a"), at(0)) };
    assert!(store.append(mixed).await.is_err());
    assert_eq!(store.read_stream(&stream("a"), 0, 10).await.unwrap(), []);
    let many =
        Append { events: (0..EVENTS_PER_COMMAND_MAX as i64).map(event).collect(), ..append(&stream("a"), at(0)) };
    let receipt = store.append(many).await.unwrap();
    assert_eq!(receipt.position.as_i64() - receipt.first_position.as_i64(), EVENTS_PER_COMMAND_MAX as i64 - 1);
}
