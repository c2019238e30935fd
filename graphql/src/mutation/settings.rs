//! What a channel is and permits: description, visibility, the grid, slow mode, who has the remote, the archive.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::channel;
use lockstep_domain::{
    channel::ChannelError,
    ids::{AccountId, ChannelId},
};
use uuid::Uuid;

use super::member::{ChannelInput, MemberInput};
use crate::{
    answer::{ChangePayload, Refused, change},
    context::Shared,
    permission::Permission,
    problem::{Nullable, nullable},
    scalar::{ChannelRole, Visibility},
};

/// What `describeChannel` is given.
#[derive(InputObject)]
struct DescribeChannelInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// Up to 1000 characters; empty takes it away.
    description: String,
}

/// What `changeVisibility` is given.
#[derive(InputObject)]
struct ChangeVisibilityInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// Who can find it.
    visibility: Visibility,
}

/// What `changePermissionDefaults` is given.
#[derive(InputObject)]
struct ChangePermissionDefaultsInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// The role.
    role: ChannelRole,
    /// All that the role permits from now on.
    permissions: Vec<Permission>,
}

/// What `setSlowMode` is given.
#[derive(InputObject)]
struct SetSlowModeInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// 0 switches it off.
    seconds: i32,
}

/// What `changeRemoteMode` is given.
#[derive(InputObject)]
struct ChangeRemoteModeInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// Who gets the one remote; null: everybody whose role permits it shares the remote.
    holder: Option<Uuid>,
}

#[derive(Default)]
pub(crate) struct Settings;

#[Object(name = "ChannelSettingsMutations")]
impl Settings {
    /// Says what a channel is about.
    async fn describe_channel(&self, ctx: &Context<'_>, input: DescribeChannelInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(channel::describe(ctx.services(), &command, ChannelId(input.channel), &input.description).await)
        })
        .await
    }

    /// Makes a channel public, unlisted or private. Who is in stays in.
    async fn change_channel_visibility(
        &self,
        ctx: &Context<'_>,
        input: ChangeVisibilityInput,
    ) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, visibility) = (ChannelId(input.channel), input.visibility.into());
            change(channel::change_visibility(ctx.services(), &command, channel, visibility).await)
        })
        .await
    }

    /// Sets all that a role permits in a channel.
    async fn change_permission_defaults(
        &self,
        ctx: &Context<'_>,
        input: ChangePermissionDefaultsInput,
    ) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let permissions = input.permissions.into_iter().map(Into::into).collect();
            let (channel, role) = (ChannelId(input.channel), input.role.into());
            change(channel::change_defaults(ctx.services(), &command, channel, role, permissions).await)
        })
        .await
    }

    /// Asks for a pause between two messages of one person.
    async fn set_slow_mode(&self, ctx: &Context<'_>, input: SetSlowModeInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let Ok(seconds) = u32::try_from(input.seconds) else {
                return Ok(Some(Refused::of(&ChannelError::SlowMode)));
            };
            change(channel::set_slow_mode(ctx.services(), &command, ChannelId(input.channel), seconds).await)
        })
        .await
    }

    /// One remote in one person's hand, or one for everybody whose role permits it.
    async fn change_remote_mode(&self, ctx: &Context<'_>, input: ChangeRemoteModeInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, holder) = (ChannelId(input.channel), input.holder.map(AccountId));
            change(channel::change_remote_mode(ctx.services(), &command, channel, holder).await)
        })
        .await
    }

    /// Hands the one remote to somebody else in the channel.
    async fn hand_over_remote(&self, ctx: &Context<'_>, input: MemberInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, to) = (ChannelId(input.channel), AccountId(input.account));
            change(channel::hand_over_remote(ctx.services(), &command, channel, to).await)
        })
        .await
    }

    /// Closes a channel for good. Its owner may.
    async fn archive_channel(&self, ctx: &Context<'_>, input: ChannelInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(channel::archive(ctx.services(), &command, ChannelId(input.channel)).await)
        })
        .await
    }
}
