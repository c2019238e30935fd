//! Taking back while somebody else changes the same: refused, or ordered before, never over their change.

use std::sync::Arc;

use lockstep_commands::{CommandError, channel, member, undo};
use lockstep_domain::{ids::Position, permission::ChannelRole};

use crate::support::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taking_back_never_overwrites_what_somebody_else_did_meanwhile() {
    let world = Arc::new(World::new().await);
    let ada = world.account("Ada").await;
    let id = world.channel(ada).await;
    let bob = world.member(id, "Bob").await;
    member::grant_role(&world.services, &world.context(ada), id, bob, ChannelRole::Admin).await.expect("granted");
    let elsewhere = world.other_node().await;
    let (mut taken, mut refused) = (0, 0);
    for round in 0..20 {
        let named = format!("Ada's {round}");
        let done = channel::rename(&world.services, &world.context(ada), id, &named).await.expect("renamed");
        let renaming = {
            let (world, elsewhere) = (Arc::clone(&world), elsewhere.clone());
            tokio::spawn(async move {
                channel::rename(&elsewhere, &world.context(bob), id, &format!("Bob's {round}")).await.map(|_| ())
            })
        };
        match undo::undo(&world.services, &world.context(ada), id, done.position).await {
            Ok(_) => taken += 1,
            Err(CommandError::Refused(undo::UndoRefusal::Overtaken { name, .. })) => {
                assert_eq!(name, "Bob");
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
        renaming.await.expect("runs").expect("renamed");
    }
    assert_eq!(taken + refused, 20);
    let events = world.services.store.read_channel(id, Position::START, 1_000).await.expect("reads");
    let renames: Vec<_> = events.iter().filter(|event| event.event_type == "Renamed").collect();
    for pair in renames.windows(2) {
        // What took a name back stands right behind the name it took back.
        if let Some(cause) = &pair[1].metadata.causation_id {
            assert_eq!(*cause, pair[0].event_id.to_string());
        }
    }
}
