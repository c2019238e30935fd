//! Going on to the next film: once per ended film, whatever crashes and however many processes react.

use std::time::Duration;

use lockstep_commands::{Actor, CommandError, Context, Services, playback, queue, queue::QueueRefusal, reactions};
use lockstep_domain::{
    ids::{AccountId, ChannelId, QueueItemId, StreamId, VideoId},
    playback::{Playback, PlaybackEvent, PlaybackState},
    queue::{LoopMode, Place, Queue, QueueError, QueueEvent, QueueState},
    time::MediaTime,
    video::{RenditionFacts, Source, Video, VideoCommand},
};
use uuid::Uuid;

use crate::support::World;

/// How long a reaction may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
const FILM_US: i64 = 60_000_000;

struct Room {
    world: World,
    owner: AccountId,
    channel: ChannelId,
}

impl Room {
    async fn new() -> Self {
        let world = World::new().await;
        let owner = world.account("Ada").await;
        let channel = world.channel(owner).await;
        Self { world, owner, channel }
    }
    fn services(&self) -> &Services {
        &self.world.services
    }
    fn owner(&self) -> Context {
        self.world.context(self.owner)
    }

    async fn film(&self) -> VideoId {
        let video = VideoId(Uuid::now_v7());
        let source = Source {
            container: "mp4".to_owned(),
            video_codec: "h264".to_owned(),
            audio_codec: None,
            duration_us: MediaTime(FILM_US),
            width: 640,
            height: 360,
            rotation_degrees: 0,
            frame_rate_num: 25,
            frame_rate_den: 1,
            audio_channels: 0,
            sounds: vec![],
            texts: vec![],
            chapters: vec![],
        };
        let rendition = RenditionFacts {
            name: "360p".to_owned(),
            width: 640,
            height: 360,
            bandwidth_bps: 1,
            average_bandwidth_bps: 1,
            codecs: "avc1.64001f".to_owned(),
            bytes: 1,
            segments: 15,
        };
        let steps = [
            VideoCommand::RequestUpload {
                owner: self.owner,
                title: "A film".to_owned(),
                file_name: "film.mp4".to_owned(),
                size_bytes: 1,
                content_type: "video/mp4".to_owned(),
                object_key: format!("u/{video}"),
                fingerprint: None,
            },
            VideoCommand::CompleteUpload,
            VideoCommand::StartTranscode,
            VideoCommand::RecordProbe { source },
            VideoCommand::CompleteRendition { rendition },
            VideoCommand::CompleteTranscode {
                hls_key: "h".to_owned(),
                dash_key: "d".to_owned(),
                duration: MediaTime(FILM_US),
            },
        ];
        for step in steps {
            let context = self.world.context_of(Actor::System);
            self.services()
                .dispatcher
                .execute::<Video>(StreamId::video(video), None, &context, step)
                .await
                .expect("a step");
        }
        video
    }

    /// A film of its own, queued at the end.
    async fn queued(&self) -> (QueueItemId, VideoId) {
        let (video, context) = (self.film().await, self.owner());
        queue::add(self.services(), &context, self.channel, video, Place::End).await.expect("queued");
        (queue::item_of(&context), video)
    }

    async fn playback(&self) -> PlaybackState {
        let stream = StreamId::playback(self.channel);
        self.services().dispatcher.load::<Playback>(&stream).await.expect("loads").state
    }
    async fn queue(&self) -> QueueState {
        self.services().dispatcher.load::<Queue>(&StreamId::queue(self.channel)).await.expect("loads").state
    }

