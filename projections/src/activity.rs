//! What was done in each channel, one row per shared action, with what it changed from and to.
//!
//! One small function per kind of stream says what an event means here; a new kind needs one of those and its line in
//! [`entry`]. Texts about people (reasons) are not copied: they stay in the log, where they can be erased.

mod place;
mod query;
mod queue;

use async_trait::async_trait;
use lockstep_domain::{
    channel::{Channel, ChannelEvent},
    ids::{AccountId, ChannelId, VideoId, member_parts},
    invite::InviteEvent,
    member::{Member, MemberEvent},
    permission::Permission,
    playback::PlaybackEvent,
    queue::QueueEvent,
    undo::{Facet, Undoable},
};
use lockstep_event_store::RecordedEvent;
pub use query::{ActivityRow, KINDS, Page, page};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    projection::{ApplyError, Projection, Table, decode},
    words::Word,
};

/// The projection behind `rm_activity`.
pub struct Activities;

#[async_trait]
impl Projection for Activities {
    fn name(&self) -> &'static str {
        "activity"
    }
    fn kinds(&self) -> &'static [&'static str] {
        KINDS
    }
    fn tables(&self) -> &'static [Table] {
        &[
            Table { name: "rm_activity", key: "position" },
            Table { name: "rm_activity_values", key: "channel_id, facet" },
        ]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let Some(channel) = event.metadata.channel_id.as_deref().and_then(|id| id.parse::<ChannelId>().ok()) else {
            return Ok(());
        };
        let mut entry = match event.stream.kind() {
            "playback" => place::entry(tx, channel, event, &decode::<PlaybackEvent>(event)?).await?,
            "queue" => match queue::entry(tx, channel, event, &decode::<QueueEvent>(event)?).await? {
                Some(entry) => entry,
                None => return Ok(()),
            },
            _ => entry(event)?,
        };
        if entry.before.is_none()
            && let Some(facet) = &entry.facet
        {
            entry.before = value(tx, channel, facet, event).await?;
        }
        insert(tx, channel, event, &entry).await?;
        for (facet, value) in &entry.values {
            let claims = entry.needs.is_some() && entry.facet.as_ref() == Some(facet);
            keep(tx, channel, event, facet, value, claims).await?;
        }
        Ok(())
    }
}

/// What an event means here.
#[derive(Debug, Default)]
pub(super) struct Entry {
    target: Option<AccountId>,
    video: Option<VideoId>,
    facet: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
    needs: Option<Permission>,
    /// What is so from now on, by facet.
    values: Vec<(String, Value)>,
}

impl Entry {
    /// A change of one thing.
    fn changed(facet: String, after: Value, needs: Option<Permission>) -> Self {
        let values = vec![(facet.clone(), after.clone())];
        Self { facet: Some(facet), after: Some(after), needs, values, ..Self::default() }
    }
}

fn entry(event: &RecordedEvent) -> Result<Entry, ApplyError> {
    match event.stream.kind() {
        "channel" => Ok(channel(&decode::<ChannelEvent>(event)?)),
        "member" => {
            let (_, target) =
                member_parts(event.stream.id()).ok_or_else(|| ApplyError::undecodable(event, "not a member stream"))?;
            Ok(member(&decode::<MemberEvent>(event)?, target))
        }
        "invite" => Ok(invite(&decode::<InviteEvent>(event)?)),
        _ => Ok(Entry::default()),
    }
}

fn channel(event: &ChannelEvent) -> Entry {
    let after = match event {
        ChannelEvent::Created { name, visibility, .. } => {
            let values = vec![(word(Facet::Name), json!(name)), (word(Facet::Visibility), json!(visibility.word()))];
            return Entry { after: Some(json!(name)), values, ..Entry::default() };
        }
        ChannelEvent::Archived {} => return Entry::default(),
        ChannelEvent::Renamed { name } => json!(name),
        ChannelEvent::Described { description } => json!(description),
        ChannelEvent::VisibilityChanged { visibility } => json!(visibility.word()),
        ChannelEvent::PermissionDefaultsChanged { permissions, .. } => json!(permissions),
        ChannelEvent::SlowModeSet { seconds } => json!(seconds),
        ChannelEvent::RemoteModeChanged { holder } => json!(holder),
        ChannelEvent::RemoteHandedOver { to, .. } => json!(to),
    };
    let target = match event {
        ChannelEvent::RemoteModeChanged { holder } => *holder,
        ChannelEvent::RemoteHandedOver { to, .. } => Some(*to),
        _ => None,
    };
    let Some(facet) = Channel::facet(event).map(word) else { return Entry::default() };
    Entry { target, ..Entry::changed(facet, after, Channel::needs(event)) }
}

