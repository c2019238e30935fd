//! Commands that meet in one batch: each gets its own answer, and the batch is one commit.

use lockstep_domain::ids::Position;
use lockstep_event_store::{Append, AppendError, EventStore, Expected, verify};
use sqlx::{PgPool, Postgres, Transaction};

use crate::fixture::{Log, append, at, event, fill, guarded, stream, until};

/// Holds the head's lock, so that the committer sticks in a batch and the next batch gathers.
pub async fn hold_head(pool: &PgPool) -> Transaction<'static, Postgres> {
    let mut held = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM es_head FOR UPDATE").execute(&mut *held).await.unwrap();
    held
}

/// Waits until an append of this database waits for that lock.
pub async fn until_stuck(pool: &PgPool) {
    let stuck = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
                 AND wait_event_type = 'Lock' AND query LIKE '%es_append%')";
    until(pool, stuck).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_a_batch_gets_its_own_answer() {
    let log = Log::new().await;
    let pool = log.db.pool().await;
    fill(&*log.store, &stream("rights"), 2).await;
    let known = append(&stream("known"), at(0));
    let first = log.append(known.clone()).await.unwrap();
    let head = log.head().await.unwrap().as_i64();

    let held = hold_head(&pool).await;
    let (store, filler) = (log.store.clone(), append(&stream("filler"), at(0)));
    let filler = tokio::spawn(async move { store.append(filler).await });
    until_stuck(&pool).await;
    let release = async {
        // Joined last, so polled last: the others are queued by now.
        held.rollback().await.unwrap();
    };
    let two = Append { events: vec![event(1), event(2)], ..append(&stream("two"), at(0)) };
    let (ok, conflict, guard, duplicate, any, two, last, ()) = tokio::join!(
        log.append(append(&stream("ok"), at(0))),
        log.append(append(&stream("wrong"), at(4))),
        log.append(guarded(append(&stream("guarded"), at(0)), &stream("rights"), 1)),
        log.append(known),
        log.append(append(&stream("rights"), Expected::Any)),
        log.append(two),
        log.append(guarded(append(&stream("last"), at(0)), &stream("nothing"), 0)),
        release,
    );
    filler.await.unwrap().unwrap();
    assert_eq!(ok.unwrap().position, Position::from_i64(head + 2));
    assert_eq!(conflict, Err(AppendError::Conflict { stream: stream("wrong"), actual: 0 }));
    assert_eq!(guard, Err(AppendError::GuardFailed { stream: stream("rights"), actual: 2 }));
    assert_eq!(duplicate.unwrap().position, first.position);
    assert_eq!(any.unwrap().version, 3);
    let two = two.unwrap();
    assert_eq!((two.first_position.as_i64(), two.position.as_i64(), two.version), (head + 4, head + 5, 2));
    assert_eq!(last.unwrap().position, Position::from_i64(head + 6));
    let commits: Vec<(i64, i64)> =
        sqlx::query_as("SELECT first_position, last_position FROM es_commits ORDER BY commit_no DESC LIMIT 2")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(commits, [(head + 2, head + 6), (head + 1, head + 1)]);
    assert_eq!(verify(&pool).await.unwrap().first_bad, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_the_database_refuses_does_not_fail_the_others() {
    let log = Log::new().await;
    let pool = log.db.pool().await;
    let constraint = "ALTER TABLE events ADD CONSTRAINT no_poison CHECK (event_type <> 'Poison')";
    sqlx::query(constraint).execute(&pool).await.unwrap();
    let held = hold_head(&pool).await;
    let (store, filler) = (log.store.clone(), append(&stream("filler"), at(0)));
    let filler = tokio::spawn(async move { store.append(filler).await });
    until_stuck(&pool).await;
    let mut poison = append(&stream("poison"), at(0));
    poison.events[0].event_type = "Poison".to_owned();
    let release = async { held.rollback().await.unwrap() };
    let (one, refused, other, third, ()) = tokio::join!(
        log.append(append(&stream("one"), at(0))),
        log.append(poison),
        log.append(append(&stream("other"), at(0))),
        log.append(append(&stream("third"), at(0))),
        release,
    );
    filler.await.unwrap().unwrap();
    assert!(matches!(refused, Err(AppendError::Invalid(_))), "{refused:?}");
    let positions = [one, other, third].map(|receipt| receipt.unwrap().position.as_i64());
    assert_eq!(positions, [2, 3, 4]);
    assert_eq!(verify(&pool).await.unwrap().first_bad, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_is_few_commits() {
    let log = Log::new().await;
    let all = (0..256).map(|n| {
        let store = log.store.clone();
        tokio::spawn(async move { store.append(append(&stream(&n.to_string()), at(0))).await })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    let pool = log.db.pool().await;
    let commits: i64 = sqlx::query_scalar("SELECT count(*) FROM es_commits").fetch_one(&pool).await.unwrap();
    assert!(commits <= 64, "256 commands took {commits} commits");
}
