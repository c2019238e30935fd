//! A right taken away while a command is under way, step by step and in both orders: the command is held between its
//! decision and its append.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use lockstep_commands::{
    CommandError, Context, Dispatcher, Outcome, Services, channel, member,
    message::{self, NewMessage},
    playback,
    refusal::Coded,
};
use lockstep_domain::{
    ids::{AccountId, ChannelId, CommandId, MessageId, Position, StreamId, VideoId},
    permission::{ChannelRole, Permission},
    playback::PlaybackEvent,
    time::{MediaTime, Timestamp},
};
use lockstep_event_store::{
    Append, AppendError, EventStore, Expected, Metadata, NewEvent, ReadError, Receipt, RecordedEvent,
};
use tokio::sync::{Mutex, oneshot};
use uuid::Uuid;

use crate::support::World;

/// The real store; the first append it is told to hold waits until it is let go.
struct Held {
    inner: Arc<dyn EventStore>,
    gate: Mutex<Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>>,
}

#[async_trait]
impl EventStore for Held {
    async fn append(&self, append: Append) -> Result<Receipt, AppendError> {
        let gate = self.gate.lock().await.take();
        if let Some((reached, let_go)) = gate {
            reached.send(()).expect("somebody waits");
            let_go.await.expect("let go");
        }
        self.inner.append(append).await
    }
    async fn read_stream(&self, stream: &StreamId, after: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.inner.read_stream(stream, after, limit).await
    }
    async fn read_after(&self, position: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.inner.read_after(position, limit).await
    }
    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError> {
        self.inner.read_at(positions).await
    }
    async fn read_channel(
        &self,
        channel: ChannelId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.inner.read_channel(channel, after, limit).await
    }
    async fn find_command(
        &self,
        actor: &str,
        stream: &StreamId,
        command: CommandId,
    ) -> Result<Option<Receipt>, ReadError> {
        self.inner.find_command(actor, stream, command).await
    }
    async fn head(&self) -> Result<Position, ReadError> {
        self.inner.head().await
    }
    async fn wait_past(&self, position: Position) {
        self.inner.wait_past(position).await;
    }
    async fn database_now(&self) -> Result<Timestamp, ReadError> {
        self.inner.database_now().await
    }
}

