//! Creating and changing channels.

use lockstep_domain::{
    channel::{Channel, ChannelCommand, ChannelError, SLUG_CHARS_MAX, Visibility},
    ids::{ChannelId, StreamId},
    member::Action,
};
use uuid::Uuid;

use crate::{CommandError, Context, Outcome, Services, member};

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
    reserve_slug(services, &slug, channel).await?;
    let command = ChannelCommand::Create { owner, name: name.to_owned(), slug: slug.clone(), visibility };
    services
        .dispatcher
        .execute::<Channel>(StreamId::channel(channel), Some(channel), context, command)
        .await
        .map_err(|error| error.map(ChannelRefusal::Rule))?;
    let outcome = member::join(services, context, channel).await.map_err(|error| match error {
        CommandError::Refused(_) => CommandError::Refused(ChannelRefusal::NotPermitted),
        other => other.map(|_| ChannelRefusal::NotPermitted),
    })?;
    Ok(Created { channel, slug, outcome })
}

/// Gives the channel another name; admins and owners may.
pub async fn rename(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    name: &str,
) -> Result<Outcome, CommandError<ChannelRefusal>> {
    let account = context.account().ok_or(CommandError::Refused(ChannelRefusal::SignedOut))?;
    services
        .dispatcher
        .execute_with::<Channel, _, _>(StreamId::channel(channel), Some(channel), context, |facts| async move {
            let mut found = member::standing(&facts, channel, account).await?;
            if !found.member.may(Action::EditChannel) {
                return Err(CommandError::Refused(ChannelError::NotPermitted));
            }
            // The channel's own version is checked as the expected version.
            found.guards.retain(|guard| guard.stream != StreamId::channel(channel));
            Ok((ChannelCommand::Rename { name: name.to_owned() }, found.guards))
        })
        .await
        .map_err(|error| error.map(ChannelRefusal::Rule))
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
