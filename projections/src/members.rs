//! Who is in which channel, with which role, and who is banned. Counts are counted when asked, never stored.

use std::collections::BTreeMap;

use async_trait::async_trait;
use lockstep_domain::{
    account::PlatformRole,
    ids::{AccountId, ChannelId, member_parts},
    member::{MemberEvent, MemberState, Mute},
    permission::{ChannelRole, Permission},
    time::Timestamp,
};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use crate::{
    accounts::AccountRow,
    projection::{ApplyError, Projection, Table, decode},
    words::{self, Word},
};

/// The projection behind `rm_members`.
pub struct Members;

#[async_trait]
impl Projection for Members {
    fn name(&self) -> &'static str {
        "members"
    }
    fn kinds(&self) -> &'static [&'static str] {
        &["member"]
    }
    /// 2: asking, admitted, mutes and exceptions.
    fn version(&self) -> i32 {
        2
    }
    fn tables(&self) -> &'static [Table] {
        &[Table { name: "rm_members", key: "channel_id, account_id" }]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let change = match decode::<MemberEvent>(event)? {
            MemberEvent::JoinRequested {} => Change { asking: Some(true), ..Change::default() },
            MemberEvent::JoinApproved { by: _ } => {
                Change { asking: Some(false), admitted: Some(true), ..Change::default() }
            }
            MemberEvent::JoinDeclined { by: _ } => Change { asking: Some(false), ..Change::default() },
            MemberEvent::Joined { role, invite: _ } => Change {
                role: Some(role),
                present: Some(true),
                asking: Some(false),
                admitted: Some(true),
                joined_at_us: Some(event.recorded_at.as_micros()),
                ..Change::default()
            },
            MemberEvent::Left {} => Change { present: Some(false), ..Change::default() },
            MemberEvent::Removed { .. } => Change { present: Some(false), admitted: Some(false), ..Change::default() },
            MemberEvent::RoleGranted { role, by: _ } => Change { role: Some(role), ..Change::default() },
            MemberEvent::PermissionOverridden { permission, granted, by: _ } => {
                Change { exception: Some((permission, granted)), ..Change::default() }
            }
            MemberEvent::Muted { until_us, .. } => {
                Change { mute: Some(Some(Mute { until: until_us })), ..Change::default() }
            }
            MemberEvent::Unmuted { by: _ } => Change { mute: Some(None), ..Change::default() },
            MemberEvent::Banned { .. } => Change {
                present: Some(false),
                banned: Some(true),
                asking: Some(false),
                admitted: Some(false),
                ..Change::default()
            },
            MemberEvent::Unbanned { by: _ } => Change { banned: Some(false), ..Change::default() },
        };
        change.write(tx, event).await
    }
}

/// What one event changes in a member's row; `None` leaves a column as it was.
#[derive(Default)]
struct Change {
    role: Option<ChannelRole>,
    present: Option<bool>,
    banned: Option<bool>,
    asking: Option<bool>,
    admitted: Option<bool>,
    joined_at_us: Option<i64>,
    /// The mute from now on, or none.
    mute: Option<Option<Mute>>,
    /// What is granted or denied, or no exception any more.
    exception: Option<(Permission, Option<bool>)>,
}

/// `$7` says whether the mute changes, `$10` which exception does: to `$11`, or away.
const UPSERT: &str = "\
    INSERT INTO rm_members AS m (channel_id, account_id, role, present, banned, asking, admitted, muted, \
        muted_until_us, overrides, joined_at_us, position) \
    VALUES ($1, $2, $3, coalesce($4, false), coalesce($5, false), coalesce($6, false), coalesce($12, false), $8, $9, \
        CASE WHEN $11::boolean IS NULL THEN '{}' ELSE jsonb_build_object($10::text, $11) END, $13, $14) \
    ON CONFLICT (channel_id, account_id) DO UPDATE SET role = coalesce($3, m.role), \
        present = coalesce($4, m.present), banned = coalesce($5, m.banned), asking = coalesce($6, m.asking), \
        admitted = coalesce($12, m.admitted), \
        muted = CASE WHEN $7 THEN $8 ELSE m.muted END, \
        muted_until_us = CASE WHEN $7 THEN $9 ELSE m.muted_until_us END, \
        overrides = CASE WHEN $10::text IS NULL THEN m.overrides ELSE m.overrides - $10::text || excluded.overrides END, \
        joined_at_us = coalesce($13, m.joined_at_us), position = excluded.position \
    WHERE m.position < excluded.position";

