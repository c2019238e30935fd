//! A whole set of services on a database and an object folder of the test's own.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use lockstep_commands::{Actor, Clock, Context, Dispatcher, Ids, Services, member};
use lockstep_domain::{
    account::{Account, AccountCommand, PlatformRole},
    channel::Visibility,
    ids::{AccountId, ChannelId, CommandId, StreamId},
    time::Timestamp,
};
use lockstep_event_store::{EventStore, MasterKey, PostgresStore};
use lockstep_migrations::testing::TestDatabase;
use lockstep_object_store::{Buckets, EmbeddedS3, S3Settings};
use uuid::Uuid;

/// A clock the test moves.
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

pub struct RandomIds;

impl Ids for RandomIds {
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
    fn secret(&self) -> [u8; 32] {
        rand::random()
    }
}

pub struct World {
    pub services: Services,
    pub clock: Arc<TestClock>,
    pub database: TestDatabase,
    /// The store's public door.
    pub embedded: EmbeddedS3,
    folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        let database = TestDatabase::create().await;
        let folder = tempfile::tempdir().expect("a folder");
        let (embedded, objects) = open(folder.path());
        let clock = Arc::new(TestClock(AtomicI64::new(1_700_000_000_000_000)));
        let store = another_store(&database).await;
        let services = Services {
            dispatcher: Dispatcher::new(Arc::clone(&store)),
            store,
            pool: database.pool().await,
            objects,
            clock: clock.clone(),
            ids: Arc::new(RandomIds),
            uploads: lockstep_commands::upload::Uploads::default(),
        };
        Self { services, clock, database, embedded, folder }
    }

    /// The object store goes away, as when its machine does: calls find nobody.
    pub fn stop_objects(&mut self) {
        let nobody = S3Settings {
            endpoint_url: "http://127.0.0.1:1".to_owned(),
            public_url: None,
            region: "us-east-1".to_owned(),
            access_key: "a".to_owned(),
            secret_key: "s".to_owned(),
            path_style: true,
            interim: "interim".to_owned(),
            media: "media".to_owned(),
        };
        self.services.objects = Buckets::connect(&nobody).expect("settings");
    }

    /// The object store is started on its folder again; whatever it had in memory is lost.
    pub fn start_objects(&mut self) {
        // The folder has one user: everything of the old store must be gone first.
        self.stop_objects();
        let spare = tempfile::tempdir().expect("a folder");
        self.embedded = open(spare.path()).0;
        (self.embedded, self.services.objects) = open(self.folder.path());
    }

    /// The same database seen by another node: its own store and cache.
    pub async fn other_node(&self) -> Services {
        let store = another_store(&self.database).await;
        Services { dispatcher: Dispatcher::new(Arc::clone(&store)), store, ..self.services.clone() }
    }

    pub fn context(&self, account: AccountId) -> Context {
        self.context_of(Actor::Account(account))
    }

    pub fn context_of(&self, actor: Actor) -> Context {
        let id = Uuid::now_v7();
        Context {
            actor,
            command_id: CommandId(id),
            correlation_id: id.to_string(),
            causation_id: None,
            now: self.services.clock.now(),
        }
    }

    pub async fn account(&self, name: &str) -> AccountId {
        let account = AccountId(Uuid::now_v7());
        let command = AccountCommand::Register { account, name: name.to_owned(), role: PlatformRole::Member };
        self.services
            .dispatcher
            .execute::<Account>(StreamId::account(account), None, &self.context(account), command)
            .await
            .expect("an account");
        account
    }

    pub async fn channel(&self, owner: AccountId) -> ChannelId {
        let context = self.context(owner);
        lockstep_commands::channel::create(&self.services, &context, "Movie night", None, Visibility::Public)
            .await
            .expect("a channel")
            .channel
    }

    pub async fn member(&self, channel: ChannelId, name: &str) -> AccountId {
        let account = self.account(name).await;
        member::join(&self.services, &self.context(account), channel, None).await.expect("joins");
        account
    }
}

fn open(folder: &std::path::Path) -> (EmbeddedS3, Buckets) {
    EmbeddedS3::open(folder, "http://localhost:1", "interim", "media").expect("an object store")
}

async fn another_store(database: &TestDatabase) -> Arc<dyn EventStore> {
    PostgresStore::connect(&database.url(), MasterKey::from_bytes([1; 32]), "test".to_owned()).await.expect("a store")
}
