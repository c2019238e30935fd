//! A right taken away while a command is under way: refused, or ordered before, never after.

use std::sync::Arc;

use lockstep_commands::{
    CommandError, member,
    message::{self, NewMessage},
};
use lockstep_domain::ids::{MessageId, Position};
use uuid::Uuid;

use crate::support::World;

#[tokio::test]
async fn a_message_never_follows_its_authors_ban() {
    let world = Arc::new(World::new().await);
    let owner = world.account("Ada").await;
    let id = world.channel(owner).await;
    for round in 0..15 {
        let guest = world.member(id, &format!("Guest {round}")).await;
        let elsewhere = world.other_node().await;
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..8 {
            let (world, elsewhere) = (Arc::clone(&world), elsewhere.clone());
            tasks.spawn(async move {
                let services = if n % 2 == 0 { &world.services } else { &elsewhere };
                let new =
                    NewMessage { id: MessageId(Uuid::now_v7()), text: format!("message {n}"), ..NewMessage::default() };
                message::post(services, &world.context(guest), id, new).await.map(|_| ())
            });
        }
        let banning = Arc::clone(&world);
        let ban = tokio::spawn(async move {
            member::ban(&banning.services, &banning.context(owner), id, guest, None).await.map(|done| done.position)
        });
        let mut posted = 0;
        while let Some(done) = tasks.join_next().await {
            match done.expect("runs") {
                Ok(()) => posted += 1,
                Err(CommandError::Refused(_) | CommandError::Contended) => {}
                Err(error) => panic!("{error}"),
            }
        }
        let banned_at = ban.await.expect("runs").expect("banned");
        let events = world.services.store.read_channel(id, Position::START, 1_000).await.expect("reads");
        let of_guest: Vec<_> = events
            .iter()
            .filter(|event| event.event_type == "Posted" && event.metadata.actor == guest.to_string())
            .collect();
        assert_eq!(of_guest.len(), posted, "acknowledged messages and stored ones are the same");
        assert!(of_guest.iter().all(|event| event.position < banned_at), "a message after its author's ban");
    }
}
