//! Channels by id and by slug, each with what a list shows of it: owner, member count, timeline, and the asker's
//! own standing, in one query.

use async_trait::async_trait;
use lockstep_domain::{
    account::PlatformRole,
    channel::{ChannelEvent, Visibility},
    ids::{AccountId, ChannelId, Position, VideoId},
    permission::ChannelRole,
    time::{MediaTime, Timestamp},
};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow};

use crate::{
    accounts::AccountRow,
    playback::PlaybackRow,
    projection::{ApplyError, Projection, Table, decode, id_of},
    words::{self, Word},
};

/// The projection behind `rm_channels`.
pub struct Channels;

#[async_trait]
impl Projection for Channels {
    fn name(&self) -> &'static str {
        "channels"
    }
    fn kinds(&self) -> &'static [&'static str] {
        &["channel"]
    }
    fn tables(&self) -> &'static [Table] {
        &[Table { name: "rm_channels", key: "channel_id" }]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        match decode::<ChannelEvent>(event)? {
            ChannelEvent::Created { owner, name, slug, visibility } => {
                create(tx, event, owner, &name, &slug, visibility).await
            }
            ChannelEvent::Renamed { name } => change(tx, event, Some(&name), None, None).await,
            ChannelEvent::VisibilityChanged { visibility } => change(tx, event, None, Some(visibility), None).await,
            ChannelEvent::Archived {} => change(tx, event, None, None, Some(true)).await,
            ChannelEvent::Described { .. }
            | ChannelEvent::PermissionDefaultsChanged { .. }
            | ChannelEvent::SlowModeSet { .. }
            | ChannelEvent::RemoteModeChanged { .. }
            | ChannelEvent::RemoteHandedOver { .. } => Ok(()),
        }
    }
}

async fn create(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    owner: AccountId,
    name: &str,
    slug: &str,
    visibility: Visibility,
) -> Result<(), ApplyError> {
    sqlx::query(
        "INSERT INTO rm_channels
             (channel_id, owner_id, name, slug, visibility, archived, created_at_us, created_position, position)
         VALUES ($1, $2, $3, $4, $5, false, $6, $7, $7)
         ON CONFLICT (channel_id) DO NOTHING",
    )
    .bind(id_of::<ChannelId>(event)?.0)
    .bind(owner.0)
    .bind(name)
    .bind(slug)
    .bind(visibility.word())
    .bind(event.recorded_at.as_micros())
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}

async fn change(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    name: Option<&str>,
    visibility: Option<Visibility>,
    archived: Option<bool>,
) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE rm_channels SET name = coalesce($2, name), visibility = coalesce($3, visibility),
             archived = coalesce($4, archived), position = $5
         WHERE channel_id = $1 AND position < $5",
    )
    .bind(id_of::<ChannelId>(event)?.0)
    .bind(name)
    .bind(visibility.map(Word::word))
    .bind(archived)
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}

/// The asker's own standing in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mine {
    /// `None`: banned before ever joining.
    pub role: Option<ChannelRole>,
    pub present: bool,
    pub banned: bool,
}

/// One channel as its list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    pub channel: ChannelId,
    pub name: String,
    pub slug: String,
    pub visibility: Visibility,
    pub archived: bool,
    pub created_at: Timestamp,
    pub owner: AccountRow,
    pub member_count: i64,
    pub playback: Option<PlaybackRow>,
    pub mine: Option<Mine>,
    /// Whether the asker owns it.
    pub owned: bool,
}

impl ChannelRow {
    /// Whether the asker may know that it exists: private channels are for those in them.
    pub fn visible(&self) -> bool {
        self.visibility != Visibility::Private
            || self.owned
            || self.mine.is_some_and(|mine| mine.role.is_some() && !mine.banned)
    }
    /// Whether the asker may read what happens inside. A ban beats everything.
    pub fn readable(&self) -> bool {
        self.visible() && !self.mine.is_some_and(|mine| mine.banned)
    }
}

impl FromRow<'_, PgRow> for ChannelRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let owner = AccountId(row.try_get("owner_id")?);
        let mine = match row.try_get("my_present")? {
            None => None,
            Some(present) => {
                Some(Mine { role: words::optional(row, "my_role")?, present, banned: row.try_get("my_banned")? })
            }
        };
        Ok(Self {
            channel: ChannelId(row.try_get("channel_id")?),
            name: row.try_get("name")?,
            slug: row.try_get("slug")?,
            visibility: words::column(row, "visibility")?,
            archived: row.try_get("archived")?,
            created_at: Timestamp(row.try_get("created_at_us")?),
            owner: AccountRow {
                account: owner,
                name: row.try_get::<Option<String>, _>("owner_name")?.unwrap_or_default(),
                role: words::optional(row, "owner_role")?.unwrap_or(PlatformRole::Guest),
            },
            member_count: row.try_get("member_count")?,
            playback: playback(row)?,
            mine,
            owned: row.try_get::<Option<bool>, _>("owned")?.unwrap_or(false),
        })
    }
}

