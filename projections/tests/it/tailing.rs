//! Followers of the tail: every event of their scope once and in order, early, late and slow.

use std::sync::Arc;

use async_trait::async_trait;
use futures::{Stream, StreamExt};
use lockstep_domain::{
    Personal,
    ids::{AccountId, ChannelId, CommandId, MessageId, Position, StreamId},
    message::MessageEvent,
    time::Timestamp,
};
use lockstep_event_store::{Append, AppendError, EventStore, Receipt};
use lockstep_projections::{ReadError, RecordedEvent, Scope, Tail, tail::Cursor};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::fixture::{Fixture, personal};

type Event = Result<Arc<RecordedEvent>, ReadError>;

fn started(fixture: &Fixture) -> (Tail, CancellationToken) {
    let (tail, shutdown) = (Tail::new(fixture.store.clone()), CancellationToken::new());
    tokio::spawn(tail.clone().run(shutdown.clone()));
    (tail, shutdown)
}

fn said(channel: ChannelId, author: AccountId, text: Personal<String>) -> MessageEvent {
    let (video, playback_us, reply_to, reply_author) = (None, None, None, None);
    MessageEvent::Posted { channel, author, text, video, playback_us, reply_to, reply_author, mentions: vec![] }
}

async fn say(fixture: &Fixture, channel: ChannelId, count: usize) -> Vec<Position> {
    let author = AccountId(Uuid::new_v4());
    let mut positions = Vec::new();
    for number in 0..count {
        let text = personal(author, &number.to_string());
        let posted = said(channel, author, text);
        let stream = StreamId::message(MessageId(Uuid::new_v4()));
        positions.push(fixture.append(stream, Some(channel), &[posted]).await);
    }
    positions
}

async fn take(stream: &mut (impl Stream<Item = Event> + Unpin), count: usize) -> Vec<Position> {
    let mut seen = Vec::new();
    while seen.len() < count {
        seen.push(stream.next().await.unwrap().unwrap().position);
    }
    seen
}

#[tokio::test]
async fn a_follower_sees_the_past_and_then_the_present_of_its_channel() {
    let fixture = Fixture::new().await;
    let (ours, theirs) = (ChannelId(Uuid::new_v4()), ChannelId(Uuid::new_v4()));
    let mut expected = say(&fixture, ours, 5).await;
    say(&fixture, theirs, 5).await;
    let (tail, shutdown) = started(&fixture);
    let mut follower = Box::pin(tail.follow(Scope::Channel(ours), Cursor { position: expected[1], version: 0 }));
    assert_eq!(take(&mut follower, 3).await, expected[2..]);
    say(&fixture, theirs, 5).await;
    expected = say(&fixture, ours, 5).await;
    assert_eq!(take(&mut follower, 5).await, expected);
    shutdown.cancel();
}

#[tokio::test]
async fn a_follower_that_begins_while_much_happens_misses_and_repeats_nothing() {
    let fixture = Fixture::new().await;
    let channel = ChannelId(Uuid::new_v4());
    let (tail, shutdown) = started(&fixture);
    let following = async {
        let mut all = Vec::new();
        for _ in 0..8 {
            let mut follower = Box::pin(tail.follow(Scope::Channel(channel), Cursor::default()));
            all.push(take(&mut follower, 120).await);
        }
        all
    };
    let (expected, seen) = tokio::join!(say(&fixture, channel, 120), following);
    for seen in seen {
        assert_eq!(seen, expected);
    }
    shutdown.cancel();
}

#[tokio::test]
async fn a_follower_that_is_too_slow_to_listen_reads_the_log_again() {
    let fixture = Fixture::new().await;
    let channel = ChannelId(Uuid::new_v4());
    let (tail, shutdown) = started(&fixture);
    let mut slow = Box::pin(tail.follow(Scope::Channel(channel), Cursor::default()));
    let mut quick = Box::pin(tail.follow(Scope::Channel(channel), Cursor::default()));
    let mut expected = say(&fixture, channel, 1).await;
    assert_eq!(take(&mut slow, 1).await, expected);
    assert_eq!(take(&mut quick, 1).await, expected);
    let more = lockstep_projections::tail::BUFFERED_EVENTS + 20;
    let rest = tokio::join!(say(&fixture, channel, more), take(&mut quick, more));
    assert_eq!(rest.0, rest.1);
    expected = rest.0;
    assert_eq!(take(&mut slow, more).await, expected);
    shutdown.cancel();
}

#[tokio::test]
async fn what_was_read_is_not_heard_again() {
    let fixture = Fixture::new().await;
    let channel = ChannelId(Uuid::new_v4());
    let held = Arc::new(Held { inner: fixture.store.clone(), gate: Semaphore::new(0) });
    let (tail, shutdown) = (Tail::new(held.clone()), CancellationToken::new());
    tokio::spawn(tail.clone().run(shutdown.clone()));
    // The tail knows where it begins, and is held before it reads on.
    let mut first = Box::pin(tail.follow(Scope::Channel(channel), Cursor::default()));
    let mut expected = say(&fixture, channel, 1).await;
    assert_eq!(take(&mut first, 1).await, expected);
    expected = say(&fixture, channel, 3).await;
    let mut follower = Box::pin(tail.follow(Scope::Channel(channel), Cursor { position: Position::START, version: 0 }));
    take(&mut follower, 4).await;
    held.gate.add_permits(1_000);
    let news = say(&fixture, channel, 1).await;
    assert_eq!(take(&mut follower, 1).await, news, "the tail hands out all five, four were read");
    expected.extend(news);
    assert_eq!(take(&mut first, 4).await, expected);
    shutdown.cancel();
}

/// A log that is read on only when the gate lets it: the tail is as late as a test wants.
struct Held {
    inner: Arc<dyn EventStore>,
    gate: Semaphore,
}

#[async_trait]
impl EventStore for Held {
    async fn append(&self, append: Append) -> Result<Receipt, AppendError> {
        self.inner.append(append).await
    }
    async fn read_stream(&self, stream: &StreamId, after: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.inner.read_stream(stream, after, limit).await
    }
    async fn read_after(&self, position: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.gate.acquire().await.unwrap().forget();
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

#[tokio::test]
async fn one_stream_is_followed_by_its_versions() {
    let fixture = Fixture::new().await;
    let (tail, shutdown) = started(&fixture);
    let (channel, author) = (ChannelId(Uuid::new_v4()), AccountId(Uuid::new_v4()));
    let stream = StreamId::message(MessageId(Uuid::new_v4()));
    let posted = |text: &str| said(channel, author, personal(author, text));
    let events = [posted("a"), posted("b"), posted("c")];
    fixture.append(stream.clone(), Some(channel), &events).await;
    let from = Cursor { position: Position::START, version: 2 };
    let mut follower = Box::pin(tail.follow(Scope::Stream(stream.clone()), from));
    assert_eq!(follower.next().await.unwrap().unwrap().version, 3);
    say(&fixture, channel, 2).await;
    fixture.append(stream, Some(channel), &[posted("d")]).await;
    assert_eq!(follower.next().await.unwrap().unwrap().version, 4);
    shutdown.cancel();
}
