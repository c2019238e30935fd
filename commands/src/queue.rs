//! A channel's queue: adding, ordering, taking out, how it goes on by itself, and the votes to skip.
//!
//! Putting an item on touches two streams. The film is loaded first, naming the item, under a guard of the queue's
//! version; a reaction to that event takes the item out of the queue. Both have operation ids that follow from what
//! caused them, so a crash or a second process between them neither loses nor doubles an item.

use std::collections::BTreeSet;

use lockstep_domain::{
    ids::{AccountId, ChannelId, QueueItemId, StreamId, VideoId},
    permission::Permission,
    playback::{Loadable, Playback, PlaybackCommand, PlaybackError},
    queue::{Film, LoopMode, Place, Queue, QueueCommand, QueueError, QueueItem},
    standing::Standing,
    time::Timestamp,
};
use lockstep_event_store::Guard;

use crate::{CommandError, Context, Outcome, Services, dispatcher::Facts, member, playback::loadable};

/// Present accounts whose right to vote is looked up for one count; more do not count.
pub const ELECTORATE_MAX: usize = 1_000;

/// A queue command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error(transparent)]
    Rule(#[from] QueueError),
    #[error(transparent)]
    Playback(#[from] PlaybackError),
}

type Answer = Result<Outcome, CommandError<QueueRefusal>>;
type Prepared = Result<(QueueCommand, Vec<Guard>), CommandError<QueueError>>;

/// The id of the item that this command adds: the same for a repeat.
pub fn item_of(context: &Context) -> QueueItemId {
    QueueItemId(crate::channel::derived_id(context, "queue item"))
}

/// Queues a film as [`item_of`] the context.
pub async fn add(services: &Services, context: &Context, channel: ChannelId, video: VideoId, place: Place) -> Answer {
    put_back(services, context, channel, item_of(context), video, place).await
}

/// As [`add`], under an item id of an earlier stay in the queue.
pub async fn put_back(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    item: QueueItemId,
    video: VideoId,
    place: Place,
) -> Answer {
    let account = context.account();
    act(services, context, channel, |facts, standing| async move {
        let (film, guard) = loadable(&facts, video, account).await?;
        let film = Film { video, duration: film.duration, playable: film.playable };
        Ok((QueueCommand::Add { standing, item, film, place, at: context.now }, vec![guard]))
    })
    .await
}

/// Takes an item out; one's own may always be taken out.
pub async fn remove(services: &Services, context: &Context, channel: ChannelId, item: QueueItemId) -> Answer {
    simply(services, context, channel, |standing, at| QueueCommand::Remove { standing, item, at }).await
}

/// Moves an item.
pub async fn move_to(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    item: QueueItemId,
    place: Place,
) -> Answer {
    simply(services, context, channel, |standing, at| QueueCommand::Move { standing, item, place, at }).await
}

/// Takes everything out.
pub async fn clear(services: &Services, context: &Context, channel: ChannelId) -> Answer {
    simply(services, context, channel, |standing, at| QueueCommand::Clear { standing, at }).await
}

/// Puts back what was in the queue when it last was emptied or cleared.
pub async fn restore(services: &Services, context: &Context, channel: ChannelId) -> Answer {
    simply(services, context, channel, |standing, at| QueueCommand::Restore { standing, at }).await
}

/// Whether the next film starts by itself.
pub async fn set_autoplay(services: &Services, context: &Context, channel: ChannelId, on: bool) -> Answer {
    simply(services, context, channel, |standing, at| QueueCommand::SetAutoplay { standing, on, at }).await
}

/// What is played again.
pub async fn set_loop(services: &Services, context: &Context, channel: ChannelId, mode: LoopMode) -> Answer {
    simply(services, context, channel, |standing, at| QueueCommand::SetLoop { standing, mode, at }).await
}

/// Votes to skip the film that is on, or takes the vote back.
pub async fn vote(services: &Services, context: &Context, channel: ChannelId, withdraw: bool) -> Answer {
    act(services, context, channel, |facts, standing| async move {
        // Unguarded: a vote for a film that has just left counts for nothing.
        let on = facts.load::<Playback>(&StreamId::playback(channel)).await?;
        let skippable = on.state.skippable();
        Ok((QueueCommand::Vote { standing, skippable, withdraw, at: context.now }, vec![]))
    })
    .await
}

/// Counts the votes among those who are in the room now and may vote. Asked by the hub, which alone knows who is
/// there: a visit whose hub died never departs in the log, and would hold up every vote after it.
pub async fn count_votes(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    present: Vec<AccountId>,
) -> Answer {
    let present = &present;
    services
        .dispatcher
        .execute_with::<Queue, _, _>(StreamId::queue(channel), Some(channel), context, |facts| async move {
            let on = facts.load::<Playback>(&StreamId::playback(channel)).await?;
            let mut electorate = BTreeSet::new();
            for account in present.iter().take(ELECTORATE_MAX) {
                let found = member::standing(&facts, channel, *account).await?;
                if found.standing.may(Permission::Vote, context.now).is_ok() {
                    electorate.insert(*account);
                }
            }
            Ok((QueueCommand::CountVotes { skippable: on.state.skippable(), electorate }, vec![]))
        })
        .await
        .map_err(refusal)
}

/// Puts an item on now, whatever plays. It leaves the queue by a reaction.
pub async fn play_now(services: &Services, context: &Context, channel: ChannelId, item: QueueItemId) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(QueueRefusal::SignedOut))?;
    let (stream, queue) = (StreamId::playback(channel), StreamId::queue(channel));
    let held = services.dispatcher.load::<Queue>(&queue).await?.state.item(item).cloned();
    let Some(held) = held else {
        // Whoever may not put it on learns nothing of what is queued.
        let (standing, _) = member::standing_of(services, channel, account).await?;
        standing
            .may(Permission::LoadVideo, context.now)
            .map_err(|denied| CommandError::Refused(QueueError::from(denied).into()))?;
        // The effect of an earlier run of this operation was to take it out.
        let earlier = services.store.find_command(&context.actor.to_string(), &stream, context.command_id).await?;
        return match earlier {
            Some(receipt) => Ok(Outcome { position: receipt.position, version: receipt.version, changed: true }),
            None => Err(CommandError::Refused(QueueError::NotQueued.into())),
        };
    };
    let (queue, held) = (&queue, &held);
    services
        .dispatcher
        .execute_with::<Playback, _, _>(stream, Some(channel), context, |facts| async move {
            let found = member::standing(&facts, channel, account).await?;
            let listed = facts.load::<Queue>(queue).await?;
            let (film, guard) = loadable(&facts, held.video, Some(held.by)).await?;
            // Taken out by somebody else meanwhile: there is nothing to load.
            let film =
                Loadable { item: Some(item), playable: film.playable && listed.state.item(item).is_some(), ..film };
            let mut guards = found.guards;
            guards.extend([guard, Guard { stream: queue.clone(), version: listed.version }]);
            Ok((PlaybackCommand::PlayItem { standing: found.standing, film, at: context.now }, guards))
        })
        .await
        .map_err(|error| error.map(QueueRefusal::Playback))
}

