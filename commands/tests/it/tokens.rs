//! API tokens: which of them their owner sees.

use lockstep_commands::{
    Actor, account,
    entry::Entry,
    token::{self, Wanted},
};
use lockstep_domain::{
    account::PlatformRole,
    time::Timestamp,
    token::{LIVE_MAX, Scope},
};

use crate::support::World;

const GOOD: &str = "a good long one";
const DAY_US: i64 = 86_400_000_000;

#[tokio::test]
async fn a_token_that_works_is_never_pushed_out_of_its_list() {
    let world = World::new().await;
    let system = world.context_of(Actor::System);
    let ada =
        account::register(&world.services, &system, "Ada", GOOD, PlatformRole::Member).await.expect("in").principal;
    let entry = Entry::default();
    let issue = async |days: i64| {
        let context = world.context(ada.account);
        let expires_at = Timestamp(context.now.0 + days * DAY_US);
        let wanted = Wanted { name: "script", scopes: [Scope::Upload].into(), expires_at, password: GOOD };
        token::issue(&world.services, &entry, &context, &ada, wanted).await
    };
    let first = issue(300).await.expect("issued").id;
    // More than are shown, a day each.
    for _ in 0..6 {
        for _ in 1..LIVE_MAX {
            issue(1).await.expect("issued");
        }
        world.clock.advance(2 * DAY_US);
    }
    let listed = token::list(&world.services, ada.account).await.expect("reads");
    assert!(listed.iter().any(|row| row.id == first), "{} are listed", listed.len());
}
