//! One effect per operation id; races decided again; caches never trusted beyond the version check.

use lockstep_commands::{CommandError, channel, member, message};
use lockstep_domain::{
    channel::{Channel, Visibility},
    ids::{MessageId, Position, StreamId},
    message::MessageError,
    standing::Denied,
};
use uuid::Uuid;

use crate::support::World;

#[tokio::test]
async fn the_same_operation_has_one_effect_and_one_receipt() {
    let world = World::new().await;
    let owner = world.account("Ada").await;
    let context = world.context(owner);
    let first = channel::create(&world.services, &context, "Kino", None, Visibility::Public).await.expect("made");
    let again = channel::create(&world.services, &context, "Kino", None, Visibility::Public).await.expect("again");
    assert_eq!((again.channel, again.outcome.position), (first.channel, first.outcome.position));
    let elsewhere = world.other_node().await;
    let third = channel::create(&elsewhere, &context, "Kino", None, Visibility::Public).await.expect("elsewhere");
    assert_eq!(third.outcome.position, first.outcome.position);
    let events = world.services.store.read_after(Position::START, 100).await.expect("reads");
    assert_eq!(events.iter().filter(|event| event.event_type == "Created").count(), 1);
    assert_eq!(events.iter().filter(|event| event.event_type == "Joined").count(), 1);
}

#[tokio::test]
async fn a_repeat_after_others_acted_still_gets_the_first_receipt() {
    let world = World::new().await;
    let owner = world.account("Ada").await;
    let id = world.channel(owner).await;
    let context = world.context(owner);
    let first = channel::rename(&world.services, &context, id, "First").await.expect("renamed");
    channel::rename(&world.services, &world.context(owner), id, "Second").await.expect("renamed");
    let again = channel::rename(&world.services, &context, id, "First").await.expect("repeated");
    assert_eq!(again.position, first.position);
    let held = world.services.dispatcher.load::<Channel>(&StreamId::channel(id)).await.expect("loads");
    assert_eq!(held.state.name, "Second");
}

#[tokio::test]
async fn two_nodes_renaming_at_once_lose_nothing() {
    let world = World::new().await;
    let owner = world.account("Ada").await;
    let id = world.channel(owner).await;
    let nodes = [world.services.clone(), world.other_node().await];
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let services = nodes[n % 2].clone();
        let context = world.context(owner);
        tasks.spawn(async move { channel::rename(&services, &context, id, &format!("Name {n}")).await });
    }
    let mut renamed = 0;
    while let Some(done) = tasks.join_next().await {
        match done.expect("runs") {
            Ok(_) => renamed += 1,
            Err(CommandError::Contended) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let events = world.services.store.read_stream(&StreamId::channel(id), 0, 100).await.expect("reads");
    assert!(renamed > 0);
    assert_eq!(events.len(), 1 + renamed, "each acknowledged rename is in the log once");
}

#[tokio::test]
async fn a_stale_cache_refuses_nobody_wrongly() {
    let world = World::new().await;
    let owner = world.account("Ada").await;
    let id = world.channel(owner).await;
    let guest = world.member(id, "Linus").await;
    let elsewhere = world.other_node().await;
    member::ban(&world.services, &world.context(owner), id, guest, None).await.expect("banned");
    let hello = || message::NewMessage {
        id: MessageId(Uuid::now_v7()),
        text: "hello".to_owned(),
        ..message::NewMessage::default()
    };
    let refused = message::post(&elsewhere, &world.context(guest), id, hello()).await;
    assert!(matches!(
        refused,
        Err(CommandError::Refused(message::MessageRefusal::Rule(MessageError::Denied(Denied::Banned))))
    ));
    member::unban(&world.services, &world.context(owner), id, guest).await.expect("unbanned");
    member::join(&world.services, &world.context(guest), id, None).await.expect("joins again");
    // The other node still holds the ban in its cache.
    message::post(&elsewhere, &world.context(guest), id, hello()).await.expect("is let in again");
}
