//! Saying something, and what is done to what was said.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::message::{self, NewMessage};
use lockstep_domain::ids::{AccountId, ChannelId, MessageId};
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, MessagePayload, Refused, change, payload, posted},
    context::Shared,
    problem::{Nullable, nullable},
    scalar::media,
};

/// What `postMessage` is given.
#[derive(InputObject)]
struct PostMessageInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// The client's: the same id twice is one message.
    id: Uuid,
    /// The text.
    text: String,
    /// Where in the film it is said, microseconds.
    playback_us: Option<f64>,
    /// The message this answers.
    reply_to: Option<Uuid>,
    /// The members it speaks to, at most 10.
    #[graphql(default)]
    mentions: Vec<Uuid>,
}

/// What `message` is given.
#[derive(InputObject)]
struct MessageInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The message it is about.
    message: Uuid,
}

/// What `editMessage` is given.
#[derive(InputObject)]
struct EditMessageInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The message to change.
    message: Uuid,
    /// The text.
    text: String,
}

/// What `redactMessage` is given.
#[derive(InputObject)]
struct RedactMessageInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The message it is about.
    message: Uuid,
    /// Shown where the message was.
    reason: Option<String>,
}

/// What `react` is given.
#[derive(InputObject)]
struct ReactInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The message it is about.
    message: Uuid,
    /// One emoji.
    emoji: String,
    /// Whether it is put there or taken away.
    on: bool,
}

#[derive(Default)]
pub(crate) struct Messages;

#[Object(name = "MessageMutations")]
impl Messages {
    /// Says something in a channel.
    async fn post_message(&self, ctx: &Context<'_>, input: PostMessageInput) -> Nullable<MessagePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, id) = (ChannelId(input.channel), MessageId(input.id));
            let new = NewMessage {
                id,
                text: input.text,
                playback: input.playback_us.map(media).transpose()?,
                reply_to: input.reply_to.map(MessageId),
                mentions: input.mentions.into_iter().map(AccountId).collect(),
            };
            let answer = message::post(ctx.services(), &command, channel, new).await;
            payload(answer, |outcome| posted(id, &outcome).into())
        })
        .await
    }

    /// Says it otherwise; the author only.
    async fn edit_message(&self, ctx: &Context<'_>, input: EditMessageInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(message::edit(ctx.services(), &command, MessageId(input.message), input.text).await)
        })
        .await
    }

    /// Takes a message back, either one's own or that of somebody below.
    async fn redact_message(&self, ctx: &Context<'_>, input: RedactMessageInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(message::redact(ctx.services(), &command, MessageId(input.message), input.reason).await)
        })
        .await
    }

    /// Puts an emoji under a message, or takes one's own away.
    async fn react_to_message(&self, ctx: &Context<'_>, input: ReactInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let ReactInput { message: id, emoji, on, .. } = input;
            change(message::react(ctx.services(), &command, MessageId(id), emoji, on).await)
        })
        .await
    }

    /// Keeps a message in view; a channel has at most 10.
    async fn pin_message(&self, ctx: &Context<'_>, input: MessageInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(message::pin(ctx.services(), &command, MessageId(input.message)).await)
        })
        .await
    }

    /// Lets a pinned message go.
    async fn unpin_message(&self, ctx: &Context<'_>, input: MessageInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(message::unpin(ctx.services(), &command, MessageId(input.message)).await)
        })
        .await
    }
}
