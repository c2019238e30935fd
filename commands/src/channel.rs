//! Creating and changing channels.

use lockstep_domain::{
    Aggregate,
    channel::{Channel, ChannelChange, ChannelCommand, ChannelError, ChannelState, SLUG_CHARS_MAX, Visibility},
    ids::{AccountId, ChannelId, StreamId},
    member::Member,
    permission::{ChannelRole, PermissionSet},
};
use lockstep_event_store::Guard;
use uuid::Uuid;

use crate::{CommandError, Context, Outcome, Services, dispatcher::Facts, member};

/// A channel command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error("guests cannot create channels")]
    Guest,
    #[error("this address is taken: choose another")]
    SlugTaken,
    #[error("your role does not permit this")]
    NotPermitted,
    #[error(transparent)]
    Rule(#[from] ChannelError),
}

type Answer = Result<Outcome, CommandError<ChannelRefusal>>;

/// A created channel.
#[derive(Debug, Clone)]
pub struct Created {
    pub channel: ChannelId,
    pub slug: String,
    pub outcome: Outcome,
}

/// Creates a channel owned by the actor, who joins it. Its id follows from the operation id, so a repeat creates none.
pub async fn create(
    services: &Services,
    context: &Context,
    name: &str,
    slug: Option<String>,
    visibility: Visibility,
) -> Result<Created, CommandError<ChannelRefusal>> {
    let owner = context.account().ok_or(CommandError::Refused(ChannelRefusal::SignedOut))?;
    let channel = ChannelId(derived_id(context, "channel"));
    let slug = slug.filter(|slug| !slug.trim().is_empty()).unwrap_or_else(|| slug_of(name, channel));
    let command = ChannelCommand::Create { owner, name: name.to_owned(), slug: slug.clone(), visibility };
    // What no channel may be called takes no slug.
    Channel::decide(&ChannelState::default(), &command)
        .map_err(|error| CommandError::Refused(ChannelRefusal::Rule(error)))?;
    reserve_slug(services, &slug, channel).await?;
    services
        .dispatcher
        .execute::<Channel>(StreamId::channel(channel), Some(channel), context, command)
        .await
        .map_err(|error| error.map(ChannelRefusal::Rule))?;
    let outcome = member::join(services, context, channel, None).await.map_err(|error| match error {
        CommandError::Refused(_) => CommandError::Refused(ChannelRefusal::NotPermitted),
        other => other.map(|_| ChannelRefusal::NotPermitted),
    })?;
    Ok(Created { channel, slug, outcome })
}

/// Gives the channel another name.
pub async fn rename(services: &Services, context: &Context, channel: ChannelId, name: &str) -> Answer {
    change(services, context, channel, ChannelChange::Rename { name: name.to_owned() }).await
}

/// Says what the channel is about.
pub async fn describe(services: &Services, context: &Context, channel: ChannelId, description: &str) -> Answer {
    change(services, context, channel, ChannelChange::Describe { description: description.to_owned() }).await
}

/// Makes the channel public, unlisted or private. Who is in stays in.
pub async fn change_visibility(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    visibility: Visibility,
) -> Answer {
    change(services, context, channel, ChannelChange::ChangeVisibility { visibility }).await
}

/// Sets all that a role permits in this channel.
pub async fn change_defaults(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    role: ChannelRole,
    permissions: PermissionSet,
) -> Answer {
    change(services, context, channel, ChannelChange::ChangeDefaults { role, permissions }).await
}

/// Asks for a pause of so many seconds between two messages of one person; 0 asks for none.
pub async fn set_slow_mode(services: &Services, context: &Context, channel: ChannelId, seconds: u32) -> Answer {
    change(services, context, channel, ChannelChange::SetSlowMode { seconds }).await
}

/// Gives the one remote to `holder`; `None` lets everybody share it whose role permits it.
pub async fn change_remote_mode(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    holder: Option<AccountId>,
) -> Answer {
    change(services, context, channel, ChannelChange::ChangeRemoteMode { holder, holder_present: false }).await
}

