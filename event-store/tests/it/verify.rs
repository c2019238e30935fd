//! Tampering, by a superuser with the triggers switched off, is located to its commit.

use lockstep_domain::ids::Position;
use lockstep_event_store::{Damage, DamageKind, EventStore, VerifyReport, verify};
use sqlx::Executor;

use crate::fixture::{Log, fill, stream};

/// Ten commits of one event each, then this statement.
async fn after(tampering: &str) -> VerifyReport {
    let log = Log::new().await;
    fill(&*log.store, &stream("a"), 5).await;
    fill(&*log.store, &stream("b"), 5).await;
    let pool = log.db.pool().await;
    assert_eq!(verify(&pool).await.unwrap(), VerifyReport { events: 10, commits: 10, first_bad: None });
    let script = format!("SET session_replication_role = replica; {tampering}; RESET session_replication_role");
    let mut connection = pool.acquire().await.unwrap();
    connection.execute(script.as_str()).await.unwrap();
    let report = verify(&pool).await.unwrap();
    assert!(log.head().await.is_ok());
    report
}

fn found(commit_no: i64, position: Option<i64>, kind: DamageKind) -> Option<Damage> {
    Some(Damage { commit_no, position: position.map(Position::from_i64), kind })
}

#[tokio::test]
async fn a_changed_payload_is_found() {
    let report = after("UPDATE events SET payload = '{\"Happened\": {\"n\": 99}}' WHERE global_position = 4").await;
    assert_eq!(report.first_bad, found(4, Some(4), DamageKind::EventChanged));
    assert_eq!((report.events, report.commits), (3, 3));
}

#[tokio::test]
async fn a_payload_changed_together_with_its_leaf_is_found() {
    // Another event's leaf, payload, type and id would do for a forger who computes hashes.
    let report = after(
        "UPDATE events e SET leaf_hash = o.leaf_hash, payload = o.payload, event_id = gen_random_uuid() \
         FROM events o WHERE e.global_position = 4 AND o.global_position = 3",
    )
    .await;
    assert_eq!(report.first_bad, found(4, Some(4), DamageKind::EventChanged));
}

#[tokio::test]
async fn swapped_rows_are_found() {
    let report = after(
        "UPDATE events SET global_position = -3 WHERE global_position = 3; \
         UPDATE events SET global_position = 3, recorded_at = (SELECT recorded_at FROM es_commits WHERE commit_no = 3) \
           WHERE global_position = 8; \
         UPDATE events SET global_position = 8, recorded_at = (SELECT recorded_at FROM es_commits WHERE commit_no = 8) \
           WHERE global_position = -3",
    )
    .await;
    assert_eq!(report.first_bad, found(3, None, DamageKind::CommitChanged));
}

#[tokio::test]
async fn a_deleted_row_is_found() {
    let report = after("DELETE FROM events WHERE global_position = 7").await;
    assert_eq!(report.first_bad, found(7, Some(7), DamageKind::EventMissing));
}

#[tokio::test]
async fn a_deleted_commit_is_found() {
    let report = after("DELETE FROM es_commits WHERE commit_no = 7").await;
    assert_eq!(report.first_bad, found(7, None, DamageKind::CommitMissing));
}

#[tokio::test]
async fn a_cut_tail_is_found_while_the_head_remembers() {
    let report =
        after("DELETE FROM events WHERE global_position > 8; DELETE FROM es_commits WHERE commit_no > 8").await;
    assert_eq!(report.first_bad, found(9, None, DamageKind::CommitMissing));
}

#[tokio::test]
async fn an_inserted_row_is_found() {
    let report = after(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
         VALUES ('thing', 'a', 6, 'Happened', '1', '{}', '{}')",
    )
    .await;
    assert_eq!(report.first_bad, found(10, Some(11), DamageKind::NotCommitted));
}

#[tokio::test]
async fn a_forged_time_is_found() {
    let event = after("UPDATE events SET recorded_at = recorded_at - interval '1 day' WHERE global_position = 5").await;
    assert_eq!(event.first_bad, found(5, Some(5), DamageKind::TimeChanged));
    let both = after(
        "UPDATE events SET recorded_at = '2020-01-01' WHERE global_position = 5; \
         UPDATE es_commits SET recorded_at = '2020-01-01' WHERE commit_no = 5",
    )
    .await;
    assert_eq!(both.first_bad, found(5, None, DamageKind::CommitChanged));
    let occurred = after("UPDATE events SET occurred_at = now() WHERE global_position = 5").await;
    assert_eq!(occurred.first_bad, found(5, Some(5), DamageKind::EventChanged));
}

#[tokio::test]
async fn a_rewritten_commit_breaks_the_chain() {
    let hash = after("UPDATE es_commits SET hash = sha256('x') WHERE commit_no = 6").await;
    assert_eq!(hash.first_bad, found(6, None, DamageKind::CommitChanged));
    let metadata =
        after("UPDATE events SET metadata = metadata || '{\"actor\": \"eve\"}' WHERE global_position = 2").await;
    assert_eq!(metadata.first_bad, found(2, Some(2), DamageKind::EventChanged));
    let head = after("UPDATE es_head SET last_position = 11").await;
    assert_eq!(head.first_bad, found(10, None, DamageKind::HeadChanged));
}
