//! Joining, leaving, roles and bans: one stream per person and channel.

use lockstep_domain::{
    Aggregate,
    channel::Channel,
    ids::{AccountId, ChannelId, StreamId},
    member::{ChannelRole, Member, MemberCommand, MemberError, MemberState},
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

/// Where somebody stands in a channel, with the guards of the two streams this was read from.
pub(crate) struct Standing {
    pub member: MemberState,
    pub channel_open: bool,
    pub guards: Vec<Guard>,
}

/// Reads the actor's standing: `channel-x` and `member-x.u`, both guarded.
pub(crate) async fn standing(facts: &Facts, channel: ChannelId, account: AccountId) -> Result<Standing, LoadError> {
    let channel_stream = StreamId::channel(channel);
    let member_stream = StreamId::member(channel, account);
    let held = facts.load::<Channel>(&channel_stream).await?;
    let member = facts.load::<Member>(&member_stream).await?;
    Ok(Standing {
        member: member.state,
        channel_open: held.state.is_open(),
        guards: vec![
            Guard { stream: channel_stream, version: held.version },
            Guard { stream: member_stream, version: member.version },
        ],
    })
}

/// The acting account becomes present in the channel.
pub async fn join(services: &Services, context: &Context, channel: ChannelId) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(MemberRefusal::SignedOut))?;
    let stream = StreamId::member(channel, account);
    let opened = services.dispatcher.load::<Channel>(&StreamId::channel(channel)).await?;
    if !opened.state.is_open() {
        return Err(CommandError::Refused(MemberRefusal::NoChannel));
    }
    services
        .dispatcher
        .execute_with::<Member, _, _>(stream, Some(channel), context, |facts| async move {
            let channel_stream = StreamId::channel(channel);
            let held = facts.load::<Channel>(&channel_stream).await?;
            let (Some(owner), Some(visibility)) = (held.state.owner, held.state.visibility) else {
                return Err(CommandError::Refused(MemberError::NotAMember));
            };
            let guard = Guard { stream: channel_stream, version: held.version };
            Ok((MemberCommand::Join { account, owner, visibility }, vec![guard]))
        })
        .await
        .map_err(refusal)
}

/// The acting account is no longer present in the channel.
pub async fn leave(services: &Services, context: &Context, channel: ChannelId) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(MemberRefusal::SignedOut))?;
    let stream = StreamId::member(channel, account);
    services.dispatcher.execute::<Member>(stream, Some(channel), context, MemberCommand::Leave).await.map_err(refusal)
}

/// Bans `account`; whoever acts must outrank them.
pub async fn ban(services: &Services, context: &Context, channel: ChannelId, account: AccountId) -> Answer {
    act(services, context, channel, account, |by, standing| MemberCommand::Ban { by, standing }).await
}

/// Lifts a ban.
pub async fn unban(services: &Services, context: &Context, channel: ChannelId, account: AccountId) -> Answer {
    act(services, context, channel, account, |by, standing| MemberCommand::Unban { by, standing }).await
}

/// Gives `account` another role, below the actor's own.
pub async fn grant_role(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    account: AccountId,
    role: ChannelRole,
) -> Answer {
    act(services, context, channel, account, move |by, standing| MemberCommand::GrantRole { role, by, standing }).await
}

async fn act(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    account: AccountId,
    command: impl Fn(AccountId, MemberState) -> MemberCommand,
) -> Answer {
    let by = context.account().ok_or(CommandError::Refused(MemberRefusal::SignedOut))?;
    let command = &command;
    services
        .dispatcher
        .execute_with::<Member, _, _>(StreamId::member(channel, account), Some(channel), context, |facts| async move {
            let standing = standing(&facts, channel, by).await?;
            Ok((command(by, standing.member), standing.guards))
        })
        .await
        .map_err(refusal)
}

fn refusal(error: CommandError<<Member as Aggregate>::Error>) -> CommandError<MemberRefusal> {
    error.map(MemberRefusal::Rule)
}