fn member(event: &MemberEvent, target: AccountId) -> Entry {
    let after = match event {
        MemberEvent::Joined { role, .. } => {
            let values = vec![(of(Facet::Role, target), json!(role.word()))];
            return Entry { target: Some(target), after: Some(json!(role.word())), values, ..Entry::default() };
        }
        MemberEvent::RoleGranted { role, .. } => json!(role.word()),
        MemberEvent::PermissionOverridden { granted, .. } => json!(granted),
        MemberEvent::Muted { until_us, .. } => json!({ "muted": true, "until_us": until_us }),
        MemberEvent::Unmuted { .. } => json!({ "muted": false }),
        MemberEvent::Banned { .. } => json!(true),
        MemberEvent::Unbanned { .. } => json!(false),
        MemberEvent::Removed { .. }
        | MemberEvent::JoinRequested {}
        | MemberEvent::JoinApproved { .. }
        | MemberEvent::JoinDeclined { .. }
        | MemberEvent::Left {} => Value::Null,
    };
    let entry = match Member::facet(event) {
        Some(facet) => Entry::changed(of(facet, target), after, Member::needs(event)),
        None => Entry::default(),
    };
    Entry { target: Some(target), ..entry }
}

fn invite(event: &InviteEvent) -> Entry {
    let target = match event {
        InviteEvent::Redeemed { account } => Some(*account),
        InviteEvent::Issued { .. } | InviteEvent::Revoked { .. } => None,
    };
    Entry { target, ..Entry::default() }
}

/// A facet of the whole channel, as a column holds it.
pub(super) fn word(facet: Facet) -> String {
    match facet {
        Facet::Name => "name".to_owned(),
        Facet::Description => "description".to_owned(),
        Facet::Visibility => "visibility".to_owned(),
        Facet::Defaults(role) => format!("defaults.{}", role.word()),
        Facet::SlowMode => "slow_mode".to_owned(),
        Facet::Remote => "remote".to_owned(),
        Facet::Place => "place".to_owned(),
        Facet::Role => "role".to_owned(),
        Facet::Override(permission) => format!("override.{}", permission.word()),
        Facet::Mute => "mute".to_owned(),
        Facet::Ban => "ban".to_owned(),
        Facet::Admission => "admission".to_owned(),
        Facet::Speed => "speed".to_owned(),
        Facet::Item(item) => format!("item@{item}"),
        Facet::Queue => "queue".to_owned(),
        Facet::Autoplay => "autoplay".to_owned(),
        Facet::Loop => "loop".to_owned(),
    }
}

/// A facet of one member.
fn of(facet: Facet, account: AccountId) -> String {
    format!("{}@{account}", word(facet))
}

/// What the facet was before this event.
async fn value(
    tx: &mut PgConnection,
    channel: ChannelId,
    facet: &str,
    event: &RecordedEvent,
) -> Result<Option<Value>, sqlx::Error> {
    let sql = "SELECT value FROM rm_activity_values WHERE channel_id = $1 AND facet = $2 AND position < $3";
    let held: Option<Option<Value>> =
        sqlx::query_scalar(sql).bind(channel.0).bind(facet).bind(event.position.as_i64()).fetch_optional(tx).await?;
    Ok(held.flatten())
}

async fn insert(
    tx: &mut PgConnection,
    channel: ChannelId,
    event: &RecordedEvent,
    entry: &Entry,
) -> Result<(), sqlx::Error> {
    let cause: Option<Uuid> = event.metadata.causation_id.as_deref().and_then(|id| id.parse().ok());
    sqlx::query(
        "INSERT INTO rm_activity (position, channel_id, event_id, actor_id, kind, event_type, target_id, video_id,
                                  facet, before_value, after_value, needs, undoes, at_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                 (SELECT c.position FROM rm_activity c WHERE c.event_id = $13 AND c.channel_id = $2 AND $4 IS NOT NULL),
                 $14)
         ON CONFLICT (position) DO NOTHING",
    )
    .bind(event.position.as_i64())
    .bind(channel.0)
    .bind(event.event_id)
    .bind(event.metadata.actor.parse::<AccountId>().ok().map(|id| id.0))
    .bind(event.stream.kind())
    .bind(&event.event_type)
    .bind(entry.target.map(|id| id.0))
    .bind(entry.video.map(|id| id.0))
    .bind(&entry.facet)
    .bind(&entry.before)
    .bind(&entry.after)
    .bind(entry.needs.map(Word::word))
    .bind(cause)
    .bind(event.recorded_at.as_micros())
    .execute(tx)
    .await?;
    Ok(())
}

/// `claims`: this change can be taken back, and no earlier one of the same thing any more.
async fn keep(
    tx: &mut PgConnection,
    channel: ChannelId,
    event: &RecordedEvent,
    facet: &str,
    value: &Value,
    claims: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO rm_activity_values AS v (channel_id, facet, value, claimed, position)
         VALUES ($1, $2, $3, CASE WHEN $5 THEN $4 ELSE 0 END, $4)
         ON CONFLICT (channel_id, facet) DO UPDATE SET value = excluded.value, position = excluded.position,
             claimed = CASE WHEN $5 THEN $4 ELSE v.claimed END
         WHERE v.position < excluded.position",
    )
    .bind(channel.0)
    .bind(facet)
    .bind(value)
    .bind(event.position.as_i64())
    .bind(claims)
    .execute(tx)
    .await?;
    Ok(())
}
