//! Taking a way into one's own account away. Linking one is a journey to the provider: `/auth/oidc/start`.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::identity::{self, Unlinked};
use lockstep_domain::ids::IdentityId;
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Refused, change},
    context::Shared,
    problem::{Nullable, nullable},
};

/// What `unlinkIdentity` is given.
#[derive(InputObject)]
struct UnlinkIdentityInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// As `identities` names it.
    identity: Uuid,
    /// Asked for again: a session left open is not enough. Empty for an account without one, which its provider confirms.
    password: String,
}

#[derive(Default)]
pub(crate) struct Identities;

#[Object(name = "IdentityMutations")]
impl Identities {
    /// Lets an identity open the asker's account no longer. The only way in stays.
    async fn unlink_identity(&self, ctx: &Context<'_>, input: UnlinkIdentityInput) -> Nullable<ChangePayload> {
        nullable(async {
            let (Some(command), Some(principal)) = (ctx.acting(input.operation_id), ctx.principal()) else {
                return Ok(Some(Refused::signed_out()));
            };
            let unlinked = Unlinked { id: IdentityId(input.identity), password: &input.password };
            change(identity::unlink(ctx.services(), &ctx.deps().entry, &command, principal, unlinked).await)
        })
        .await
    }
}
