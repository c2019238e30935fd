//! Pages of what was done in a channel.

use lockstep_domain::{
    ids::{AccountId, ChannelId, Position, VideoId},
    permission::Permission,
    time::Timestamp,
};
use serde_json::Value;
use sqlx::{FromRow, PgPool, Row, postgres::PgRow};

/// The kinds of streams whose events are shared actions.
pub const KINDS: &[&str] = &["playback", "queue", "channel", "member", "invite"];

/// Which part of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Page {
    /// Rows.
    pub limit: i64,
    /// Those before this position, the newest of them first.
    pub before: Option<Position>,
    /// Those after this position, the oldest of them; in the same order as ever, newest first.
    pub after: Option<Position>,
    /// One of [`KINDS`].
    pub kind: Option<String>,
}

/// One shared action.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivityRow {
    pub position: Position,
    pub channel: ChannelId,
    /// `None`: the program itself.
    pub actor: Option<AccountId>,
    pub kind: String,
    pub event_type: String,
    pub target: Option<AccountId>,
    pub video: Option<VideoId>,
    /// What was changed, without whose.
    pub facet: Option<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
    /// What whoever takes it back must be permitted; `None`: it cannot be taken back, or something came after it.
    pub needs: Option<Permission>,
    /// The action that this one took back.
    pub undoes: Option<Position>,
    pub at: Timestamp,
}

impl FromRow<'_, PgRow> for ActivityRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let needs: Option<String> = row.try_get("needs")?;
        let latest: bool = row.try_get("latest")?;
        let facet: Option<String> = row.try_get("facet")?;
        Ok(Self {
            position: Position::from_i64(row.try_get("position")?),
            channel: ChannelId(row.try_get("channel_id")?),
            actor: row.try_get::<Option<_>, _>("actor_id")?.map(AccountId),
            kind: row.try_get("kind")?,
            event_type: row.try_get("event_type")?,
            target: row.try_get::<Option<_>, _>("target_id")?.map(AccountId),
            video: row.try_get::<Option<_>, _>("video_id")?.map(VideoId),
            facet: facet.map(|facet| facet.split('@').next().unwrap_or_default().to_owned()),
            before: row.try_get("before_value")?,
            after: row.try_get("after_value")?,
            needs: needs.filter(|_| latest).and_then(|word| serde_json::from_value(Value::String(word)).ok()),
            undoes: row.try_get::<Option<i64>, _>("undoes")?.map(Position::from_i64),
            at: Timestamp(row.try_get("at_us")?),
        })
    }
}

/// One page of a channel's actions, newest first.
pub async fn page(pool: &PgPool, channel: ChannelId, page: &Page) -> Result<Vec<ActivityRow>, sqlx::Error> {
    // Towards the newer ones the nearest come first, and are turned round.
    let (order, forward) = if page.after.is_some() { ("ASC", true) } else { ("DESC", false) };
    let mut rows: Vec<ActivityRow> = sqlx::query_as(&format!(
        "SELECT a.*, coalesce(v.claimed = a.position, false) AS latest
         FROM rm_activity a
         LEFT JOIN rm_activity_values v ON v.channel_id = a.channel_id AND v.facet = a.facet
         WHERE a.channel_id = $1 AND a.position > $2 AND a.position < $3 AND ($4::text IS NULL OR a.kind = $4)
         ORDER BY a.position {order} LIMIT $5"
    ))
    .bind(channel.0)
    .bind(page.after.map_or(0, Position::as_i64))
    .bind(page.before.map_or(i64::MAX, Position::as_i64))
    .bind(&page.kind)
    .bind(page.limit)
    .fetch_all(pool)
    .await?;
    if forward {
        rows.reverse();
    }
    Ok(rows)
}
