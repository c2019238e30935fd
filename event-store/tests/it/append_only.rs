//! The database itself keeps the log append-only, and the application's role to its one door.

use sqlx::{Connection, Executor, PgConnection};

use crate::fixture::{Log, fill, stream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn even_the_owner_cannot_change_what_is_stored() {
    let log = Log::new().await;
    fill(&*log.store, &stream("a"), 2).await;
    let pool = log.db.pool().await;
    for statement in [
        "UPDATE events SET payload = '{}'",
        "DELETE FROM events",
        "TRUNCATE events",
        "UPDATE es_commits SET node = 'x'",
        "DELETE FROM es_commits",
        "TRUNCATE es_commits",
    ] {
        let error = pool.execute(statement).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{statement}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_application_role_reads_and_appends_and_nothing_else() {
    let log = Log::new().await;
    fill(&*log.store, &stream("a"), 1).await;
    let mut connection = PgConnection::connect(&log.db.url()).await.unwrap();
    connection.execute("SET ROLE lockstep_app").await.unwrap();
    for statement in [
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
         VALUES ('t', 'i', 1, 'E', '1', '{}', '{}')",
        "UPDATE es_head SET last_position = 0",
        "DELETE FROM es_head",
        "INSERT INTO es_subject_keys (subject, key_id, wrapped_key) VALUES ('s', gen_random_uuid(), '')",
        "SELECT es_next_position()",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "DROP TABLE events",
    ] {
        let error = connection.execute(statement).await.unwrap_err().to_string();
        assert!(error.contains("permission denied") || error.contains("must be owner"), "{statement}: {error}");
    }
    for statement in [
        "SELECT count(*) FROM events",
        "SELECT count(*) FROM es_commits",
        "SELECT * FROM es_head",
        "INSERT INTO es_subscriptions (name) VALUES ('x')",
        "DELETE FROM sessions",
        "UPDATE work_leases SET attempt = 1",
        "DELETE FROM credentials",
    ] {
        connection.execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_runs_as_the_application_role() {
    let log = Log::new().await;
    fill(&*log.store, &stream("a"), 1).await;
    // current_setting('role') of another session is not visible; the refusal of a write through the store's own
    // connections is: with the role's right to append withdrawn, the store cannot append.
    let pool = log.db.pool().await;
    let revoke = "DO $$ BEGIN EXECUTE format('REVOKE ALL ON FUNCTION %s FROM lockstep_app', \
                  'es_append'::regproc::oid::regprocedure); END $$";
    pool.execute(revoke).await.unwrap();
    use lockstep_event_store::EventStore;
    let refused = log.append(crate::fixture::append(&stream("a"), crate::fixture::at(1))).await;
    assert!(refused.unwrap_err().to_string().contains("permission denied"));
}
