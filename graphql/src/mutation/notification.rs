//! Marking one's notifications as read.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::inbox;
use lockstep_domain::ids::NotificationId;
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Refused, change},
    context::Shared,
    problem::{Nullable, Problem, nullable},
    scalar::Position,
};

/// What `markRead` is given.
#[derive(InputObject)]
struct MarkReadInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// These; give either them or `through`.
    ids: Option<Vec<Uuid>>,
    /// All up to this position.
    through: Option<Position>,
}

#[derive(Default)]
pub(crate) struct Notifications;

#[Object(name = "NotificationMutations")]
impl Notifications {
    /// Marks the asker's notifications as read, on all their devices.
    async fn mark_read(&self, ctx: &Context<'_>, input: MarkReadInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let done = match (input.ids, input.through) {
                (Some(ids), None) => {
                    let ids = ids.into_iter().map(NotificationId).collect();
                    inbox::mark_read(ctx.services(), &command, ids).await
                }
                (None, Some(through)) => inbox::mark_read_through(ctx.services(), &command, through.0).await,
                _ => return Err(Problem::Invalid("give either ids or through".to_owned())),
            };
            change(done)
        })
        .await
    }
}
