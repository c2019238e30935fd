//! Invites by id and by channel, newest first, with how often each was used.

use async_trait::async_trait;
use lockstep_domain::{
    ids::{AccountId, ChannelId, InviteId, Position},
    invite::InviteEvent,
    time::Timestamp,
};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow};
use uuid::Uuid;

use crate::{
    accounts::AccountRow,
    members::account_or_unknown,
    projection::{ApplyError, Projection, Table, decode, id_of, integer},
};

/// The projection behind `rm_invites`.
pub struct Invites;

#[async_trait]
impl Projection for Invites {
    fn name(&self) -> &'static str {
        "invites"
    }
    fn kinds(&self) -> &'static [&'static str] {
        &["invite"]
    }
    fn tables(&self) -> &'static [Table] {
        &[Table { name: "rm_invites", key: "invite_id" }]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let invite: InviteId = id_of(event)?;
        match decode::<InviteEvent>(event)? {
            InviteEvent::Issued { channel, by, expires_at_us, uses_max } => {
                sqlx::query(
                    "INSERT INTO rm_invites (invite_id, channel_id, by_id, issued_at_us, expires_at_us, uses_max,
                         redeemed_by, revoked, issued_position, position)
                     VALUES ($1, $2, $3, $4, $5, $6, '{}', false, $7, $7) ON CONFLICT (invite_id) DO NOTHING",
                )
                .bind(invite.0)
                .bind(channel.0)
                .bind(by.0)
                .bind(event.recorded_at.as_micros())
                .bind(expires_at_us.0)
                .bind(integer(event, uses_max)?)
                .bind(event.position.as_i64())
                .execute(tx)
                .await?;
            }
            InviteEvent::Redeemed { account } => {
                sqlx::query(
                    "UPDATE rm_invites SET redeemed_by = array_remove(redeemed_by, $2) || $2, position = $3
                     WHERE invite_id = $1 AND position < $3",
                )
                .bind(invite.0)
                .bind(account.0)
                .bind(event.position.as_i64())
                .execute(tx)
                .await?;
            }
            InviteEvent::Revoked { by: _ } => {
                sqlx::query(
                    "UPDATE rm_invites SET revoked = true, position = $2 WHERE invite_id = $1 AND position < $2",
                )
                .bind(invite.0)
                .bind(event.position.as_i64())
                .execute(tx)
                .await?;
            }
        }
        Ok(())
    }
}

/// One invite with who issued it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRow {
    pub invite: InviteId,
    pub channel: ChannelId,
    pub by: AccountRow,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub uses_max: i32,
    pub used: i32,
    pub revoked: bool,
    /// Its place in the list.
    pub issued_position: Position,
}

impl FromRow<'_, PgRow> for InviteRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            invite: InviteId(row.try_get("invite_id")?),
            channel: ChannelId(row.try_get("channel_id")?),
            by: account_or_unknown(row, AccountId(row.try_get("by_id")?))?,
            issued_at: Timestamp(row.try_get("issued_at_us")?),
            expires_at: Timestamp(row.try_get("expires_at_us")?),
            uses_max: row.try_get("uses_max")?,
            used: row.try_get("used")?,
            revoked: row.try_get("revoked")?,
            issued_position: Position::from_i64(row.try_get("issued_position")?),
        })
    }
}

const COLUMNS: &str = "i.invite_id, i.channel_id, i.by_id, i.issued_at_us, i.expires_at_us, i.uses_max, \
                       cardinality(i.redeemed_by) AS used, i.revoked, i.issued_position, a.name, a.role";

/// The invite of this id, whatever became of it.
pub async fn by_id(pool: &PgPool, invite: InviteId) -> Result<Option<InviteRow>, sqlx::Error> {
    sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM rm_invites i LEFT JOIN rm_accounts a ON a.account_id = i.by_id WHERE i.invite_id = $1"
    ))
    .bind(invite.0)
    .fetch_optional(pool)
    .await
}

/// The newest `limit` invites of each channel before `before`, newest first.
pub async fn of_channels(
    pool: &PgPool,
    channels: &[ChannelId],
    limit: i64,
    before: Option<Position>,
) -> Result<Vec<InviteRow>, sqlx::Error> {
    let channels: Vec<Uuid> = channels.iter().map(|id| id.0).collect();
    sqlx::query_as(&format!(
        "SELECT {COLUMNS}
         FROM unnest($1::uuid[]) AS c (channel_id)
         CROSS JOIN LATERAL (
             SELECT * FROM rm_invites WHERE rm_invites.channel_id = c.channel_id AND issued_position < $3
             ORDER BY issued_position DESC LIMIT $2
         ) i
         LEFT JOIN rm_accounts a ON a.account_id = i.by_id
         ORDER BY i.issued_position DESC"
    ))
    .bind(channels)
    .bind(limit)
    .bind(before.map_or(i64::MAX, Position::as_i64))
    .fetch_all(pool)
    .await
}
