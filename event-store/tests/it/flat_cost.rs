//! What an append or a read costs does not grow with the log, also when the plans were made while it was empty.

use lockstep_domain::ids::Position;
use lockstep_event_store::EventStore;

use crate::fixture::{Log, append, at, stream, until};

const APPENDS: i64 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_looked_at_grow_with_the_commands_and_not_with_the_log() {
    let log = Log::new().await;
    for n in 0..APPENDS {
        let command = append(&stream(&n.to_string()), at(0));
        assert_eq!(log.find_command("ada", &command.stream, command.command_id).await.unwrap(), None);
        let receipt = log.append(command).await.unwrap();
        assert_eq!(log.read_stream(&stream(&n.to_string()), 0, 10).await.unwrap().len(), 1);
        assert_eq!(log.read_after(Position::from_i64(receipt.position.as_i64() - 1), 10).await.unwrap().len(), 1);
    }
    let Log { store, db } = log;
    store.close().await;
    drop(store); // its connections hand in their counts when they end
    let pool = db.pool().await;
    let ended = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name LIKE 'lockstep %')";
    until(&pool, ended).await;
    let counts = "SELECT t.seq_tup_read::bigint, sum(i.idx_tup_read)::bigint \
                  FROM pg_stat_user_tables t JOIN pg_stat_user_indexes i USING (relid) \
                  WHERE t.relname = 'events' GROUP BY 1";
    let (scanned, through_indexes): (i64, i64) = sqlx::query_as(counts).fetch_one(&pool).await.unwrap();
    assert_eq!(scanned, 0);
    assert!(
        (APPENDS..APPENDS * 10).contains(&through_indexes),
        "{through_indexes} index entries for {APPENDS} appends"
    );
}