impl Change {
    async fn write(self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let Some((channel, account)) = member_parts(event.stream.id()) else {
            return Err(ApplyError::undecodable(event, "not a member stream"));
        };
        let mute = self.mute.flatten();
        sqlx::query(UPSERT)
            .bind(channel.0)
            .bind(account.0)
            .bind(self.role.map(Word::word))
            .bind(self.present)
            .bind(self.banned)
            .bind(self.asking)
            .bind(self.mute.is_some())
            .bind(mute.is_some())
            .bind(mute.and_then(|mute| mute.until).map(|until| until.0))
            .bind(self.exception.map(|(permission, _)| permission.word()))
            .bind(self.exception.and_then(|(_, granted)| granted))
            .bind(self.admitted)
            .bind(self.joined_at_us)
            .bind(event.position.as_i64())
            .execute(tx)
            .await?;
        Ok(())
    }
}

/// One person's standing in one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    pub channel: ChannelId,
    pub account: AccountRow,
    pub role: ChannelRole,
    pub present: bool,
    pub banned: bool,
    pub asking: bool,
    pub mute: Option<Mute>,
    /// Exceptions to what the role permits.
    pub overrides: BTreeMap<Permission, bool>,
    /// When they joined last, microseconds since 1970; 0 if never.
    pub joined_at_us: i64,
}

impl FromRow<'_, PgRow> for MemberRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let account = AccountId(row.try_get("member_id")?);
        Ok(Self {
            channel: ChannelId(row.try_get("channel_id")?),
            account: account_or_unknown(row, account)?,
            role: words::optional(row, "channel_role")?.unwrap_or(ChannelRole::Viewer),
            present: row.try_get("present")?,
            banned: row.try_get("banned")?,
            asking: row.try_get("asking")?,
            mute: mute(row)?,
            overrides: overrides(row)?,
            joined_at_us: row.try_get::<Option<i64>, _>("joined_at_us")?.unwrap_or(0),
        })
    }
}

fn mute(row: &PgRow) -> Result<Option<Mute>, sqlx::Error> {
    let until = row.try_get::<Option<i64>, _>("muted_until_us")?.map(Timestamp);
    Ok(row.try_get::<bool, _>("muted")?.then_some(Mute { until }))
}

/// Words this program does not know are of a newer one: they permit nothing here.
fn overrides(row: &PgRow) -> Result<BTreeMap<Permission, bool>, sqlx::Error> {
    let Json(words) = row.try_get::<Json<BTreeMap<String, bool>>, _>("overrides")?;
    Ok(words.into_iter().filter_map(|(word, granted)| Some((Permission::from_word(&word)?, granted))).collect())
}

/// The standing in the columns of `rm_members`, as the domain folds it; its role is in the column `role`.
pub(crate) fn state(row: &PgRow, role: &str) -> Result<MemberState, sqlx::Error> {
    Ok(MemberState {
        role: words::optional(row, role)?,
        present: row.try_get("present")?,
        banned: row.try_get("banned")?,
        mute: mute(row)?,
        overrides: overrides(row)?,
        asking: row.try_get("asking")?,
        admitted: row.try_get("admitted")?,
        // What role somebody comes back with is decided on the log.
        demoted: false,
    })
}

/// The joined account, or a nameless guest while the accounts read model is behind.
pub(crate) fn account_or_unknown(row: &PgRow, account: AccountId) -> Result<AccountRow, sqlx::Error> {
    let name: Option<String> = row.try_get("name")?;
    Ok(AccountRow {
        account,
        name: name.unwrap_or_default(),
        role: words::optional(row, "role")?.unwrap_or(PlatformRole::Guest),
    })
}

pub(crate) const COLUMNS: &str = "m.channel_id, m.account_id AS member_id, m.role AS channel_role, m.present, \
                                  m.banned, m.asking, m.muted, m.muted_until_us, m.overrides, m.joined_at_us, \
                                  a.name, a.role";

/// The first `limit` people present in each channel, those with more rights first.
pub async fn present_in_channels(
    pool: &PgPool,
    channels: &[ChannelId],
    limit: i64,
) -> Result<Vec<MemberRow>, sqlx::Error> {
    let channels: Vec<Uuid> = channels.iter().map(|id| id.0).collect();
    sqlx::query_as(&format!(
        "SELECT {COLUMNS}
         FROM unnest($1::uuid[]) AS c (channel_id)
         CROSS JOIN LATERAL (
             SELECT *, row_number() OVER (
                 ORDER BY array_position(ARRAY['owner', 'admin', 'moderator', 'viewer'], role), joined_at_us, account_id
             ) AS place
             FROM rm_members WHERE rm_members.channel_id = c.channel_id AND present
             ORDER BY place LIMIT $2
         ) m
         LEFT JOIN rm_accounts a ON a.account_id = m.account_id
         ORDER BY m.channel_id, m.place"
    ))
    .bind(channels)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// One person's standing, if they ever joined or were banned.
pub async fn one(pool: &PgPool, channel: ChannelId, account: AccountId) -> Result<Option<MemberRow>, sqlx::Error> {
    sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM rm_members m LEFT JOIN rm_accounts a ON a.account_id = m.account_id
         WHERE m.channel_id = $1 AND m.account_id = $2"
    ))
    .bind(channel.0)
    .bind(account.0)
    .fetch_optional(pool)
    .await
}