    /// Somebody puts a film on by hand and it runs to its end.
    async fn a_film_ends(&self) {
        let video = self.film().await;
        playback::load_video(self.services(), &self.owner(), self.channel, video).await.expect("loaded");
        playback::play(self.services(), &self.owner(), self.channel, None, false).await.expect("plays");
        self.runs_out().await;
    }
    /// What is on runs to its end, whoever it waited for.
    async fn runs_out(&self) {
        let on = self.playback().await;
        let cause = lockstep_domain::playback::ReleaseCause::Ready;
        let system = || self.world.context_of(Actor::System);
        playback::release(self.services(), &system(), self.channel, cause).await.expect("released");
        self.world.clock.advance(FILM_US);
        let video = on.video.expect("a film is on");
        assert!(playback::end(self.services(), &system(), self.channel, video).await.expect("ends").changed);
    }

    /// Every film that was put on, in order.
    async fn loads(&self) -> Vec<VideoId> {
        let told = self.services().store.read_stream(&StreamId::playback(self.channel), 0, 1_000).await.expect("reads");
        told.into_iter()
            .filter_map(|recorded| match serde_json::from_value(recorded.payload).expect("decodes") {
                PlaybackEvent::VideoLoaded { video, .. } => Some(video),
                _ => None,
            })
            .collect()
    }
    async fn dequeues(&self) -> usize {
        let told = self.services().store.read_stream(&StreamId::queue(self.channel), 0, 1_000).await.expect("reads");
        let dequeued = |payload| matches!(serde_json::from_value(payload), Ok(QueueEvent::VideoDequeued { .. }));
        told.into_iter().filter(|recorded| dequeued(recorded.payload.clone())).count()
    }

    /// Reactions of these processes, until this holds.
    async fn react(&self, processes: Vec<Services>, until: impl AsyncFn(&Self) -> bool) {
        let running: Vec<_> = processes.into_iter().map(|services| tokio::spawn(reactions::run(services))).collect();
        let holds = async {
            while !until(self).await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, holds).await.expect("the reactions get there");
        for task in running {
            task.abort();
        }
    }
    async fn is_on(&self, video: VideoId) -> bool {
        self.playback().await.video == Some(video)
    }
    /// Reactions with nothing left to do: everything in the log has been reacted to.
    async fn settle(&self) {
        let head = self.services().store.head().await.expect("a head");
        self.react(vec![self.world.other_node().await], async |room: &Self| {
            let seen: Option<i64> =
                sqlx::query_scalar("SELECT position FROM reaction_checkpoints WHERE name = 'reactions'")
                    .fetch_optional(&room.services().pool)
                    .await
                    .expect("a checkpoint");
            seen.unwrap_or(0) >= head.as_i64()
        })
        .await;
    }
}

#[tokio::test]
async fn the_next_film_follows_one_that_ended_and_leaves_the_queue() {
    let room = Room::new().await;
    let ((first, video), (second, _)) = (room.queued().await, room.queued().await);
    room.a_film_ends().await;
    room.react(vec![room.services().clone()], async |room: &Room| room.queue().await.items.len() == 1).await;
    let on = room.playback().await;
    assert_eq!((on.video, on.item), (Some(video), Some(first)));
    assert!(on.held_until.is_some(), "it starts when everybody is ready");
    assert_eq!(room.queue().await.items[0].item, second);
}

#[tokio::test]
async fn two_processes_put_on_each_film_once() {
    let room = Room::new().await;
    let mut expected = vec![];
    for _ in 0..3 {
        expected.push(room.queued().await.1);
    }
    room.a_film_ends().await;
    for video in expected.clone() {
        let processes = vec![room.services().clone(), room.world.other_node().await];
        room.react(processes, async |room: &Room| room.is_on(video).await).await;
        room.runs_out().await;
    }
    room.settle().await;
    assert_eq!(room.loads().await[1..], expected);
    assert_eq!((room.dequeues().await, room.queue().await.items.len()), (3, 0));
}

