//! Invites: issued, redeemed on the way in, revoked. One stream per invite.

use lockstep_domain::{
    channel::Channel,
    ids::{ChannelId, InviteId, StreamId},
    invite::{Invite, InviteCommand, InviteError},
    standing::Standing,
    time::Timestamp,
};

use crate::{
    CommandError, Context, Outcome, Services,
    channel::derived_id,
    member::{self, MemberRefusal},
};

/// An invite command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InviteRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error(transparent)]
    Rule(#[from] InviteError),
    #[error(transparent)]
    Member(#[from] MemberRefusal),
}

/// An issued invite.
#[derive(Debug, Clone)]
pub struct Issued {
    pub invite: InviteId,
    pub outcome: Outcome,
}

/// Somebody got in by an invite.
#[derive(Debug, Clone)]
pub struct Redeemed {
    pub channel: ChannelId,
    pub slug: String,
    pub outcome: Outcome,
}

/// Issues an invite that lasts until `expires_at` and admits up to `uses_max` people. Its id follows from the operation
/// id, so a repeat issues no second one; it is as hard to guess as that.
pub async fn issue(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    expires_at: Timestamp,
    uses_max: u32,
) -> Result<Issued, CommandError<InviteRefusal>> {
    let invite = InviteId(derived_id(context, "invite"));
    let outcome = act(services, context, invite, channel, |standing, at| InviteCommand::Issue {
        channel,
        standing,
        expires_at,
        uses_max,
        at,
    })
    .await?;
    Ok(Issued { invite, outcome })
}

/// Redeems an invite and joins its channel. Who was in already stays in and uses nothing up.
pub async fn redeem(
    services: &Services,
    context: &Context,
    invite: InviteId,
) -> Result<Redeemed, CommandError<InviteRefusal>> {
    let channel = channel_of(services, invite).await?;
    act(services, context, invite, channel, |standing, at| InviteCommand::Redeem { standing, at }).await?;
    let outcome = member::join(services, context, channel, Some(invite))
        .await
        .map_err(|error| error.map(InviteRefusal::Member))?;
    let slug = services.dispatcher.load::<Channel>(&StreamId::channel(channel)).await?.state.slug;
    Ok(Redeemed { channel, slug, outcome })
}

/// Nobody else gets in by this invite.
pub async fn revoke(
    services: &Services,
    context: &Context,
    invite: InviteId,
) -> Result<Outcome, CommandError<InviteRefusal>> {
    let channel = channel_of(services, invite).await?;
    act(services, context, invite, channel, |standing, at| InviteCommand::Revoke { standing, at }).await
}

/// The channel an invite leads to.
async fn channel_of(services: &Services, invite: InviteId) -> Result<ChannelId, CommandError<InviteRefusal>> {
    let held = services.dispatcher.load::<Invite>(&StreamId::invite(invite)).await?;
    let terms = held.state.terms.ok_or(CommandError::Refused(InviteError::Unknown.into()))?;
    Ok(terms.channel)
}

async fn act(
    services: &Services,
    context: &Context,
    invite: InviteId,
    channel: ChannelId,
    command: impl Fn(Standing, Timestamp) -> InviteCommand,
) -> Result<Outcome, CommandError<InviteRefusal>> {
    let account = context.account().ok_or(CommandError::Refused(InviteRefusal::SignedOut))?;
    let command = &command;
    services
        .dispatcher
        .execute_with::<Invite, _, _>(StreamId::invite(invite), Some(channel), context, |facts| async move {
            let found = member::standing(&facts, channel, account).await?;
            Ok((command(found.standing, context.now), found.guards))
        })
        .await
        .map_err(|error| error.map(InviteRefusal::Rule))
}
