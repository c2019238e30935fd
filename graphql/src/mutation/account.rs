//! Becoming somebody, and nobody again. The session's cookie travels in the response's header.

use async_graphql::{Context, InputObject, Object};
use http::header::SET_COOKIE;
use lockstep_commands::{
    CommandError,
    account::{self, AccountRefusal, SignedIn as Started},
    registration::Application,
    session::{self, Device},
};
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Changed, Refused, SetUpPayload, SignedIn, change, payload},
    context::Shared,
    problem::{Nullable, nullable},
    scalar::Position,
};

const DAY_S: u64 = 86_400;

/// What `setUp` is given.
#[derive(InputObject)]
struct SetUpInput {
    /// From the set-up link that the server printed.
    token: String,
    /// The first administrator's name.
    name: String,
    /// 8 to 128 characters.
    password: String,
}

/// What `signIn` is given.
#[derive(InputObject)]
struct SignInInput {
    /// The name to sign in with, in any case.
    name: String,
    /// The password.
    password: String,
}

/// What `joinAsGuest` is given.
#[derive(InputObject)]
struct JoinAsGuestInput {
    /// What others see.
    name: String,
}

/// What `register` is given.
#[derive(InputObject)]
struct RegisterInput {
    /// The name to sign in with.
    name: String,
    /// 8 to 128 characters.
    password: String,
    /// From a registration link.
    token: Option<String>,
}

/// What `resetPassword` is given.
#[derive(InputObject)]
struct ResetPasswordInput {
    /// From the link of an administrator.
    token: String,
    /// 8 to 128 characters.
    password: String,
}

/// What `changePassword` is given.
#[derive(InputObject)]
struct ChangePasswordInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// Asked for again: a session left open is not enough.
    current: String,
    /// The new password, 8 to 128 characters.
    next: String,
}

/// What `changeDisplayName` is given.
#[derive(InputObject)]
struct ChangeDisplayNameInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// What others see from now on.
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
        begin(ctx, account::set_up(ctx.services(), &ctx.arriving(), link, &token, &name, &password).await).await
    }

    /// Starts a session with a password.
    async fn sign_in(&self, ctx: &Context<'_>, input: SignInInput) -> Nullable<SetUpPayload> {
        let (entry, address) = (&ctx.deps().entry, ctx.request().remote_ip);
        let SignInInput { name, password } = input;
        begin(ctx, entry.sign_in(ctx.services(), &ctx.arriving(), address, &name, &password).await).await
    }

    /// Starts a session by a name only.
    async fn join_as_guest(&self, ctx: &Context<'_>, input: JoinAsGuestInput) -> Nullable<SetUpPayload> {
        let (entry, address) = (&ctx.deps().entry, ctx.request().remote_ip);
        begin(ctx, entry.join_as_guest(ctx.services(), &ctx.arriving(), address, &input.name).await).await
    }

    /// Makes an account with a password. A guest who is signed in keeps the account and becomes a member.
    async fn register(&self, ctx: &Context<'_>, input: RegisterInput) -> Nullable<SetUpPayload> {
        let (entry, address) = (&ctx.deps().entry, ctx.request().remote_ip);
        let application = Application { name: &input.name, password: &input.password, token: input.token.as_deref() };
        let registered = entry.register(ctx.services(), &ctx.arriving(), address, ctx.principal(), application).await;
        begin(ctx, registered).await
    }

    /// Sets a new password by an administrator's one-time link and signs in.
    async fn reset_password(&self, ctx: &Context<'_>, input: ResetPasswordInput) -> Nullable<SetUpPayload> {
        let (entry, address) = (&ctx.deps().entry, ctx.request().remote_ip);
        let ResetPasswordInput { token, password } = input;
        begin(ctx, entry.reset_password(ctx.services(), &ctx.arriving(), address, &token, &password).await).await
    }

    /// Sets a new password. Every session ends; this browser gets a new one.
    async fn change_password(&self, ctx: &Context<'_>, input: ChangePasswordInput) -> Nullable<SetUpPayload> {
        let (Some(principal), Some(context)) = (ctx.principal(), ctx.acting(input.operation_id)) else {
            return Some(Ok(Refused::signed_out()));
        };
        let (entry, ChangePasswordInput { current, next, .. }) = (&ctx.deps().entry, input);
        begin(ctx, entry.change_password(ctx.services(), &context, principal, &current, &next).await).await
    }

    /// Changes the name that others see. The name to sign in with stays.
    async fn change_display_name(&self, ctx: &Context<'_>, input: ChangeDisplayNameInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(account::rename(ctx.services(), &command, &input.name).await)
        })
        .await
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

/// The payload of a started session, with its cookie; the session that asked for it ends.
async fn begin(ctx: &Context<'_>, answer: Result<Started, CommandError<AccountRefusal>>) -> Nullable<SetUpPayload> {
    if let Ok(started) = &answer {
        let settled = async {
            let request = ctx.request();
            let device = Device { user_agent: request.user_agent.clone(), address: request.remote_ip };
            session::describe(ctx.services(), &started.principal.session_hash, &device).await?;
            match ctx.principal() {
                Some(earlier) => session::revoke(ctx.services(), &earlier.session_hash).await,
                None => Ok(()),
            }
        };
        if let Err(error) = settled.await {
            return Some(Err(error.into()));
        }
    }
    payload(answer, |started| {
        let age_s = u64::from(session::ABSOLUTE_DAYS.unsigned_abs()) * DAY_S;
        ctx.insert_http_header(SET_COOKIE, ctx.deps().cookie.header(started.token.expose(), age_s));
        SignedIn::from(&started).into()
    })
    .transpose()
}
