//! cqrs-es over our aggregates and our log: the stock `CqrsFramework` runs on [`LogRepository`].
//!
//! Only its event-sourced mode is for use here. Its snapshot and aggregate stores apply each event twice in 0.5,
//! so [`Folded`] refuses to be serialised.

use std::{fmt, future::Future, sync::Arc};

use cqrs_es::{
    DomainEvent,
    event_sink::EventSink,
    persist::{PersistedEventRepository, PersistenceError, ReplayStream, SerializedEvent, SerializedSnapshot},
};
use lockstep_domain::{
    Aggregate,
    aggregate::Event,
    ids::{CommandId, Position, StreamId},
};
use lockstep_event_store::{Append, AppendError, EventStore, Expected, Metadata, NewEvent, ReadError, RecordedEvent};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{Clock, Ids};

/// Events read per page.
const PAGE_EVENTS: usize = 1_000;
/// Events a replay holds ready.
const REPLAY_QUEUE: usize = 1_000;

/// A cqrs-es aggregate over any of ours.
#[derive(Debug)]
pub struct Folded<A: Aggregate>(pub A::State);

impl<A: Aggregate> Default for Folded<A> {
    fn default() -> Self {
        Self(A::State::default())
    }
}

impl<A: Aggregate> Clone for Folded<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: Aggregate> Serialize for Folded<A> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("states are not stored: fold the events"))
    }
}

impl<'de, A: Aggregate> Deserialize<'de> for Folded<A> {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("states are not stored: fold the events"))
    }
}

/// One of our events, as cqrs-es wants it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Stored<E: Event>(pub E);

impl<E: Event> DomainEvent for Stored<E> {
    fn event_type(&self) -> String {
        self.0.event_type().to_owned()
    }
    fn event_version(&self) -> String {
        self.0.event_version().to_owned()
    }
}

impl<A: Aggregate> cqrs_es::Aggregate for Folded<A>
where
    A::State: fmt::Debug,
{
    const TYPE: &'static str = A::KIND;
    type Command = A::Command;
    type Event = Stored<A::Event>;
    type Error = A::Error;
    type Services = ();

    fn handle(
        &mut self,
        command: A::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> impl Future<Output = Result<(), A::Error>> + Send {
        let decided = A::decide(&self.0, &command);
        async move {
            for event in decided? {
                sink.write(Stored(event), self).await;
            }
            Ok(())
        }
    }

    fn apply(&mut self, event: Stored<A::Event>) {
        A::evolve(&mut self.0, &event.0);
    }
}

/// Our log behind cqrs-es's repository trait.
#[derive(Clone)]
pub struct LogRepository {
    store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl LogRepository {
    pub fn new(store: Arc<dyn EventStore>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { store, clock, ids }
    }

    async fn read(&self, kind: &str, id: &str, after: u64) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let stream = StreamId::new(kind, id);
        let mut events = Vec::new();
        let mut version = after;
        loop {
            let page = self.store.read_stream(&stream, version, PAGE_EVENTS).await.map_err(unreadable)?;
            let full = page.len() == PAGE_EVENTS;
            version = page.last().map_or(version, |event| event.version);
            events.extend(page.into_iter().map(serialized));
            if !full {
                return Ok(events);
            }
        }
    }

    fn append_of(&self, events: &[SerializedEvent]) -> Result<Option<Append>, PersistenceError> {
        let Some(first) = events.first() else { return Ok(None) };
        let metadata: Metadata = serde_json::from_value(first.metadata.clone()).unwrap_or_default();
        let given = metadata.command_id.as_deref().and_then(|id| id.parse::<CommandId>().ok());
        Ok(Some(Append {
            stream: StreamId::new(&first.aggregate_type, &first.aggregate_id),
            expected: Expected::Version(first.sequence.saturating_sub(1) as u64),
            guards: vec![],
            command_id: given.unwrap_or_else(|| self.ids.uuid().into()),
            metadata,
            occurred_at: self.clock.now(),
            events: events
                .iter()
                .map(|event| NewEvent {
                    event_type: event.event_type.clone(),
                    event_version: event.event_version.clone(),
                    payload: event.payload.clone(),
                })
                .collect(),
        }))
    }
}

impl PersistedEventRepository for LogRepository {
    async fn get_events<A: cqrs_es::Aggregate>(&self, id: &str) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.read(A::TYPE, id, 0).await
    }

    async fn get_last_events<A: cqrs_es::Aggregate>(
        &self,
        id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.read(A::TYPE, id, last_sequence as u64).await
    }

    async fn get_snapshot<A: cqrs_es::Aggregate>(
        &self,
        _: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        Ok(None)
    }

    async fn persist<A: cqrs_es::Aggregate>(
        &self,
        events: &[SerializedEvent],
        snapshot: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        if snapshot.is_some() {
            return Err(PersistenceError::UnknownError("snapshot stores are not for use here".into()));
        }
        let Some(append) = self.append_of(events)? else { return Ok(()) };
        match self.store.append(append).await {
            Ok(_) => Ok(()),
            Err(AppendError::Conflict { .. } | AppendError::GuardFailed { .. }) => {
                Err(PersistenceError::OptimisticLockError)
            }
            Err(error @ AppendError::Invalid(_)) => Err(PersistenceError::UnknownError(Box::new(error))),
            Err(error @ (AppendError::Unavailable(_) | AppendError::TimedOut)) => {
                Err(PersistenceError::ConnectionError(Box::new(error)))
            }
        }
    }

    async fn stream_events<A: cqrs_es::Aggregate>(&self, id: &str) -> Result<ReplayStream, PersistenceError> {
        let events = self.read(A::TYPE, id, 0).await?;
        let (mut feed, stream) = ReplayStream::new(events.len().max(1));
        for event in events {
            feed.push(Ok(event)).await?;
        }
        Ok(stream)
    }

    async fn stream_all_events<A: cqrs_es::Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        let (mut feed, stream) = ReplayStream::new(REPLAY_QUEUE);
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            let mut position = Position::START;
            loop {
                // A broken read reaches the replay as an error, never as an early end.
                let page = match store.read_after(position, PAGE_EVENTS).await {
                    Ok(page) => page,
                    Err(error) => return feed.push(Err(unreadable(error))).await,
                };
                let Some(last) = page.last() else { return Ok(()) };
                position = last.position;
                for event in page.into_iter().filter(|event| event.stream.kind() == A::TYPE) {
                    feed.push(Ok(serialized(event))).await?;
                }
            }
        });
        Ok(stream)
    }
}

fn serialized(event: RecordedEvent) -> SerializedEvent {
    let metadata = match serde_json::to_value(&event.metadata) {
        // cqrs-es wants text values only.
        Ok(Value::Object(fields)) => fields.into_iter().filter(|(_, value)| value.is_string()).collect(),
        _ => Map::new(),
    };
    SerializedEvent {
        aggregate_id: event.stream.id().to_owned(),
        sequence: event.version as usize,
        aggregate_type: event.stream.kind().to_owned(),
        event_type: event.event_type,
        event_version: event.event_version,
        payload: event.payload,
        metadata: Value::Object(metadata),
    }
}

fn unreadable(error: ReadError) -> PersistenceError {
    PersistenceError::ConnectionError(Box::new(error))
}
