//! Saying something.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::message;
use lockstep_domain::ids::{ChannelId, MessageId};
use uuid::Uuid;

use crate::{
    answer::{MessagePayload, Refused, payload, posted},
    context::Shared,
    problem::{Nullable, nullable},
    scalar::media,
};

#[derive(InputObject)]
struct PostMessageInput {
    operation_id: Uuid,
    channel: Uuid,
    /// The client's: the same id twice is one message.
    id: Uuid,
    text: String,
    /// Where in the film it is said, microseconds.
    playback_us: Option<f64>,
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
            let at = input.playback_us.map(media).transpose()?;
            let answer = message::post(ctx.services(), &command, channel, id, input.text, at).await;
            payload(answer, |outcome| posted(id, &outcome).into())
        })
        .await
    }
}
