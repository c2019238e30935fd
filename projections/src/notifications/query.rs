//! One person's notifications, newest first, and which events can bring one.

use lockstep_domain::{
    ids::{AccountId, ChannelId, MessageId, NotificationId, Position, VideoId, member_parts},
    time::Timestamp,
};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgPool, Row, postgres::PgRow};

use super::id_list;

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationRow {
    pub notification: NotificationId,
    pub position: Position,
    pub kind: String,
    pub actor: Option<AccountId>,
    pub channel: Option<ChannelId>,
    /// As it was called then, of a channel that the recipient was in.
    pub channel_name: Option<String>,
    pub video: Option<VideoId>,
    pub message: Option<MessageId>,
    pub detail: Option<String>,
    pub until: Option<Timestamp>,
    pub read: bool,
    pub at: Timestamp,
}

impl FromRow<'_, PgRow> for NotificationRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            notification: NotificationId(row.try_get("notification_id")?),
            position: Position::from_i64(row.try_get("position")?),
            kind: row.try_get("kind")?,
            actor: row.try_get::<Option<_>, _>("actor_id")?.map(AccountId),
            channel: row.try_get::<Option<_>, _>("channel_id")?.map(ChannelId),
            channel_name: row.try_get("channel_name")?,
            video: row.try_get::<Option<_>, _>("video_id")?.map(VideoId),
            message: row.try_get::<Option<_>, _>("message_id")?.map(MessageId),
            detail: row.try_get("detail")?,
            until: row.try_get::<Option<_>, _>("until_us")?.map(Timestamp),
            read: row.try_get("is_read")?,
            at: Timestamp(row.try_get("at_us")?),
        })
    }
}

const SELECT: &str = "\
    SELECT n.*, (n.read OR n.position <= coalesce(r.through, 0)) AS is_read \
    FROM rm_notifications n \
    LEFT JOIN rm_notifications_read r ON r.account_id = n.recipient_id";

/// Which part of the list.
#[derive(Debug, Clone, Copy, Default)]
pub struct List {
    pub limit: i64,
    /// Those older than this.
    pub before: Option<Position>,
    /// Those newer than this.
    pub since: Option<Position>,
    pub unread_only: bool,
}

/// One person's notifications, newest first.
pub async fn list(pool: &PgPool, of: AccountId, list: List) -> Result<Vec<NotificationRow>, sqlx::Error> {
    sqlx::query_as(&format!(
        "{SELECT} WHERE n.recipient_id = $1 AND n.position < $2 AND n.position > $3
             AND (NOT $4 OR NOT (n.read OR n.position <= coalesce(r.through, 0)))
         ORDER BY n.position DESC LIMIT $5"
    ))
    .bind(of.0)
    .bind(list.before.map_or(i64::MAX, Position::as_i64))
    .bind(list.since.map_or(0, Position::as_i64))
    .bind(list.unread_only)
    .bind(list.limit)
    .fetch_all(pool)
    .await
}

/// The notification that this event brought this person, if it did.
pub async fn at(pool: &PgPool, of: AccountId, position: Position) -> Result<Option<NotificationRow>, sqlx::Error> {
    sqlx::query_as(&format!("{SELECT} WHERE n.recipient_id = $1 AND n.position = $2"))
        .bind(of.0)
        .bind(position.as_i64())
        .fetch_optional(pool)
        .await
}

/// How many of them are unread.
pub async fn unread(pool: &PgPool, of: AccountId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM rm_notifications n LEFT JOIN rm_notifications_read r ON r.account_id = n.recipient_id
         WHERE n.recipient_id = $1 AND NOT n.read AND n.position > coalesce(r.through, 0)",
    )
    .bind(of.0)
    .fetch_one(pool)
    .await
}

/// Whom a message answers, and whom it names.
pub(super) fn addressed(event: &RecordedEvent) -> (Option<AccountId>, Vec<AccountId>) {
    let posted = event.payload.get("Posted");
    let field = |name: &str| posted.and_then(|posted| posted.get(name));
    let answered = field("reply_author").and_then(|author| author.as_str()?.parse().ok());
    let mut mentioned = id_list(field("mentions"));
    mentioned.sort();
    mentioned.dedup();
    (answered, mentioned)
}

/// Whether this event can bring this person a notification, or changes what they have read: cheap, for everybody who
/// listens. The read model has the last word.
pub fn may_concern(event: &RecordedEvent, account: AccountId) -> bool {
    match event.stream.kind() {
        "member" => {
            let target = member_parts(event.stream.id()).map(|(_, target)| target);
            event.event_type == "JoinRequested" || target == Some(account)
        }
        "message" => {
            let (answered, mentioned) = addressed(event);
            answered == Some(account) || mentioned.contains(&account)
        }
        "account" | "inbox" => event.stream.id().parse() == Ok(account),
        "invite" => event.event_type == "Redeemed",
        "webhook" => event.event_type == "Disabled",
        "video" => ["TranscodeCompleted", "TranscodeFailed", "UploadRejected"].contains(&event.event_type.as_str()),
        _ => false,
    }
}
