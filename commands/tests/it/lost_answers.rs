//! The log stores an event and its answer is lost on the way: nothing that belongs to the event is undone.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use lockstep_commands::{
    Actor, CommandError, Dispatcher, Services,
    account::{self, AccountRefusal},
    registration::{self, Application},
    session,
    setup::SetupLink,
};
use lockstep_domain::{
    account::PlatformRole,
    ids::{ChannelId, CommandId, Position, StreamId},
    installation::Registration,
    time::Timestamp,
};
use lockstep_event_store::{Append, AppendError, EventStore, ReadError, Receipt, RecordedEvent};

use crate::support::World;

const GOOD: &str = "a good long one";

/// The real store, whose answers to appends are lost while it is told so; or what was to be appended is.
struct Deaf {
    inner: Arc<dyn EventStore>,
    loses_answers: AtomicBool,
    loses_appends: AtomicBool,
}

#[async_trait]
impl EventStore for Deaf {
    async fn append(&self, append: Append) -> Result<Receipt, AppendError> {
        let lost = || AppendError::Unavailable("lost on the way".to_owned());
        if self.loses_appends.load(Ordering::SeqCst) {
            return Err(lost());
        }
        let receipt = self.inner.append(append).await?;
        if self.loses_answers.load(Ordering::SeqCst) { Err(lost()) } else { Ok(receipt) }
    }
    async fn read_stream(&self, stream: &StreamId, after: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.inner.read_stream(stream, after, limit).await
    }
    async fn read_after(&self, position: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.inner.read_after(position, limit).await
    }
    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError> {
        self.inner.read_at(positions).await
    }
    async fn read_channel(
        &self,
        channel: ChannelId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.inner.read_channel(channel, after, limit).await
    }
    async fn find_command(
        &self,
        actor: &str,
        stream: &StreamId,
        command: CommandId,
    ) -> Result<Option<Receipt>, ReadError> {
        self.inner.find_command(actor, stream, command).await
    }
    async fn head(&self) -> Result<Position, ReadError> {
        self.inner.head().await
    }
    async fn wait_past(&self, position: Position) {
        self.inner.wait_past(position).await;
    }
    async fn database_now(&self) -> Result<Timestamp, ReadError> {
        self.inner.database_now().await
    }
}

struct Lossy {
    world: World,
    store: Arc<Deaf>,
    services: Services,
}

impl Lossy {
    async fn new() -> Self {
        let world = World::new().await;
        let (loses_answers, loses_appends) = (AtomicBool::new(false), AtomicBool::new(false));
        let store = Arc::new(Deaf { inner: Arc::clone(&world.services.store), loses_answers, loses_appends });
        let log = Arc::clone(&store) as Arc<dyn EventStore>;
        let dispatcher = Dispatcher::new(Arc::clone(&log));
        let services = Services { dispatcher, store: log, ..world.services.clone() };
        Self { world, store, services }
    }

    async fn register(&self, name: &str) -> Result<account::SignedIn, CommandError<AccountRefusal>> {
        let application = Application { name, password: GOOD, token: None };
        let context = self.world.context_of(Actor::System);
        registration::register(&self.services, &context, Registration::Open, None, application).await
    }

    async fn run(&self, sql: &str) {
        sqlx::query(sql).execute(&self.services.pool).await.expect("runs");
    }
}

#[tokio::test]
async fn an_account_whose_answer_was_lost_can_be_signed_in_to() {
    let lossy = Lossy::new().await;
    lossy.store.loses_answers.store(true, Ordering::SeqCst);
    assert!(matches!(lossy.register("Ada").await, Err(CommandError::Unavailable(_))));
    lossy.store.loses_answers.store(false, Ordering::SeqCst);
    let ada = account::sign_in(&lossy.services, "Ada", GOOD).await.expect("her name and password are there");
    assert_eq!(ada.principal.role, PlatformRole::Member);
    // However long ago that was.
    lossy.run("UPDATE credentials SET reserved_at = now() - interval '1 hour'").await;
    let taken = lossy.register("ada").await;
    assert!(matches!(taken, Err(CommandError::Refused(AccountRefusal::NameTaken))), "{taken:?}");
    account::sign_in(&lossy.services, "Ada", GOOD).await.expect("still hers");
}

#[tokio::test]
async fn a_second_administrator_is_not_let_in_by_a_lost_answer() {
    let lossy = Lossy::new().await;
    let context = || lossy.world.context_of(Actor::System);
    let link = SetupLink::default();
    let token = link.open([3; 32], context().now);
    assert!(!session::administrator_exists(&lossy.services).await.expect("reads"));
    lossy.store.loses_answers.store(true, Ordering::SeqCst);
    let lost = account::set_up(&lossy.services, &context(), &link, &token, "Ada", GOOD).await;
    assert!(matches!(lost, Err(CommandError::Unavailable(_))));
    lossy.store.loses_answers.store(false, Ordering::SeqCst);
    let again = account::set_up(&lossy.services, &context(), &link, &token, "Eve", GOOD).await;
    assert!(matches!(again, Err(CommandError::Refused(AccountRefusal::SetupLink))), "{again:?}");
    let ada = account::sign_in(&lossy.services, "Ada", GOOD).await.expect("set up all the same");
    assert_eq!(ada.principal.role, PlatformRole::Administrator);
}

#[tokio::test]
async fn a_name_without_its_account_is_free_again_after_a_while() {
    let lossy = Lossy::new().await;
    let guest = account::admit_guest(&lossy.services, &lossy.world.context_of(Actor::System), "Gus").await.expect("in");
    let upgrade = async |name| {
        let application = Application { name, password: GOOD, token: None };
        let context = lossy.world.context(guest.principal.account);
        registration::register(&lossy.services, &context, Registration::Open, Some(&guest.principal), application).await
    };
    lossy.store.loses_appends.store(true, Ordering::SeqCst);
    assert!(matches!(lossy.register("Ada").await, Err(CommandError::Unavailable(_))));
    assert!(matches!(upgrade("Gustav").await, Err(CommandError::Unavailable(_))));
    lossy.store.loses_appends.store(false, Ordering::SeqCst);
    for young in [lossy.register("Ada").await, upgrade("Gustav").await] {
        assert!(matches!(young, Err(CommandError::Refused(AccountRefusal::NameTaken))), "somebody may be at it");
    }
    lossy.run("UPDATE credentials SET reserved_at = now() - interval '2 minutes'").await;
    lossy.register("ada").await.expect("her name is free again");
    let made = upgrade("Gus the Great").await.expect("a guest registers at last");
    assert_eq!(made.principal.account, guest.principal.account);
    account::sign_in(&lossy.services, "Gus the Great", GOOD).await.expect("in");
}

#[tokio::test]
async fn what_no_account_may_be_called_takes_no_name() {
    let lossy = Lossy::new().await;
    // So that no index can hold it, compressed or not.
    let long: String = (0..20_000_u32).map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761))).collect();
    for wrong in ["", "  ", "a\u{7}b", &long] {
        let refused = lossy.register(wrong).await;
        assert!(matches!(refused, Err(CommandError::Refused(AccountRefusal::Rule(_)))), "{refused:?}");
    }
    let names: i64 =
        sqlx::query_scalar("SELECT count(*) FROM credentials").fetch_one(&lossy.services.pool).await.expect("reads");
    assert_eq!(names, 0);
}