fn playback(row: &PgRow) -> Result<Option<PlaybackRow>, sqlx::Error> {
    let Some(video) = row.try_get("p_video_id")? else { return Ok(None) };
    Ok(Some(PlaybackRow {
        channel: ChannelId(row.try_get("channel_id")?),
        video: VideoId(video),
        duration: MediaTime(row.try_get("p_duration_us")?),
        media: MediaTime(row.try_get("p_position_us")?),
        at: Timestamp(row.try_get("p_at_us")?),
        playing: row.try_get("p_playing")?,
        recorded_at: Timestamp(row.try_get("p_recorded_at_us")?),
        position: Position::from_i64(row.try_get("p_position")?),
    }))
}

/// `$1` is the asker, NULL for nobody.
const SELECT: &str = "\
    SELECT c.channel_id, c.owner_id, c.name, c.slug, c.visibility, c.archived, c.created_at_us, \
           a.name AS owner_name, a.role AS owner_role, c.owner_id = $1 AS owned, \
           (SELECT count(*) FROM rm_members n WHERE n.channel_id = c.channel_id AND n.present) AS member_count, \
           m.role AS my_role, m.present AS my_present, m.banned AS my_banned, \
           p.video_id AS p_video_id, p.duration_us AS p_duration_us, p.position_us AS p_position_us, \
           p.at_us AS p_at_us, p.playing AS p_playing, p.recorded_at_us AS p_recorded_at_us, p.position AS p_position \
    FROM rm_channels c \
    LEFT JOIN rm_accounts a ON a.account_id = c.owner_id \
    LEFT JOIN rm_members m ON m.channel_id = c.channel_id AND m.account_id = $1 \
    LEFT JOIN rm_playback p ON p.channel_id = c.channel_id";

/// The channel of this id, whoever may see it: ask [`ChannelRow::visible`].
pub async fn by_id(
    pool: &PgPool,
    asker: Option<AccountId>,
    channel: ChannelId,
) -> Result<Option<ChannelRow>, sqlx::Error> {
    sqlx::query_as(&format!("{SELECT} WHERE c.channel_id = $2"))
        .bind(asker.map(|id| id.0))
        .bind(channel.0)
        .fetch_optional(pool)
        .await
}

/// The channels of these ids, as nobody in particular sees them, in no order.
pub async fn by_ids(pool: &PgPool, channels: &[ChannelId]) -> Result<Vec<ChannelRow>, sqlx::Error> {
    let channels: Vec<uuid::Uuid> = channels.iter().map(|id| id.0).collect();
    sqlx::query_as(&format!("{SELECT} WHERE c.channel_id = ANY($2)"))
        .bind(None::<uuid::Uuid>)
        .bind(channels)
        .fetch_all(pool)
        .await
}

/// The channel at this address, whoever may see it: ask [`ChannelRow::visible`].
pub async fn by_slug(pool: &PgPool, asker: Option<AccountId>, slug: &str) -> Result<Option<ChannelRow>, sqlx::Error> {
    sqlx::query_as(&format!("{SELECT} WHERE c.slug = $2 ORDER BY c.created_position LIMIT 1"))
        .bind(asker.map(|id| id.0))
        .bind(slug)
        .fetch_optional(pool)
        .await
}

/// The newest open channels the asker may find: public ones, and those they own or are in.
pub async fn list(pool: &PgPool, asker: Option<AccountId>, limit: i64) -> Result<Vec<ChannelRow>, sqlx::Error> {
    sqlx::query_as(&format!(
        "{SELECT} WHERE NOT c.archived
             AND (c.visibility = 'public' OR c.owner_id = $1 OR (m.role IS NOT NULL AND NOT m.banned))
         ORDER BY c.created_position DESC LIMIT $2"
    ))
    .bind(asker.map(|id| id.0))
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// Whether a channel that the account may enter has this film loaded now.
pub async fn plays_for(pool: &PgPool, account: AccountId, video: VideoId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT 1 FROM rm_playback p JOIN rm_channels c ON c.channel_id = p.channel_id
             LEFT JOIN rm_members m ON m.channel_id = c.channel_id AND m.account_id = $1
             WHERE p.video_id = $2 AND NOT c.archived AND NOT coalesce(m.banned, false)
               AND (c.visibility <> 'private' OR c.owner_id = $1 OR m.role IS NOT NULL))",
    )
    .bind(account.0)
    .bind(video.0)
    .fetch_one(pool)
    .await
}
