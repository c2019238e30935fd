//! Ending one's own sessions, here and elsewhere.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::session;

use crate::{
    answer::{ChangePayload, Changed, Refused},
    context::Shared,
    problem::{Nullable, nullable},
    scalar::Position,
};

/// What `revokeSession` is given.
#[derive(InputObject)]
struct RevokeSessionInput {
    /// As `sessions` names it.
    session: String,
}

#[derive(Default)]
pub(crate) struct Sessions;

#[Object(name = "SessionMutations")]
impl Sessions {
    /// Ends one of the asker's sessions; its sockets close.
    async fn revoke_session(&self, ctx: &Context<'_>, input: RevokeSessionInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(asker) = ctx.asker() else { return Ok(Some(Refused::signed_out())) };
            let changed = session::revoke_own(ctx.services(), asker, &input.session).await?;
            let position = Position(ctx.services().store.head().await?);
            Ok(Some(Changed { position, version: 0, changed }.into()))
        })
        .await
    }

    /// Ends all of the asker's sessions but this one.
    async fn revoke_other_sessions(&self, ctx: &Context<'_>) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(asker) = ctx.principal() else { return Ok(Some(Refused::signed_out())) };
            let ended = session::revoke_others(ctx.services(), asker.account, &asker.session_hash).await?;
            let position = Position(ctx.services().store.head().await?);
            Ok(Some(Changed { position, version: 0, changed: ended > 0 }.into()))
        })
        .await
    }
}
