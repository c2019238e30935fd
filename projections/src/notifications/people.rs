//! Who is to be told: those who may let people in, and whose a film or an invite is. Kept here, from the log, so that
//! a rebuild finds the same people.

use lockstep_domain::{
    channel::ChannelEvent,
    ids::{AccountId, ChannelId},
    member::MemberEvent,
    permission::{ChannelRole, Defaults},
};
use lockstep_event_store::RecordedEvent;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{APPROVE, RECIPIENTS_MAX};
use crate::{
    projection::{ApplyError, decode, id_of},
    words::Word,
};

/// What the channel is called, and what roles permit in it as far as letting people in goes.
pub(super) async fn channel(tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
    let channel: ChannelId = id_of(event)?;
    match decode::<ChannelEvent>(event)? {
        ChannelEvent::Created { name, .. } => {
            named(tx, event, channel, &name).await?;
            let defaults = Defaults::default();
            for role in ChannelRole::ALL {
                let approves = defaults.of(role).is_none_or(|set| set.contains(APPROVE));
                permits(tx, event, channel, role, approves).await?;
            }
        }
        ChannelEvent::PermissionDefaultsChanged { role, permissions } => {
            permits(tx, event, channel, role, permissions.contains(APPROVE)).await?;
        }
        ChannelEvent::Renamed { name } => named(tx, event, channel, &name).await?,
        ChannelEvent::Described { .. }
        | ChannelEvent::VisibilityChanged { .. }
        | ChannelEvent::SlowModeSet { .. }
        | ChannelEvent::RemoteModeChanged { .. }
        | ChannelEvent::RemoteHandedOver { .. }
        | ChannelEvent::Archived {} => {}
    }
    Ok(())
}

async fn named(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    channel: ChannelId,
    name: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO rm_notifications_names AS n (channel_id, name, position) VALUES ($1, $2, $3)
         ON CONFLICT (channel_id) DO UPDATE SET name = excluded.name, position = excluded.position
         WHERE n.position < excluded.position",
    )
    .bind(channel.0)
    .bind(name)
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}

async fn permits(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    channel: ChannelId,
    role: ChannelRole,
    approves: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO rm_notifications_defaults AS d (channel_id, role, approves, position) VALUES ($1, $2, $3, $4)
         ON CONFLICT (channel_id, role) DO UPDATE SET approves = excluded.approves, position = excluded.position
         WHERE d.position < excluded.position",
    )
    .bind(channel.0)
    .bind(role.word())
    .bind(approves)
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}

/// Whether the account is in the channel as far as the log was read.
pub(super) async fn is_in(tx: &mut PgConnection, channel: ChannelId, account: AccountId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM rm_notifications_members
                        WHERE channel_id = $1 AND account_id = $2 AND present AND NOT banned)",
    )
    .bind(channel.0)
    .bind(account.0)
    .fetch_one(tx)
    .await
}

/// Keeps up where a member stands.
pub(super) async fn member(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    channel: ChannelId,
    account: AccountId,
    decoded: &MemberEvent,
) -> Result<(), ApplyError> {
    let (mut role, mut present, mut banned, mut approves) = (None, None, None, None::<Option<bool>>);
    match decoded {
        MemberEvent::Joined { role: held, .. } => (role, present) = (Some(*held), Some(true)),
        MemberEvent::RoleGranted { role: held, .. } => role = Some(*held),
        MemberEvent::Left {} | MemberEvent::Removed { .. } => present = Some(false),
        MemberEvent::Banned { .. } => (present, banned) = (Some(false), Some(true)),
        MemberEvent::Unbanned { .. } => banned = Some(false),
        MemberEvent::PermissionOverridden { permission, granted, .. } if *permission == APPROVE => {
            approves = Some(*granted);
        }
        MemberEvent::PermissionOverridden { .. }
        | MemberEvent::JoinRequested {}
        | MemberEvent::JoinApproved { .. }
        | MemberEvent::JoinDeclined { .. }
        | MemberEvent::Muted { .. }
        | MemberEvent::Unmuted { .. } => return Ok(()),
    }
    sqlx::query(
        "INSERT INTO rm_notifications_members AS m (channel_id, account_id, role, present, banned, approves, position)
         VALUES ($1, $2, $3, coalesce($4, false), coalesce($5, false), $7, $8)
         ON CONFLICT (channel_id, account_id) DO UPDATE SET role = coalesce($3, m.role),
             present = coalesce($4, m.present), banned = coalesce($5, m.banned),
             approves = CASE WHEN $6 THEN $7 ELSE m.approves END, position = excluded.position
         WHERE m.position < excluded.position",
    )
    .bind(channel.0)
    .bind(account.0)
    .bind(role.map(Word::word))
    .bind(present)
    .bind(banned)
    .bind(approves.is_some())
    .bind(approves.flatten())
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}

/// Those who may let people into the channel, with more rights first.
pub(super) async fn approvers(tx: &mut PgConnection, channel: ChannelId) -> Result<Vec<AccountId>, sqlx::Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT m.account_id FROM rm_notifications_members m
         LEFT JOIN rm_notifications_defaults d ON d.channel_id = m.channel_id AND d.role = m.role
         WHERE m.channel_id = $1 AND m.present AND NOT m.banned
           AND (m.role = 'owner' OR coalesce(m.approves, d.approves, false))
         ORDER BY array_position(ARRAY['owner', 'admin', 'moderator', 'viewer'], m.role), m.account_id LIMIT $2",
    )
    .bind(channel.0)
    .bind(RECIPIENTS_MAX)
    .fetch_all(tx)
    .await?;
    Ok(ids.into_iter().map(AccountId).collect())
}

/// Notes whose something is; that never changes.
pub(super) async fn owns(
    tx: &mut PgConnection,
    kind: &str,
    id: Uuid,
    owner: AccountId,
    channel: Option<ChannelId>,
) -> Result<(), ApplyError> {
    sqlx::query(
        "INSERT INTO rm_notifications_owners (kind, id, owner_id, channel_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (kind, id) DO NOTHING",
    )
    .bind(kind)
    .bind(id)
    .bind(owner.0)
    .bind(channel.map(|id| id.0))
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn owner(
    tx: &mut PgConnection,
    kind: &str,
    id: Uuid,
) -> Result<Option<(AccountId, Option<ChannelId>)>, sqlx::Error> {
    let sql = "SELECT owner_id, channel_id FROM rm_notifications_owners WHERE kind = $1 AND id = $2";
    let row: Option<(Uuid, Option<Uuid>)> = sqlx::query_as(sql).bind(kind).bind(id).fetch_optional(tx).await?;
    Ok(row.map(|(owner, channel)| (AccountId(owner), channel.map(ChannelId))))
}
