//! Registration, platform roles and suspension against a real log: each test says what it states.

use lockstep_commands::{
    Actor, CommandError,
    account::{self, AccountRefusal, SignedIn},
    administration,
    entry::Entry,
    invite, member,
    message::{self, NewMessage},
    registration::{self, Application},
    session,
};
use lockstep_domain::{
    account::{Account, AccountError, PlatformRole},
    ids::{AccountId, MessageId, StreamId},
    installation::Registration,
    standing::Denied,
    time::Timestamp,
};
use uuid::Uuid;

use crate::support::World;

const GOOD: &str = "a good long one";

async fn person(world: &World, name: &str, role: PlatformRole) -> SignedIn {
    account::register(&world.services, &world.context_of(Actor::System), name, GOOD, role).await.expect("registered")
}

async fn register(
    world: &World,
    entry: &Entry,
    asker: Option<&SignedIn>,
    name: &str,
    token: Option<&str>,
) -> Result<SignedIn, CommandError<AccountRefusal>> {
    let application = Application { name, password: GOOD, token };
    let asker = asker.map(|asker| &asker.principal);
    entry.register(&world.services, &world.context_of(Actor::System), None, asker, application).await
}

fn refused(answer: &Result<SignedIn, CommandError<AccountRefusal>>) -> &AccountRefusal {
    match answer {
        Err(CommandError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn in_a_day(world: &World) -> Timestamp {
    Timestamp(world.services.clock.now().0 + 24 * 3_600 * 1_000_000)
}

async fn role(world: &World, account: AccountId) -> Option<PlatformRole> {
    let held = world.services.dispatcher.load::<Account>(&StreamId::account(account)).await.expect("reads").state;
    held.role.filter(|_| !held.suspended)
}

#[tokio::test]
async fn registration_is_by_invitation_until_an_administrator_or_the_operator_says_otherwise() {
    let world = World::new().await;
    let ada = person(&world, "Ada", PlatformRole::Administrator).await;
    let (entry, by_ada) = (Entry::default(), || world.context(ada.principal.account));
    assert_eq!(refused(&register(&world, &entry, None, "Bob", None).await), &AccountRefusal::RegistrationLink);
    administration::change_registration(&world.services, &by_ada(), Registration::Open).await.expect("opened");
    let bob = register(&world, &entry, None, "Bob", None).await.expect("registered");
    assert_eq!(bob.principal.role, PlatformRole::Member);
    let by_bob = world.context(bob.principal.account);
    administration::change_registration(&world.services, &by_bob, Registration::Open).await.expect_err("not Bob's");
    let link = administration::issue_link(&world.services, &by_ada(), in_a_day(&world), 5).await.expect("a link");
    administration::change_registration(&world.services, &by_ada(), Registration::Closed).await.expect("closed");
    let closed = register(&world, &entry, None, "Eve", Some(&link.token)).await;
    assert_eq!(refused(&closed), &AccountRefusal::RegistrationClosed, "whatever they hold");
    let fixed = Entry { registration: Some(Registration::Open), ..Entry::default() };
    register(&world, &fixed, None, "Eve", None).await.expect("the operator's word beats the administrators'");
}

#[tokio::test]
async fn a_registration_link_admits_as_many_as_it_says_even_at_once() {
    let world = World::new().await;
    let ada = person(&world, "Ada", PlatformRole::Administrator).await;
    let (entry, by_ada) = (Entry::default(), || world.context(ada.principal.account));
    let link = administration::issue_link(&world.services, &by_ada(), in_a_day(&world), 2).await.expect("a link");
    let taken = register(&world, &entry, None, "Ada", Some(&link.token)).await;
    assert_eq!(refused(&taken), &AccountRefusal::NameTaken);
    let names = ["Bob", "Eve", "Joe", "Kim", "Lea"];
    let tries = names.map(|name| register(&world, &entry, None, name, Some(&link.token)));
    let answers = futures::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 2, "the name taken used nothing up");
    assert_eq!(registration::open_links(&world.services).await, Ok(vec![]));
    let late = administration::issue_link(&world.services, &by_ada(), in_a_day(&world), 2).await.expect("a link");
    let back = administration::issue_link(&world.services, &by_ada(), in_a_day(&world), 2).await.expect("a link");
    administration::revoke_link(&world.services, &by_ada(), back.link).await.expect("revoked");
    assert_eq!(registration::link_is_open(&world.services, &late.token).await, Ok(true));
    assert_eq!(
        refused(&register(&world, &entry, None, "Max", Some(&back.token)).await),
        &AccountRefusal::RegistrationLink
    );
    world.clock.advance(24 * 3_600 * 1_000_000);
    assert_eq!(
        refused(&register(&world, &entry, None, "Max", Some(&late.token)).await),
        &AccountRefusal::RegistrationLink
    );
}

#[tokio::test]
async fn a_guest_who_registers_keeps_the_account_and_gets_a_new_token() {
    let world = World::new().await;
    let guest = account::admit_guest(&world.services, &world.context_of(Actor::System), "Gast").await.expect("in");
    let entry = Entry { registration: Some(Registration::Open), ..Entry::default() };
    let member = register(&world, &entry, Some(&guest), "Gustav", None).await.expect("registered");
    assert_eq!(member.principal.account, guest.principal.account);
    assert_eq!(role(&world, guest.principal.account).await, Some(PlatformRole::Member));
    assert_eq!(
        session::authenticate(&world.services, guest.token.expose()).await,
        Ok(None),
        "the guest's token is dead"
    );
    let back = account::sign_in(&world.services, "Gustav", GOOD).await.expect("in");
    assert_eq!((back.principal.account, back.principal.role), (guest.principal.account, PlatformRole::Member));
    let again = register(&world, &entry, Some(&member), "Other", None).await;
    assert_eq!(refused(&again), &AccountRefusal::Rule(AccountError::Exists));
}

#[tokio::test]
async fn a_new_role_ends_every_token_from_before() {
    let world = World::new().await;
    let (ada, bob) =
        (person(&world, "Ada", PlatformRole::Administrator).await, person(&world, "Bob", PlatformRole::Member).await);
    let by_ada = world.context(ada.principal.account);
    administration::grant_role(&world.services, &by_ada, bob.principal.account, PlatformRole::Administrator)
        .await
        .expect("granted");
    assert_eq!(session::authenticate(&world.services, bob.token.expose()).await, Ok(None));
    let again = account::sign_in(&world.services, "Bob", GOOD).await.expect("in");
    assert_eq!(again.principal.role, PlatformRole::Administrator);
}

#[tokio::test]
async fn somebody_always_administers_even_when_two_demote_each_other_at_once() {
    for round in 0..5 {
        let world = World::new().await;
        let (ada, bob) = (
            person(&world, "Ada", PlatformRole::Administrator).await.principal.account,
            person(&world, "Bob", PlatformRole::Administrator).await.principal.account,
        );
        let elsewhere = world.other_node().await;
        // Both nodes know both as administrators, and do not look again before they append.
        for account in [ada, bob] {
            elsewhere.dispatcher.load::<Account>(&StreamId::account(account)).await.expect("reads");
        }
        let (by_ada, by_bob) = (world.context(ada), world.context(bob));
        let (hers, his) = tokio::join!(
            administration::grant_role(&world.services, &by_ada, bob, PlatformRole::Member),
            administration::suspend(&elsewhere, &by_bob, ada, None),
        );
        let (ada_stays, bob_stays) = (role(&world, ada).await, role(&world, bob).await);
        let left = [ada_stays, bob_stays].into_iter().filter(|role| *role == Some(PlatformRole::Administrator)).count();
        assert_eq!(left, 1, "round {round}: {hers:?} {his:?}");
        let last = if bob_stays == Some(PlatformRole::Administrator) { bob } else { ada };
        administration::suspend(&world.services, &world.context(last), last, None).await.expect_err("not oneself");
        administration::grant_role(&world.services, &world.context(last), last, PlatformRole::Member)
            .await
            .expect_err("not oneself");
    }
}

#[tokio::test]
async fn who_is_suspended_comes_back_by_no_session_invite_or_node() {
    let world = World::new().await;
    let (ada, bob) =
        (person(&world, "Ada", PlatformRole::Administrator).await, person(&world, "Bob", PlatformRole::Member).await);
    let bob_id = bob.principal.account;
    let channel = world.channel(ada.principal.account).await;
    let (by_ada, by_bob) = (|| world.context(ada.principal.account), || world.context(bob_id));
    let elsewhere = world.other_node().await;
    let second = account::sign_in(&elsewhere, "Bob", GOOD).await.expect("a second session");
    let issued = invite::issue(&world.services, &by_ada(), channel, in_a_day(&world), 5).await.expect("an open invite");
    member::join(&elsewhere, &by_bob(), channel, None).await.expect("in, and known to the other node");
    member::leave(&elsewhere, &by_bob(), channel).await.expect("out");
    administration::suspend(&world.services, &by_ada(), bob_id, Some("sells tickets".to_owned())).await.expect("done");
    for services in [&world.services, &elsewhere] {
        for token in [&bob.token, &second.token] {
            assert_eq!(session::authenticate(services, token.expose()).await, Ok(None), "no session");
        }
        let signed = account::sign_in(services, "Bob", GOOD).await;
        assert_eq!(refused(&signed), &AccountRefusal::Rule(AccountError::Suspended), "no new session");
        let wrong = account::sign_in(services, "Bob", "not this one").await;
        assert_eq!(refused(&wrong), &AccountRefusal::WrongCredentials, "only the owner learns of it");
        member::join(services, &by_bob(), channel, None).await.expect_err("no door");
        invite::redeem(services, &by_bob(), issued.invite).await.expect_err("no invite");
        let new = NewMessage { id: MessageId(Uuid::now_v7()), text: "hi".to_owned(), ..NewMessage::default() };
        message::post(services, &by_bob(), channel, new).await.expect_err("no command");
        account::rename(services, &by_bob(), "Robert").await.expect_err("no name");
    }
    let (standing, _) = member::standing_of(&elsewhere, channel, bob_id).await.expect("reads");
    assert_eq!(standing.is_in(), Err(Denied::Suspended));
    administration::reinstate(&world.services, &by_ada(), bob_id).await.expect("reinstated");
    assert_eq!(session::authenticate(&world.services, bob.token.expose()).await, Ok(None), "old sessions stay dead");
    account::sign_in(&elsewhere, "Bob", GOOD).await.expect("in again");
    member::join(&elsewhere, &by_bob(), channel, None).await.expect("joins again");
}

#[tokio::test]
async fn a_ban_beats_an_open_invite() {
    let world = World::new().await;
    let (ada, bob) = (world.account("Ada").await, world.account("Bob").await);
    let channel = world.channel(ada).await;
    let issued = invite::issue(&world.services, &world.context(ada), channel, in_a_day(&world), 5).await.expect("open");
    member::ban(&world.services, &world.context(ada), channel, bob, None).await.expect("banned");
    for services in [world.services.clone(), world.other_node().await] {
        invite::redeem(&services, &world.context(bob), issued.invite).await.expect_err("banned");
        member::join(&services, &world.context(bob), channel, Some(issued.invite)).await.expect_err("banned");
    }
    member::unban(&world.services, &world.context(ada), channel, bob).await.expect("unbanned");
    invite::redeem(&world.services, &world.context(bob), issued.invite).await.expect("the invite was open all along");
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions_only() {
    let world = World::new().await;
    let (ada, bob) =
        (person(&world, "Ada", PlatformRole::Member).await, person(&world, "Bob", PlatformRole::Member).await);
    let second = account::sign_in(&world.services, "Bob", GOOD).await.expect("in");
    let third = account::sign_in(&world.services, "Bob", GOOD).await.expect("in");
    let device = session::Device {
        user_agent: Some(format!("Browser\u{7}{}", "x".repeat(1_000))),
        address: "2001:db8::7".parse().ok(),
    };
    session::describe(&world.services, &second.principal.session_hash, &device).await.expect("described");
    let rows = session::list(&world.services, bob.principal.account).await.expect("reads");
    assert_eq!(rows.len(), 3);
    let row = rows.iter().find(|row| row.session_hash == second.principal.session_hash).expect("there");
    assert_eq!((row.address.as_str(), row.user_agent.chars().count()), ("2001:db8::7", session::USER_AGENT_CHARS_MAX));
    assert!(row.user_agent.starts_with("Browserx"), "no control characters: {}", row.user_agent);
    let by = |owner: &SignedIn| owner.principal.account;
    let hash = &second.principal.session_hash;
    assert_eq!(session::revoke_own(&world.services, by(&ada), hash).await, Ok(false), "not somebody else's");
    assert_eq!(session::revoke_own(&world.services, by(&bob), hash).await, Ok(true));
    assert_eq!(session::authenticate(&world.services, second.token.expose()).await, Ok(None));
    assert_eq!(session::revoke_others(&world.services, by(&bob), &third.principal.session_hash).await, Ok(1));
    assert_eq!(session::authenticate(&world.services, bob.token.expose()).await, Ok(None));
    for alive in [&third, &ada] {
        assert!(session::authenticate(&world.services, alive.token.expose()).await.expect("reads").is_some());
    }
}

#[tokio::test]
async fn sessions_end_by_idleness_and_by_age_and_their_number_is_bounded() {
    let world = World::new().await;
    let bob = person(&world, "Bob", PlatformRole::Member).await;
    let set = async |column: &str, days: i32| {
        let sql = format!("UPDATE sessions SET {column} = {column} - make_interval(days => $1)");
        sqlx::query(&sql).bind(days).execute(&world.services.pool).await.expect("time passes");
    };
    let alive = async || {
        let by_token = session::authenticate(&world.services, bob.token.expose()).await.expect("reads").is_some();
        (by_token, session::is_alive(&world.services, &bob.principal).await.expect("reads"))
    };
    assert_eq!(alive().await, (true, true));
    set("last_seen_at", session::IDLE_DAYS).await;
    assert_eq!(alive().await, (false, false), "idle");
    set("last_seen_at", -session::IDLE_DAYS).await;
    assert_eq!(alive().await, (true, true));
    set("expires_at", session::ABSOLUTE_DAYS).await;
    assert_eq!(alive().await, (false, false), "too old");
    for _ in 0..session::PER_ACCOUNT_MAX + 2 {
        account::admit_guest(&world.services, &world.context_of(Actor::System), "Gast").await.expect("in");
    }
    let all: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(&world.services.pool).await.expect("n");
    assert!(all > session::PER_ACCOUNT_MAX, "guests are accounts of their own");
    sqlx::query("UPDATE sessions SET account_id = $1")
        .bind(bob.principal.account.0)
        .execute(&world.services.pool)
        .await
        .expect("moved");
    account::sign_in(&world.services, "Bob", GOOD).await.expect("in");
    let rows = session::list(&world.services, bob.principal.account).await.expect("reads");
    assert_eq!(rows.len(), usize::try_from(session::PER_ACCOUNT_MAX).expect("small"));
}
