//! The shared remote: load, play, pause, seek, and the end of a film.

use lockstep_domain::{
    ids::{ChannelId, StreamId, VideoId},
    playback::{Playback, PlaybackCommand, PlaybackError},
    standing::Standing,
    time::MediaTime,
    video::{Status, Video},
};
use lockstep_event_store::Guard;

use crate::{CommandError, Context, Outcome, Services, member};

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
            let video_stream = StreamId::video(video);
            let film = facts.load::<Video>(&video_stream).await?;
            let (standing, mut guards) = (found.standing, found.guards);
            guards.push(Guard { stream: video_stream, version: film.version });
            let duration = film.state.source.as_ref().map_or(MediaTime::ZERO, |source| source.duration_us);
            let playable = film.state.status == Status::Ready;
            Ok((PlaybackCommand::LoadVideo { standing, video, duration, playable, at: context.now }, guards))
        })
        .await
        .map_err(refusal)
}

/// Plays from `position` (the hub's timeline), or from where the log says the film is.
pub async fn play(services: &Services, context: &Context, channel: ChannelId, position: Option<MediaTime>) -> Answer {
    act(services, context, channel, |standing, at| PlaybackCommand::Play { standing, position, at }).await
}

/// Pauses at `position` (the hub's timeline), or where the log says the film is.
pub async fn pause(services: &Services, context: &Context, channel: ChannelId, position: Option<MediaTime>) -> Answer {
    act(services, context, channel, |standing, at| PlaybackCommand::Pause { standing, position, at }).await
}

/// Moves everybody to `position`, playing or paused as before.
pub async fn seek(services: &Services, context: &Context, channel: ChannelId, position: MediaTime) -> Answer {
    act(services, context, channel, |standing, at| PlaybackCommand::Seek { standing, position, at }).await
}

/// The timeline reached the film's end. Asked by the hub; yields nothing if somebody moved it meanwhile.
pub async fn end(services: &Services, context: &Context, channel: ChannelId, video: VideoId) -> Answer {
    let command = PlaybackCommand::End { video, at: context.now };
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

fn refusal(error: CommandError<PlaybackError>) -> CommandError<PlaybackRefusal> {
    error.map(PlaybackRefusal::Rule)
}
