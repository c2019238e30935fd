//! The shared remote: load, play, pause, seek, speed, waiting for each other, and the end of a film.

use lockstep_domain::{
    ids::{AccountId, ChannelId, StreamId, VideoId},
    playback::{Loadable, Playback, PlaybackCommand, PlaybackError, ReleaseCause},
    standing::Standing,
    time::MediaTime,
    video::{Status, Video},
};
use lockstep_event_store::Guard;

use crate::{CommandError, Context, LoadError, Outcome, Services, dispatcher::Facts, member};

/// A playback command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaybackRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error(transparent)]
    Rule(#[from] PlaybackError),
}

type Answer = Result<Outcome, CommandError<PlaybackRefusal>>;

/// Loads a finished film at its start, paused.
pub async fn load_video(services: &Services, context: &Context, channel: ChannelId, video: VideoId) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(PlaybackRefusal::SignedOut))?;
    services
        .dispatcher
        .execute_with::<Playback, _, _>(StreamId::playback(channel), Some(channel), context, |facts| async move {
            let found = member::standing(&facts, channel, account).await?;
            let (film, guard) = loadable(&facts, video, Some(account)).await?;
            let (standing, mut guards) = (found.standing, found.guards);
            guards.push(guard);
            let Loadable { duration, playable, .. } = film;
            Ok((PlaybackCommand::LoadVideo { standing, video, duration, playable, at: context.now }, guards))
        })
        .await
        .map_err(refusal)
}

/// A film as `account` can put it on, with the guard of its stream; `None`: as it can go on where it was put on.
pub(crate) async fn loadable(
    facts: &Facts,
    video: VideoId,
    account: Option<AccountId>,
) -> Result<(Loadable, Guard), LoadError> {
    let stream = StreamId::video(video);
    let film = facts.load::<Video>(&stream).await?;
    let duration = film.state.source.as_ref().map_or(MediaTime::ZERO, |source| source.duration_us);
    let playable = film.state.status == Status::Ready && film.state.opens_for(account);
    Ok((Loadable { video, duration, playable, item: None }, Guard { stream, version: film.version }))
}

/// Plays from `position` (the hub's timeline), or from where the log says the film is. With `hold`, a film that was
/// only just loaded first waits until everybody is ready.
pub async fn play(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    position: Option<MediaTime>,
    hold: bool,
) -> Answer {
    act(services, context, channel, |standing, at| PlaybackCommand::Play { standing, position, hold, at }).await
}

/// Pauses at `position` (the hub's timeline), or where the log says the film is.
pub async fn pause(services: &Services, context: &Context, channel: ChannelId, position: Option<MediaTime>) -> Answer {
    act(services, context, channel, |standing, at| PlaybackCommand::Pause { standing, position, at }).await
}

/// Moves everybody to `position`, playing or paused as before.
pub async fn seek(services: &Services, context: &Context, channel: ChannelId, position: MediaTime) -> Answer {
    act(services, context, channel, |standing, at| PlaybackCommand::Seek { standing, position, at }).await
}

/// Sets the shared speed, from `position` (the hub's timeline) on, or from where the log says the film is.
pub async fn change_rate(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    rate_ppm: i64,
    position: Option<MediaTime>,
) -> Answer {
    act(services, context, channel, |standing, at| PlaybackCommand::ChangeRate { standing, rate_ppm, position, at })
        .await
}

/// Starts a film that waits for viewers, without waiting any longer.
pub async fn start_now(services: &Services, context: &Context, channel: ChannelId) -> Answer {
    act(services, context, channel, |standing, at| PlaybackCommand::StartNow { standing, at }).await
}

/// Everybody is ready, or the deadline has come. Asked by the hub; yields nothing when nothing waits.
pub async fn release(services: &Services, context: &Context, channel: ChannelId, cause: ReleaseCause) -> Answer {
    by_program(services, context, channel, PlaybackCommand::Release { cause, at: context.now }).await
}

/// The timeline reached the film's end. Asked by the hub; yields nothing if somebody moved it meanwhile.
pub async fn end(services: &Services, context: &Context, channel: ChannelId, video: VideoId) -> Answer {
    by_program(services, context, channel, PlaybackCommand::End { video, at: context.now }).await
}

/// Leaves this load of a film for the next; yields nothing when another is on by now.
pub async fn skip(services: &Services, context: &Context, channel: ChannelId, load: u64) -> Answer {
    by_program(services, context, channel, PlaybackCommand::Skip { load, at: context.now }).await
}

async fn by_program(services: &Services, context: &Context, channel: ChannelId, command: PlaybackCommand) -> Answer {
    services
        .dispatcher
        .execute::<Playback>(StreamId::playback(channel), Some(channel), context, command)
        .await
        .map_err(refusal)
}

async fn act(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    command: impl Fn(Standing, lockstep_domain::time::Timestamp) -> PlaybackCommand,
) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(PlaybackRefusal::SignedOut))?;
    let command = &command;
    services
        .dispatcher
        .execute_with::<Playback, _, _>(StreamId::playback(channel), Some(channel), context, |facts| async move {
            let found = member::standing(&facts, channel, account).await?;
            Ok((command(found.standing, context.now), found.guards))
        })
        .await
        .map_err(refusal)
}

pub(crate) fn refusal(error: CommandError<PlaybackError>) -> CommandError<PlaybackRefusal> {
    error.map(PlaybackRefusal::Rule)
}
