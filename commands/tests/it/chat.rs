//! Chat across processes: the pace one person talks at, the places for pins, and reports.

use std::sync::Arc;

use lockstep_commands::{
    CommandError, Services, channel, member,
    message::{self, MessageRefusal, NewMessage},
    report::{self, ReportRefusal, Resolution},
};
use lockstep_domain::{
    ids::{AccountId, ChannelId, MessageId, StreamId},
    message::{Message, MessageError, PINS_MAX},
    permission::ChannelRole,
    report::{ReportError, ReportEvent},
};
use uuid::Uuid;

use crate::support::World;

fn new(text: &str) -> NewMessage {
    NewMessage { id: MessageId(Uuid::now_v7()), text: text.to_owned(), ..NewMessage::default() }
}

async fn say(
    world: &World,
    services: &Services,
    channel: ChannelId,
    account: AccountId,
    new: NewMessage,
) -> Result<MessageId, MessageError> {
    let id = new.id;
    match message::post(services, &world.context(account), channel, new).await {
        Ok(_) => Ok(id),
        Err(CommandError::Refused(MessageRefusal::Rule(rule))) => Err(rule),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn five_messages_at_once_pass_whichever_process_takes_them() {
    let world = Arc::new(World::new().await);
    let owner = world.account("Ada").await;
    let id = world.channel(owner).await;
    let guest = world.member(id, "Linus").await;
    let elsewhere = world.other_node().await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..12 {
        let (world, elsewhere) = (Arc::clone(&world), elsewhere.clone());
        tasks.spawn(async move {
            let services = if n % 2 == 0 { &world.services } else { &elsewhere };
            say(&world, services, id, guest, new("quick")).await
        });
    }
    let (mut said, mut refused) = (0, 0);
    while let Some(done) = tasks.join_next().await {
        match done.expect("runs") {
            Ok(_) => said += 1,
            Err(MessageError::TooFast { retry_after_ms }) => {
                assert!((1..=5_000).contains(&retry_after_ms), "{retry_after_ms}");
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((said, refused), (5, 7));
    // It is counted for each person and channel apart.
    say(&world, &world.services, id, owner, new("mine")).await.expect("another person");
    let other = world.channel(owner).await;
    member::join(&world.services, &world.context(guest), other, None).await.expect("joins");
    say(&world, &world.services, other, guest, new("there")).await.expect("another channel");
}

#[tokio::test]
async fn slow_mode_holds_across_processes_but_not_for_moderators() {
    let world = World::new().await;
    let owner = world.account("Ada").await;
    let id = world.channel(owner).await;
    let guest = world.member(id, "Linus").await;
    let elsewhere = world.other_node().await;
    channel::set_slow_mode(&world.services, &world.context(owner), id, 60).await.expect("slow");
    let first = new("one");
    say(&world, &world.services, id, guest, first.clone()).await.expect("said");
    let again = say(&world, &elsewhere, id, guest, new("two")).await;
    let Err(MessageError::SlowMode { retry_after_ms }) = again else { panic!("{again:?}") };
    assert!((50_000..=60_000).contains(&retry_after_ms), "{retry_after_ms}");
    // What is refused by another rule takes no turn, and a repeat is the same message.
    assert_eq!(say(&world, &elsewhere, id, guest, new("")).await, Err(MessageError::Length));
    assert_eq!(say(&world, &elsewhere, id, guest, first.clone()).await, Ok(first.id));
    for _ in 0..3 {
        say(&world, &world.services, id, owner, new("mine")).await.expect("an owner is exempt");
    }
    member::grant_role(&world.services, &world.context(owner), id, guest, ChannelRole::Moderator)
        .await
        .expect("granted");
    say(&world, &world.services, id, guest, new("three")).await.expect("a moderator is exempt");
}

#[tokio::test]
async fn a_channel_has_ten_pins_however_many_are_tried_at_once() {
    let world = Arc::new(World::new().await);
    let owner = world.account("Ada").await;
    let id = world.channel(owner).await;
    let mut messages = Vec::new();
    for n in 0..13 {
        let author = world.member(id, &format!("Guest {n}")).await;
        messages.push(say(&world, &world.services, id, author, new("pin me")).await.expect("said"));
    }
    let mut tasks = tokio::task::JoinSet::new();
    for message in messages.clone() {
        let world = Arc::clone(&world);
        tasks.spawn(async move { message::pin(&world.services, &world.context(owner), message).await });
    }
    let mut refused = 0;
    while let Some(done) = tasks.join_next().await {
        match done.expect("runs") {
            Ok(_) => {}
            Err(CommandError::Refused(MessageRefusal::Rule(MessageError::TooManyPins))) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    let pinned = async || {
        let mut pinned = Vec::new();
        for message in &messages {
            if world
                .services
                .dispatcher
                .load::<Message>(&StreamId::message(*message))
                .await
                .expect("loads")
                .state
                .pinned
            {
                pinned.push(*message);
            }
        }
        pinned
    };
    let held = pinned().await;
    assert_eq!((held.len(), refused), (PINS_MAX, 3));
    // A place is free again after unpinning and after taking back; a place left by a crash is found.
    message::unpin(&world.services, &world.context(owner), held[0]).await.expect("unpinned");
    message::redact(&world.services, &world.context(owner), held[1], None).await.expect("taken back");
    let free: Vec<MessageId> = messages.iter().copied().filter(|one| !held.contains(one)).collect();
    message::pin(&world.services, &world.context(owner), free[0]).await.expect("room");
    message::pin(&world.services, &world.context(owner), free[1]).await.expect("room");
    sqlx::query("UPDATE chat_pins SET message_id = $1, taken_at = taken_at - interval '1 hour' WHERE message_id = $2")
        .bind(Uuid::now_v7())
        .bind(held[2].0)
        .execute(&world.services.pool)
        .await
        .expect("a place without its message");
    message::pin(&world.services, &world.context(owner), free[2]).await.expect("the lost place is found");
}

#[tokio::test]
async fn an_answer_and_a_mention_stay_inside_the_channel() {
    let world = World::new().await;
    let owner = world.account("Ada").await;
    let (here, there) = (world.channel(owner).await, world.channel(owner).await);
    let stranger = world.account("Eve").await;
    let elsewhere = say(&world, &world.services, there, owner, new("there")).await.expect("said");
    let to = |reply_to, mentions| NewMessage { reply_to, mentions, ..new("hello") };
    let refused = say(&world, &world.services, here, owner, to(Some(elsewhere), vec![])).await;
    assert_eq!(refused, Err(MessageError::NothingToAnswer));
    let refused = say(&world, &world.services, here, owner, to(None, vec![stranger])).await;
    assert_eq!(refused, Err(MessageError::Mentions));
    let said = say(&world, &world.services, here, owner, to(None, vec![owner])).await.expect("said");
    say(&world, &world.services, here, owner, to(Some(said), vec![])).await.expect("answered");
    message::redact(&world.services, &world.context(owner), said, None).await.expect("taken back");
    let refused = say(&world, &world.services, here, owner, to(Some(said), vec![])).await;
    assert_eq!(refused, Err(MessageError::NothingToAnswer));
}

#[tokio::test]
async fn a_report_keeps_what_was_said_and_its_resolution_is_done() {
    let world = World::new().await;
    let owner = world.account("Ada").await;
    let id = world.channel(owner).await;
    let (troll, witness) = (world.member(id, "Troll").await, world.member(id, "Eve").await);
    let rude = say(&world, &world.services, id, troll, new("rude words")).await.expect("said");
    let filed = report::file(&world.services, &world.context(witness), rude, "look".to_owned()).await.expect("filed");
    let twice = report::file(&world.services, &world.context(witness), rude, "look!".to_owned()).await.expect("again");
    assert_eq!((filed.0, twice.1.changed), (twice.0, false));
    message::edit(&world.services, &world.context(troll), rude, "kind words".to_owned()).await.expect("edited");
    message::redact(&world.services, &world.context(troll), rude, None).await.expect("taken back");
    let events = world.services.store.read_stream(&StreamId::report(filed.0), 0, 10).await.expect("reads");
    let kept: ReportEvent = serde_json::from_value(events[0].payload.clone()).expect("a report");
    assert!(matches!(kept, ReportEvent::Filed { text, .. } if text.value().is_some_and(|text| text == "rude words")));
    let late = report::file(&world.services, &world.context(owner), rude, "late".to_owned()).await;
    assert!(matches!(late, Err(CommandError::Refused(ReportRefusal::Rule(ReportError::NothingToReport)))));

    let resolve =
        async |by, resolution| report::resolve(&world.services, &world.context(by), filed.0, resolution, None).await;
    let denied = resolve(witness, Resolution::Ban).await;
    assert!(matches!(denied, Err(CommandError::Refused(ReportRefusal::Rule(ReportError::Denied(_))))), "{denied:?}");
    let standing = async || member::standing_of(&world.services, id, troll).await.expect("stands").0;
    assert!(standing().await.is_in().is_ok(), "who may not resolve does nothing");
    resolve(owner, Resolution::Mute { until: None }).await.expect("resolved");
    assert!(standing().await.member.is_muted(world.context(owner).now));
    let late = resolve(owner, Resolution::Ban).await;
    assert!(matches!(late, Err(CommandError::Refused(ReportRefusal::Rule(ReportError::AlreadyResolved)))));
    assert!(standing().await.is_in().is_ok(), "who comes too late does nothing");
}