/// Hands the one remote to somebody else in the channel.
pub async fn hand_over_remote(services: &Services, context: &Context, channel: ChannelId, to: AccountId) -> Answer {
    change(services, context, channel, ChannelChange::HandOverRemote { to, to_present: false }).await
}

/// Closes the channel for good; the owner may.
pub async fn archive(services: &Services, context: &Context, channel: ChannelId) -> Answer {
    change(services, context, channel, ChannelChange::Archive).await
}

/// The remote's holder `from` was away too long: `to` has it now. Asked by the hub; yields nothing if the remote is
/// not theirs any more.
pub async fn inherit_remote(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    from: AccountId,
    to: AccountId,
) -> Answer {
    services
        .dispatcher
        .execute_with::<Channel, _, _>(StreamId::channel(channel), Some(channel), context, |facts| async move {
            let (to_present, guard) = presence(&facts, channel, to).await?;
            Ok((ChannelCommand::InheritRemote { from, to, to_present }, vec![guard]))
        })
        .await
        .map_err(|error| error.map(ChannelRefusal::Rule))
}

/// Decides a change with the actor's standing, and with whether the remote's new holder is in the channel.
async fn change(services: &Services, context: &Context, channel: ChannelId, change: ChannelChange) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(ChannelRefusal::SignedOut))?;
    let change = &change;
    services
        .dispatcher
        .execute_with::<Channel, _, _>(StreamId::channel(channel), Some(channel), context, |facts| async move {
            let found = member::standing(&facts, channel, account).await?;
            let mut guards = found.guards_besides(&StreamId::channel(channel));
            let mut change = change.clone();
            if let ChannelChange::ChangeRemoteMode { holder: Some(to), holder_present: present }
            | ChannelChange::HandOverRemote { to, to_present: present } = &mut change
            {
                let guard;
                (*present, guard) = presence(&facts, channel, *to).await?;
                guards.retain(|held| held.stream != guard.stream);
                guards.push(guard);
            }
            Ok((ChannelCommand::Change { standing: found.standing, change, at: context.now }, guards))
        })
        .await
        .map_err(|error| error.map(ChannelRefusal::Rule))
}

/// Whether somebody is a member who is in the channel, with the guard of that fact.
async fn presence(
    facts: &Facts,
    channel: ChannelId,
    account: AccountId,
) -> Result<(bool, Guard), CommandError<ChannelError>> {
    let stream = StreamId::member(channel, account);
    let held = facts.load::<Member>(&stream).await?;
    Ok((held.state.present && !held.state.banned, Guard { stream, version: held.version }))
}

/// A slug is one channel's, across all channels: a unique row, taken before the event and kept if the event fails,
/// so that a repeat of the same operation finds it its own.
async fn reserve_slug(services: &Services, slug: &str, channel: ChannelId) -> Result<(), CommandError<ChannelRefusal>> {
    let holder: Uuid = sqlx::query_scalar(
        "INSERT INTO channel_slugs (slug, channel_id) VALUES ($1, $2)
         ON CONFLICT (slug) DO UPDATE SET slug = excluded.slug RETURNING channel_id",
    )
    .bind(slug)
    .bind(channel.0)
    .fetch_one(&services.pool)
    .await
    .map_err(|error| CommandError::Unavailable(error.to_string()))?;
    if holder == channel.0 { Ok(()) } else { Err(CommandError::Refused(ChannelRefusal::SlugTaken)) }
}

/// An id that follows from who asks and the operation id: the same request twice names the same thing.
pub(crate) fn derived_id(context: &Context, what: &str) -> Uuid {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in [what, &context.actor.to_string(), &context.command_id.to_string()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// `Movie night!` becomes `movie-night`; what has too few letters gets some of its id.
fn slug_of(name: &str, channel: ChannelId) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
        if slug.len() >= SLUG_CHARS_MAX - 10 {
            break;
        }
    }
    let short = &channel.0.simple().to_string()[..8];
    let slug = slug.trim_matches('-');
    if slug.is_empty() { format!("channel-{short}") } else { format!("{slug}-{short}") }
}
