//! Who is in which channel, with which role, and who is banned. Counts are counted when asked, never stored.

use async_trait::async_trait;
use lockstep_domain::{
    account::PlatformRole,
    ids::{AccountId, ChannelId, member_parts},
    member::MemberEvent,
    permission::ChannelRole,
};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow};
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
    fn tables(&self) -> &'static [Table] {
        &[Table { name: "rm_members", key: "channel_id, account_id" }]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let change = match decode::<MemberEvent>(event)? {
            MemberEvent::Joined { role, invite: _ } => Change {
                role: Some(role),
                present: Some(true),
                joined_at_us: Some(event.recorded_at.as_micros()),
                ..Change::default()
            },
            MemberEvent::Left {} | MemberEvent::Removed { .. } => Change { present: Some(false), ..Change::default() },
            MemberEvent::RoleGranted { role, by: _ } => Change { role: Some(role), ..Change::default() },
            MemberEvent::Banned { .. } => Change { present: Some(false), banned: Some(true), ..Change::default() },
            MemberEvent::Unbanned { by: _ } => Change { banned: Some(false), ..Change::default() },
            MemberEvent::JoinRequested {}
            | MemberEvent::JoinApproved { .. }
            | MemberEvent::JoinDeclined { .. }
            | MemberEvent::PermissionOverridden { .. }
            | MemberEvent::Muted { .. }
            | MemberEvent::Unmuted { .. } => return Ok(()),
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
    joined_at_us: Option<i64>,
}

impl Change {
    async fn write(self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let Some((channel, account)) = member_parts(event.stream.id()) else {
            return Err(ApplyError::undecodable(event, "not a member stream"));
        };
        sqlx::query(
            "INSERT INTO rm_members AS m (channel_id, account_id, role, present, banned, joined_at_us, position)
             VALUES ($1, $2, $3, coalesce($4, false), coalesce($5, false), $6, $7)
             ON CONFLICT (channel_id, account_id) DO UPDATE SET role = coalesce($3, m.role),
                 present = coalesce($4, m.present), banned = coalesce($5, m.banned),
                 joined_at_us = coalesce($6, m.joined_at_us), position = excluded.position
             WHERE m.position < excluded.position",
        )
        .bind(channel.0)
        .bind(account.0)
        .bind(self.role.map(Word::word))
        .bind(self.present)
        .bind(self.banned)
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
        })
    }
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

const COLUMNS: &str = "m.channel_id, m.account_id AS member_id, m.role AS channel_role, m.present, m.banned, \
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
