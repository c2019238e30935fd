//! Sign-in by a provider against a real log: whom an identity opens, what registering by one takes, and what a crash
//! leaves.

use lockstep_commands::{
    Actor, CommandError, Principal,
    account::{self, AccountRefusal, SignedIn},
    administration,
    entry::Entry,
    identity::{
        self, Arrival, Claimed, Unlinked,
        attempt::{self, Asker, Attempt, Purpose},
    },
    password,
    registration::LinkHash,
    session,
};
use lockstep_domain::{
    account::{Account, AccountError, PlatformRole},
    ids::{AccountId, StreamId},
    installation::Registration,
    time::Timestamp,
};

use crate::support::World;

const ISSUER: &str = "https://login.example";
const GOOD: &str = "a good long one";

fn claimed(subject: &str, name: &str) -> Claimed {
    let name = Some(name.to_owned()).filter(|name| !name.is_empty());
    Claimed { issuer: ISSUER.to_owned(), subject: subject.to_owned(), name, fresh: false }
}

fn open() -> Entry {
    Entry { registration: Some(Registration::Open), ..Entry::default() }
}

type Answer = Result<SignedIn, CommandError<AccountRefusal>>;

async fn arrive(world: &World, entry: &Entry, asker: Option<&Principal>, arrival: Arrival<'_>) -> Answer {
    entry.sign_in_by_identity(&world.services, &world.context_of(Actor::System), asker, arrival).await
}

async fn sign_in(world: &World, claimed: &Claimed) -> Answer {
    arrive(world, &open(), None, Arrival { claimed, chosen: None, link: None }).await
}

async fn person(world: &World, name: &str, role: PlatformRole) -> Principal {
    let context = world.context_of(Actor::System);
    account::register(&world.services, &context, name, GOOD, role).await.expect("registered").principal
}

async fn link(world: &World, by: &Principal, claimed: &Claimed) -> Result<(), CommandError<AccountRefusal>> {
    identity::link(&world.services, &world.context(by.account), by, claimed).await
}

