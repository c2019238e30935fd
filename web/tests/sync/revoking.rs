//! Sessions that end take their sockets with them, on every node, within a second.

use std::{future::Future, time::Duration};

use lockstep_commands::{account, administration, password, session};
use lockstep_domain::account::PlatformRole;
use serde_json::json;

use crate::world::{Socket, Viewer, World};

/// What is promised.
const WITHIN: Duration = Duration::from_secs(1);
const GOOD: &str = "a good long one";

async fn registered(world: &World, name: &str, role: PlatformRole) -> (Viewer, lockstep_commands::Principal) {
    let context = world.context(world.owner);
    let started = account::register(&world.services, &context, name, GOOD, role).await.expect("registered");
    let principal = started.principal.clone();
    let viewer = Viewer {
        account: principal.account,
        session_hash: principal.session_hash.clone(),
        token: started.token.expose().to_owned(),
    };
    world.admit(&viewer).await;
    (viewer, principal)
}

/// Does it, and sees both sockets closed with 4401 within [`WITHIN`] of its end; the bystander's goes on.
async fn ends<T>(world: &World, viewer: &Viewer, act: impl Future<Output = T>) -> T {
    let elsewhere = world.restart_hub();
    let bystander = world.viewer("bystander").await;
    world.admit(&bystander).await;
    let mut watching: Socket = world.open(&bystander).await;
    watching.join(world).await;
    let mut sockets = [world.open(viewer).await, elsewhere.open(world, viewer).await];
    for socket in &mut sockets {
        socket.join(world).await;
    }
    let done = act.await;
    let [here, there] = &mut sockets;
    let closed = tokio::time::timeout(WITHIN, async { tokio::join!(here.closed(), there.closed()) }).await;
    assert_eq!(closed.expect("closed within a second, on both nodes"), (4401, 4401));
    watching.send(json!({"t": "probe", "n": 1, "c0": 1})).await;
    watching.until("t", "probe").await;
    done
}

#[tokio::test]
async fn signing_out_closes_the_sockets_of_the_session_on_every_node() {
    let world = World::new().await;
    let ann = world.viewer("ann").await;
    world.admit(&ann).await;
    ends(&world, &ann, session::revoke(&world.services, &ann.session_hash)).await.expect("revoked");
}

#[tokio::test]
async fn a_revoked_session_closes_its_sockets_on_every_node() {
    let world = World::new().await;
    let (ann, _) = registered(&world, "Ann", PlatformRole::Member).await;
    let other = account::sign_in(&world.services, "Ann", GOOD).await.expect("in");
    let act = session::revoke_others(&world.services, ann.account, &other.principal.session_hash);
    assert_eq!(ends(&world, &ann, act).await, Ok(1));
}

#[tokio::test]
async fn a_new_password_closes_every_socket_of_the_account_on_every_node() {
    let world = World::new().await;
    let (ann, principal) = registered(&world, "Ann", PlatformRole::Member).await;
    let context = world.context(ann.account);
    let act = password::change(&world.services, &context, &principal, GOOD, "another good one");
    ends(&world, &ann, act).await.expect("changed");
}

#[tokio::test]
async fn a_suspension_closes_every_socket_of_the_account_on_every_node() {
    let world = World::new().await;
    let (ada, _) = registered(&world, "Ada", PlatformRole::Administrator).await;
    let (ann, _) = registered(&world, "Ann", PlatformRole::Member).await;
    let context = world.context(ada.account);
    ends(&world, &ann, administration::suspend(&world.services, &context, ann.account, None)).await.expect("suspended");
    let mut late = world.open(&ann).await;
    assert_eq!(late.closed().await, 4401, "and none is opened again");
}

#[tokio::test]
async fn a_new_platform_role_closes_every_socket_of_the_account_on_every_node() {
    let world = World::new().await;
    let (ada, _) = registered(&world, "Ada", PlatformRole::Administrator).await;
    let (ann, _) = registered(&world, "Ann", PlatformRole::Member).await;
    let context = world.context(ada.account);
    let act = administration::grant_role(&world.services, &context, ann.account, PlatformRole::Administrator);
    ends(&world, &ann, act).await.expect("granted");
}
