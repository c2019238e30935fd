//! What administrators do to accounts and to who may register.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::{administration, password};
use lockstep_domain::{
    ids::{AccountId, RegistrationLinkId},
    time::Timestamp,
};
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, LinkIssued, LinkPayload, Refused, change, payload},
    context::Shared,
    problem::{Nullable, nullable},
    scalar::{DateTime, PlatformRole, Position, Registration},
};

const HOUR_US: i64 = 3_600 * 1_000_000;

/// What `grantPlatformRole` is given.
#[derive(InputObject)]
struct GrantPlatformRoleInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The account it is about.
    account: Uuid,
    /// The role.
    role: PlatformRole,
}

/// What `suspendAccount` is given.
#[derive(InputObject)]
struct SuspendAccountInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The account it is about.
    account: Uuid,
    /// For administrators' eyes.
    reason: Option<String>,
}

/// What `account` is given.
#[derive(InputObject)]
struct AccountInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The account it is about.
    account: Uuid,
}

/// What `changeRegistration` is given.
#[derive(InputObject)]
struct ChangeRegistrationInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// Who may register.
    registration: Registration,
}

/// What `issueRegistrationLink` is given.
#[derive(InputObject)]
struct IssueRegistrationLinkInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// When it ends.
    expires_at: DateTime,
    /// How many people it admits.
    uses: u32,
}

/// What `revokeRegistrationLink` is given.
#[derive(InputObject)]
struct RevokeRegistrationLinkInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The link.
    link: Uuid,
}

#[derive(Default)]
pub(crate) struct Administration;

#[Object(name = "AdministrationMutations")]
impl Administration {
    /// Gives somebody another platform role; they sign in again to use it.
    async fn grant_platform_role(&self, ctx: &Context<'_>, input: GrantPlatformRoleInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let account = AccountId(input.account);
            change(administration::grant_role(ctx.services(), &command, account, input.role.into()).await)
        })
        .await
    }

    /// Takes everything from an account until it is reinstated; its sessions end at once.
    async fn suspend_account(&self, ctx: &Context<'_>, input: SuspendAccountInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(administration::suspend(ctx.services(), &command, AccountId(input.account), input.reason).await)
        })
        .await
    }

    /// Lets a suspended account in again.
    async fn reinstate_account(&self, ctx: &Context<'_>, input: AccountInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(administration::reinstate(ctx.services(), &command, AccountId(input.account)).await)
        })
        .await
    }

    /// Makes a link with which somebody sets a new password, once, within 24 hours.
    async fn issue_password_reset(&self, ctx: &Context<'_>, input: AccountInput) -> Nullable<LinkPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let position = Position(ctx.services().store.head().await?);
            let expires_at = DateTime(Timestamp(command.now.0 + i64::from(password::RESET_LIFE_HOURS) * HOUR_US));
            let issued = password::issue_reset(ctx.services(), &command, AccountId(input.account)).await;
            payload(issued, |token| LinkIssued { token, expires_at, position }.into())
        })
        .await
    }

    /// Chooses who may register, unless the operator has fixed it.
    async fn change_registration(&self, ctx: &Context<'_>, input: ChangeRegistrationInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(administration::change_registration(ctx.services(), &command, input.registration.into()).await)
        })
        .await
    }

    /// Makes a link with which people register.
    async fn issue_registration_link(
        &self,
        ctx: &Context<'_>,
        input: IssueRegistrationLinkInput,
    ) -> Nullable<LinkPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let expires_at = input.expires_at;
            let issued = administration::issue_link(ctx.services(), &command, expires_at.0, input.uses).await;
            payload(issued, |issued| {
                LinkIssued { token: issued.token, expires_at, position: Position(issued.outcome.position) }.into()
            })
        })
        .await
    }

    /// Takes a registration link back; who registered with it stays.
    async fn revoke_registration_link(
        &self,
        ctx: &Context<'_>,
        input: RevokeRegistrationLinkInput,
    ) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(administration::revoke_link(ctx.services(), &command, RegistrationLinkId(input.link)).await)
        })
        .await
    }
}
