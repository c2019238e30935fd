//! The door of a private channel, and what moderators and managers do to others.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::member;
use lockstep_domain::ids::{AccountId, ChannelId};
use uuid::Uuid;

use super::member::{ChannelInput, MemberInput};
use crate::{
    answer::{ChangePayload, Refused, change},
    context::Shared,
    permission::Permission,
    problem::{Nullable, nullable},
    scalar::DateTime,
};

/// What `moderate` is given.
#[derive(InputObject)]
struct ModerateInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// The account it is about.
    account: Uuid,
    /// Up to 500 characters.
    reason: Option<String>,
}

/// What `muteMember` is given.
#[derive(InputObject)]
struct MuteMemberInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// The account it is about.
    account: Uuid,
    /// When it ends by itself, within 30 days; null: not.
    until: Option<DateTime>,
    /// Up to 500 characters.
    reason: Option<String>,
}

/// What `overridePermission` is given.
#[derive(InputObject)]
struct OverridePermissionInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// The account it is about.
    account: Uuid,
    /// One word of the grid of permissions.
    permission: Permission,
    /// Null takes the exception back.
    granted: Option<bool>,
}

#[derive(Default)]
pub(crate) struct Moderation;

#[Object(name = "ModerationMutations")]
impl Moderation {
    /// Asks to be let into a private channel.
    async fn ask_to_join(&self, ctx: &Context<'_>, input: ChannelInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(member::ask_to_join(ctx.services(), &command, ChannelId(input.channel)).await)
        })
        .await
    }

    /// Opens the door for somebody who asks.
    async fn approve_join(&self, ctx: &Context<'_>, input: MemberInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, account) = (ChannelId(input.channel), AccountId(input.account));
            change(member::approve(ctx.services(), &command, channel, account).await)
        })
        .await
    }

    /// Leaves the door closed for somebody who asks; they may ask again.
    async fn decline_join(&self, ctx: &Context<'_>, input: MemberInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, account) = (ChannelId(input.channel), AccountId(input.account));
            change(member::decline(ctx.services(), &command, channel, account).await)
        })
        .await
    }

    /// Sends somebody away; they may come back where the door is open.
    async fn remove_member(&self, ctx: &Context<'_>, input: ModerateInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, account) = (ChannelId(input.channel), AccountId(input.account));
            change(member::remove(ctx.services(), &command, channel, account, input.reason).await)
        })
        .await
    }

    /// Puts somebody out of a channel, and keeps them out.
    async fn ban_member(&self, ctx: &Context<'_>, input: ModerateInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, account) = (ChannelId(input.channel), AccountId(input.account));
            change(member::ban(ctx.services(), &command, channel, account, input.reason).await)
        })
        .await
    }

    /// Takes chat and reactions from somebody, for a while or for good.
    async fn mute_member(&self, ctx: &Context<'_>, input: MuteMemberInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, account) = (ChannelId(input.channel), AccountId(input.account));
            let until = input.until.map(|until| until.0);
            change(member::mute(ctx.services(), &command, channel, account, until, input.reason).await)
        })
        .await
    }

    /// Gives chat and reactions back.
    async fn unmute_member(&self, ctx: &Context<'_>, input: MemberInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, account) = (ChannelId(input.channel), AccountId(input.account));
            change(member::unmute(ctx.services(), &command, channel, account).await)
        })
        .await
    }

    /// Makes an exception for somebody to what their role permits.
    async fn override_permission(&self, ctx: &Context<'_>, input: OverridePermissionInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, account) = (ChannelId(input.channel), AccountId(input.account));
            let permission = input.permission.into();
            let services = ctx.services();
            change(member::override_permission(services, &command, channel, account, permission, input.granted).await)
        })
        .await
    }
}
