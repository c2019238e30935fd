//! Chat messages by channel, newest first, in the order of the log.

use async_trait::async_trait;
use lockstep_domain::{
    ids::{AccountId, ChannelId, MessageId, Position},
    message::MessageEvent,
    time::{MediaTime, Timestamp},
};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow};
use uuid::Uuid;

use crate::{
    accounts::{AccountRow, shown},
    members::account_or_unknown,
    projection::{ApplyError, Projection, Table, decode, id_of},
};

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
        &[Table { name: "rm_messages", key: "message_id" }]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let message: MessageId = id_of(event)?;
        match decode::<MessageEvent>(event)? {
            MessageEvent::Posted { channel, author, text, video, playback_us } => {
                sqlx::query(
                    "INSERT INTO rm_messages
                         (message_id, channel_id, author_id, text, video_id, playback_us, sent_at_us, position)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                     ON CONFLICT (message_id) DO UPDATE SET text = excluded.text, position = excluded.position
                     WHERE rm_messages.position < excluded.position",
                )
                .bind(message.0)
                .bind(channel.0)
                .bind(author.0)
                .bind(shown(&text))
                .bind(video.map(|video| video.0))
                .bind(playback_us.map(MediaTime::as_micros))
                .bind(event.recorded_at.as_micros())
                .bind(event.position.as_i64())
                .execute(tx)
                .await?;
                Ok(())
            }
        }
    }
}

/// One message with its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    pub message: MessageId,
    pub channel: ChannelId,
    pub author: AccountRow,
    pub text: String,
    pub playback: Option<MediaTime>,
    pub sent_at: Timestamp,
    pub position: Position,
}

impl FromRow<'_, PgRow> for MessageRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            message: MessageId(row.try_get("message_id")?),
            channel: ChannelId(row.try_get("channel_id")?),
            author: account_or_unknown(row, AccountId(row.try_get("author_id")?))?,
            text: row.try_get("text")?,
            playback: row.try_get::<Option<i64>, _>("playback_us")?.map(MediaTime),
            sent_at: Timestamp(row.try_get("sent_at_us")?),
            position: Position::from_i64(row.try_get("position")?),
        })
    }
}

/// The last `limit` messages of each channel before `before`, oldest first per channel.
pub async fn last_of_channels(
    pool: &PgPool,
    channels: &[ChannelId],
    limit: i64,
    before: Option<Position>,
) -> Result<Vec<MessageRow>, sqlx::Error> {
    let channels: Vec<Uuid> = channels.iter().map(|id| id.0).collect();
    let mut rows: Vec<MessageRow> = sqlx::query_as(
        "SELECT m.*, a.account_id, a.name, a.role
         FROM unnest($1::uuid[]) AS c (channel_id)
         CROSS JOIN LATERAL (
             SELECT * FROM rm_messages WHERE rm_messages.channel_id = c.channel_id AND position < $3
             ORDER BY position DESC LIMIT $2
         ) m
         LEFT JOIN rm_accounts a ON a.account_id = m.author_id",
    )
    .bind(channels)
    .bind(limit)
    .bind(before.map_or(i64::MAX, Position::as_i64))
    .fetch_all(pool)
    .await?;
    rows.sort_by_key(|row| row.position);
    Ok(rows)
}
