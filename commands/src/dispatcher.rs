//! Load cached or fold → decide → append → receipt, with idempotency and bounded retries.

use std::{
    any::Any,
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex},
};

use lockstep_domain::{
    Aggregate,
    aggregate::Event,
    ids::{ChannelId, Position, StreamId},
};
use lockstep_event_store::{Append, AppendError, EventStore, Expected, Guard, NewEvent, ReadError, Receipt};

use crate::Context;

/// How often a command decides again after losing a race.
pub const ATTEMPTS_MAX: u32 = 8;
/// States kept in the cache; the oldest untouched go first.
pub const CACHED_STATES_MAX: usize = 20_000;
/// Events read per page while folding.
const PAGE_EVENTS: usize = 1_000;

/// What a command did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Position of the last event of the stream that this command knew of: read models at or past it show the effect.
    pub position: Position,
    /// The stream's version afterwards.
    pub version: u64,
    /// Whether this call (or an earlier one with the same operation id) appended anything.
    pub changed: bool,
}

/// A state with the version it was folded to.
#[derive(Debug, Clone)]
pub struct Loaded<S> {
    pub state: S,
    pub version: u64,
    /// Position of the stream's last event, `START` for an empty stream.
    pub position: Position,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("the log cannot be read now: {0}")]
    Unavailable(String),
    #[error("event {version} of {stream} cannot be decoded: {reason}")]
    Undecodable { stream: String, version: u64, reason: String },
}

