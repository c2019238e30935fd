//! Finding channels.

use async_graphql::{Context, Object};
use lockstep_domain::ids::ChannelId;
use lockstep_projections::channels;
use uuid::Uuid;

use super::at_least;
use crate::{
    context::Shared,
    limits::{cost, page},
    object::channel::Channel,
    problem::{Nullable, Problem, nullable},
    scalar::Position,
};

/// The read models that a channel is shown from.
const READ: &[&str] =
    &["channels", "members", "messages", "playback", "queues", "accounts", "videos", "activity", "invites"];

#[derive(Default)]
pub(crate) struct Channels;

#[Object(name = "ChannelQueries")]
impl Channels {
    /// The channel with this id or at this address; private ones only for those in them.
    async fn channel(
        &self,
        ctx: &Context<'_>,
        id: Option<Uuid>,
        slug: Option<String>,
        min_position: Option<Position>,
    ) -> Nullable<Channel> {
        nullable(async {
            at_least(ctx, READ, min_position).await?;
            let (pool, asker) = (ctx.reader().pool(), ctx.asker());
            let row = match (id, slug) {
                (Some(id), None) => channels::by_id(pool, asker, ChannelId(id)).await?,
                (None, Some(slug)) => channels::by_slug(pool, asker, &slug).await?,
                _ => return Err(Problem::Invalid("give either id or slug".to_owned())),
            };
            Ok(row.and_then(|row| Channel::shown(row, asker.is_some())))
        })
        .await
    }

    /// The newest public channels, and those the asker is in. For those who are signed in.
    #[graphql(complexity = "cost(first, 24, child_complexity)")]
    async fn channels(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 24)] first: Option<i32>,
        min_position: Option<Position>,
    ) -> Nullable<Vec<Channel>> {
        nullable(async {
            let asker = ctx.asker().ok_or(Problem::SignedOut)?;
            let first = page(first, 24)? as i64;
            at_least(ctx, READ, min_position).await?;
            let rows = channels::list(ctx.reader().pool(), Some(asker), first).await?;
            Ok(Some(rows.into_iter().filter_map(|row| Channel::shown(row, true)).collect()))
        })
        .await
    }
}
