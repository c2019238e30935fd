//! The end of the log for many followers: one task reads it, each follower catches up by itself and then listens.
//!
//! A follower gets every event of its scope once and in order, whatever the speed of either side: it listens
//! before it reads, drops what it has seen, and reads again when it was too slow to listen.

use std::{sync::Arc, time::Duration};

use futures::Stream;
use lockstep_domain::ids::{AccountId, ChannelId, Position, StreamId};
use lockstep_event_store::{EventStore, Feed, ReadError, RecordedEvent};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::notifications;

/// Events kept for followers that are a little slow; slower ones read the log again.
pub const BUFFERED_EVENTS: usize = 1_024;
/// Events per read, of the log by the tail and of a scope by a follower.
const PAGE_EVENTS: usize = 500;
/// Between two tries while the log is out of reach.
const UNAVAILABLE_PAUSE: Duration = Duration::from_millis(500);

/// What a follower wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One stream.
    Stream(StreamId),
    /// Everything that happened in one channel.
    Channel(ChannelId),
    /// Everything that may bring one person a notification.
    Notifying(AccountId),
}

impl Scope {
    fn contains(&self, event: &RecordedEvent) -> bool {
        match self {
            Self::Stream(stream) => event.stream == *stream,
            Self::Channel(channel) => {
                let of = event.metadata.channel_id.as_deref();
                of.is_some_and(|of| of.parse() == Ok(*channel))
            }
            Self::Notifying(account) => notifications::may_concern(event, *account),
        }
    }
}

/// Where a follower is: the last event it has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    pub position: Position,
    /// The version in the stream, for [`Scope::Stream`].
    pub version: u64,
}

/// The shared tail of one process. Cheap to clone; somebody runs [`Tail::run`] once.
#[derive(Clone)]
pub struct Tail {
    store: Arc<dyn EventStore>,
    sender: broadcast::Sender<Arc<RecordedEvent>>,
    /// Whether events from now on will be handed out; a follower reads nothing before that.
    running: watch::Sender<bool>,
}

impl Tail {
    pub fn new(store: Arc<dyn EventStore>) -> Self {
        Self { store, sender: broadcast::Sender::new(BUFFERED_EVENTS), running: watch::Sender::new(false) }
    }

    /// The log itself.
    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    /// Reads the log from its present end and hands events to the followers, until it is told to stop.
    pub async fn run(self, shutdown: CancellationToken) {
        let head = tokio::select! {
            () = shutdown.cancelled() => return,
            head = self.head() => head,
        };
        let mut feed = Feed::new(self.store.clone(), head);
        self.running.send_replace(true);
        loop {
            let events = tokio::select! {
                () = shutdown.cancelled() => return,
                events = feed.next(PAGE_EVENTS) => events,
            };
            for event in events {
                // Nobody listening is fine.
                let _ = self.sender.send(Arc::new(event));
            }
        }
    }

    /// The end of the log as of now, asked until the log answers.
    async fn head(&self) -> Position {
        loop {
            match self.store.head().await {
                Ok(head) => return head,
                Err(error) => {
                    tracing::warn!(%error, "the log's end cannot be read, trying again");
                    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                }
            }
        }
    }

    /// Every event of the scope after the cursor, in order, without end. A log out of reach is waited for; a row that cannot
    /// be read ends the stream.
    pub fn follow(
        &self,
        scope: Scope,
        after: Cursor,
    ) -> impl Stream<Item = Result<Arc<RecordedEvent>, ReadError>> + use<> {
        let tail = self.clone();
        async_stream::try_stream! {
            let mut cursor = after;
            // The tail hands out nothing from before it ran: reading earlier could leave a gap.
            let _ = tail.running.subscribe().wait_for(|running| *running).await;
            loop {
                let mut listener = tail.sender.subscribe();
                loop {
                    let page = match tail.page(&scope, cursor).await {
                        Err(ReadError::Unavailable(reason)) => {
                            tracing::debug!(reason, "a subscriber waits for the log");
                            tokio::time::sleep(UNAVAILABLE_PAUSE).await;
                            continue;
                        }
                        page => page?,
                    };
                    let full = page.len() == PAGE_EVENTS;
                    for event in page {
                        if !scope.contains(&event) {
                            // Read on the way: the log has no index of what concerns whom.
                            cursor = Cursor { position: event.position, version: event.version };
                            continue;
                        }
                        cursor = Cursor { position: event.position, version: event.version };
                        yield Arc::new(event);
                    }
                    if !full {
                        break;
                    }
                }
                while let Some(event) = hear(&mut listener).await {
                    if event.position <= cursor.position {
                        continue;
                    }
                    // Also past what does not concern it: whoever is too slow later reads from here, not from long ago.
                    cursor.position = event.position;
                    if scope.contains(&event) {
                        cursor.version = event.version;
                        yield event;
                    }
                }
            }
        }
    }

    async fn page(&self, scope: &Scope, cursor: Cursor) -> Result<Vec<RecordedEvent>, ReadError> {
        match scope {
            Scope::Stream(stream) => self.store.read_stream(stream, cursor.version, PAGE_EVENTS).await,
            Scope::Channel(channel) => self.store.read_channel(*channel, cursor.position, PAGE_EVENTS).await,
            Scope::Notifying(_) => self.store.read_after(cursor.position, PAGE_EVENTS).await,
        }
    }
}

/// The next event, or `None` when some were missed. The sender lives as long as the tail we hold.
async fn hear(listener: &mut broadcast::Receiver<Arc<RecordedEvent>>) -> Option<Arc<RecordedEvent>> {
    listener.recv().await.ok()
}