fn refused<T: std::fmt::Debug>(answer: Result<T, CommandError<AccountRefusal>>) -> AccountRefusal {
    match answer {
        Err(CommandError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

async fn run(world: &World, sql: &str) -> u64 {
    sqlx::query(sql).execute(&world.services.pool).await.expect("runs").rows_affected()
}

async fn types(world: &World, account: AccountId) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT event_type FROM events WHERE aggregate_type = 'account' AND aggregate_id = $1 ORDER BY sequence",
    )
    .bind(account.to_string())
    .fetch_all(&world.services.pool)
    .await
    .expect("rows")
}

#[tokio::test]
async fn an_identity_opens_one_account_whatever_its_names_are() {
    let world = World::new().await;
    let first = sign_in(&world, &claimed("s-1", "Ada")).await.expect("registered");
    assert_eq!((first.principal.role, first.principal.name.as_str()), (PlatformRole::Member, "Ada"));
    assert_eq!(types(&world, first.principal.account).await, ["Registered", "IdentityLinked"]);
    let again = sign_in(&world, &claimed("s-1", "Somebody else")).await.expect("in");
    assert_eq!(again.principal.account, first.principal.account, "the subject decides");
    let other = Claimed { issuer: "https://other.example".to_owned(), ..claimed("s-1", "Bob") };
    assert_ne!(sign_in(&world, &other).await.expect("in").principal.account, first.principal.account);
    // The same letters, divided otherwise.
    let shifted = Claimed { issuer: format!("{ISSUER}s"), ..claimed("-1", "Cid") };
    assert_ne!(sign_in(&world, &shifted).await.expect("in").principal.account, first.principal.account);
}

#[tokio::test]
async fn a_name_that_is_taken_is_asked_for_and_gives_nothing_away() {
    let world = World::new().await;
    let ada = person(&world, "Ada", PlatformRole::Member).await;
    for name in ["ada", "", "a\u{7}b", &"x".repeat(41)] {
        assert_eq!(refused(sign_in(&world, &claimed("s-1", name)).await), AccountRefusal::NameNeeded, "{name}");
    }
    let claimed = claimed("s-1", "");
    let chosen = |chosen| Arrival { claimed: &claimed, chosen: Some(chosen), link: None };
    assert_eq!(refused(arrive(&world, &open(), None, chosen(" ADA ")).await), AccountRefusal::NameTaken);
    let long = "x".repeat(41);
    let too_long = refused(arrive(&world, &open(), None, chosen(&long)).await);
    assert_eq!(too_long, AccountRefusal::Rule(AccountError::NameLength));
    let made = arrive(&world, &open(), None, chosen("Ada L.")).await.expect("registered");
    assert_ne!(made.principal.account, ada.account);
    let guessed = account::sign_in(&world.services, "Ada L.", "").await;
    assert_eq!(refused(guessed), AccountRefusal::WrongCredentials, "there is no password that opens it");
}

#[tokio::test]
async fn registering_by_an_identity_is_under_the_same_policy_as_by_a_password() {
    let world = World::new().await;
    let ada = person(&world, "Ada", PlatformRole::Administrator).await;
    let of = |registration| Entry { registration: Some(registration), ..Entry::default() };
    let come = async |entry: &Entry, claimed: &Claimed, link: Option<&str>| {
        arrive(&world, entry, None, Arrival { claimed, chosen: None, link: link.map(LinkHash::of) }).await
    };
    let (bob, cid, dan) = (claimed("b", "Bob"), claimed("c", "Cid"), claimed("d", "Dan"));
    let closed = of(Registration::Closed);
    assert_eq!(refused(come(&closed, &bob, None).await), AccountRefusal::RegistrationClosed);
    let invited = of(Registration::InviteOnly);
    for token in [None, Some("made up")] {
        assert_eq!(refused(come(&invited, &bob, token).await), AccountRefusal::RegistrationLink);
    }
    let until = Timestamp(world.services.clock.now().0 + 3_600_000_000);
    let issued = administration::issue_link(&world.services, &world.context(ada.account), until, 1).await;
    let token = issued.expect("a link").token;
    let taken = claimed("e", "Ada");
    assert_eq!(
        refused(come(&invited, &taken, Some(&token)).await),
        AccountRefusal::NameNeeded,
        "the use is given back"
    );
    come(&invited, &bob, Some(&token)).await.expect("by a link");
    assert_eq!(refused(come(&invited, &cid, Some(&token)).await), AccountRefusal::RegistrationLink, "used up");
    come(&of(Registration::Open), &dan, None).await.expect("open to everybody");
    come(&closed, &dan, None).await.expect("whoever has an account comes in");
}

#[tokio::test]
async fn a_guest_who_comes_by_a_provider_keeps_the_account_and_a_member_gets_no_second_one() {
    let world = World::new().await;
    let guest = account::admit_guest(&world.services, &world.context_of(Actor::System), "Gus").await.expect("in");
    let gus = claimed("g", "Gus");
    let arrival = || Arrival { claimed: &gus, chosen: None, link: None };
    let made = arrive(&world, &open(), Some(&guest.principal), arrival()).await.expect("registered");
    assert_eq!((made.principal.account, made.principal.role), (guest.principal.account, PlatformRole::Member));
    assert_eq!(session::authenticate(&world.services, guest.token.expose()).await, Ok(None), "the guest's token died");
    let other = claimed("other", "Other");
    let second = Arrival { claimed: &other, chosen: None, link: None };
    let refusal = refused(arrive(&world, &open(), Some(&made.principal), second).await);
    assert_eq!(refusal, AccountRefusal::Rule(AccountError::Exists));
}

#[tokio::test]
async fn who_is_suspended_is_not_let_in_by_the_provider() {
    let world = World::new().await;
    let ada = person(&world, "Ada", PlatformRole::Administrator).await;
    let bob = claimed("b", "Bob");
    let account = sign_in(&world, &bob).await.expect("in").principal.account;
    administration::suspend(&world.services, &world.context(ada.account), account, None).await.expect("suspended");
    assert_eq!(refused(sign_in(&world, &bob).await), AccountRefusal::Rule(AccountError::Suspended));
}

#[tokio::test]
async fn what_came_of_a_sign_in_by_a_provider_is_in_the_log() {
    let world = World::new().await;
    let ada = person(&world, "Ada", PlatformRole::Administrator).await;
    let bob = claimed("b", "Bob");
    let account = sign_in(&world, &bob).await.expect("registered").principal.account;
    let noted = async || -> Vec<(String, String)> {
        sqlx::query_as(
            "SELECT event_type, payload #>> '{}' FROM events WHERE aggregate_type = 'signin' ORDER BY global_position",
        )
        .fetch_all(&world.services.pool)
        .await
        .expect("reads")
    };
    assert_eq!(noted().await, [], "registering is an event of the account");
    sign_in(&world, &bob).await.expect("in");
    administration::suspend(&world.services, &world.context(ada.account), account, None).await.expect("suspended");
    refused(sign_in(&world, &bob).await);
    let noted = noted().await;
    assert_eq!(noted.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["SignedIn", "SignInFailed"]);
    for (_, payload) in noted {
        assert!(payload.contains(&account.to_string()), "{payload}");
    }
}

#[tokio::test]
async fn an_identity_is_linked_to_one_account_only() {
    let world = World::new().await;
    let (ada, bob) =
        (person(&world, "Ada", PlatformRole::Member).await, person(&world, "Bob", PlatformRole::Member).await);
    let identity = claimed("s-1", "");
    link(&world, &ada, &identity).await.expect("linked");
    link(&world, &ada, &identity).await.expect("again has no effect");
    assert_eq!(types(&world, ada.account).await, ["Registered", "IdentityLinked"]);
    assert_eq!(refused(link(&world, &bob, &identity).await), AccountRefusal::IdentityTaken);
    assert_eq!(sign_in(&world, &identity).await.expect("in").principal.account, ada.account);
    let id = identity::list(&world.services, ada.account).await.expect("rows")[0].id;
    let entry = Entry::default();
    let unlink = async |password: &str| {
        let unlinked = Unlinked { id, password };
        identity::unlink(&world.services, &entry, &world.context(ada.account), &ada, unlinked).await
    };
    assert_eq!(refused(unlink("a guess").await), AccountRefusal::WrongPassword);
    assert!(unlink(GOOD).await.expect("unlinked").changed);
    link(&world, &bob, &identity).await.expect("free for somebody else");
    assert_eq!(sign_in(&world, &identity).await.expect("in").principal.account, bob.account);
}

#[tokio::test]
async fn two_at_once_by_one_identity_make_one_account() {
    let world = World::new().await;
    // Not by one name: that a name is somebody's would make one account too.
    let (ada, renamed) = (claimed("s-1", "Ada"), claimed("s-1", "Ada L."));
    let both = tokio::join!(sign_in(&world, &ada), sign_in(&world, &renamed));
    let in_now: Vec<_> = [both.0, both.1].into_iter().flatten().map(|in_now| in_now.principal.account).collect();
    assert!(!in_now.is_empty(), "one of them comes in at once");
    let accounts: i64 =
        sqlx::query_scalar("SELECT count(DISTINCT aggregate_id) FROM events WHERE aggregate_type = 'account'")
            .fetch_one(&world.services.pool)
            .await
            .expect("a count");
    assert_eq!(accounts, 1);
    assert_eq!(sign_in(&world, &ada).await.expect("in").principal.account, in_now[0]);
}

#[tokio::test]
async fn what_a_crash_left_behind_opens_nothing_and_is_cleared_away() {
    let world = World::new().await;
    let ada = claimed("s-1", "Ada");
    let account = sign_in(&world, &ada).await.expect("in").principal.account;
    // As if the process had ended between the row and its event: the row names an identity that no log knows.
    run(&world, "UPDATE identities SET identity_id = gen_random_uuid()").await;
    assert_eq!(refused(sign_in(&world, &ada).await), AccountRefusal::Busy, "somebody may be at it");
    run(&world, "UPDATE identities SET linked_at = now() - interval '2 minutes'").await;
    let anew = claimed("s-1", "Ada the second");
    let made = sign_in(&world, &anew).await.expect("registered anew");
    assert_ne!(made.principal.account, account);
    // And with the name of an account that was never made.
    run(&world, "UPDATE identities SET identity_id = gen_random_uuid(), account_id = '00000000-0000-4000-8000-00000000dead', linked_at = now() - interval '2 minutes'").await;
    run(
        &world,
        "INSERT INTO credentials (account_id, login_name) VALUES ('00000000-0000-4000-8000-00000000dead', 'Lost')",
    )
    .await;
    sign_in(&world, &claimed("s-1", "Lost")).await.expect("its name is free again");
}

#[tokio::test]
async fn an_unlinked_identity_opens_nothing_even_while_its_row_is_there() {
    let world = World::new().await;
    let ada = person(&world, "Ada", PlatformRole::Member).await;
    let identity = claimed("s-1", "");
    link(&world, &ada, &identity).await.expect("linked");
    let id = identity::list(&world.services, ada.account).await.expect("rows")[0].id;
    let keep = "CREATE TABLE kept AS SELECT * FROM identities";
    run(&world, keep).await;
    let (entry, unlinked) = (Entry::default(), Unlinked { id, password: GOOD });
    identity::unlink(&world.services, &entry, &world.context(ada.account), &ada, unlinked).await.expect("unlinked");
    run(&world, "INSERT INTO identities SELECT key_sha256, identity_id, account_id, issuer, now() - interval '2 minutes' FROM kept").await;
    assert_eq!(identity::list(&world.services, ada.account).await.expect("rows"), []);
    assert_eq!(refused(sign_in(&world, &identity).await), AccountRefusal::NameNeeded, "a stranger's sign-in");
}

#[tokio::test]
async fn a_providers_word_counts_for_five_minutes_in_its_session() {
    let world = World::new().await;
    let ada = claimed("s-1", "Ada");
    let here = sign_in(&world, &ada).await.expect("in").principal;
    let there = sign_in(&world, &ada).await.expect("in").principal;
    let until = async |principal: &Principal| {
        session::confirmed_until(&world.services, &principal.session_hash).await.expect("reads")
    };
    assert_eq!(until(&here).await, None, "a sign-in that asked nobody anew");
    let confirm = async |claimed: &Claimed| identity::confirm(&world.services, &here, claimed).await;
    assert_eq!(refused(confirm(&ada).await), AccountRefusal::NotFresh);
    let fresh = Claimed { fresh: true, ..ada.clone() };
    let stranger = Claimed { subject: "s-2".to_owned(), ..fresh.clone() };
    assert_eq!(refused(confirm(&stranger).await), AccountRefusal::NotYourIdentity);
    confirm(&fresh).await.expect("confirmed");
    assert!(until(&here).await.is_some() && until(&there).await.is_none(), "in this session alone");
    run(&world, "UPDATE sessions SET confirmed_at = now() - interval '5 minutes 1 second'").await;
    assert_eq!(until(&here).await, None);
    let change = password::change(&world.services, &world.context(here.account), &here, "", GOOD).await;
    assert_eq!(refused(change), AccountRefusal::ConfirmFirst);
}

#[tokio::test]
async fn an_administrators_link_gives_an_account_its_first_password() {
    let world = World::new().await;
    let ada = person(&world, "Ada", PlatformRole::Administrator).await;
    let bob = sign_in(&world, &claimed("b", "Bob")).await.expect("in").principal;
    let token = password::issue_reset(&world.services, &world.context(ada.account), bob.account).await.expect("a link");
    password::reset(&world.services, &world.context_of(Actor::System), &token, GOOD).await.expect("set");
    let in_now = account::sign_in(&world.services, "bob", GOOD).await.expect("by the name they registered with");
    assert_eq!(in_now.principal.account, bob.account);
}

#[tokio::test]
async fn an_attempt_is_kept_once_for_ten_minutes_without_its_secret() {
    let world = World::new().await;
    let ada = person(&world, "Ada", PlatformRole::Member).await;
    let purposes = [
        Purpose::SignIn { link: Some(LinkHash::of("token")) },
        Purpose::SignIn { link: None },
        Purpose::Link(Asker::from(&ada)),
        Purpose::Confirm(Asker::from(&ada)),
        Purpose::Name { link: None, issuer: ISSUER.to_owned(), subject: "s-1".to_owned() },
    ];
    for purpose in purposes {
        let kept = Attempt { purpose, return_to: "/c/movie-night".to_owned() };
        assert!(attempt::begin(&world.services, "the secret", &kept).await.expect("kept"));
        let rows: Vec<String> = sqlx::query_scalar("SELECT a::text FROM sign_in_attempts a")
            .fetch_all(&world.services.pool)
            .await
            .expect("rows");
        assert!(rows.len() == 1 && !rows[0].contains("the secret"), "{rows:?}");
        assert_eq!(attempt::take(&world.services, "another").await, Ok(None));
        assert_eq!(attempt::take(&world.services, "the secret").await, Ok(Some(kept)));
        assert_eq!(attempt::take(&world.services, "the secret").await, Ok(None), "once");
    }
    let late = Attempt { purpose: Purpose::SignIn { link: None }, return_to: "/".to_owned() };
    attempt::begin(&world.services, "late", &late).await.expect("kept");
    run(&world, "UPDATE sign_in_attempts SET expires_at = expires_at - interval '10 minutes'").await;
    assert_eq!(attempt::take(&world.services, "late").await, Ok(None));
    assert_eq!(attempt::sweep(&world.services).await, Ok(1));
    let full = format!(
        "INSERT INTO sign_in_attempts (secret_sha256, purpose, return_to, expires_at)
         SELECT sha256(n::text::bytea), 'sign_in', '/', now() + interval '1 minute' FROM generate_series(1, {}) n",
        attempt::PENDING_MAX
    );
    run(&world, &full).await;
    assert_eq!(attempt::begin(&world.services, "one more", &late).await, Ok(false), "so many at once and no more");
}

#[tokio::test]
async fn what_a_provider_calls_somebody_is_sealed_in_the_log() {
    let world = World::new().await;
    let account = sign_in(&world, &claimed("subject-of-ada", "Ada")).await.expect("in").principal.account;
    let stored: Vec<String> =
        sqlx::query_scalar("SELECT payload::text FROM events").fetch_all(&world.services.pool).await.expect("rows");
    assert!(stored.iter().any(|text| text.contains(ISSUER)), "{stored:?}");
    assert!(stored.iter().all(|text| !text.contains("subject-of-ada")), "{stored:?}");
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT i::text FROM identities i").fetch_all(&world.services.pool).await.expect("rows");
    assert!(rows.iter().all(|text| !text.contains("subject-of-ada")), "{rows:?}");
    let held = world.services.dispatcher.load::<Account>(&StreamId::account(account)).await.expect("reads").state;
    assert_eq!(held.identities.len(), 1);
}
