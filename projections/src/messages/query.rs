//! Reading messages: pages both ways, around one, what changed, what is pinned, and words in them.

use lockstep_domain::ids::{ChannelId, MessageId, Position};
use sqlx::PgPool;
use uuid::Uuid;

use super::MessageRow;

const FROM: &str = "SELECT m.*, a.account_id, a.name, a.role
                    FROM rm_messages m LEFT JOIN rm_accounts a ON a.account_id = m.author_id";

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

/// Which messages of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The newest ones before a place, or at the end.
    Before(Option<Position>),
    /// The oldest ones after a place.
    After(Position),
}

/// Up to `limit` messages of a channel in the order they were said.
pub async fn page(pool: &PgPool, channel: ChannelId, page: Page, limit: i64) -> Result<Vec<MessageRow>, sqlx::Error> {
    match page {
        Page::Before(before) => last_of_channels(pool, &[channel], limit, before).await,
        Page::After(after) => {
            sqlx::query_as(&format!("{FROM} WHERE m.channel_id = $1 AND m.position > $2 ORDER BY m.position LIMIT $3"))
                .bind(channel.0)
                .bind(after.as_i64())
                .bind(limit)
                .fetch_all(pool)
                .await
        }
    }
}

/// The messages of these ids, in no order; unknown ids are absent.
pub async fn by_ids(pool: &PgPool, ids: &[MessageId]) -> Result<Vec<MessageRow>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query_as(&format!("{FROM} WHERE m.message_id = ANY($1)")).bind(ids).fetch_all(pool).await
}

/// The messages of a channel that were said or changed after a place, those changed first before the others.
pub async fn changed_after(
    pool: &PgPool,
    channel: ChannelId,
    after: Position,
    limit: i64,
) -> Result<Vec<MessageRow>, sqlx::Error> {
    sqlx::query_as(&format!(
        "{FROM} WHERE m.channel_id = $1 AND greatest(m.position, m.changed_position) > $2
         ORDER BY greatest(m.position, m.changed_position) LIMIT $3"
    ))
    .bind(channel.0)
    .bind(after.as_i64())
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// The pinned messages of a channel, the last pinned first.
pub async fn pinned(pool: &PgPool, channel: ChannelId, limit: i64) -> Result<Vec<MessageRow>, sqlx::Error> {
    sqlx::query_as(&format!(
        "{FROM} WHERE m.channel_id = $1 AND m.pinned_position IS NOT NULL ORDER BY m.pinned_position DESC LIMIT $2"
    ))
    .bind(channel.0)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// The newest messages of a channel before a place that hold words beginning with each of these, newest first. What was
/// taken back has no words. `None` when there is no word to look for.
pub async fn search(
    pool: &PgPool,
    channel: ChannelId,
    words: &str,
    before: Option<Position>,
    limit: i64,
) -> Result<Option<Vec<MessageRow>>, sqlx::Error> {
    let Some(words) = prefixes(words) else { return Ok(None) };
    let rows = sqlx::query_as(&format!(
        "{FROM} WHERE m.channel_id = $1 AND m.position < $2 AND m.redacted_by IS NULL
             AND to_tsvector('simple', m.text) @@ to_tsquery('simple', $3)
         ORDER BY m.position DESC LIMIT $4"
    ))
    .bind(channel.0)
    .bind(before.map_or(i64::MAX, Position::as_i64))
    .bind(words)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(Some(rows))
}

/// Words looked for at once.
const WORDS_MAX: usize = 10;

/// A text search query: letters and digits only, so nothing in it is an operator.
fn prefixes(words: &str) -> Option<String> {
    let found = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(WORDS_MAX);
    let all: Vec<String> = found.map(|word| format!("'{word}':*")).collect();
    (!all.is_empty()).then(|| all.join(" & "))
}

#[cfg(test)]
mod tests {
    use super::prefixes;

    #[test]
    fn words_never_become_operators() {
        assert_eq!(prefixes("hello  wor"), Some("'hello':* & 'wor':*".to_owned()));
        assert_eq!(prefixes("a' | !b & (c):*"), Some("'a':* & 'b':* & 'c':*".to_owned()));
        assert_eq!(prefixes(" '\\' ! "), None);
    }
}
