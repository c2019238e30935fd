//! Becoming somebody, and nobody again. The session's cookie travels in the response's header.

use async_graphql::{Context, InputObject, Object};
use http::header::SET_COOKIE;
use lockstep_commands::{
    CommandError,
    account::{self, AccountRefusal, SignedIn as Started},
    session,
};

use crate::{
    answer::{ChangePayload, Changed, SetUpPayload, SignedIn, payload},
    context::Shared,
    problem::{Nullable, nullable},
    scalar::Position,
};

const DAY_S: u64 = 86_400;

#[derive(InputObject)]
struct SetUpInput {
    /// From the set-up link that the server printed.
    token: String,
    name: String,
    password: String,
}

#[derive(InputObject)]
struct SignInInput {
    name: String,
    password: String,
}

#[derive(InputObject)]
struct JoinAsGuestInput {
    name: String,
}

#[derive(Default)]
pub(crate) struct Accounts;

#[Object(name = "AccountMutations")]
impl Accounts {
    /// Makes the first administrator and signs them in.
    async fn set_up(&self, ctx: &Context<'_>, input: SetUpInput) -> Nullable<SetUpPayload> {
        let SetUpInput { token, name, password } = input;
        let link = &ctx.deps().setup;
        session(ctx, account::set_up(ctx.services(), &ctx.arriving(), link, &token, &name, &password).await)
    }

    /// Starts a session with a password.
    async fn sign_in(&self, ctx: &Context<'_>, input: SignInInput) -> Nullable<SetUpPayload> {
        session(ctx, account::sign_in(ctx.services(), &input.name, &input.password).await)
    }

    /// Starts a session by a name only.
    async fn join_as_guest(&self, ctx: &Context<'_>, input: JoinAsGuestInput) -> Nullable<SetUpPayload> {
        session(ctx, account::admit_guest(ctx.services(), &ctx.arriving(), &input.name).await)
    }

    /// Ends the session.
    async fn sign_out(&self, ctx: &Context<'_>) -> Nullable<ChangePayload> {
        nullable(async {
            let changed = match ctx.principal() {
                Some(principal) => {
                    session::revoke(ctx.services(), &principal.session_hash).await?;
                    ctx.insert_http_header(SET_COOKIE, ctx.deps().cookie.header("", 0));
                    true
                }
                None => false,
            };
            let position = Position(ctx.services().store.head().await?);
            Ok(Some(Changed { position, version: 0, changed }.into()))
        })
        .await
    }
}

fn session(ctx: &Context<'_>, answer: Result<Started, CommandError<AccountRefusal>>) -> Nullable<SetUpPayload> {
    payload(answer, |started| {
        let age_s = u64::from(session::ABSOLUTE_DAYS.unsigned_abs()) * DAY_S;
        ctx.insert_http_header(SET_COOKIE, ctx.deps().cookie.header(started.token.expose(), age_s));
        SignedIn::from(&started).into()
    })
    .transpose()
}
