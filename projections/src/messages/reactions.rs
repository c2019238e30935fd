//! Who reacted to a message with what.

use lockstep_domain::ids::{AccountId, MessageId};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow};
use uuid::Uuid;

use crate::projection::ApplyError;

pub(super) async fn put(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    message: MessageId,
    account: AccountId,
    emoji: &str,
    present: bool,
) -> Result<(), ApplyError> {
    sqlx::query(
        "INSERT INTO rm_message_reactions (message_id, emoji, account_id, present, position)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (message_id, emoji, account_id) DO UPDATE
             SET present = excluded.present, position = excluded.position
         WHERE rm_message_reactions.position < excluded.position",
    )
    .bind(message.0)
    .bind(emoji)
    .bind(account.0)
    .bind(present)
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}

/// A message that was taken back has none.
pub(super) async fn clear(tx: &mut PgConnection, event: &RecordedEvent, message: MessageId) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE rm_message_reactions SET present = false, position = $2 WHERE message_id = $1 AND position < $2",
    )
    .bind(message.0)
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}

/// One emoji under a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReactionRow {
    pub message: MessageId,
    pub emoji: String,
    pub count: i64,
    /// Whether the asker is among them.
    pub mine: bool,
}

impl FromRow<'_, PgRow> for ReactionRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            message: MessageId(row.try_get("message_id")?),
            emoji: row.try_get("emoji")?,
            count: row.try_get("count")?,
            mine: row.try_get("mine")?,
        })
    }
}

/// The reactions to these messages, those used first before the others.
pub async fn reactions(
    pool: &PgPool,
    asker: Option<AccountId>,
    messages: &[MessageId],
) -> Result<Vec<ReactionRow>, sqlx::Error> {
    let messages: Vec<Uuid> = messages.iter().map(|id| id.0).collect();
    sqlx::query_as(
        "SELECT message_id, emoji, count(*) AS count, coalesce(bool_or(account_id = $2), false) AS mine
         FROM rm_message_reactions WHERE message_id = ANY($1) AND present
         GROUP BY message_id, emoji ORDER BY message_id, min(position)",
    )
    .bind(messages)
    .bind(asker.map(|account| account.0))
    .fetch_all(pool)
    .await
}