impl From<ReadError> for LoadError {
    fn from(error: ReadError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Why a command had no effect.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CommandError<E> {
    /// The rules say no.
    #[error("{0}")]
    Refused(E),
    /// Others changed the same stream each time; nothing was appended.
    #[error("too many people changed this at once; nothing was changed, try again")]
    Contended,
    /// The log is out of reach. Repeat with the same operation id: it has one effect.
    #[error("the log is out of reach: {0}")]
    Unavailable(String),
    /// The event cannot be stored (a number or text the log does not hold).
    #[error("{0}")]
    Invalid(String),
}

impl<E> CommandError<E> {
    /// Whether the command certainly had no effect. Of the log out of reach nobody knows: the event may be stored and only
    /// the answer lost.
    pub fn is_without_effect(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Contended | Self::Invalid(_) => true,
            Self::Unavailable(_) => false,
        }
    }

    /// The same fault around another refusal type.
    pub fn map<F>(self, refused: impl FnOnce(E) -> F) -> CommandError<F> {
        match self {
            Self::Refused(error) => CommandError::Refused(refused(error)),
            Self::Contended => CommandError::Contended,
            Self::Unavailable(text) => CommandError::Unavailable(text),
            Self::Invalid(text) => CommandError::Invalid(text),
        }
    }
}

impl<E> From<LoadError> for CommandError<E> {
    fn from(error: LoadError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl<E> From<ReadError> for CommandError<E> {
    fn from(error: ReadError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Runs commands against the log. Cheap to clone; clones share the state cache.
#[derive(Clone)]
pub struct Dispatcher {
    store: Arc<dyn EventStore>,
    cache: Arc<Mutex<Cache>>,
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dispatcher")
    }
}

impl Dispatcher {
    pub fn new(store: Arc<dyn EventStore>) -> Self {
        Self { store, cache: Arc::default() }
    }

    /// The state of a stream as of now: the cached fold plus what was appended since.
    pub async fn load<A: Aggregate>(&self, stream: &StreamId) -> Result<Loaded<A::State>, LoadError> {
        self.refresh::<A>(stream, self.cached::<A>(stream).unwrap_or_else(empty::<A>)).await
    }

    async fn refresh<A: Aggregate>(
        &self,
        stream: &StreamId,
        mut loaded: Loaded<A::State>,
    ) -> Result<Loaded<A::State>, LoadError> {
        loop {
            let page = self.store.read_stream(stream, loaded.version, PAGE_EVENTS).await?;
            let full = page.len() == PAGE_EVENTS;
            for recorded in page {
                let event: A::Event =
                    serde_json::from_value(recorded.payload).map_err(|error| LoadError::Undecodable {
                        stream: stream.to_string(),
                        version: recorded.version,
                        reason: error.to_string(),
                    })?;
                A::evolve(&mut loaded.state, &event);
                loaded.version = recorded.version;
                loaded.position = recorded.position;
            }
            if !full {
                break;
            }
        }
        if loaded.version > 0 {
            self.keep::<A>(stream, &loaded);
        }
        Ok(loaded)
    }

    /// Decides this command on the stream's state and appends what it yields.
    pub async fn execute<A: Aggregate>(
        &self,
        stream: StreamId,
        channel: Option<ChannelId>,
        context: &Context,
        command: A::Command,
    ) -> Result<Outcome, CommandError<A::Error>> {
        let command = &command;
        self.execute_with::<A, _, _>(stream, channel, context, |_| async move { Ok((command.clone(), vec![])) }).await
    }

    /// As [`Self::execute`], with a command built from looked-up facts. `prepare` gives the command and the read
    /// guards of the streams those facts came from; it runs again at each attempt. The first attempt trusts cached
    /// states (the append checks every version it was decided on); later ones, and every refusal, read afresh.
    pub async fn execute_with<A, F, Prepared>(
        &self,
        stream: StreamId,
        channel: Option<ChannelId>,
        context: &Context,
        prepare: F,
    ) -> Result<Outcome, CommandError<A::Error>>
    where
        A: Aggregate,
        F: Fn(Facts) -> Prepared,
        Prepared: Future<Output = Result<(A::Command, Vec<Guard>), CommandError<A::Error>>>,
    {
        for attempt in 0..ATTEMPTS_MAX {
            let facts = Facts { dispatcher: self.clone(), fresh: attempt > 0 };
            let loaded = facts.load::<A>(&stream).await?;
            let prepared = prepare(facts.clone()).await;
            let decided = match prepared {
                Ok((command, guards)) => A::decide(&loaded.state, &command).map(|events| (events, guards)),
                Err(CommandError::Refused(refusal)) => Err(refusal),
                Err(fault) => return Err(fault),
            };
            let (events, guards) = match decided {
                Ok((events, guards)) if !events.is_empty() => (events, guards),
                _ if !facts.fresh => continue,
                nothing => return self.without_events::<A>(&stream, context, &loaded, nothing.err()).await,
            };
            let append = self.append_of::<A>(&stream, channel, context, loaded.version, guards, &events)?;
            match self.store.append(append).await {
                Ok(receipt) if receipt.duplicate => return Ok(duplicate(receipt)),
                Ok(receipt) => return Ok(self.appended::<A>(&stream, loaded.state, &events, &receipt)),
                Err(AppendError::Conflict { .. }) => {
                    if let Some(receipt) = self.earlier(&stream, context).await? {
                        return Ok(duplicate(receipt));
                    }
                }
                Err(AppendError::GuardFailed { .. }) => {}
                Err(AppendError::Invalid(reason)) => return Err(CommandError::Invalid(reason)),
                Err(error @ (AppendError::Unavailable(_) | AppendError::TimedOut)) => {
                    self.forget(&stream);
                    return Err(CommandError::Unavailable(error.to_string()));
                }
            }
            tracing::debug!(%stream, attempt, "lost a race, deciding again");
        }
        Err(CommandError::Contended)
    }

    /// No events, or a refusal: an earlier run of the same operation may have had its effect already, and then
    /// that is the answer.
    async fn without_events<A: Aggregate>(
        &self,
        stream: &StreamId,
        context: &Context,
        loaded: &Loaded<A::State>,
        refusal: Option<A::Error>,
    ) -> Result<Outcome, CommandError<A::Error>> {
        if let Some(receipt) = self.earlier(stream, context).await? {
            return Ok(duplicate(receipt));
        }
        match refusal {
            Some(refusal) => Err(CommandError::Refused(refusal)),
            None => Ok(Outcome { position: loaded.position, version: loaded.version, changed: false }),
        }
    }

    fn appended<A: Aggregate>(
        &self,
        stream: &StreamId,
        mut state: A::State,
        events: &[A::Event],
        receipt: &Receipt,
    ) -> Outcome {
        for event in events {
            A::evolve(&mut state, event);
        }
        self.keep::<A>(stream, &Loaded { state, version: receipt.version, position: receipt.position });
        Outcome { position: receipt.position, version: receipt.version, changed: true }
    }

    async fn earlier(&self, stream: &StreamId, context: &Context) -> Result<Option<Receipt>, ReadError> {
        self.store.find_command(&context.actor.to_string(), stream, context.command_id).await
    }

    fn append_of<A: Aggregate>(
        &self,
        stream: &StreamId,
        channel: Option<ChannelId>,
        context: &Context,
        version: u64,
        guards: Vec<Guard>,
        events: &[A::Event],
    ) -> Result<Append, CommandError<A::Error>> {
        let events = events
            .iter()
            .map(|event| {
                Ok(NewEvent {
                    event_type: event.event_type().to_owned(),
                    event_version: event.event_version().to_owned(),
                    payload: serde_json::to_value(event).map_err(|error| CommandError::Invalid(error.to_string()))?,
                })
            })
            .collect::<Result<Vec<_>, CommandError<A::Error>>>()?;
        Ok(Append {
            stream: stream.clone(),
            expected: Expected::Version(version),
            guards,
            command_id: context.command_id,
            metadata: context.metadata(channel),
            occurred_at: context.now,
            events,
        })
    }

    fn cached<A: Aggregate>(&self, stream: &StreamId) -> Option<Loaded<A::State>> {
        let cache = self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let entry = cache.states.get(stream)?;
        entry.downcast_ref::<Loaded<A::State>>().cloned()
    }

    fn keep<A: Aggregate>(&self, stream: &StreamId, loaded: &Loaded<A::State>) {
        // One event, read once: caching these would only push out what is read again.
        if matches!(stream.kind(), "message" | "signin" | "work") {
            return;
        }
        let mut cache = self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let newer = |held: &Arc<dyn Any + Send + Sync>| {
            held.downcast_ref::<Loaded<A::State>>().is_some_and(|held| held.version > loaded.version)
        };
        if cache.states.get(stream).is_some_and(newer) {
            return;
        }
        cache.insert(stream, Arc::new(loaded.clone()));
    }

    fn forget(&self, stream: &StreamId) {
        self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner).states.remove(stream);
    }
}

/// Looks up what a command is decided on.
#[derive(Clone)]
pub struct Facts {
    dispatcher: Dispatcher,
    fresh: bool,
}

impl Facts {
    /// Looks everything up as of now.
    pub(crate) fn fresh_of(dispatcher: &Dispatcher) -> Self {
        Self { dispatcher: dispatcher.clone(), fresh: true }
    }

    /// The state of another stream. Guard it at `version` in what `prepare` returns, or the decision may be stale.
    pub async fn load<A: Aggregate>(&self, stream: &StreamId) -> Result<Loaded<A::State>, LoadError> {
        match self.dispatcher.cached::<A>(stream) {
            Some(loaded) if !self.fresh => Ok(loaded),
            _ => self.dispatcher.load::<A>(stream).await,
        }
    }
}

fn duplicate(receipt: Receipt) -> Outcome {
    Outcome { position: receipt.position, version: receipt.version, changed: true }
}

fn empty<A: Aggregate>() -> Loaded<A::State> {
    Loaded { state: A::State::default(), version: 0, position: Position::START }
}

/// First in, first out by first insertion; forgotten streams leave a stale name behind until it comes up.
#[derive(Default)]
struct Cache {
    states: HashMap<StreamId, Arc<dyn Any + Send + Sync>>,
    order: VecDeque<StreamId>,
}

impl Cache {
    fn insert(&mut self, stream: &StreamId, state: Arc<dyn Any + Send + Sync>) {
        if self.states.insert(stream.clone(), state).is_none() {
            self.order.push_back(stream.clone());
        }
        while self.states.len() > CACHED_STATES_MAX || self.order.len() > 2 * CACHED_STATES_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.states.remove(&oldest);
        }
    }
}
