//! Statements 1 to 6 about passwords, and those about links: each test says what it states.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher};
use lockstep_commands::{
    Actor, CommandError, Context,
    account::{self, AccountRefusal},
    administration,
    credentials::{PASSWORD_CHARS_MAX, Password, PasswordError},
    entry::Entry,
    hashing, password, session,
    throttle::{ADDRESS, Counted, NAME},
};
use lockstep_domain::{
    account::PlatformRole,
    ids::{AccountId, Position, StreamId},
};
use proptest::prelude::*;
use serde_json::json;

use crate::support::World;

const GOOD: &str = "a good long one";

async fn ada(world: &World) -> account::SignedIn {
    let context = world.context_of(Actor::System);
    account::register(&world.services, &context, "Ada", GOOD, PlatformRole::Administrator).await.expect("registered")
}

async fn bob(world: &World) -> account::SignedIn {
    let context = world.context_of(Actor::System);
    account::register(&world.services, &context, "Bob", GOOD, PlatformRole::Member).await.expect("registered")
}

async fn phc(world: &World) -> String {
    sqlx::query_scalar("SELECT password_phc FROM credentials").fetch_one(&world.services.pool).await.expect("a row")
}

fn refused(answer: &Result<account::SignedIn, CommandError<AccountRefusal>>) -> &AccountRefusal {
    match answer {
        Err(CommandError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn an_older_hash_is_made_anew_at_the_next_sign_in() {
    let world = World::new().await;
    ada(&world).await;
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8 * 1024, 1, 1, None).expect("params"));
    let older = weak.hash_password(GOOD.as_bytes()).expect("hashed").to_string();
    sqlx::query("UPDATE credentials SET password_phc = $1")
        .bind(&older)
        .execute(&world.services.pool)
        .await
        .expect("set");
    account::sign_in(&world.services, "Ada", "not this one").await.expect_err("refused");
    assert_eq!(phc(&world).await, older, "a wrong password changes nothing");
    account::sign_in(&world.services, "Ada", GOOD).await.expect("in");
    let newer = phc(&world).await;
    assert!(newer.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{newer}");
    account::sign_in(&world.services, "Ada", GOOD).await.expect("in with the new hash");
    assert_eq!(phc(&world).await, newer, "what is of today stays");
}

#[tokio::test]
async fn two_with_the_same_password_have_different_hashes() {
    let world = World::new().await;
    ada(&world).await;
    bob(&world).await;
    let hashes: Vec<String> =
        sqlx::query_scalar("SELECT password_phc FROM credentials").fetch_all(&world.services.pool).await.expect("two");
    assert_eq!(hashes.len(), 2);
    assert_ne!(hashes[0], hashes[1]);
    let salt = |phc: &str| phc.split('$').nth(4).map(str::to_owned).expect("a salt");
    assert_ne!(salt(&hashes[0]), salt(&hashes[1]));
    assert!(salt(&hashes[0]).len() >= 22, "128 bits in base64");
}

#[test]
fn passwords_have_8_to_128_characters_of_any_kind() {
    proptest!(ProptestConfig::with_cases(64), |(text in proptest::collection::vec(any::<char>(), 0..140))| {
        let count = text.len();
        let text: String = text.into_iter().collect();
        match Password::new(&text) {
            Err(PasswordError::Length) => prop_assert!(!(8..=128).contains(&count), "{count}"),
            Ok(_) | Err(PasswordError::Common) => prop_assert!((8..=128).contains(&count), "{count}"),
        }
    });
    for good in ["пароль из слов", "暗号は長い方がよい", "🦊🐙🦉🐳🦔🐝🦩🐢", "correct horse"]
    {
        assert!(Password::new(good).is_ok(), "{good}");
    }
}

#[test]
fn the_most_common_passwords_are_refused() {
    for common in [
        "password",
        "Password1",
        "12345678",
        "qwertyuiop",
        "iloveyou",
        "trustno1",
        "football",
        "superman",
        "michelle",
        "sunshine",
        "liverpool",
        "chocolate",
        "1q2w3e4r",
        "11111111",
        "abcdefgh",
        "lockstep",
    ] {
        assert_eq!(Password::new(common).err(), Some(PasswordError::Common), "{common}");
    }
}

#[tokio::test]
async fn no_character_of_a_password_is_cut_off() {
    let world = World::new().await;
    let long: String = "é1x".chars().cycle().take(PASSWORD_CHARS_MAX - 2).chain("ß!".chars()).collect();
    let context = world.context_of(Actor::System);
    account::register(&world.services, &context, "Ada", &long, PlatformRole::Member).await.expect("registered");
    let mut other: String = long.chars().take(PASSWORD_CHARS_MAX - 1).collect();
    assert_eq!(refused(&account::sign_in(&world.services, "Ada", &other).await), &AccountRefusal::WrongCredentials);
    other.push('?');
    assert_eq!(refused(&account::sign_in(&world.services, "Ada", &other).await), &AccountRefusal::WrongCredentials);
    let longer = format!("{long}x");
    assert_eq!(refused(&account::sign_in(&world.services, "Ada", &longer).await), &AccountRefusal::WrongCredentials);
    account::sign_in(&world.services, "Ada", &long).await.expect("the whole of it");
}

#[tokio::test]
async fn an_unknown_name_is_answered_like_a_wrong_password_and_hashed_as_well() {
    let world = World::new().await;
    ada(&world).await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for turn in 0..100 {
        let mut pair = [("Ada", &mut known), ("Nobody", &mut unknown)];
        pair.rotate_left(turn % 2);
        for (name, times) in pair {
            let (before, start) = (hashing::load().done, Instant::now());
            let answer = account::sign_in(&world.services, name, "not this one").await;
            times.push(start.elapsed());
            assert_eq!(refused(&answer), &AccountRefusal::WrongCredentials, "{name}");
            assert_eq!(hashing::load().done, before + 1, "{name} costs one hash");
        }
    }
    let (known, unknown) = (fast_mean_s(known), fast_mean_s(unknown));
    let mean = f64::midpoint(known, unknown);
    assert!((known - unknown).abs() < mean / 10.0, "{known} s and {unknown} s");
}

/// Of the fastest quarter: what else the machine does meanwhile is in the others.
fn fast_mean_s(mut times: Vec<Duration>) -> f64 {
    times.sort();
    let fast = &times[..times.len() / 4];
    fast.iter().sum::<Duration>().as_secs_f64() / f64::from(u32::try_from(fast.len()).expect("few"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_200_parallel_sign_ins_few_hash_at_once_and_the_rest_are_told_to_wait() {
    let world = World::new().await;
    ada(&world).await;
    let tries = (0..200).map(|number| {
        let services = world.services.clone();
        tokio::spawn(async move {
            let password = if number % 2 == 0 { GOOD } else { "not this one" };
            match account::sign_in(&services, "Ada", password).await {
                Ok(_) => "in",
                Err(CommandError::Refused(AccountRefusal::WrongCredentials)) => "wrong",
                Err(CommandError::Refused(AccountRefusal::Busy)) => "busy",
                Err(error) => panic!("{error}"),
            }
        })
    });
    let mut answers = Vec::new();
    for answer in tries.collect::<Vec<_>>() {
        answers.push(answer.await.expect("no panic"));
    }
    let busy = answers.iter().filter(|answer| **answer == "busy").count();
    assert!(hashing::load().peak <= hashing::HASHES_MAX, "{:?}", hashing::load());
    assert!(busy > 0 && busy < 200, "{busy} were told to wait");
    account::sign_in(&world.services, "Ada", GOOD).await.expect("afterwards there is room");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_hangs_up_frees_no_place_early() {
    let world = World::new().await;
    ada(&world).await;
    for _ in 0..10 {
        let hung_up: Vec<_> = (0..4)
            .map(|_| {
                let services = world.services.clone();
                tokio::spawn(async move { account::sign_in(&services, "Ada", "not this one").await.map(|_| ()) })
            })
            .collect();
        let hashing = async {
            while hashing::load().running == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), hashing).await.expect("a hash is computed");
        hung_up.iter().for_each(tokio::task::JoinHandle::abort);
    }
    account::sign_in(&world.services, "Ada", GOOD).await.expect("there is room");
    assert!(hashing::load().peak <= hashing::HASHES_MAX, "{:?}", hashing::load());
}

#[tokio::test]
async fn tries_are_counted_by_account_and_by_address() {
    let world = World::new().await;
    ada(&world).await;
    let (entry, home) = (Entry::default(), "2001:db8:1:2::1".parse().ok());
    let sign_in = async |address, name, password| {
        entry.sign_in(&world.services, &world.context_of(Actor::System), address, name, password).await
    };
    for _ in 0..NAME.units_max - 1 {
        assert_eq!(refused(&sign_in(None, "ada", "not this one").await), &AccountRefusal::WrongCredentials);
    }
    sign_in(None, "Ada", GOOD).await.expect("the last of its tries");
    for _ in 0..NAME.units_max {
        assert_eq!(refused(&sign_in(None, "ADA", "not this one").await), &AccountRefusal::WrongCredentials, "forgiven");
    }
    let answer = sign_in(None, "Ada", GOOD).await;
    let AccountRefusal::Throttled(throttled) = refused(&answer) else { panic!("{answer:?}") };
    assert_eq!(throttled.after_s, NAME.window_s, "the clock of this test stands still");
    world.clock.advance(NAME.window_us());
    sign_in(None, "Ada", GOOD).await.expect("later again");
    // A household's tries, but for one.
    for number in 1..ADDRESS.units_max {
        let neighbour = format!("2001:db8:1:2::{number:x}").parse().expect("an address");
        entry
            .throttle
            .admit(&[Counted::address(neighbour)], world.services.clock.now())
            .await
            .expect("within the limit");
    }
    sign_in(home, "Ada", GOOD).await.expect("the last one of the address, which a success does not forgive");
    assert!(
        matches!(refused(&sign_in(home, "Ada", GOOD).await), AccountRefusal::Throttled(_)),
        "the /64 has had its share"
    );
    sign_in("2001:db8:1:3::1".parse().ok(), "Ada", GOOD).await.expect("from elsewhere");
}

#[tokio::test]
async fn every_try_at_a_password_is_noted_before_it_is_answered() {
    let world = World::new().await;
    let (ada, bob) = (ada(&world).await, bob(&world).await);
    let (her, him) = (ada.principal.account, bob.principal.account);
    administration::suspend(&world.services, &world.context(her), him, None).await.expect("suspended");
    let entry = Entry::default();
    let asked = world.context_of(Actor::System);
    let sign_in = async |name, password| entry.sign_in(&world.services, &asked, None, name, password).await;
    // Who is noted as the actor, about whom, and why.
    let noted = async || {
        let events = world.services.store.read_after(Position::START, 1_000).await.expect("reads");
        let last = events.into_iter().rfind(|event| event.stream.kind() == "signin").expect("a try is noted");
        assert_eq!(last.metadata.correlation_id, asked.correlation_id, "the request is named");
        let about = last.payload[last.event_type.as_str()].clone();
        (last.metadata.actor, last.event_type, about)
    };
    let failed = |account: Option<AccountId>, why: &str| {
        let about = json!({ "account": account.map(|id| id.to_string()), "why": why });
        ("system".to_owned(), "SignInFailed".to_owned(), about)
    };
    let started = sign_in(" ADA ", GOOD).await.expect("in");
    let session = &started.principal.session_hash[..16];
    let about = json!({ "account": her.to_string(), "session": session });
    assert_eq!(noted().await, (her.to_string(), "SignedIn".to_owned(), about));
    for (name, password, account, why) in [
        ("ada", "not this one", Some(her), "wrong_credentials"),
        ("nobody", GOOD, None, "wrong_credentials"),
        ("Bob", GOOD, Some(him), "suspended"),
    ] {
        sign_in(name, password).await.expect_err("refused");
        assert_eq!(noted().await, failed(account, why), "{name}");
    }
    let by_her = Context { correlation_id: asked.correlation_id.clone(), ..world.context(her) };
    let confirmed = entry.confirm(&world.services, &by_her, &started.principal, "not this one").await;
    assert!(matches!(confirmed, Err(CommandError::Refused(AccountRefusal::WrongPassword))), "{confirmed:?}");
    assert_eq!(noted().await, (her.to_string(), "SignInFailed".to_owned(), failed(Some(her), "wrong_password").2));
}

#[tokio::test]
async fn who_reads_the_database_cannot_sign_in_with_what_is_there() {
    let world = World::new().await;
    let (ada, bob) = (ada(&world).await, bob(&world).await);
    let context = world.context(ada.principal.account);
    let reset = password::issue_reset(&world.services, &context, bob.principal.account).await.expect("a link");
    let dump: Vec<String> = sqlx::query_scalar(
        "SELECT encode(token_sha256, 'hex') FROM sessions UNION ALL SELECT encode(token_sha256, 'base64') FROM sessions
         UNION ALL SELECT encode(token_sha256, 'hex') FROM password_resets
         UNION ALL SELECT password_phc FROM credentials UNION ALL SELECT events::text FROM events
         UNION ALL SELECT sessions::text FROM sessions UNION ALL SELECT password_resets::text FROM password_resets",
    )
    .fetch_all(&world.services.pool)
    .await
    .expect("a dump");
    assert!(dump.len() > 10);
    for text in &dump {
        for secret in [ada.token.expose(), bob.token.expose(), &reset, GOOD] {
            assert!(!text.contains(secret), "{text}");
        }
        assert_eq!(session::authenticate(&world.services, text).await, Ok(None));
        let answer = password::reset(&world.services, &context, text, "another good one").await;
        assert_eq!(refused(&answer), &AccountRefusal::ResetLink);
    }
    assert_eq!(ada.token.expose().len(), 43, "256 bits in base64url");
}

#[tokio::test]
async fn a_password_changes_only_for_who_knows_it_and_every_session_ends() {
    let world = World::new().await;
    let bob = bob(&world).await;
    let elsewhere = account::sign_in(&world.services, "Bob", GOOD).await.expect("in");
    let context = || world.context(bob.principal.account);
    let change =
        async |current, next| password::change(&world.services, &context(), &bob.principal, current, next).await;
    assert_eq!(refused(&change("not this one", "another good one").await), &AccountRefusal::WrongPassword);
    assert!(matches!(refused(&change(GOOD, "password").await), AccountRefusal::Password(_)));
    for token in [&bob.token, &elsewhere.token] {
        assert!(
            session::authenticate(&world.services, token.expose()).await.expect("reads").is_some(),
            "refusals end none"
        );
    }
    let changed = change(GOOD, "another good one").await.expect("changed");
    for token in [&bob.token, &elsewhere.token] {
        assert_eq!(session::authenticate(&world.services, token.expose()).await, Ok(None), "an old token is dead");
    }
    assert!(session::authenticate(&world.services, changed.token.expose()).await.expect("reads").is_some());
    assert_eq!(refused(&account::sign_in(&world.services, "Bob", GOOD).await), &AccountRefusal::WrongCredentials);
    account::sign_in(&world.services, "Bob", "another good one").await.expect("in");
    let stream = StreamId::account(bob.principal.account);
    let held = world.services.dispatcher.load::<lockstep_domain::account::Account>(&stream).await.expect("reads");
    assert_eq!(held.state.password_generation, 1);
}

#[tokio::test]
async fn a_reset_link_works_once_in_time_and_for_nobody_else() {
    let world = World::new().await;
    let (ada, bob) = (ada(&world).await, bob(&world).await);
    let by_ada = || world.context(ada.principal.account);
    let issue =
        async || password::issue_reset(&world.services, &by_ada(), bob.principal.account).await.expect("a link");
    let reset = async |token: &str| password::reset(&world.services, &by_ada(), token, "another good one").await;
    let by_bob = world.context(bob.principal.account);
    password::issue_reset(&world.services, &by_bob, ada.principal.account).await.expect_err("administrators only");
    password::issue_reset(&world.services, &by_ada(), ada.principal.account).await.expect_err("not for oneself");
    let (first, second) = (issue().await, issue().await);
    assert_eq!(refused(&reset(&first).await), &AccountRefusal::ResetLink, "a newer link ends an older one");
    let done = reset(&second).await.expect("reset");
    assert_eq!(done.principal.account, bob.principal.account);
    assert_eq!(session::authenticate(&world.services, bob.token.expose()).await, Ok(None));
    assert_eq!(refused(&reset(&second).await), &AccountRefusal::ResetLink, "once");
    let late = issue().await;
    sqlx::query("UPDATE password_resets SET expires_at = expires_at - interval '24 hours'")
        .execute(&world.services.pool)
        .await
        .expect("a day passes");
    assert_eq!(refused(&reset(&late).await), &AccountRefusal::ResetLink, "in time");
    let link = issue().await;
    administration::suspend(&world.services, &by_ada(), bob.principal.account, None).await.expect("suspended");
    reset(&link).await.expect_err("not for who is suspended");
}

/// The order that a race would have to hit by luck: the old password was right when it was looked at, and the change
/// has ended every session that it could see.
#[tokio::test]
async fn a_password_that_changes_while_it_is_checked_starts_no_session() {
    let world = World::new().await;
    let bob = bob(&world).await;
    let mut change = world.services.pool.begin().await.expect("begins");
    for sql in [
        "UPDATE credentials SET generation = generation + 1 WHERE account_id = $1",
        "UPDATE sessions SET revoked_at = now() WHERE account_id = $1 AND revoked_at IS NULL",
    ] {
        sqlx::query(sql).bind(bob.principal.account.0).execute(&mut *change).await.expect("changes");
    }
    let services = world.services.clone();
    let signing_in = tokio::spawn(async move { account::sign_in(&services, "Bob", GOOD).await });
    while !signing_in.is_finished() && waiting(&world).await == 0 {
        tokio::task::yield_now().await;
    }
    change.commit().await.expect("changed");
    let answer = signing_in.await.expect("no panic");
    assert_eq!(refused(&answer), &AccountRefusal::WrongCredentials);
    assert_eq!(session::list(&world.services, bob.principal.account).await.expect("reads"), []);
}

/// Connections to this test's database that wait for another one's lock.
async fn waiting(world: &World) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    .fetch_one(&world.services.pool)
    .await
    .expect("a count")
}
