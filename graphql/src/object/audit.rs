//! Events of the log as those see them who answer for the installation or for one channel.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject};
use lockstep_domain::{
    Aggregate,
    ids::{AccountId, ChannelId, MessageId, member_parts},
    message::Message,
    right::Grant,
};
use lockstep_projections::{RecordedEvent, audit, messages};
use serde_json::{Value, json};
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

/// Stands where a text about somebody is not the asker's to read.
const CLOSED: &str = "(not yours to read)";
const ERASED: &str = "(erased)";

/// One event of the log. `within`: the asker sees this channel's events alone.
#[derive(Clone)]
pub(crate) struct AuditEntry {
    pub event: Arc<RecordedEvent>,
    pub within: Option<ChannelId>,
}

/// Events, newest first.
#[derive(SimpleObject)]
pub(crate) struct AuditPage {
    /// The rows of this page.
    pub nodes: Vec<AuditEntry>,
    /// Whether there are more rows after this page.
    pub has_more: bool,
    /// Give it as `before` for the page of older ones.
    pub end_cursor: Option<Position>,
}

/// The channel an event belongs to.
#[derive(SimpleObject)]
pub(crate) struct AuditChannel {
    /// Its id.
    pub id: Uuid,
    /// Empty where the asker may not know the channel.
    pub name: String,
}

/// Which right was used, and what gave it.
#[derive(SimpleObject)]
pub(crate) struct AuditRight {
    /// One word of the grid of permissions.
    pub permission: String,
    /// `role`, `override` or `remote`.
    pub by: String,
    /// The role that permits it, when a role does.
    pub role: Option<String>,
    /// The event that gave the role, the exception or the remote.
    pub given: Option<AuditEntry>,
    /// The event that made the role permit it; none where channels begin so.
    pub defaults: Option<AuditEntry>,
}

fn channel_of(event: &RecordedEvent) -> Option<ChannelId> {
    event.metadata.channel_id.as_deref()?.parse().ok()
}

impl AuditEntry {
    /// The events at these positions that the asker may see, newest first.
    pub(crate) async fn read(
        ctx: &Context<'_>,
        within: Option<ChannelId>,
        positions: &[lockstep_domain::ids::Position],
    ) -> Result<Vec<Self>, Problem> {
        let found = ctx.loaders().events.load_many(positions.iter().copied().map(EventAt)).await?;
        let mut entries: Vec<Self> = found.into_values().map(|event| Self { event, within }).collect();
        entries.retain(|entry| within.is_none() || channel_of(&entry.event) == within);
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.event.position));
        Ok(entries)
    }

    async fn one(
        &self,
        ctx: &Context<'_>,
        at: Option<lockstep_domain::ids::Position>,
    ) -> Result<Option<Self>, Problem> {
        Ok(Self::read(ctx, self.within, at.as_slice()).await?.pop())
    }
}

/// One event of the log.
#[Object]
impl AuditEntry {
    /// Where it is in the log.
    async fn position(&self) -> Position {
        Position(self.event.position)
    }
    /// When it happened.
    async fn at(&self) -> DateTime {
        DateTime(self.event.recorded_at)
    }
    /// An account id, `system` or `worker:<name>`.
    async fn by(&self) -> &str {
        &self.event.metadata.actor
    }
    /// Who did it; null for the system or somebody erased.
    async fn actor(&self, ctx: &Context<'_>) -> Nullable<Account> {
        nullable(async {
            match self.event.metadata.actor.parse::<AccountId>() {
                Ok(id) => account::load(ctx.loaders(), id).await,
                Err(_) => Ok(None),
            }
        })
        .await
    }
    /// The kind of stream.
    async fn kind(&self) -> &str {
        self.event.stream.kind()
    }
    /// The name of the event in the log.
    async fn event_type(&self) -> &str {
        &self.event.event_type
    }
    /// Whom it is about.
    async fn target(&self, ctx: &Context<'_>) -> Nullable<Account> {
        nullable(async {
            let id = match self.event.stream.kind() {
                "member" => member_parts(self.event.stream.id()).map(|(_, account)| account),
                "account" | "inbox" => self.event.stream.id().parse().ok(),
                _ => None,
            };
            match id {
                Some(id) => account::load(ctx.loaders(), id).await,
                None => Ok(None),
            }
        })
        .await
    }
    /// The film it is about.
    async fn video_title(&self, ctx: &Context<'_>) -> Nullable<String> {
        nullable(async {
            let of_stream = self.event.stream.id().parse().ok().filter(|_| self.event.stream.kind() == "video");
            let loaded = || self.event.payload.get("VideoLoaded")?.get("video")?.as_str()?.parse().ok();
            title(ctx, of_stream.or_else(loaded)).await
        })
        .await
    }
    /// The channel it happened in; null where it is about none.
    async fn channel(&self, ctx: &Context<'_>) -> Nullable<AuditChannel> {
        nullable(async {
            let Some(channel) = channel_of(&self.event) else { return Ok(None) };
            let row = ctx.loaders().channels.load_one(ChannelFor { asker: ctx.asker(), channel }).await?;
            let name = row.filter(|row| self.within.is_some() || ctx.is_administrator() || row.visible());
            Ok(Some(AuditChannel { id: channel.0, name: name.map(|row| row.name).unwrap_or_default() }))
        })
        .await
    }
    /// The request that caused it.
    async fn correlation_id(&self) -> &str {
        &self.event.metadata.correlation_id
    }
    /// The id of the event.
    async fn event_id(&self) -> Uuid {
        self.event.event_id
    }
}

