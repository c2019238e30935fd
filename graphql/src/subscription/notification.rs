//! The asker's notifications as they come.

use std::time::Duration;

use async_graphql::{Context, Subscription};
use futures::{Stream, StreamExt};
use lockstep_domain::{Aggregate, ids::AccountId, inbox::Inbox};
use lockstep_projections::{
    Reader, Scope,
    notifications::{self, List, NotificationRow},
    tail::Cursor,
};

use crate::{
    context::Shared,
    object::notification::{Notification, NotificationNews},
    problem::Problem,
    scalar::Position,
};

/// Between two looks at read models that are late.
const LATE_PAUSE: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(crate) struct Notifications;

#[Subscription]
impl Notifications {
    /// What concerns the asker after `after`, or from now on: each once. And what they read, from now on.
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        after: Option<Position>,
    ) -> Result<impl Stream<Item = NotificationNews> + use<>, Problem> {
        let asker = ctx.asker().ok_or(Problem::SignedOut)?;
        let reader = ctx.reader().clone();
        let head = reader.store().head().await?;
        // Up to the head from the rows, after it from the log: nothing falls between and nothing comes twice.
        reader.wait_for(&["notifications"], head).await?;
        let missed = match after {
            None => vec![],
            Some(after) => missed(&reader, asker, after.0, head).await?,
        };
        let live = ctx.deps().tail.follow(Scope::Notifying(asker), Cursor { position: head, version: 0 });
        Ok(async_stream::stream! {
            for row in missed {
                if let Some(news) = news(&reader, asker, Some(row)).await {
                    yield news;
                }
            }
            let mut live = Box::pin(live);
            while let Some(Ok(event)) = live.next().await {
                let row = concerning(&reader, asker, event.position).await;
                // What was read on one device is read on all.
                if (row.is_some() || event.stream.kind() == Inbox::KIND)
                    && let Some(news) = news(&reader, asker, row).await
                {
                    yield news;
                }
            }
        })
    }
}

/// What the event at this position is to the asker, once the read models know. While they are late, or the database is
/// away, it is waited for: whoever subscribed misses nothing.
async fn concerning(
    reader: &Reader,
    asker: AccountId,
    position: lockstep_domain::ids::Position,
) -> Option<NotificationRow> {
    loop {
        if let Err(error) = reader.wait_for(&["notifications", "channels"], position).await {
            tracing::debug!(%error, "a subscriber's notifications are late");
        } else {
            match notifications::at(reader.pool(), asker, position).await {
                Ok(row) => return row,
                Err(error) => tracing::debug!(%error, "a subscriber's notifications cannot be read now"),
            }
        }
        tokio::time::sleep(LATE_PAUSE).await;
    }
}

/// Those after `after` up to the head, oldest first.
async fn missed(
    reader: &Reader,
    asker: AccountId,
    after: lockstep_domain::ids::Position,
    head: lockstep_domain::ids::Position,
) -> Result<Vec<NotificationRow>, Problem> {
    let list = List { limit: notifications::KEPT_MAX, since: Some(after), ..List::default() };
    let mut rows = notifications::list(reader.pool(), asker, list).await?;
    // What came after the head was read comes again from the log.
    rows.retain(|row| row.position <= head);
    rows.reverse();
    Ok(rows)
}

async fn news(reader: &Reader, asker: AccountId, row: Option<NotificationRow>) -> Option<NotificationNews> {
    match notifications::unread(reader.pool(), asker).await {
        Ok(unread) => Some(NotificationNews {
            notification: row.map(|row| Notification { row }),
            unread_count: i32::try_from(unread).unwrap_or(i32::MAX),
        }),
        Err(error) => {
            tracing::warn!(%error, "unread notifications cannot be counted; one is skipped");
            None
        }
    }
}
