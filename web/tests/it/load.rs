//! A full channel: 500 people over real sockets to the real program, 50 messages a second, a tenth of the people cut
//! off again and again. Everybody must hear every message exactly once, in the order of the log.
//!
//! `LOAD_SECONDS` makes it longer (`make soak`); it prints what it cost.

mod audience;
mod meter;

use std::{sync::Arc, time::Duration};

use audience::{Audience, Goal, Person};
use futures::{StreamExt, stream};
use lockstep::system::{SystemClock, SystemIds};
use lockstep_commands::{Actor, Clock, Context, Dispatcher, Services, account, channel, member};
use lockstep_domain::{
    channel::Visibility,
    ids::{AccountId, ChannelId, CommandId, Position},
};
use lockstep_event_store::{EventStore, MasterKey, PostgresStore};
use lockstep_migrations::testing::TestDatabase;
use lockstep_object_store::EmbeddedS3;
use meter::Meter;
use uuid::Uuid;

use crate::process::Server;

/// What the program's pages are served from, as far as it knows.
pub const ORIGIN: &str = "http://watch.test";
const PEOPLE: usize = 500;
/// Who speaks: many, so that nobody speaks too often.
const SPEAKERS: usize = 100;
const MESSAGES_PER_SECOND: usize = 50;
/// A tenth loses its socket again and again.
const CUT: usize = PEOPLE / 10;
const SECONDS: usize = 12;
/// Whatever the machine does, it has caught up by then.
const PATIENCE: Duration = Duration::from_secs(180);
const MASTER_KEY: [u8; 32] = [7; 32];
/// What a full room may add to the program's memory.
const GROWTH_KB_MAX: u64 = 96 * 1024;
const ADMISSIONS_AT_ONCE: usize = 16;

struct Hall {
    services: Services,
    channel: ChannelId,
    database: TestDatabase,
    folder: tempfile::TempDir,
}

fn context(account: Option<AccountId>) -> Context {
    let id = Uuid::now_v7();
    Context {
        actor: account.map_or(Actor::System, Actor::Account),
        command_id: CommandId(id),
        correlation_id: id.to_string(),
        causation_id: None,
        now: SystemClock.now(),
    }
}

impl Hall {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let folder = tempfile::tempdir().unwrap();
        let (_, objects) = EmbeddedS3::open(folder.path(), ORIGIN, "interim", "media").unwrap();
        let key = MasterKey::from_bytes(MASTER_KEY);
        let store: Arc<dyn EventStore> = PostgresStore::connect(&database.url(), key, "test".to_owned()).await.unwrap();
        let services = Services {
            dispatcher: Dispatcher::new(Arc::clone(&store)),
            store,
            pool: database.pool().await,
            objects,
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            uploads: lockstep_commands::upload::Uploads::default(),
        };
        let owner = account::admit_guest(&services, &context(None), "owner").await.unwrap().principal.account;
        let made = channel::create(&services, &context(Some(owner)), "Full house", None, Visibility::Public).await;
        Self { services, channel: made.unwrap().channel, database, folder }
    }

    async fn person(&self, n: usize) -> Person {
        let name = format!("person {n}");
        let signed_in = account::admit_guest(&self.services, &context(None), &name).await.unwrap();
        let account = signed_in.principal.account;
        member::join(&self.services, &context(Some(account)), self.channel, None).await.unwrap();
        Person { n, token: signed_in.token.expose().to_owned(), visit: Uuid::now_v7() }
    }

    async fn people(&self) -> Vec<Person> {
        stream::iter(0..PEOPLE).map(|n| self.person(n)).buffered(ADMISSIONS_AT_ONCE).collect().await
    }

    async fn serve(&self) -> Server {
        let url = self.database.url();
        let key = hex::encode(MASTER_KEY);
        let env = [("DATABASE_URL", url.as_str()), ("LOCKSTEP_PUBLIC_URL", ORIGIN), ("LOCKSTEP_MASTER_KEY", &key)];
        Server::start_behind(self.folder.path(), &env).await
    }

    /// Where the log has messages, in its order.
    async fn messages(&self) -> Vec<i64> {
        let (mut at, mut found) = (Position::START, vec![]);
        loop {
            let events = self.services.store.read_after(at, 1_000).await.unwrap();
            let Some(last) = events.last() else { return found };
            at = last.position;
            let messages = events.iter().filter(|event| event.stream.kind() == "message");
            found.extend(messages.map(|event| event.position.as_i64()));
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "only a test reads this setting")]
fn seconds() -> usize {
    std::env::var("LOAD_SECONDS").ok().map_or(SECONDS, |text| text.parse().expect("LOAD_SECONDS is a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_people_hear_every_message_once_and_in_order() {
    let hall = Hall::new().await;
    let people = hall.people().await;
    let mut server = hall.serve().await;
    let mut meter = Meter::of(server.pid());
    let goal = Goal { seconds: seconds(), speakers: SPEAKERS, cut: CUT, per_second: MESSAGES_PER_SECOND };
    let audience = Audience::seat(server.port, hall.channel, people, goal).await;
    meter.full();
    audience.talk().await;
    let said = hall.messages().await;
    assert_eq!(said.len(), goal.seconds * MESSAGES_PER_SECOND, "everything that was said is in the log");
    let last = *said.last().expect("something was said");
    let heard = tokio::time::timeout(PATIENCE, audience.leave_after(last)).await.expect("everybody has caught up");
    server.assert_running();
    let cost = meter.read();
    let (mut wrong, mut cuts) = (vec![], 0);
    for (n, person) in heard.iter().enumerate() {
        cuts += person.cuts;
        if person.positions != said {
            wrong.push(format!("person {n}: {}", audience::difference(&person.positions, &said)));
        }
    }
    assert!(wrong.is_empty(), "{} of {PEOPLE} heard something else: {:?}", wrong.len(), &wrong[..wrong.len().min(5)]);
    assert!(cuts >= CUT, "{cuts} sockets were cut");
    let deliveries = said.len() * PEOPLE;
    println!(
        "{deliveries} deliveries, {cuts} cuts, none lost, doubled or out of order: {:.1} us of processor each, \
         {} kB empty, {} kB full, {} kB at the end",
        cost.cpu_us / deliveries as f64,
        cost.rss_empty_kb,
        cost.rss_full_kb,
        cost.rss_end_kb,
    );
    let growth = cost.rss_end_kb.saturating_sub(cost.rss_empty_kb);
    assert!(growth <= GROWTH_KB_MAX, "{growth} kB more than before");
    server.stop();
}
