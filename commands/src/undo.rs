//! Taking back a recorded event by a compensating change, decided anew on the stream as it is at each attempt. A new
//! kind of stream needs its [`Undoable`] in the domain, an [`Undoes`] here and a line in [`undo`].

use std::sync::{Mutex, PoisonError};

use lockstep_domain::{
    aggregate::Event,
    channel::{Channel, ChannelChange, ChannelCommand, ChannelError},
    ids::{AccountId, ChannelId, Position, StreamId, member_parts},
    member::{Member, MemberCommand, MemberError},
    permission::Permission,
    playback::{Playback, PlaybackCommand, PlaybackError},
    queue::{Film, Place, Queue, QueueCommand, QueueError},
    standing::Denied,
    time::Timestamp,
    undo::{NoUndo, Requeue, Return, Undoable, Undone, way_back},
};
use lockstep_event_store::{Guard, RecordedEvent};

use crate::{
    CommandError, Context, LoadError, Outcome, Services, channel::derived_id, dispatcher::Facts, member,
    playback::loadable,
};

/// Events of a stream read at a time.
const PAGE_EVENTS: usize = 1_000;

/// An event was not taken back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UndoRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error("there is no such action in this channel")]
    Unknown,
    #[error(transparent)]
    Denied(Denied),
    #[error(transparent)]
    Impossible(NoUndo),
    /// Somebody else changed the same since; the name is theirs.
    #[error("{name} {again} since")]
    Overtaken { name: String, again: &'static str },
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error(transparent)]
    Playback(#[from] PlaybackError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

type Answer = Result<Outcome, CommandError<UndoRefusal>>;

/// A kind of stream whose compensating changes can be run.
trait Undoes: Undoable {
    /// The command that makes this change for `account`, with the guards of what it was looked up from.
    async fn command(
        asked: &Asked<'_>,
        facts: &Facts,
        back: Self::Back,
    ) -> Result<(Self::Command, Vec<Guard>), LoadError>;
    fn refusal(error: Self::Error) -> UndoRefusal;
}

/// Who wants which event taken back.
struct Asked<'a> {
    stream: &'a StreamId,
    channel: ChannelId,
    account: AccountId,
    at: Timestamp,
}

/// Takes back the event at `position` of this channel, for the acting account by its own rights. The operation id
/// follows from the actor and the event, whatever the caller's is: twice has one effect.
pub async fn undo(services: &Services, context: &Context, channel: ChannelId, position: Position) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(UndoRefusal::SignedOut))?;
    // Who is not in learns nothing of what happened there; the change itself is decided with guards, below.
    let (standing, _) = member::standing_of(services, channel, account).await?;
    standing.is_in().map_err(|denied| CommandError::Refused(UndoRefusal::Denied(denied)))?;
    let found = services.store.read_at(&[position]).await?.pop();
    let of_channel = |event: &RecordedEvent| event.metadata.channel_id == Some(channel.to_string());
    let Some(event) = found.filter(of_channel) else { return Err(CommandError::Refused(UndoRefusal::Unknown)) };
    let seed = Context { command_id: event.event_id.into(), ..context.clone() };
    let own = Context {
        command_id: derived_id(&seed, "undo").into(),
        causation_id: Some(event.event_id.to_string()),
        ..context.clone()
    };
    let asked = Asked { stream: &event.stream, channel, account, at: context.now };
    match event.stream.kind() {
        "channel" => run::<Channel>(services, &own, &asked, event.version).await,
        "member" => run::<Member>(services, &own, &asked, event.version).await,
        "playback" => run::<Playback>(services, &own, &asked, event.version).await,
        "queue" => run::<Queue>(services, &own, &asked, event.version).await,
        _ => Err(CommandError::Refused(UndoRefusal::Impossible(NoUndo::NotPossible))),
    }
}

async fn run<A: Undoes>(services: &Services, own: &Context, asked: &Asked<'_>, version: u64) -> Answer {
    let (actor, stream) = (own.actor.to_string(), asked.stream.clone());
    // Done before: whatever happened since, that is the answer.
    if let Some(receipt) = services.store.find_command(&actor, &stream, own.command_id).await? {
        return Ok(Outcome { position: receipt.position, version: receipt.version, changed: true });
    }
    let no_way: Mutex<Option<NoUndo>> = Mutex::default();
    let refused = &no_way;
    let done = services
        .dispatcher
        .execute_with::<A, _, _>(stream, Some(asked.channel), own, |facts| async move {
            // Read after the state that the append is checked against: nothing can slip in between.
            let history = History::<A>::read(services, asked.stream, version).await?;
            match history.back(asked) {
                Ok(back) => Ok(A::command(asked, &facts, back).await?),
                Err(no) => {
                    *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(no);
                    Err(CommandError::Invalid(no.to_string()))
                }
            }
        })
        .await;
    match no_way.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(no) => Err(CommandError::Refused(told(services, no).await?)),
        None => done.map_err(|error| error.map(A::refusal)),
    }
}

/// The refusal with the name of whoever stands in the way.
async fn told(services: &Services, no: NoUndo) -> Result<UndoRefusal, LoadError> {
    let NoUndo::Overtaken { by: Some(by), facet } = no else { return Ok(UndoRefusal::Impossible(no)) };
    let held = services.dispatcher.load::<lockstep_domain::account::Account>(&StreamId::account(by)).await?;
    let name = held.state.name.value().cloned().unwrap_or_else(|| "somebody".to_owned());
    Ok(UndoRefusal::Overtaken { name, again: facet.again() })
}