#[tokio::test]
async fn a_crash_between_the_two_streams_neither_loses_nor_doubles() {
    let room = Room::new().await;
    let ((first, video), (_, next)) = (room.queued().await, room.queued().await);
    // The film is on; the process died before the item left the queue.
    queue::play_now(room.services(), &room.owner(), room.channel, first).await.expect("on");
    assert_eq!((room.dequeues().await, room.queue().await.items.len()), (0, 2));
    room.runs_out().await;
    // Everything from the start once more, by two processes that never heard of each other.
    for _ in 0..2 {
        sqlx::query("DELETE FROM reaction_checkpoints").execute(&room.services().pool).await.expect("forgets");
        room.settle().await;
    }
    assert_eq!(room.loads().await, [video, next]);
    assert_eq!((room.dequeues().await, room.queue().await.items.len()), (2, 0));
}

#[tokio::test]
async fn play_now_is_repeated_without_effect_and_refused_when_it_is_gone() {
    let room = Room::new().await;
    let (item, video) = room.queued().await;
    let context = room.owner();
    let first = queue::play_now(room.services(), &context, room.channel, item).await.expect("on");
    room.settle().await;
    assert_eq!(room.queue().await.items, []);
    let again = queue::play_now(room.services(), &context, room.channel, item).await.expect("the same answer");
    assert_eq!((again.position, room.loads().await), (first.position, vec![video]));
    let other = queue::play_now(room.services(), &room.owner(), room.channel, item).await;
    assert!(matches!(other, Err(CommandError::Refused(QueueRefusal::Rule(QueueError::NotQueued)))), "{other:?}");
}

#[tokio::test]
async fn autoplay_and_loop_say_what_follows() {
    let room = Room::new().await;
    let (item, video) = room.queued().await;
    queue::set_autoplay(room.services(), &room.owner(), room.channel, false).await.expect("off");
    room.a_film_ends().await;
    room.settle().await;
    assert_eq!(room.loads().await.len(), 1, "nothing follows by itself");
    queue::set_autoplay(room.services(), &room.owner(), room.channel, true).await.expect("on");
    queue::set_loop(room.services(), &room.owner(), room.channel, LoopMode::All).await.expect("all");
    queue::play_now(room.services(), &room.owner(), room.channel, item).await.expect("on");
    for _ in 0..2 {
        room.runs_out().await;
        room.settle().await;
    }
    assert_eq!(room.loads().await[1..], [video, video, video]);
    assert_eq!(room.queue().await.items.len(), 1, "it goes to the end of the queue");
    queue::set_loop(room.services(), &room.owner(), room.channel, LoopMode::One).await.expect("one");
    queue::remove(room.services(), &room.owner(), room.channel, item).await.expect("out");
    room.runs_out().await;
    room.settle().await;
    assert_eq!(room.loads().await[1..], [video; 4], "the same film again");
}

#[tokio::test]
async fn enough_votes_of_those_present_go_on_to_the_next_film() {
    let room = Room::new().await;
    let people =
        [room.owner, room.world.member(room.channel, "Bob").await, room.world.member(room.channel, "Eve").await];
    let (_, next) = room.queued().await;
    let film = room.film().await;
    let nothing = queue::vote(room.services(), &room.owner(), room.channel, false).await;
    assert!(matches!(nothing, Err(CommandError::Refused(QueueRefusal::Rule(QueueError::NothingToSkip)))));
    playback::load_video(room.services(), &room.owner(), room.channel, film).await.expect("loaded");
    let count = async |present: &[AccountId]| {
        let context = room.world.context_of(Actor::System);
        queue::count_votes(room.services(), &context, room.channel, present.to_vec()).await.expect("counted");
        room.settle().await;
    };
    queue::vote(room.services(), &room.owner(), room.channel, false).await.expect("voted");
    count(&people).await;
    assert_eq!(room.queue().await.votes.counted, Some((1, 2)));
    assert!(room.is_on(film).await, "one of three is not more than half");
    queue::vote(room.services(), &room.world.context(people[1]), room.channel, false).await.expect("voted");
    count(&people).await;
    // From the count to the skip to the next film are several steps.
    room.react(vec![room.services().clone()], async |room: &Room| room.is_on(next).await).await;
    assert_eq!(room.loads().await, [film, next]);
}
