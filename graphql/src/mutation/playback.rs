//! The shared remote, for those without a socket. Those with one send intents there.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::playback;
use lockstep_domain::ids::{ChannelId, VideoId};
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Refused, change},
    context::Shared,
    problem::{Nullable, nullable},
    scalar::media,
};

/// What `loadVideo` is given.
#[derive(InputObject)]
struct LoadVideoInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// The film it is about.
    video: Uuid,
}

/// What `play` is given.
#[derive(InputObject)]
struct PlayInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// Microseconds; where the log says the film is, when absent.
    position_us: Option<f64>,
}

/// What `seek` is given.
#[derive(InputObject)]
struct SeekInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// Microseconds.
    position_us: f64,
}

#[derive(Default)]
pub(crate) struct Playback;

#[Object(name = "PlaybackMutations")]
impl Playback {
    /// Puts a finished film on, at its start and paused.
    async fn load_video(&self, ctx: &Context<'_>, input: LoadVideoInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, video) = (ChannelId(input.channel), VideoId(input.video));
            change(playback::load_video(ctx.services(), &command, channel, video).await)
        })
        .await
    }

    /// Plays.
    async fn play(&self, ctx: &Context<'_>, input: PlayInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let at = input.position_us.map(media).transpose()?;
            change(playback::play(ctx.services(), &command, ChannelId(input.channel), at, false).await)
        })
        .await
    }

    /// Pauses.
    async fn pause(&self, ctx: &Context<'_>, input: PlayInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let at = input.position_us.map(media).transpose()?;
            change(playback::pause(ctx.services(), &command, ChannelId(input.channel), at).await)
        })
        .await
    }

    /// Moves everybody to a place in the film.
    async fn seek(&self, ctx: &Context<'_>, input: SeekInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let at = media(input.position_us)?;
            change(playback::seek(ctx.services(), &command, ChannelId(input.channel), at).await)
        })
        .await
    }
}