/// Why the channel goes on to another film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Onward {
    /// The film came to its end: what follows is as the queue is set.
    Ended,
    /// The viewers voted for the next film.
    Skipped,
}

/// After a film that ended: the same again, the next of the queue, or nothing. Asked by a reaction.
pub(crate) async fn advance(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    why: Onward,
) -> Result<Option<Outcome>, CommandError<PlaybackError>> {
    let queue = StreamId::queue(channel);
    let stream = StreamId::playback(channel);
    // What is decided on is loaded again below; this only saves the attempt when there is nothing to play.
    if choose(&Facts::fresh_of(&services.dispatcher), channel, why).await?.is_none() {
        return Ok(None);
    }
    let queue = &queue;
    services
        .dispatcher
        .execute_with::<Playback, _, _>(stream, Some(channel), context, |facts| async move {
            let Some((film, guard)) = choose(&facts, channel, why).await? else {
                return Err(CommandError::Refused(PlaybackError::NoVideo));
            };
            let listed = facts.load::<Queue>(queue).await?;
            let guards = vec![guard, Guard { stream: queue.clone(), version: listed.version }];
            Ok((PlaybackCommand::Advance { film, at: context.now }, guards))
        })
        .await
        .map(Some)
}

/// What is played after the film that is on.
async fn choose(
    facts: &Facts,
    channel: ChannelId,
    why: Onward,
) -> Result<Option<(Loadable, Guard)>, CommandError<PlaybackError>> {
    let on = facts.load::<Playback>(&StreamId::playback(channel)).await?.state;
    let queue = facts.load::<Queue>(&StreamId::queue(channel)).await?.state;
    if why == Onward::Ended && queue.loop_mode == LoopMode::One {
        let Some(video) = on.video else { return Ok(None) };
        let (film, guard) = loadable(facts, video, None).await?;
        // It is out of the queue already: named no more.
        return Ok(film.playable.then_some((film, guard)));
    }
    if why == Onward::Ended && !queue.autoplay {
        return Ok(None);
    }
    for QueueItem { item, video, by, .. } in queue.next(on.item) {
        let (film, guard) = loadable(facts, *video, Some(*by)).await?;
        // What cannot be played any more is passed over, and stays for people to see.
        if film.playable {
            return Ok(Some((Loadable { item: Some(*item), ..film }, guard)));
        }
    }
    Ok(None)
}

/// An item was put on: it leaves the queue, or goes to its end. Asked by a reaction.
pub(crate) async fn take_loaded(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    item: QueueItemId,
) -> Result<Outcome, CommandError<QueueError>> {
    services
        .dispatcher
        .execute::<Queue>(StreamId::queue(channel), Some(channel), context, QueueCommand::TakeLoaded { item })
        .await
}

async fn simply(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    command: impl Fn(Standing, Timestamp) -> QueueCommand,
) -> Answer {
    let command = &command;
    act(services, context, channel, |_, standing| async move { Ok((command(standing, context.now), vec![])) }).await
}

async fn act<Wanted: Future<Output = Prepared>>(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    wanted: impl Fn(Facts, Standing) -> Wanted,
) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(QueueRefusal::SignedOut))?;
    let wanted = &wanted;
    services
        .dispatcher
        .execute_with::<Queue, _, _>(StreamId::queue(channel), Some(channel), context, |facts| async move {
            let found = member::standing(&facts, channel, account).await?;
            let (command, more) = wanted(facts, found.standing).await?;
            let mut guards = found.guards;
            guards.extend(more);
            Ok((command, guards))
        })
        .await
        .map_err(refusal)
}

fn refusal(error: CommandError<QueueError>) -> CommandError<QueueRefusal> {
    error.map(QueueRefusal::Rule)
}
