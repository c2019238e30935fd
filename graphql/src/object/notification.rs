//! Something that concerns the asker, with the place in the application where it can be seen.

use async_graphql::{Context, Object, SimpleObject};
use lockstep_domain::Personal;
use lockstep_projections::{channels::ChannelRow, notifications::NotificationRow};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    account::{self, Account},
    activity::title,
};
use crate::{
    context::Shared,
    loader::{ChannelFor, EventAt},
    problem::{Nullable, Problem, nullable},
    scalar::{DateTime, Position},
};

/// Something that concerns one person.
pub(crate) struct Notification {
    pub row: NotificationRow,
}

/// Notifications, newest first.
#[derive(SimpleObject)]
pub(crate) struct NotificationPage {
    /// The rows of this page.
    pub nodes: Vec<Notification>,
    /// Whether there are more rows after this page.
    pub has_more: bool,
    /// Give it as `after` for the page of older ones.
    pub end_cursor: Option<Position>,
}

/// A notification came, or some were read elsewhere.
#[derive(SimpleObject)]
pub(crate) struct NotificationNews {
    /// The new one; none when some were read.
    pub notification: Option<Notification>,
    /// Unread ones, this one among them.
    pub unread_count: i32,
}

/// Something that concerns the asker.
#[Object]
impl Notification {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.row.notification.0
    }
    /// Where it is in the log.
    async fn position(&self) -> Position {
        Position(self.row.position)
    }
    /// `join_requested`, `join_approved`, `join_declined`, `role_granted`, `muted`, `unmuted`, `removed`, `banned`,
    /// `unbanned`, `right_given`, `right_taken`, `right_usual`, `suspended`, `reinstated`, `mention`, `reply`, `invite_redeemed`, `video_ready`, `video_failed` or
    /// `webhook_disabled`.
    async fn kind(&self) -> &str {
        &self.row.kind
    }
    /// When it happened.
    async fn at(&self) -> DateTime {
        DateTime(self.row.at)
    }
    /// Whether it was read.
    async fn read(&self) -> bool {
        self.row.read
    }
    /// Who did it; null for the system or somebody erased.
    async fn actor(&self, ctx: &Context<'_>) -> Nullable<Account> {
        nullable(async {
            match self.row.actor {
                Some(id) => account::load(ctx.loaders(), id).await,
                None => Ok(None),
            }
        })
        .await
    }
    /// As it is called now for those who may see it, as it was called then for those who were in it, else nothing.
    async fn channel_name(&self, ctx: &Context<'_>) -> Nullable<String> {
        nullable(async { Ok(self.channel(ctx).await?.map(|row| row.name).or_else(|| self.row.channel_name.clone())) })
            .await
    }
    /// The title of the film it is about.
    async fn video_title(&self, ctx: &Context<'_>) -> Nullable<String> {
        nullable(async { title(ctx, self.row.video).await }).await
    }
    /// The new role, the right, or why a film failed.
    async fn detail(&self) -> Option<&str> {
        self.row.detail.as_deref()
    }
    /// When a mute ends by itself.
    async fn until(&self) -> Option<DateTime> {
        self.row.until.map(DateTime)
    }
    /// Why, in the words of whoever did it. Read from the log, where it can be erased.
    async fn reason(&self, ctx: &Context<'_>) -> Nullable<String> {
        nullable(async {
            if !["muted", "removed", "banned", "suspended"].contains(&self.row.kind.as_str()) {
                return Ok(None);
            }
            let event = ctx.loaders().events.load_one(EventAt(self.row.position)).await?;
            Ok(event.and_then(|event| {
                let fields = event.payload.as_object()?.values().next()?;
                Personal::<String>::deserialize(fields.get("reason")?).ok()?.value().cloned()
            }))
        })
        .await
    }
    /// Where to look: a path of this site.
    async fn path(&self, ctx: &Context<'_>) -> Nullable<String> {
        nullable(async { Ok(path(&self.row, self.channel(ctx).await?.map(|row| row.slug).as_deref())) }).await
    }
}

impl Notification {
    /// The channel it is about, if the asker may know it now.
    async fn channel(&self, ctx: &Context<'_>) -> Result<Option<ChannelRow>, Problem> {
        let Some(channel) = self.row.channel else { return Ok(None) };
        let row = ctx.loaders().channels.load_one(ChannelFor { asker: ctx.asker(), channel }).await?;
        Ok(row.filter(ChannelRow::visible))
    }
}

fn path(row: &NotificationRow, slug: Option<&str>) -> Option<String> {
    if let Some(video) = row.video {
        return Some(format!("/?video={video}"));
    }
    if row.kind == "webhook_disabled" {
        return Some("/account".to_owned());
    }
    let slug = slug?;
    Some(match (row.kind.as_str(), row.message) {
        (_, Some(message)) => format!("/c/{slug}?m={message}"),
        ("join_requested", None) => format!("/c/{slug}?settings=requests"),
        _ => format!("/c/{slug}"),
    })
}
