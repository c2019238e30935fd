//! Set-up by a one-time link, sign-in, sessions, guests.

use lockstep_commands::{
    Actor, CommandError,
    account::{self, AccountRefusal},
    session,
    setup::{LIFE_US, SetupLink},
};
use lockstep_domain::account::PlatformRole;

use crate::support::World;

#[tokio::test]
async fn the_set_up_link_works_once_and_in_time() {
    let world = World::new().await;
    let context = || world.context_of(Actor::System);
    let link = SetupLink::default();
    let token = link.open([3; 32], context().now);
    let wrong = account::set_up(&world.services, &context(), &link, "guess", "Ada", "correct horse").await;
    assert!(matches!(wrong, Err(CommandError::Refused(AccountRefusal::SetupLink))));
    let made =
        account::set_up(&world.services, &context(), &link, &token, "Ada", "correct horse").await.expect("set up");
    assert_eq!(made.principal.role, PlatformRole::Administrator);
    let again = account::set_up(&world.services, &context(), &link, &token, "Eve", "correct horse").await;
    assert!(matches!(again, Err(CommandError::Refused(AccountRefusal::SetupLink))));
    let late = SetupLink::default();
    let token = late.open([4; 32], context().now);
    world.clock.advance(LIFE_US);
    assert!(!late.matches(&token, world.services.clock.now()));
}

#[tokio::test]
async fn names_and_passwords_are_checked_and_hashed() {
    let world = World::new().await;
    let context = || world.context_of(Actor::System);
    let register = |name: &'static str, password: &'static str| {
        let (services, context) = (world.services.clone(), context());
        async move { account::register(&services, &context, name, password, PlatformRole::Member).await }
    };
    assert!(matches!(register("Ada", "short").await, Err(CommandError::Refused(AccountRefusal::Password(_)))));
    assert!(matches!(register("Ada", "password123").await, Err(CommandError::Refused(AccountRefusal::Password(_)))));
    register("Ada", "a good long one").await.expect("registered");
    assert!(matches!(register("ada", "another one!").await, Err(CommandError::Refused(AccountRefusal::NameTaken))));
    let phc: String = sqlx::query_scalar("SELECT password_phc FROM credentials")
        .fetch_one(&world.services.pool)
        .await
        .expect("a row");
    assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
    for (name, password) in [("Ada", "wrong password"), ("Nobody", "a good long one")] {
        let refused = account::sign_in(&world.services, name, password).await;
        assert!(matches!(refused, Err(CommandError::Refused(AccountRefusal::WrongCredentials))), "{name}");
    }
    account::sign_in(&world.services, "ADA", "a good long one").await.expect("names ignore case");
}

#[tokio::test]
async fn a_session_is_its_token_until_it_is_revoked() {
    let world = World::new().await;
    let guest = account::admit_guest(&world.services, &world.context_of(Actor::System), " Linus ").await.expect("in");
    let found = session::authenticate(&world.services, guest.token.expose()).await.expect("reads").expect("alive");
    assert_eq!(
        (found.account, found.name.as_str(), found.role),
        (guest.principal.account, "Linus", PlatformRole::Guest)
    );
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT token_sha256 FROM sessions").fetch_all(&world.services.pool).await.expect("rows");
    assert!(stored.iter().all(|hash| hash != guest.token.expose().as_bytes()), "only the hash is stored");
    assert_eq!(session::authenticate(&world.services, &found.session_hash).await, Ok(None), "the hash is no token");
    session::revoke(&world.services, &found.session_hash).await.expect("revoked");
    assert_eq!(session::authenticate(&world.services, guest.token.expose()).await, Ok(None));
}
