//! The stock `CqrsFramework` on our log, and stock postgres-es as the oracle for what it should do.

use std::collections::HashMap;

use cqrs_es::{
    AggregateError, CqrsFramework,
    persist::{PersistedEventRepository, PersistedEventStore},
};
use lockstep_commands::cqrs::{Folded, LogRepository};
use lockstep_domain::{
    account::{Account, AccountCommand, AccountError, PlatformRole},
    ids::AccountId,
};
use postgres_es::PostgresEventRepository;
use uuid::Uuid;

use crate::support::{RandomIds, World};

type Framework<R> = CqrsFramework<Folded<Account>, PersistedEventStore<R, Folded<Account>>>;

fn framework<R: PersistedEventRepository>(repository: R) -> Framework<R> {
    CqrsFramework::new(PersistedEventStore::new_event_store(repository), vec![], ())
}

fn ours(world: &World) -> LogRepository {
    LogRepository::new(world.services.store.clone(), world.clock.clone(), std::sync::Arc::new(RandomIds))
}

/// What every repository must do; run on ours and on the stock one.
async fn contract<R: PersistedEventRepository + Clone>(repository: R) {
    let cqrs = framework(repository.clone());
    let account = AccountId(Uuid::now_v7());
    let id = account.to_string();
    let register = AccountCommand::Register { account, name: "Ada".to_owned(), role: PlatformRole::Member };
    let metadata = HashMap::from([("correlation_id".to_owned(), "c-1".to_owned())]);
    cqrs.execute_with_metadata(&id, register.clone(), metadata).await.expect("registers");
    cqrs.execute(&id, register).await.expect("a repeat yields nothing");
    for n in 1..=3 {
        let rename = AccountCommand::ChangeDisplayName { account, name: format!("Ada {n}") };
        cqrs.execute(&id, rename).await.expect("renames");
    }
    let guest = AccountCommand::AdmitGuest { account, name: "Ada".to_owned() };
    let refused = cqrs.execute(&id, guest).await;
    assert!(matches!(refused, Err(AggregateError::UserError(AccountError::Exists))));
    let events = repository.get_events::<Folded<Account>>(&id).await.expect("reads");
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(events[0].event_type, "Registered");
    assert_eq!(events[0].metadata["correlation_id"], "c-1");
    assert_eq!(events[3].payload["DisplayNameChanged"]["name"]["$personal"]["value"], "Ada 3");
    let tail = repository.get_last_events::<Folded<Account>>(&id, 2).await.expect("reads");
    assert_eq!(tail, events[2..].to_vec());
    // The same sequence again is a conflict, and nothing is stored.
    let conflict = repository.persist::<Folded<Account>>(&events[3..], None).await;
    assert!(conflict.is_err());
    let mut replay = repository.stream_all_events::<Folded<Account>>().await.expect("streams");
    let mut streamed = 0;
    while let Some(event) = replay.next::<Folded<Account>>(&[]).await {
        event.expect("decodes");
        streamed += 1;
    }
    assert_eq!(streamed, 4);
}

#[tokio::test]
async fn our_log_keeps_the_contract() {
    let world = World::new().await;
    contract(ours(&world)).await;
}

#[derive(Clone)]
struct Stock(std::sync::Arc<PostgresEventRepository>);

impl PersistedEventRepository for Stock {
    async fn get_events<A: cqrs_es::Aggregate>(
        &self,
        id: &str,
    ) -> Result<Vec<cqrs_es::persist::SerializedEvent>, cqrs_es::persist::PersistenceError> {
        self.0.get_events::<A>(id).await
    }
    async fn get_last_events<A: cqrs_es::Aggregate>(
        &self,
        id: &str,
        last: usize,
    ) -> Result<Vec<cqrs_es::persist::SerializedEvent>, cqrs_es::persist::PersistenceError> {
        self.0.get_last_events::<A>(id, last).await
    }
    async fn get_snapshot<A: cqrs_es::Aggregate>(
        &self,
        id: &str,
    ) -> Result<Option<cqrs_es::persist::SerializedSnapshot>, cqrs_es::persist::PersistenceError> {
        self.0.get_snapshot::<A>(id).await
    }
    async fn persist<A: cqrs_es::Aggregate>(
        &self,
        events: &[cqrs_es::persist::SerializedEvent],
        snapshot: Option<(String, serde_json::Value, usize)>,
    ) -> Result<(), cqrs_es::persist::PersistenceError> {
        self.0.persist::<A>(events, snapshot).await
    }
    async fn stream_events<A: cqrs_es::Aggregate>(
        &self,
        id: &str,
    ) -> Result<cqrs_es::persist::ReplayStream, cqrs_es::persist::PersistenceError> {
        self.0.stream_events::<A>(id).await
    }
    async fn stream_all_events<A: cqrs_es::Aggregate>(
        &self,
    ) -> Result<cqrs_es::persist::ReplayStream, cqrs_es::persist::PersistenceError> {
        self.0.stream_all_events::<A>().await
    }
}

#[tokio::test]
async fn stock_postgres_es_keeps_the_same_contract() {
    let world = World::new().await;
    let owner = sqlx::PgPool::connect(&world.database.url()).await.expect("connects");
    sqlx::query(
        "CREATE TABLE stock_events (aggregate_type text NOT NULL, aggregate_id text NOT NULL, sequence bigint NOT NULL,
         event_type text NOT NULL, event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL,
         PRIMARY KEY (aggregate_type, aggregate_id, sequence))",
    )
    .execute(&owner)
    .await
    .expect("a table");
    let stock = PostgresEventRepository::new(owner).with_tables("stock_events", "stock_snapshots");
    contract(Stock(std::sync::Arc::new(stock))).await;
}

#[tokio::test]
async fn a_snapshot_is_refused() {
    let world = World::new().await;
    let repository = ours(&world);
    let refused = repository.persist::<Folded<Account>>(&[], Some(("x".to_owned(), serde_json::Value::Null, 1))).await;
    assert!(refused.is_err());
}
