//! Invites: issued, redeemed, revoked.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::invite;
use lockstep_domain::{
    ids::{ChannelId, InviteId},
    invite::InviteError,
};
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Refused, change, payload},
    context::Shared,
    object::invite::{InviteIssued, InviteRedeemed, IssuePayload, RedeemPayload},
    problem::{Nullable, nullable},
    scalar::{DateTime, Position},
};

/// What `issueInvite` is given.
#[derive(InputObject)]
struct IssueInviteInput {
    /// The same id again issues no second invite.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// Within 90 days.
    expires_at: DateTime,
    /// How many people it lets in.
    uses_max: i32,
}

/// What `redeemInvite` is given.
#[derive(InputObject)]
struct RedeemInviteInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// What the link ends in.
    code: String,
}

/// What `revokeInvite` is given.
#[derive(InputObject)]
struct RevokeInviteInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The invite.
    invite: Uuid,
}

#[derive(Default)]
pub(crate) struct Invites;

#[Object(name = "InviteMutations")]
impl Invites {
    /// Makes a link that lets people into a channel.
    async fn issue_invite(&self, ctx: &Context<'_>, input: IssueInviteInput) -> Nullable<IssuePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let Ok(uses_max) = u32::try_from(input.uses_max) else { return Ok(Some(Refused::of(&InviteError::Uses))) };
            let (channel, expires_at) = (ChannelId(input.channel), input.expires_at.0);
            let issued = invite::issue(ctx.services(), &command, channel, expires_at, uses_max).await;
            payload(issued, |issued| {
                let (id, position) = (issued.invite.0, Position(issued.outcome.position));
                InviteIssued { id, code: id.simple().to_string(), position }.into()
            })
        })
        .await
    }

    /// Enters the channel that an invite leads to.
    async fn redeem_invite(&self, ctx: &Context<'_>, input: RedeemInviteInput) -> Nullable<RedeemPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let Ok(id) = input.code.parse() else { return Ok(Some(Refused::of(&InviteError::Unknown))) };
            payload(invite::redeem(ctx.services(), &command, InviteId(id)).await, |redeemed| {
                let position = Position(redeemed.outcome.position);
                InviteRedeemed { channel: redeemed.channel.0, slug: redeemed.slug, position }.into()
            })
        })
        .await
    }

    /// Lets nobody else in by this invite.
    async fn revoke_invite(&self, ctx: &Context<'_>, input: RevokeInviteInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(invite::revoke(ctx.services(), &command, InviteId(input.invite)).await)
        })
        .await
    }
}
