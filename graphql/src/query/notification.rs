//! The asker's notifications.

use async_graphql::{Context, Object};
use lockstep_projections::notifications::{self, List};

use super::at_least;
use crate::{
    context::Shared,
    limits::{cost, page},
    object::notification::{Notification, NotificationPage},
    problem::{Nullable, Problem, nullable},
    scalar::Position,
};

/// The read models that notifications are shown from.
const READ: &[&str] = &["notifications", "channels", "accounts", "videos"];

#[derive(Default)]
pub(crate) struct Notifications;

#[Object(name = "NotificationQueries")]
impl Notifications {
    /// What concerns the asker, newest first; those older than `after`.
    #[graphql(complexity = "cost(first, 20, child_complexity)")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 20)] first: Option<i32>,
        after: Option<Position>,
        unread_only: Option<bool>,
        min_position: Option<Position>,
    ) -> Nullable<NotificationPage> {
        nullable(async {
            let asker = ctx.asker().ok_or(Problem::SignedOut)?;
            let first = page(first, 20)?;
            at_least(ctx, READ, min_position).await?;
            let before = after.map(|after| after.0);
            let list = List { limit: first as i64 + 1, before, since: None, unread_only: unread_only.unwrap_or(false) };
            let mut rows = notifications::list(ctx.reader().pool(), asker, list).await?;
            let has_more = rows.len() > first;
            rows.truncate(first);
            let end_cursor = rows.last().map(|row| Position(row.position));
            let nodes = rows.into_iter().map(|row| Notification { row }).collect();
            Ok(Some(NotificationPage { nodes, has_more, end_cursor }))
        })
        .await
    }

    /// How many of the asker's notifications are unread; 0 for those who are not signed in.
    async fn unread_count(&self, ctx: &Context<'_>, min_position: Option<Position>) -> Result<i32, Problem> {
        let Some(asker) = ctx.asker() else { return Ok(0) };
        at_least(ctx, &["notifications"], min_position).await?;
        let unread = notifications::unread(ctx.reader().pool(), asker).await?;
        Ok(i32::try_from(unread).unwrap_or(i32::MAX))
    }
}
