//! Chat messages by channel, in the order of the log: what each says now, and what became of it.

use async_trait::async_trait;
use lockstep_domain::{
    ids::{AccountId, ChannelId, MessageId, Position},
    message::MessageEvent,
    time::{MediaTime, Timestamp},
};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use crate::{
    accounts::{AccountRow, shown},
    members::account_or_unknown,
    projection::{ApplyError, Projection, Table, decode, id_of},
};

mod query;
mod reactions;

pub use query::{Page, by_ids, changed_after, last_of_channels, page, pinned, search};
pub use reactions::{ReactionRow, reactions};

/// The projection behind `rm_messages`.
pub struct Messages;

#[async_trait]
impl Projection for Messages {
    fn name(&self) -> &'static str {
        "messages"
    }
    fn kinds(&self) -> &'static [&'static str] {
        &["message"]
    }
    fn tables(&self) -> &'static [Table] {
        &[
            Table { name: "rm_messages", key: "message_id" },
            Table { name: "rm_message_reactions", key: "message_id, emoji, account_id" },
        ]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let message: MessageId = id_of(event)?;
        match decode::<MessageEvent>(event)? {
            posted @ MessageEvent::Posted { .. } => insert(tx, event, message, posted).await,
            MessageEvent::Edited { text } => {
                let set = "text = $3, edited_at_us = $4";
                let now = Some(event.recorded_at.as_micros());
                update(tx, event, message, set, Some(shown(&text)), now, None).await
            }
            MessageEvent::Redacted { by, reason } => {
                reactions::clear(tx, event, message).await?;
                let reason = reason.as_ref().map(shown);
                let set = "text = '', redacted_by = $5, redaction_reason = $3, pinned_position = $4";
                update(tx, event, message, set, reason, None, Some(by.0)).await
            }
            MessageEvent::ReactionAdded { account, emoji } => {
                reactions::put(tx, event, message, account, &emoji, true).await?;
                touch(tx, event, message).await
            }
            MessageEvent::ReactionRemoved { account, emoji } => {
                reactions::put(tx, event, message, account, &emoji, false).await?;
                touch(tx, event, message).await
            }
            MessageEvent::Pinned { by: _ } => {
                let place = Some(event.position.as_i64());
                update(tx, event, message, "pinned_position = $4", None, place, None).await
            }
            MessageEvent::Unpinned { by: _ } => {
                update(tx, event, message, "pinned_position = $4", None, None, None).await
            }
        }
    }
}

async fn insert(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    message: MessageId,
    posted: MessageEvent,
) -> Result<(), ApplyError> {
    let MessageEvent::Posted { channel, author, text, video, playback_us, reply_to, reply_author, mentions } = posted
    else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO rm_messages (message_id, channel_id, author_id, text, video_id, playback_us, sent_at_us,
             position, changed_position, reply_to, reply_author, mentions)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11)
         ON CONFLICT (message_id) DO NOTHING",
    )
    .bind(message.0)
    .bind(channel.0)
    .bind(author.0)
    .bind(shown(&text))
    .bind(video.map(|video| video.0))
    .bind(playback_us.map(MediaTime::as_micros))
    .bind(event.recorded_at.as_micros())
    .bind(event.position.as_i64())
    .bind(reply_to.map(|message| message.0))
    .bind(reply_author.map(|account| account.0))
    .bind(mentions.iter().map(|account| account.0).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Sets some columns from $3 (a text), $4 (a number) and $5 (an id), unless the row shows a newer event.
async fn update(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    message: MessageId,
    set: &'static str,
    text: Option<&str>,
    number: Option<i64>,
    id: Option<Uuid>,
) -> Result<(), ApplyError> {
    // Every parameter has its type said once, so that a set need not use all of them.
    let sql = format!(
        "UPDATE rm_messages SET changed_position = $2, {set}
         WHERE message_id = $1 AND changed_position < $2
             AND ($3::text IS NULL OR true) AND ($4::bigint IS NULL OR true) AND ($5::uuid IS NULL OR true)"
    );
    sqlx::query(&sql)
        .bind(message.0)
        .bind(event.position.as_i64())
        .bind(text)
        .bind(number)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

async fn touch(tx: &mut PgConnection, event: &RecordedEvent, message: MessageId) -> Result<(), ApplyError> {
    update(tx, event, message, "text = text", None, None, None).await
}

/// One message with its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    pub message: MessageId,
    pub channel: ChannelId,
    pub author: AccountRow,
    /// `""` once it was taken back, or its author erased.
    pub text: String,
    pub playback: Option<MediaTime>,
    pub sent_at: Timestamp,
    /// Where it was said.
    pub position: Position,
    /// The last event it shows.
    pub changed: Position,
    pub edited_at: Option<Timestamp>,
    /// Who took it back, and why.
    pub redacted: Option<(AccountId, Option<String>)>,
    pub pinned: bool,
    pub reply_to: Option<(MessageId, Option<AccountId>)>,
    pub mentions: Vec<AccountId>,
}

impl FromRow<'_, PgRow> for MessageRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let (position, changed): (i64, i64) = (row.try_get("position")?, row.try_get("changed_position")?);
        let reason: Option<String> = row.try_get("redaction_reason")?;
        let reply_author = row.try_get::<Option<Uuid>, _>("reply_author")?.map(AccountId);
        Ok(Self {
            message: MessageId(row.try_get("message_id")?),
            channel: ChannelId(row.try_get("channel_id")?),
            author: account_or_unknown(row, AccountId(row.try_get("author_id")?))?,
            text: row.try_get("text")?,
            playback: row.try_get::<Option<i64>, _>("playback_us")?.map(MediaTime),
            sent_at: Timestamp(row.try_get("sent_at_us")?),
            position: Position::from_i64(position),
            changed: Position::from_i64(position.max(changed)),
            edited_at: row.try_get::<Option<i64>, _>("edited_at_us")?.map(Timestamp),
            redacted: row.try_get::<Option<Uuid>, _>("redacted_by")?.map(|by| (AccountId(by), reason)),
            pinned: row.try_get::<Option<i64>, _>("pinned_position")?.is_some(),
            reply_to: row.try_get::<Option<Uuid>, _>("reply_to")?.map(|id| (MessageId(id), reply_author)),
            mentions: row.try_get::<Vec<Uuid>, _>("mentions")?.into_iter().map(AccountId).collect(),
        })
    }
}
