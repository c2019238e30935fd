//! Asking in, joining, leaving, and what moderators and managers do to others: one stream per person and channel.

use lockstep_domain::{
    Aggregate,
    account::Account,
    channel::Channel,
    ids::{AccountId, ChannelId, InviteId, StreamId},
    invite::Invite,
    member::{Member, MemberCommand, MemberError, Moderation},
    permission::{ChannelRole, Permission},
    standing::Standing,
    time::Timestamp,
};
use lockstep_event_store::Guard;

use crate::{CommandError, Context, LoadError, Outcome, Services, dispatcher::Facts};

/// A member command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemberRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error("there is no such channel")]
    NoChannel,
    #[error(transparent)]
    Rule(#[from] MemberError),
}

type Answer = Result<Outcome, CommandError<MemberRefusal>>;

/// Where somebody stands in a channel, with the guards of the streams this was read from.
pub(crate) struct Found {
    pub standing: Standing,
    pub guards: Vec<Guard>,
}

impl Found {
    /// The guards of the other streams: the one appended to is checked by its expected version.
    pub fn guards_besides(&self, stream: &StreamId) -> Vec<Guard> {
        self.guards.iter().filter(|guard| guard.stream != *stream).cloned().collect()
    }
}

/// Reads an account's standing: `channel-x`, `member-x.u` and `account-u`, all guarded.
pub(crate) async fn standing(facts: &Facts, channel: ChannelId, account: AccountId) -> Result<Found, LoadError> {
    let (channel_stream, member_stream) = (StreamId::channel(channel), StreamId::member(channel, account));
    let account_stream = StreamId::account(account);
    let held = facts.load::<Channel>(&channel_stream).await?;
    let member = facts.load::<Member>(&member_stream).await?;
    let person = facts.load::<Account>(&account_stream).await?;
    Ok(Found {
        standing: Standing::new(account, &person.state, member.state, held.state),
        guards: vec![
            Guard { stream: channel_stream, version: held.version },
            Guard { stream: member_stream, version: member.version },
            Guard { stream: account_stream, version: person.version },
        ],
    })
}

/// An account's standing as of now, read afresh, with the version of its member stream.
///
/// # Errors
/// [`LoadError`] when the log cannot be read.
pub async fn standing_of(
    services: &Services,
    channel: ChannelId,
    account: AccountId,
) -> Result<(Standing, u64), LoadError> {
    let member_stream = StreamId::member(channel, account);
    let held = services.dispatcher.load::<Channel>(&StreamId::channel(channel)).await?;
    let member = services.dispatcher.load::<Member>(&member_stream).await?;
    let person = services.dispatcher.load::<Account>(&StreamId::account(account)).await?;
    Ok((Standing::new(account, &person.state, member.state, held.state), member.version))
}

/// The acting account becomes a member of the channel. `invite`: one it has redeemed.
pub async fn join(services: &Services, context: &Context, channel: ChannelId, invite: Option<InviteId>) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(MemberRefusal::SignedOut))?;
    enter(services, context, channel, account, |facts, standing| async move {
        let Some(id) = invite else { return Ok((MemberCommand::Join { standing, invite: None }, None)) };
        let stream = StreamId::invite(id);
        let held = facts.load::<Invite>(&stream).await?;
        let opens = held.state.terms.is_some_and(|terms| terms.channel == channel)
            && held.state.redeemed.contains(&account)
            && !held.state.revoked;
        let guard = Guard { stream, version: held.version };
        Ok((MemberCommand::Join { standing, invite: opens.then_some(id) }, Some(guard)))
    })
    .await
}

/// The acting account asks to be let into a private channel.
pub async fn ask_to_join(services: &Services, context: &Context, channel: ChannelId) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(MemberRefusal::SignedOut))?;
    enter(services, context, channel, account, |_, standing| async move {
        Ok((MemberCommand::AskToJoin { standing }, None))
    })
    .await
}

type Entering = Result<(MemberCommand, Option<Guard>), CommandError<MemberError>>;

