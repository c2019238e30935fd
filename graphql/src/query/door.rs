//! What somebody outside may learn: where an invite leads, and whether there is a door to knock at.

use async_graphql::{Context, Object};
use lockstep_domain::{channel::Visibility, ids::InviteId, invite::InviteError, standing::Denied, time::Timestamp};
use lockstep_projections::{
    channels::{self, ChannelRow},
    invites::{self, InviteRow},
};

use super::at_least;
use crate::{
    answer::Refused,
    context::Shared,
    object::invite::{ChannelDoor, InviteAnswer, InvitePreview},
    problem::{Nullable, nullable},
    scalar::Position,
};

/// The read models that a door is shown from.
const READ: &[&str] = &["channels", "members", "invites", "accounts"];

#[derive(Default)]
pub(crate) struct Doors;

#[Object(name = "DoorQueries")]
impl Doors {
    /// Where the invite with this code leads, if it is good now.
    async fn invite(&self, ctx: &Context<'_>, code: String, min_position: Option<Position>) -> Nullable<InviteAnswer> {
        nullable(async {
            at_least(ctx, READ, min_position).await?;
            let Ok(id) = code.parse() else { return Ok(Some(Refused::of(&InviteError::Unknown))) };
            let (pool, now) = (ctx.reader().pool(), ctx.services().clock.now());
            let Some(row) = invites::by_id(pool, InviteId(id)).await? else {
                return Ok(Some(Refused::of(&InviteError::Unknown)));
            };
            let channel = channels::by_id(pool, ctx.asker(), row.channel).await?;
            Ok(Some(match (closed(&row, channel.as_ref(), now), channel) {
                (None, Some(channel)) => InvitePreview::of(row, channel).into(),
                (refusal, _) => Refused::of(&refusal.unwrap_or(InviteError::Unknown)),
            }))
        })
        .await
    }

    /// The door of the private channel at exactly this address, for those who are not in: all that they may learn.
    async fn channel_door(
        &self,
        ctx: &Context<'_>,
        slug: String,
        min_position: Option<Position>,
    ) -> Nullable<ChannelDoor> {
        nullable(async {
            at_least(ctx, READ, min_position).await?;
            let row = channels::by_slug(ctx.reader().pool(), ctx.asker(), &slug).await?;
            let closed = row.filter(|row| !row.visible() && !row.archived && !is_banned(row));
            Ok(closed.map(|row| ChannelDoor {
                id: row.channel.0,
                visibility: Visibility::Private.into(),
                asking: row.mine.is_some_and(|mine| mine.asking),
            }))
        })
        .await
    }
}

fn is_banned(row: &ChannelRow) -> bool {
    row.mine.as_ref().is_some_and(|mine| mine.banned)
}

/// Why this invite shows nothing to its holder; nothing while it is good.
fn closed(row: &InviteRow, channel: Option<&ChannelRow>, now: Timestamp) -> Option<InviteError> {
    let joined = channel.is_some_and(|channel| channel.mine.as_ref().is_some_and(|mine| mine.present));
    match channel {
        None => Some(InviteError::Unknown),
        Some(channel) if channel.archived => Some(Denied::Archived.into()),
        Some(channel) if is_banned(channel) => Some(Denied::Banned.into()),
        Some(_) if joined => None,
        Some(_) if row.revoked => Some(InviteError::Revoked),
        Some(_) if now >= row.expires_at => Some(InviteError::Expired),
        Some(_) if row.used >= row.uses_max => Some(InviteError::UsedUp),
        Some(_) => None,
    }
}
