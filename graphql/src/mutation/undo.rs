//! Taking back what somebody did in a channel.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::undo;
use lockstep_domain::ids::ChannelId;
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Refused, change},
    context::Shared,
    problem::{Nullable, nullable},
    scalar::Position,
};

/// What `undo` is given.
#[derive(InputObject)]
struct UndoInput {
    /// The channel it is about.
    channel: Uuid,
    /// Of the action, as the list of them tells it. The same action twice is taken back once.
    position: Position,
}

#[derive(Default)]
pub(crate) struct Undo;

#[Object(name = "UndoMutations")]
impl Undo {
    /// Takes an action back by a change the other way, for those who may make that change themselves.
    async fn undo(&self, ctx: &Context<'_>, input: UndoInput) -> Nullable<ChangePayload> {
        nullable(async {
            let operation = ctx.services().ids.uuid();
            let Some(command) = ctx.acting(operation) else { return Ok(Some(Refused::signed_out())) };
            change(undo::undo(ctx.services(), &command, ChannelId(input.channel), input.position.0).await)
        })
        .await
    }
}