/// A stream around the event that is to be taken back.
struct History<A: Undoable> {
    before: A::State,
    event: Option<A::Event>,
    later: Vec<(Option<AccountId>, A::Event)>,
}

impl<A: Undoable> History<A> {
    async fn read(services: &Services, stream: &StreamId, version: u64) -> Result<Self, LoadError> {
        let mut history = Self { before: A::State::default(), event: None, later: vec![] };
        let mut after = 0;
        loop {
            let page = services.store.read_stream(stream, after, PAGE_EVENTS).await?;
            let full = page.len() == PAGE_EVENTS;
            for recorded in page {
                after = recorded.version;
                let event = decoded::<A::Event>(stream, &recorded)?;
                match recorded.version.cmp(&version) {
                    std::cmp::Ordering::Less => A::evolve(&mut history.before, &event),
                    std::cmp::Ordering::Equal => history.event = Some(event),
                    std::cmp::Ordering::Greater => {
                        history.later.push((recorded.metadata.actor.parse().ok(), event));
                    }
                }
            }
            if !full {
                return Ok(history);
            }
        }
    }

    fn back(&self, asked: &Asked<'_>) -> Result<A::Back, NoUndo> {
        let event = self.event.as_ref().ok_or(NoUndo::NotPossible)?;
        let (before, later) = (&self.before, self.later.as_slice());
        way_back::<A>(&Undone { before, event, later, asker: asked.account, at: asked.at })
    }
}

fn decoded<E: Event>(stream: &StreamId, recorded: &RecordedEvent) -> Result<E, LoadError> {
    E::deserialize(&recorded.payload).map_err(|error| LoadError::Undecodable {
        stream: stream.to_string(),
        version: recorded.version,
        reason: error.to_string(),
    })
}

impl Undoes for Channel {
    async fn command(
        asked: &Asked<'_>,
        facts: &Facts,
        mut change: ChannelChange,
    ) -> Result<(ChannelCommand, Vec<Guard>), LoadError> {
        let found = member::standing(facts, asked.channel, asked.account).await?;
        let mut guards = found.guards_besides(asked.stream);
        if let ChannelChange::ChangeRemoteMode { holder: Some(to), holder_present } = &mut change {
            let stream = StreamId::member(asked.channel, *to);
            let held = facts.load::<Member>(&stream).await?;
            *holder_present = held.state.present && !held.state.banned;
            guards.retain(|guard| guard.stream != stream);
            guards.push(Guard { stream, version: held.version });
        }
        Ok((ChannelCommand::Change { standing: found.standing, change, at: asked.at }, guards))
    }
    fn refusal(error: ChannelError) -> UndoRefusal {
        error.into()
    }
}

impl Undoes for Member {
    async fn command(
        asked: &Asked<'_>,
        facts: &Facts,
        moderation: lockstep_domain::member::Moderation,
    ) -> Result<(MemberCommand, Vec<Guard>), LoadError> {
        let found = member::standing(facts, asked.channel, asked.account).await?;
        let guards = found.guards_besides(asked.stream);
        // The stream's name is the log's own: it has both halves.
        let target = member_parts(asked.stream.id()).map_or(asked.account, |(_, target)| target);
        Ok((MemberCommand::Moderate { target, standing: found.standing, moderation, at: asked.at }, guards))
    }
    fn refusal(error: MemberError) -> UndoRefusal {
        error.into()
    }
}

impl Undoes for Playback {
    async fn command(
        asked: &Asked<'_>,
        facts: &Facts,
        back: Return,
    ) -> Result<(PlaybackCommand, Vec<Guard>), LoadError> {
        let found = member::standing(facts, asked.channel, asked.account).await?;
        let (standing, mut guards, at) = (found.standing, found.guards, asked.at);
        let (video, position) = match back {
            Return::To(position) => {
                return Ok((PlaybackCommand::Seek { standing, position, at }, guards));
            }
            Return::Speed { rate_ppm } => {
                return Ok((PlaybackCommand::ChangeRate { standing, rate_ppm, position: None, at }, guards));
            }
            Return::Film { video, position } => (video, position),
        };
        let (film, guard) = loadable(facts, video, Some(asked.account)).await?;
        guards.push(guard);
        Ok((PlaybackCommand::PutBack { standing, film, position, at }, guards))
    }
    fn refusal(error: PlaybackError) -> UndoRefusal {
        error.into()
    }
}

impl Undoes for Queue {
    async fn command(asked: &Asked<'_>, facts: &Facts, back: Requeue) -> Result<(QueueCommand, Vec<Guard>), LoadError> {
        let found = member::standing(facts, asked.channel, asked.account).await?;
        let (standing, mut guards, at) = (found.standing, found.guards, asked.at);
        let command = match back {
            Requeue::Remove { item } => QueueCommand::Remove { standing, item, at },
            Requeue::PutBack { item, video, place } => {
                let (film, guard) = loadable(facts, video, Some(asked.account)).await?;
                guards.push(guard);
                let film = Film { video, duration: film.duration, playable: film.playable };
                // Its place is given back only by who may give places.
                let place = if standing.may(Permission::QueueReorder, at).is_ok() { place } else { Place::End };
                QueueCommand::Add { standing, item, film, place, at }
            }
            Requeue::Move { item, place } => QueueCommand::Move { standing, item, place, at },
            Requeue::Restore => QueueCommand::Restore { standing, at },
            Requeue::Autoplay { on } => QueueCommand::SetAutoplay { standing, on, at },
            Requeue::Loop { mode } => QueueCommand::SetLoop { standing, mode, at },
        };
        Ok((command, guards))
    }
    fn refusal(error: QueueError) -> UndoRefusal {
        error.into()
    }
}
