//! A command has at most one effect, however often it is sent.

use std::sync::Arc;

use lockstep_domain::ids::{CommandId, Position};
use lockstep_event_store::{Append, EventStore, Metadata, Receipt, event_id};
use uuid::Uuid;

use crate::fixture::{append, at, event, fill, stream};

type Store = Arc<dyn EventStore>;

pub async fn a_repeated_command_gets_the_first_receipt(store: Store) {
    let given = Append { events: vec![event(1), event(2), event(3)], ..append(&stream("a"), at(0)) };
    let first = store.append(given.clone()).await.unwrap();
    store.append(append(&stream("a"), at(3))).await.unwrap();
    let again = store.append(given.clone()).await.unwrap();
    assert_eq!(again, Receipt { duplicate: true, ..first.clone() });
    let found = store.find_command("ada", &stream("a"), given.command_id).await.unwrap();
    assert_eq!(found, Some(Receipt { duplicate: true, ..first }));
    assert_eq!(store.head().await.unwrap(), Position::from_i64(4));
    let read = store.read_stream(&stream("a"), 0, 1).await.unwrap();
    assert_eq!(read[0].event_id, event_id("ada", &stream("a"), given.command_id, 0));
    assert_eq!(read[0].event_id.get_version_num(), 8);
}

pub async fn a_repeat_is_recognised_whatever_it_expects(store: Store) {
    fill(&*store, &stream("other"), 1).await;
    let given = append(&stream("a"), at(0));
    let first = store.append(given.clone()).await.unwrap();
    for expected in [at(1), at(9), lockstep_event_store::Expected::Any] {
        // The second decision may even have other events: the first is what happened.
        let repeat = Append { expected, events: vec![event(8), event(9)], ..given.clone() };
        assert_eq!(store.append(repeat).await.unwrap(), Receipt { duplicate: true, ..first.clone() });
    }
}

pub async fn the_same_id_of_another_actor_or_stream_is_another_command(store: Store) {
    let given = append(&stream("a"), at(0));
    store.append(given.clone()).await.unwrap();
    let other_stream = Append { stream: stream("b"), ..given.clone() };
    assert!(!store.append(other_stream).await.unwrap().duplicate);
    let metadata = Metadata { actor: "bob".to_owned(), ..given.metadata.clone() };
    let other_actor = Append { metadata, expected: at(1), ..given };
    assert!(!store.append(other_actor).await.unwrap().duplicate);
    assert_eq!(store.head().await.unwrap(), Position::from_i64(3));
}

pub async fn concurrent_repeats_have_one_effect(store: Store) {
    for round in 0..10 {
        let given = append(&stream("a"), at(round));
        let sent: Vec<_> = (0..5)
            .map(|_| {
                let (store, given) = (store.clone(), given.clone());
                tokio::spawn(async move { store.append(given).await.unwrap() })
            })
            .collect();
        let mut first = 0;
        for sent in sent {
            let receipt = sent.await.unwrap();
            assert_eq!(receipt.version, round + 1);
            first += usize::from(!receipt.duplicate);
        }
        assert_eq!(first, 1);
    }
    assert_eq!(store.head().await.unwrap(), Position::from_i64(10));
}

pub async fn a_command_that_was_never_stored_is_not_found(store: Store) {
    fill(&*store, &stream("a"), 1).await;
    let found = store.find_command("ada", &stream("a"), CommandId(Uuid::now_v7())).await.unwrap();
    assert_eq!(found, None);
}