/// A node whose next append waits; with what tells that it has come there, and what lets it go.
async fn held(world: &World) -> (Services, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let node = world.other_node().await;
    let ((reached, comes), (go, let_go)) = (oneshot::channel(), oneshot::channel());
    let store: Arc<dyn EventStore> =
        Arc::new(Held { inner: node.store.clone(), gate: Mutex::new(Some((reached, let_go))) });
    (Services { dispatcher: Dispatcher::new(Arc::clone(&store)), store, ..node }, comes, go)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Loss {
    Override,
    Mute,
    Remote,
    Kick,
    Ban,
}

struct Scene {
    world: World,
    owner: AccountId,
    guest: AccountId,
    channel: ChannelId,
}

impl Scene {
    /// A channel that plays nothing yet, with a film on and a guest in it; the remote is the guest's if it is to be lost.
    async fn new(loss: Loss) -> Self {
        let world = World::new().await;
        let owner = world.account("Ada").await;
        let channel = world.channel(owner).await;
        let guest = world.member(channel, "Guest").await;
        if loss == Loss::Remote {
            let context = world.context(owner);
            channel::change_remote_mode(&world.services, &context, channel, Some(guest)).await.expect("one remote");
        }
        let event = PlaybackEvent::VideoLoaded {
            video: VideoId(Uuid::now_v7()),
            duration_us: MediaTime(100_000_000),
            item: None,
            at_us: Timestamp(1),
        };
        let append = Append {
            stream: StreamId::playback(channel),
            expected: Expected::Any,
            guards: vec![],
            command_id: CommandId(Uuid::now_v7()),
            metadata: Metadata {
                actor: "system".to_owned(),
                channel_id: Some(channel.to_string()),
                ..Metadata::default()
            },
            occurred_at: Timestamp(1),
            events: vec![NewEvent {
                event_type: "VideoLoaded".to_owned(),
                event_version: "1".to_owned(),
                payload: serde_json::to_value(event).expect("json"),
            }],
        };
        world.services.store.append(append).await.expect("loaded");
        Self { world, owner, guest, channel }
    }

    /// What the guest does with the right: speaks where speech is lost, plays where the remote is.
    async fn act(&self, services: &Services, context: &Context, loss: Loss) -> Result<Outcome, String> {
        match loss {
            Loss::Mute | Loss::Kick | Loss::Ban => {
                let id = MessageId(Uuid::now_v7());
                let new = NewMessage { id, text: "hi".to_owned(), ..NewMessage::default() };
                refused(message::post(services, context, self.channel, new).await)
            }
            Loss::Override | Loss::Remote => {
                refused(playback::play(services, context, self.channel, None, false).await)
            }
        }
    }

    async fn take_away(&self, services: &Services, loss: Loss) -> Result<Outcome, String> {
        let (context, channel, guest) = (self.world.context(self.owner), self.channel, self.guest);
        match loss {
            Loss::Override => {
                let permission = Permission::PlayPause;
                refused(member::override_permission(services, &context, channel, guest, permission, Some(false)).await)
            }
            Loss::Mute => refused(member::mute(services, &context, channel, guest, None, None).await),
            Loss::Remote => refused(channel::hand_over_remote(services, &context, channel, self.owner).await),
            Loss::Kick => refused(member::remove(services, &context, channel, guest, None).await),
            Loss::Ban => refused(member::ban(services, &context, channel, guest, None).await),
        }
    }

    /// Types of the events that the guest caused.
    async fn done_by_guest(&self) -> Vec<(Position, String)> {
        let events = self.world.services.store.read_channel(self.channel, Position::START, 1_000).await.expect("reads");
        let guest = self.guest.to_string();
        let own = events.into_iter().filter(|event| event.metadata.actor == guest && event.stream.kind() != "member");
        own.map(|event| (event.position, event.event_type)).collect()
    }
}

fn refused<E: Coded>(answer: Result<Outcome, CommandError<E>>) -> Result<Outcome, String> {
    answer.map_err(|error| match error {
        CommandError::Refused(refusal) => refusal.code().to_owned(),
        CommandError::Contended => "contended".to_owned(),
        CommandError::Invalid(text) | CommandError::Unavailable(text) => panic!("{text}"),
    })
}

const LOSSES: [Loss; 5] = [Loss::Override, Loss::Mute, Loss::Remote, Loss::Kick, Loss::Ban];

#[tokio::test]
async fn a_right_lost_before_the_append_refuses_what_was_decided_already() {
    let codes: BTreeMap<Loss, &str> =
        LOSSES.into_iter().zip(["not_permitted", "muted", "not_the_remote", "not_a_member", "banned"]).collect();
    for loss in LOSSES {
        let scene = Scene::new(loss).await;
        let (slow, comes, go) = held(&scene.world).await;
        let context = scene.world.context(scene.guest);
        let acting = scene.act(&slow, &context, loss);
        let taking = async {
            comes.await.expect("decided: the right was there");
            let taken = scene.take_away(&scene.world.services, loss).await.expect("taken away");
            assert!(taken.changed, "{loss:?}");
            go.send(()).expect("still waits");
        };
        let (acted, ()) = tokio::join!(acting, taking);
        assert_eq!(acted.map(|_| ()), Err(codes[&loss].to_owned()), "{loss:?}");
        assert_eq!(scene.done_by_guest().await, [], "{loss:?}: nothing of it is in the log");
    }
}

#[tokio::test]
async fn a_right_lost_after_the_append_leaves_what_was_done_and_refuses_the_next() {
    for loss in LOSSES {
        let scene = Scene::new(loss).await;
        let (slow, comes, go) = held(&scene.world).await;
        let taking = scene.take_away(&slow, loss);
        let acting = async {
            comes.await.expect("decided to take it away");
            let context = scene.world.context(scene.guest);
            let acted = scene.act(&scene.world.services, &context, loss).await.expect("the right was there");
            assert!(acted.changed, "{loss:?}");
            go.send(()).expect("still waits");
            acted.position
        };
        let (taken, acted) = tokio::join!(taking, acting);
        let taken = taken.expect("taken away all the same");
        assert!(taken.changed && taken.position > acted, "{loss:?}");
        let before = scene.done_by_guest().await;
        assert_eq!(before.len(), 1, "{loss:?}");
        let again = scene.act(&scene.world.services, &scene.world.context(scene.guest), loss).await;
        assert!(again.is_err(), "{loss:?}: {again:?}");
        assert_eq!(scene.done_by_guest().await, before, "{loss:?}");
    }
}

#[tokio::test]
async fn a_moderator_demoted_meanwhile_moderates_nobody() {
    let scene = Scene::new(Loss::Ban).await;
    let world = &scene.world;
    let second = world.member(scene.channel, "Moderator").await;
    let grant = async |role| {
        let context = world.context(scene.owner);
        member::grant_role(&world.services, &context, scene.channel, second, role).await
    };
    grant(ChannelRole::Moderator).await.expect("granted");
    let (slow, comes, go) = held(world).await;
    let context = world.context(second);
    let banning = member::ban(&slow, &context, scene.channel, scene.guest, None);
    let demoting = async {
        comes.await.expect("decided to ban");
        grant(ChannelRole::Viewer).await.expect("demoted");
        go.send(()).expect("still waits");
    };
    let (banned, ()) = tokio::join!(banning, demoting);
    assert_eq!(refused(banned).map(|_| ()), Err("not_permitted".to_owned()));
    assert!(scene.act(&world.services, &world.context(scene.guest), Loss::Ban).await.is_ok(), "the guest is still in");
}
