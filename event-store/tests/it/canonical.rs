//! Whatever JSON is accepted comes back equal, and the database's own form of it has the same hash.

use lockstep_domain::ids::Position;
use lockstep_event_store::{Append, EventStore, verify};
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::Value;

use crate::fixture::{Log, append, at, event_with, stream};

fn text() -> impl Strategy<Value = String> {
    // All of Unicode but NUL, with the characters that need escapes and those that sort differently as UTF-16.
    let special =
        prop::sample::select(vec!['"', '\\', '\n', '\u{1}', '\u{1f}', '\u{7f}', '\u{2028}', '\u{e000}', '😀']);
    let c = prop_oneof![any::<char>().prop_filter("NUL", |c| *c != '\0'), special];
    vec(c, 0..6).prop_map(|text| text.into_iter().collect())
}

fn json() -> impl Strategy<Value = Value> {
    let integer = -(1_i64 << 53)..=(1_i64 << 53);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        integer.prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let name = text().prop_filter("reserved", |name| !name.starts_with('$'));
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(name, inner, 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_accepted_value_is_read_back_and_verifies() {
    let log = Log::new().await;
    let mut runner = TestRunner::default();
    let values: Vec<Value> = (0..600).map(|_| json().new_tree(&mut runner).unwrap().current()).collect();
    for (n, chunk) in values.chunks(30).enumerate() {
        let events = chunk.iter().cloned().map(event_with).collect();
        log.append(Append { events, ..append(&stream(&n.to_string()), at(0)) }).await.unwrap();
    }
    let read = log.read_after(Position::START, 1_000).await.unwrap();
    assert_eq!(read.len(), values.len());
    for (read, given) in read.iter().zip(&values) {
        assert_eq!(&read.payload["Happened"], given);
    }
    let report = verify(&log.db.pool().await).await.unwrap();
    assert_eq!((report.events, report.first_bad), (600, None));
}
