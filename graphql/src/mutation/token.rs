//! Making and ending API tokens.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::token::{self, Wanted};
use lockstep_domain::{ids::TokenId, token::Scope};
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Refused, change, payload},
    context::Shared,
    object::token::{ApiScope, ApiTokenCreated, ApiTokenPayload},
    problem::{Nullable, nullable},
    scalar::DateTime,
};

/// What `createApiToken` is given.
#[derive(InputObject)]
struct CreateApiTokenInput {
    /// The same id again gives the same token another secret.
    operation_id: Uuid,
    /// What it is called.
    name: String,
    /// What it may be used for.
    scopes: Vec<ApiScope>,
    /// At most 366 days from now.
    expires_at: DateTime,
    /// Asked for again: a session left open is not enough.
    password: String,
}

/// What `revokeApiToken` is given.
#[derive(InputObject)]
struct RevokeApiTokenInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The token.
    api_token: Uuid,
}

#[derive(Default)]
pub(crate) struct Tokens;

#[Object(name = "TokenMutations")]
impl Tokens {
    /// Makes a token that lets a program act for the asker within these scopes.
    async fn create_api_token(&self, ctx: &Context<'_>, input: CreateApiTokenInput) -> Nullable<ApiTokenPayload> {
        nullable(async {
            let (Some(command), Some(principal)) = (ctx.acting(input.operation_id), ctx.principal()) else {
                return Ok(Some(Refused::signed_out()));
            };
            let wanted = Wanted {
                name: &input.name,
                scopes: input.scopes.into_iter().map(Scope::from).collect(),
                expires_at: input.expires_at.0,
                password: &input.password,
            };
            let issued = token::issue(ctx.services(), &ctx.deps().entry, &command, principal, wanted).await;
            payload(issued, |issued| ApiTokenCreated::from(issued).into())
        })
        .await
    }

    /// Ends one of the asker's tokens, at once.
    async fn revoke_api_token(&self, ctx: &Context<'_>, input: RevokeApiTokenInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(token::revoke(ctx.services(), &command, TokenId(input.api_token)).await)
        })
        .await
    }
}
