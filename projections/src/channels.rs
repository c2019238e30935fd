//! Channels by id and by slug, each with what a list shows of it: owner, member count, timeline, and the asker's
//! own standing, in one query.

use async_trait::async_trait;
use lockstep_domain::{
    account::PlatformRole,
    channel::{ChannelEvent, ChannelState, Visibility},
    ids::{AccountId, ChannelId, Position, VideoId},
    member::MemberState,
    permission::{ChannelRole, Defaults, Permission},
    standing::Standing,
    time::{MediaTime, Timestamp},
};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow};
use uuid::Uuid;

use crate::{
    accounts::AccountRow,
    members,
    playback::PlaybackRow,
    projection::{ApplyError, Projection, Table, decode, id_of, integer},
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
    /// 2: description, slow mode, the remote's holder and what roles permit.
    fn version(&self) -> i32 {
        2
    }
    fn tables(&self) -> &'static [Table] {
        &[Table { name: "rm_channels", key: "channel_id" }]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        match decode::<ChannelEvent>(event)? {
            ChannelEvent::Created { owner, name, slug, visibility } => {
                create(tx, event, owner, &name, &slug, visibility).await
            }
            ChannelEvent::Renamed { name } => set(tx, event, "name", name).await,
            ChannelEvent::Described { description } => set(tx, event, "description", description).await,
            ChannelEvent::VisibilityChanged { visibility } => set(tx, event, "visibility", visibility.word()).await,
            ChannelEvent::PermissionDefaultsChanged { role, permissions } => {
                let words: Vec<&str> = permissions.iter().map(Word::word).collect();
                match defaults_column(role) {
                    Some(column) => set(tx, event, column, words).await,
                    None => Ok(()),
                }
            }
            ChannelEvent::SlowModeSet { seconds } => set(tx, event, "slow_mode_s", integer(event, seconds)?).await,
            ChannelEvent::RemoteModeChanged { holder } => set(tx, event, "remote_id", holder.map(|id| id.0)).await,
            ChannelEvent::RemoteHandedOver { to, inherited: _ } => set(tx, event, "remote_id", to.0).await,
            ChannelEvent::Archived {} => set(tx, event, "archived", true).await,
        }
    }
}

/// Where what a role permits is kept; the owner's is everything and kept nowhere.
const fn defaults_column(role: ChannelRole) -> Option<&'static str> {
    match role {
        ChannelRole::Viewer => Some("viewer_permissions"),
        ChannelRole::Moderator => Some("moderator_permissions"),
        ChannelRole::Admin => Some("admin_permissions"),
        ChannelRole::Owner => None,
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

/// Puts one value into one column of the channel's row.
async fn set<V>(tx: &mut PgConnection, event: &RecordedEvent, column: &'static str, value: V) -> Result<(), ApplyError>
where
    V: for<'v> sqlx::Encode<'v, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send,
{
    let sql = format!("UPDATE rm_channels SET {column} = $2, position = $3 WHERE channel_id = $1 AND position < $3");
    sqlx::query(&sql).bind(id_of::<ChannelId>(event)?.0).bind(value).bind(event.position.as_i64()).execute(tx).await?;
    Ok(())
}

/// One channel as its list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelRow {
    pub channel: ChannelId,
    pub name: String,
    pub slug: String,
    pub visibility: Visibility,
    pub archived: bool,
    pub description: String,
    /// Pause between two messages of one person, seconds; 0 is off.
    pub slow_mode_s: u32,
    /// Who has the one remote; `None`: everybody whose role permits it.
    pub remote: Option<AccountRow>,
    pub defaults: Defaults,
    pub created_at: Timestamp,
    pub owner: AccountRow,
    pub member_count: i64,
    pub playback: Option<PlaybackRow>,
    /// The asker's own standing; `None`: never had anything to do with it.
    pub mine: Option<MemberState>,
    /// Whether the asker owns it.
    pub owned: bool,
}

impl ChannelRow {
    /// Whether the asker may know that it exists: private channels are for those who were let in and not sent away.
    pub fn visible(&self) -> bool {
        self.visibility != Visibility::Private
            || self.owned
            || self.mine.as_ref().is_some_and(|mine| (mine.admitted || mine.present) && !mine.banned)
    }
    /// Whether the asker may read what happens inside. A ban beats everything.
    pub fn readable(&self) -> bool {
        self.visible() && !self.mine.as_ref().is_some_and(|mine| mine.banned)
    }
    /// Where the asker stands, for [`Standing::may`].
    pub fn standing(&self, asker: AccountId) -> Standing {
        Standing {
            account: asker,
            member: self.mine.clone().unwrap_or_default(),
            channel: ChannelState {
                owner: Some(self.owner.account),
                name: self.name.clone(),
                description: self.description.clone(),
                slug: self.slug.clone(),
                visibility: Some(self.visibility),
                defaults: self.defaults.clone(),
                slow_mode_s: self.slow_mode_s,
                remote: self.remote.as_ref().map(|holder| holder.account),
                archived: self.archived,
            },
            // Who is suspended has no session to ask with.
            suspended: false,
        }
    }
}

impl FromRow<'_, PgRow> for ChannelRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let owner = AccountId(row.try_get("owner_id")?);
        let known: Option<bool> = row.try_get("present")?;
        let mine = known.map(|_| members::state(row, "my_role")).transpose()?;
        Ok(Self {
            channel: ChannelId(row.try_get("channel_id")?),
            name: row.try_get("name")?,
            slug: row.try_get("slug")?,
            visibility: words::column(row, "visibility")?,
            archived: row.try_get("archived")?,
            description: row.try_get("description")?,
            slow_mode_s: u32::try_from(row.try_get::<i32, _>("slow_mode_s")?).unwrap_or(0),
            remote: match row.try_get::<Option<Uuid>, _>("remote_id")? {
                Some(holder) => Some(person(row, AccountId(holder), "remote_name", "remote_role")?),
                None => None,
            },
            defaults: defaults(row)?,
            created_at: Timestamp(row.try_get("created_at_us")?),
            owner: person(row, owner, "owner_name", "owner_role")?,
            member_count: row.try_get("member_count")?,
            playback: playback(row)?,
            mine,
            owned: row.try_get::<Option<bool>, _>("owned")?.unwrap_or(false),
        })
    }
}

