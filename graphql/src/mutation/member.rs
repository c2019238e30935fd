//! Joining, leaving, roles and lifted bans.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::member;
use lockstep_domain::ids::{AccountId, ChannelId};
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Refused, change},
    context::Shared,
    problem::{Nullable, nullable},
    scalar::ChannelRole,
};

/// What `channel` is given.
#[derive(InputObject)]
pub(crate) struct ChannelInput {
    /// Names this wish: the same one again has one effect.
    pub operation_id: Uuid,
    /// The channel it is about.
    pub channel: Uuid,
}

/// What `member` is given.
#[derive(InputObject)]
pub(crate) struct MemberInput {
    /// Names this wish: the same one again has one effect.
    pub operation_id: Uuid,
    /// The channel it is about.
    pub channel: Uuid,
    /// The account it is about.
    pub account: Uuid,
}

/// What `grantRole` is given.
#[derive(InputObject)]
struct GrantRoleInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// The account it is about.
    account: Uuid,
    /// The role.
    role: ChannelRole,
}

#[derive(Default)]
pub(crate) struct Members;

#[Object(name = "MemberMutations")]
impl Members {
    /// Enters a channel.
    async fn join_channel(&self, ctx: &Context<'_>, input: ChannelInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(member::join(ctx.services(), &command, ChannelId(input.channel), None).await)
        })
        .await
    }

    /// Leaves a channel.
    async fn leave_channel(&self, ctx: &Context<'_>, input: ChannelInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(member::leave(ctx.services(), &command, ChannelId(input.channel)).await)
        })
        .await
    }

    /// Lets somebody who was banned come back.
    async fn unban_member(&self, ctx: &Context<'_>, input: MemberInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, account) = (ChannelId(input.channel), AccountId(input.account));
            change(member::unban(ctx.services(), &command, channel, account).await)
        })
        .await
    }

    /// Gives somebody another role in a channel.
    async fn grant_role(&self, ctx: &Context<'_>, input: GrantRoleInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, account) = (ChannelId(input.channel), AccountId(input.account));
            change(member::grant_role(ctx.services(), &command, channel, account, input.role.into()).await)
        })
        .await
    }
}
