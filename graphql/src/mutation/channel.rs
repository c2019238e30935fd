//! Making and changing channels.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::channel::{self, ChannelRefusal};
use lockstep_domain::ids::ChannelId;
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, ChannelCreated, ChannelPayload, Refused, change, payload},
    context::Shared,
    problem::{Nullable, nullable},
    scalar::Visibility,
};

/// What `createChannel` is given.
#[derive(InputObject)]
struct CreateChannelInput {
    /// The same id again makes no second channel.
    operation_id: Uuid,
    /// What it is called.
    name: String,
    /// Made from the name when absent.
    slug: Option<String>,
    /// Who can find it.
    visibility: Visibility,
}

/// What `renameChannel` is given.
#[derive(InputObject)]
struct RenameChannelInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// What it is called.
    name: String,
}

#[derive(Default)]
pub(crate) struct Channels;

#[Object(name = "ChannelMutations")]
impl Channels {
    /// Makes a channel, owned by and joined by the asker.
    async fn create_channel(&self, ctx: &Context<'_>, input: CreateChannelInput) -> Nullable<ChannelPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            if !ctx.is_member() {
                return Ok(Some(Refused::of(&ChannelRefusal::Guest)));
            }
            let CreateChannelInput { name, slug, visibility, .. } = input;
            let created = channel::create(ctx.services(), &command, &name, slug, visibility.into()).await;
            payload(created, |created| ChannelCreated::from(created).into())
        })
        .await
    }

    /// Gives a channel another name.
    async fn rename_channel(&self, ctx: &Context<'_>, input: RenameChannelInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(channel::rename(ctx.services(), &command, ChannelId(input.channel), &input.name).await)
        })
        .await
    }
}
