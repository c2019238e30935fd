//! What names a person is ciphertext in the database and plain to the caller, until its key is destroyed.

use lockstep_domain::{Personal, ids::Position};
use lockstep_event_store::{Append, ConnectError, EventStore, MasterKey, PostgresStore, verify};
use serde_json::{Value, json};

use crate::fixture::{Log, append, at, event_with, stream};

fn about(subject: &str, text: &str) -> Append {
    let personal = Personal::new(subject, text.to_owned());
    let fields = json!({ "id": 1, "nested": [{ "text": personal }], "gone": Personal::<String>::Erased });
    Append { events: vec![event_with(fields)], ..append(&stream(text), at(0)) }
}

fn text(payload: &Value) -> Personal<String> {
    serde_json::from_value(payload["Happened"]["nested"][0]["text"].clone()).unwrap()
}

async fn read_all(store: &dyn EventStore) -> Vec<Personal<String>> {
    let events = store.read_after(Position::START, 100).await.unwrap();
    events.iter().map(|event| text(&event.payload)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn personal_fields_are_sealed_in_the_database_and_open_to_every_process() {
    let log = Log::new().await;
    // With a sign that neither base64 nor a hexadecimal id has: ciphertext must not spell them by chance.
    let given = about("ada lovelace", "meet-me-at-noon");
    log.append(given.clone()).await.unwrap();
    let stored: String =
        sqlx::query_scalar("SELECT payload::text FROM events").fetch_one(&log.db.pool().await).await.unwrap();
    assert!(!stored.contains("-at-noon") && !stored.contains("ada lovelace"), "{stored}");
    assert!(stored.contains("$k") && stored.contains("$c"), "{stored}");
    for store in [log.store.clone(), log.another().await] {
        let read = store.read_stream(&stream("meet-me-at-noon"), 0, 1).await.unwrap();
        assert_eq!(read[0].payload, given.events[0].payload);
    }
    assert_eq!(verify(&log.db.pool().await).await.unwrap().first_bad, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destroyed_key_erases_one_person_and_keeps_the_chain() {
    let log = Log::new().await;
    log.append(about("ada", "one")).await.unwrap();
    log.append(about("bob", "two")).await.unwrap();
    assert!(log.destroy_subject_key("ada").await.unwrap());
    assert!(!log.destroy_subject_key("ada").await.unwrap());
    // Nothing is sealed for an erased person again.
    log.append(about("ada", "three")).await.unwrap();
    let expected = [Personal::Erased, Personal::new("bob", "two".to_owned()), Personal::Erased];
    assert_eq!(read_all(&*log.store).await, expected);
    assert_eq!(read_all(&*log.another().await).await, expected);
    let pool = log.db.pool().await;
    let stored: String = sqlx::query_scalar("SELECT payload::text FROM events WHERE global_position = 3")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(!stored.contains("three") && !stored.contains("$c"), "{stored}");
    assert_eq!(verify(&pool).await.unwrap().first_bad, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_master_key_is_refused_at_the_door() {
    let log = Log::new().await;
    log.append(about("ada", "one")).await.unwrap();
    let other = PostgresStore::connect(&log.db.url(), MasterKey::generate(), "other".to_owned()).await;
    assert!(matches!(other, Err(ConnectError::WrongMasterKey)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_appends_about_one_person_agree_on_one_key() {
    let log = Log::new().await;
    let other = log.another().await;
    let all = (0..20).map(|n| {
        let store = if n % 2 == 0 { log.store.clone() } else { other.clone() };
        tokio::spawn(async move { store.append(about("ada", &format!("text{n}"))).await })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    let read = read_all(&*log.another().await).await;
    assert_eq!(read.len(), 20);
    assert!(read.iter().all(|text| text.value().is_some()), "{read:?}");
}