async fn enter<Wanted: Future<Output = Entering>>(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    account: AccountId,
    wanted: impl Fn(Facts, Standing) -> Wanted,
) -> Answer {
    let stream = StreamId::member(channel, account);
    let opened = services.dispatcher.load::<Channel>(&StreamId::channel(channel)).await?;
    if !opened.state.is_open() {
        return Err(CommandError::Refused(MemberRefusal::NoChannel));
    }
    let (own, wanted) = (&stream, &wanted);
    services
        .dispatcher
        .execute_with::<Member, _, _>(stream.clone(), Some(channel), context, |facts| async move {
            let found = standing(&facts, channel, account).await?;
            let mut guards = found.guards_besides(own);
            let (command, guard) = wanted(facts, found.standing).await?;
            guards.extend(guard);
            Ok((command, guards))
        })
        .await
        .map_err(refusal)
}

/// The acting account is no longer a member of the channel.
pub async fn leave(services: &Services, context: &Context, channel: ChannelId) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(MemberRefusal::SignedOut))?;
    let stream = StreamId::member(channel, account);
    services.dispatcher.execute::<Member>(stream, Some(channel), context, MemberCommand::Leave).await.map_err(refusal)
}

/// Lets `account` in, who asked.
pub async fn approve(services: &Services, context: &Context, channel: ChannelId, account: AccountId) -> Answer {
    moderate(services, context, channel, account, Moderation::Approve).await
}

/// Does not let `account` in, who asked; they may ask again.
pub async fn decline(services: &Services, context: &Context, channel: ChannelId, account: AccountId) -> Answer {
    moderate(services, context, channel, account, Moderation::Decline).await
}

/// Bans `account`; whoever acts must stand above them.
pub async fn ban(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    account: AccountId,
    reason: Option<String>,
) -> Answer {
    moderate(services, context, channel, account, Moderation::Ban { reason }).await
}

/// Lifts a ban.
pub async fn unban(services: &Services, context: &Context, channel: ChannelId, account: AccountId) -> Answer {
    moderate(services, context, channel, account, Moderation::Unban).await
}

/// Sends `account` away; it may come back where the door is open.
pub async fn remove(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    account: AccountId,
    reason: Option<String>,
) -> Answer {
    moderate(services, context, channel, account, Moderation::Remove { reason }).await
}

/// Takes chat and reactions from `account`, until a time or for good.
pub async fn mute(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    account: AccountId,
    until: Option<Timestamp>,
    reason: Option<String>,
) -> Answer {
    moderate(services, context, channel, account, Moderation::Mute { until, reason }).await
}

/// Gives chat and reactions back.
pub async fn unmute(services: &Services, context: &Context, channel: ChannelId, account: AccountId) -> Answer {
    moderate(services, context, channel, account, Moderation::Unmute).await
}

/// Gives `account` another role, below the actor's own.
pub async fn grant_role(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    account: AccountId,
    role: ChannelRole,
) -> Answer {
    moderate(services, context, channel, account, Moderation::GrantRole { role }).await
}

/// Makes an exception for `account` to what its role permits; `None` takes the exception back.
pub async fn override_permission(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    account: AccountId,
    permission: Permission,
    granted: Option<bool>,
) -> Answer {
    moderate(services, context, channel, account, Moderation::Override { permission, granted }).await
}

async fn moderate(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    target: AccountId,
    moderation: Moderation,
) -> Answer {
    let by = context.account().ok_or(CommandError::Refused(MemberRefusal::SignedOut))?;
    let (stream, moderation) = (StreamId::member(channel, target), &moderation);
    let own = &stream;
    services
        .dispatcher
        .execute_with::<Member, _, _>(stream.clone(), Some(channel), context, |facts| async move {
            let found = standing(&facts, channel, by).await?;
            let guards = found.guards_besides(own);
            let moderation = moderation.clone();
            Ok((MemberCommand::Moderate { target, standing: found.standing, moderation, at: context.now }, guards))
        })
        .await
        .map_err(refusal)
}

fn refusal(error: CommandError<<Member as Aggregate>::Error>) -> CommandError<MemberRefusal> {
    error.map(MemberRefusal::Rule)
}