/// One event of the log with all that belongs to it. Rows of the list have none of this: it costs reads for each.
pub(crate) struct AuditEvent(pub AuditEntry);

/// One event of the log with what led to it and what allowed it.
#[Object]
impl AuditEvent {
    /// What the list says of it.
    async fn entry(&self) -> AuditEntry {
        self.0.clone()
    }
    /// The event itself as JSON; texts about people only where the asker may read them.
    async fn json(&self, ctx: &Context<'_>) -> Nullable<String> {
        nullable(async {
            let event = &self.0.event;
            let open = match channel_of(event) {
                None => true,
                Some(channel) => {
                    let row = ctx.loaders().channels.load_one(ChannelFor { asker: ctx.asker(), channel }).await?;
                    // Words that were taken back are nobody's to read any more.
                    row.is_some_and(|row| row.readable()) && !taken_back(ctx, event).await?
                }
            };
            Ok(Some(shown(event, open)))
        })
        .await
    }
    /// The event that caused this one.
    async fn cause(&self, ctx: &Context<'_>) -> Nullable<AuditEntry> {
        nullable(async {
            let at = audit::cause(ctx.reader().pool(), &self.0.event).await?;
            self.0.one(ctx, at).await
        })
        .await
    }
    /// The first events that this one caused, newest first.
    #[graphql(complexity = "10 * child_complexity")]
    async fn effects(&self, ctx: &Context<'_>) -> Result<Vec<AuditEntry>, Problem> {
        let positions = audit::effects(ctx.reader().pool(), &self.0.event).await?;
        AuditEntry::read(ctx, self.0.within, &positions).await
    }
    /// The right that was used, and the event that gave it, as things stood then.
    async fn right(&self, ctx: &Context<'_>) -> Nullable<AuditRight> {
        nullable(async {
            let store = ctx.reader().store();
            let Some((permission, grant)) = audit::granted(store.as_ref(), &self.0.event).await? else {
                return Ok(None);
            };
            let word = |value: Value| value.as_str().map(str::to_owned);
            let (by, role, given, defaults) = match grant {
                Grant::Remote(at) => ("remote", None, at, None),
                Grant::Override(at) => ("override", None, at, None),
                Grant::Role { role, given, defaults } => ("role", word(json!(role)), given, defaults),
            };
            Ok(Some(AuditRight {
                permission: word(json!(permission)).unwrap_or_default(),
                by: by.to_owned(),
                role,
                given: self.0.one(ctx, Some(given)).await?,
                defaults: self.0.one(ctx, defaults).await?,
            }))
        })
        .await
    }
}

async fn taken_back(ctx: &Context<'_>, event: &RecordedEvent) -> Result<bool, Problem> {
    let of = (event.stream.kind() == Message::KIND).then(|| event.stream.id().parse::<MessageId>().ok()).flatten();
    let Some(message) = of else { return Ok(false) };
    let row = messages::by_ids(ctx.reader().pool(), &[message]).await?.pop();
    Ok(row.is_none_or(|row| row.redacted.is_some()))
}

/// The event as readers of the list see it. Whoever has an invite's id is invited: it is never shown.
fn shown(event: &RecordedEvent, open: bool) -> String {
    let mut payload = event.payload.clone();
    close(&mut payload, open);
    let stream = match event.stream.kind() {
        "invite" => "invite-…".to_owned(),
        _ => event.stream.to_string(),
    };
    let all = json!({
        "position": event.position.to_string(),
        "stream": stream,
        "version": event.version,
        "event": payload,
        "metadata": event.metadata,
        "eventVersion": event.event_version,
    });
    serde_json::to_string_pretty(&all).unwrap_or_default()
}

fn close(value: &mut Value, open: bool) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| close(item, open)),
        Value::Object(fields) => {
            if let Some(personal) = fields.get("$personal") {
                *value = match personal.get("value") {
                    Some(inner) if open => inner.clone(),
                    Some(_) => json!(CLOSED),
                    None => json!(ERASED),
                };
                return;
            }
            for (name, field) in fields.iter_mut() {
                if name == "invite" && !field.is_null() {
                    *field = json!("…");
                }
                close(field, open);
            }
        }
        _ => {}
    }
}