fn person(row: &PgRow, account: AccountId, name: &str, role: &str) -> Result<AccountRow, sqlx::Error> {
    Ok(AccountRow {
        account,
        name: row.try_get::<Option<String>, _>(name)?.unwrap_or_default(),
        role: words::optional(row, role)?.unwrap_or(PlatformRole::Guest),
    })
}

/// What roles permit: as in a new channel, unless it was changed here.
fn defaults(row: &PgRow) -> Result<Defaults, sqlx::Error> {
    let mut defaults = Defaults::default();
    for role in ChannelRole::ALL {
        let Some(column) = defaults_column(role) else { continue };
        if let Some(words) = row.try_get::<Option<Vec<String>>, _>(column)? {
            defaults.set(role, words.iter().filter_map(|word| Permission::from_word(word)).collect());
        }
    }
    Ok(defaults)
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
        held: row.try_get("p_held")?,
        speed_ppm: row.try_get("p_speed_ppm")?,
        recorded_at: Timestamp(row.try_get("p_recorded_at_us")?),
        position: Position::from_i64(row.try_get("p_position")?),
    }))
}

/// `$1` is the asker, NULL for nobody.
const SELECT: &str = "\
    SELECT c.channel_id, c.owner_id, c.name, c.slug, c.visibility, c.archived, c.created_at_us, \
           a.name AS owner_name, a.role AS owner_role, c.owner_id = $1 AS owned, \
           (SELECT count(*) FROM rm_members n WHERE n.channel_id = c.channel_id AND n.present) AS member_count, \
           c.description, c.slow_mode_s, c.remote_id, r.name AS remote_name, r.role AS remote_role, \
           c.viewer_permissions, c.moderator_permissions, c.admin_permissions, \
           m.role AS my_role, m.present, m.banned, m.asking, m.admitted, m.muted, m.muted_until_us, m.overrides, \
           p.video_id AS p_video_id, p.duration_us AS p_duration_us, p.position_us AS p_position_us, \
           p.at_us AS p_at_us, p.playing AS p_playing, p.held AS p_held, p.speed_ppm AS p_speed_ppm, \
           p.recorded_at_us AS p_recorded_at_us, p.position AS p_position \
    FROM rm_channels c \
    LEFT JOIN rm_accounts a ON a.account_id = c.owner_id \
    LEFT JOIN rm_accounts r ON r.account_id = c.remote_id \
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

/// The channels of these ids in no order, whoever may see them: ask [`ChannelRow::visible`].
pub async fn by_ids(
    pool: &PgPool,
    asker: Option<AccountId>,
    channels: &[ChannelId],
) -> Result<Vec<ChannelRow>, sqlx::Error> {
    let channels: Vec<uuid::Uuid> = channels.iter().map(|id| id.0).collect();
    sqlx::query_as(&format!("{SELECT} WHERE c.channel_id = ANY($2)"))
        .bind(asker.map(|id| id.0))
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
             AND (c.visibility = 'public' OR c.owner_id = $1 OR ((m.admitted OR m.present) AND NOT m.banned))
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
               AND (c.visibility <> 'private' OR c.owner_id = $1 OR m.admitted OR m.present))",
    )
    .bind(account.0)
    .bind(video.0)
    .fetch_one(pool)
    .await
}
