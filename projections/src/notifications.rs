//! What concerns one person: who asks to be let in, what was done to them, who answered them, what became of their
//! films and invites. Ids follow from event and recipient; what was read is a fact of the recipient's inbox.

mod people;
mod query;

use async_trait::async_trait;
use lockstep_domain::{
    account::AccountEvent,
    ids::{AccountId, ChannelId, MessageId, NotificationId, VideoId, member_parts},
    inbox::InboxEvent,
    invite::InviteEvent,
    member::MemberEvent,
    permission::Permission,
    time::Timestamp,
    video::VideoEvent,
    webhook::WebhookEvent,
};
use lockstep_event_store::RecordedEvent;
pub use query::{List, NotificationRow, at, list, may_concern, unread};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    projection::{ApplyError, Projection, Table, decode, id_of},
    words::Word,
};

/// Notifications kept of each person: the newest.
pub const KEPT_MAX: i64 = 500;
/// People told of one event.
pub const RECIPIENTS_MAX: i64 = 50;

/// The projection behind `rm_notifications`.
pub struct Notifications;

#[async_trait]
impl Projection for Notifications {
    fn name(&self) -> &'static str {
        "notifications"
    }
    fn kinds(&self) -> &'static [&'static str] {
        &["account", "channel", "member", "message", "invite", "video", "inbox", "webhook"]
    }
    fn tables(&self) -> &'static [Table] {
        &[
            Table { name: "rm_notifications", key: "notification_id" },
            Table { name: "rm_notifications_read", key: "account_id" },
            Table { name: "rm_notifications_members", key: "channel_id, account_id" },
            Table { name: "rm_notifications_defaults", key: "channel_id, role" },
            Table { name: "rm_notifications_names", key: "channel_id" },
            Table { name: "rm_notifications_owners", key: "kind, id" },
        ]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        match event.stream.kind() {
            "account" => account(tx, event).await,
            "channel" => people::channel(tx, event).await,
            "member" => member(tx, event).await,
            "message" => message(tx, event).await,
            "invite" => invite(tx, event).await,
            "video" => video(tx, event).await,
            "inbox" => inbox(tx, event).await,
            "webhook" => webhook(tx, event).await,
            _ => Ok(()),
        }
    }
}

/// The same event and person give the same id.
pub fn notification_id(event: &RecordedEvent, recipient: AccountId) -> NotificationId {
    let mut hash = Sha256::new();
    hash.update(event.position.to_string());
    hash.update([0]);
    hash.update(recipient.0.as_bytes());
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    NotificationId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// What is told, to whomever.
#[derive(Default)]
struct Told {
    kind: &'static str,
    channel: Option<ChannelId>,
    video: Option<VideoId>,
    message: Option<MessageId>,
    detail: Option<String>,
    until: Option<Timestamp>,
    /// Whether the recipients were in the channel, and so knew its name.
    inside: bool,
}

/// Nobody is told what they did themselves.
async fn tell(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    recipient: AccountId,
    told: &Told,
) -> Result<(), ApplyError> {
    let actor = event.metadata.actor.parse::<AccountId>().ok();
    if actor == Some(recipient) {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO rm_notifications (notification_id, recipient_id, position, kind, actor_id, channel_id, video_id,
                                       message_id, detail, until_us, at_us, channel_name)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
                 (SELECT name FROM rm_notifications_names WHERE channel_id = $6 AND $12))
         ON CONFLICT (notification_id) DO NOTHING",
    )
    .bind(notification_id(event, recipient).0)
    .bind(recipient.0)
    .bind(event.position.as_i64())
    .bind(told.kind)
    .bind(actor.map(|id| id.0))
    .bind(told.channel.map(|id| id.0))
    .bind(told.video.map(|id| id.0))
    .bind(told.message.map(|id| id.0))
    .bind(&told.detail)
    .bind(told.until.map(Timestamp::as_micros))
    .bind(event.recorded_at.as_micros())
    .bind(told.inside)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "DELETE FROM rm_notifications WHERE recipient_id = $1 AND position <
             (SELECT position FROM rm_notifications WHERE recipient_id = $1 ORDER BY position DESC
              OFFSET $2 - 1 LIMIT 1)",
    )
    .bind(recipient.0)
    .bind(KEPT_MAX)
    .execute(tx)
    .await?;
    Ok(())
}

async fn account(tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
    let kind = match decode::<AccountEvent>(event)? {
        AccountEvent::Suspended { .. } => "suspended",
        AccountEvent::Reinstated { .. } => "reinstated",
        AccountEvent::Registered { .. }
        | AccountEvent::GuestAdmitted { .. }
        | AccountEvent::DisplayNameChanged { .. }
        | AccountEvent::PasswordChanged { .. }
        | AccountEvent::Upgraded { .. }
        | AccountEvent::PlatformRoleGranted { .. }
        | AccountEvent::IdentityLinked { .. }
        | AccountEvent::IdentityUnlinked { .. } => return Ok(()),
    };
    tell(tx, event, id_of(event)?, &Told { kind, ..Told::default() }).await
}

async fn member(tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
    let (channel, account) =
        member_parts(event.stream.id()).ok_or_else(|| ApplyError::undecodable(event, "not a member stream"))?;
    let decoded = decode::<MemberEvent>(event)?;
    let inside = people::is_in(tx, channel, account).await?;
    people::member(tx, event, channel, account, &decoded).await?;
    let own = |kind| Told { kind, channel: Some(channel), inside, ..Told::default() };
    let told = match decoded {
        MemberEvent::JoinRequested {} => {
            for approver in people::approvers(tx, channel).await? {
                tell(tx, event, approver, &Told { inside: true, ..own("join_requested") }).await?;
            }
            return Ok(());
        }
        MemberEvent::JoinApproved { .. } => own("join_approved"),
        MemberEvent::JoinDeclined { .. } => own("join_declined"),
        MemberEvent::RoleGranted { role, .. } => Told { detail: Some(role.word().to_owned()), ..own("role_granted") },
        MemberEvent::Muted { until_us, .. } => Told { until: until_us, ..own("muted") },
        MemberEvent::Unmuted { .. } => own("unmuted"),
        MemberEvent::Removed { .. } => own("removed"),
        MemberEvent::Banned { .. } => own("banned"),
        MemberEvent::Unbanned { .. } => own("unbanned"),
        MemberEvent::PermissionOverridden { permission, granted, .. } => {
            let kind = match granted {
                Some(true) => "right_given",
                Some(false) => "right_taken",
                None => "right_usual",
            };
            Told { detail: Some(permission.word().to_owned()), ..own(kind) }
        }
        MemberEvent::Joined { .. } | MemberEvent::Left {} => return Ok(()),
    };
    tell(tx, event, account, &told).await
}

/// Mentions and answers, where the event says whom.
async fn message(tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
    let Some(channel) = event.metadata.channel_id.as_deref().and_then(|id| id.parse().ok()) else { return Ok(()) };
    let told =
        |kind| Told { kind, channel: Some(channel), message: id_of(event).ok(), inside: true, ..Told::default() };
    let (answered, mentioned) = query::addressed(event);
    if let Some(author) = answered {
        tell(tx, event, author, &told("reply")).await?;
    }
    // Whoever is answered and named is told once.
    for account in mentioned.into_iter().filter(|account| Some(*account) != answered) {
        tell(tx, event, account, &told("mention")).await?;
    }
    Ok(())
}

async fn invite(tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
    let id: Uuid = id_of(event)?;
    match decode::<InviteEvent>(event)? {
        InviteEvent::Issued { channel, by, .. } => people::owns(tx, "invite", id, by, Some(channel)).await,
        InviteEvent::Redeemed { .. } => {
            let Some((by, channel)) = people::owner(tx, "invite", id).await? else { return Ok(()) };
            tell(tx, event, by, &Told { kind: "invite_redeemed", channel, inside: true, ..Told::default() }).await
        }
        InviteEvent::Revoked { .. } => Ok(()),
    }
}

async fn video(tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
    let video: VideoId = id_of(event)?;
    let (kind, detail) = match decode::<VideoEvent>(event)? {
        VideoEvent::UploadRequested { owner, .. } => return people::owns(tx, "video", video.0, owner, None).await,
        VideoEvent::TranscodeCompleted { .. } => ("video_ready", None),
        VideoEvent::TranscodeFailed { failure } => ("video_failed", Some(failure.reason)),
        VideoEvent::UploadRejected { reason } => ("video_failed", Some(reason)),
        VideoEvent::UploadCompleted {}
        | VideoEvent::TranscodeStarted {}
        | VideoEvent::SourceProbed { .. }
        | VideoEvent::TranscodePlanned { .. }
        | VideoEvent::TranscodeProgressed { .. }
        | VideoEvent::RenditionCompleted { .. }
        | VideoEvent::ThumbnailsGenerated { .. }
        | VideoEvent::CaptionsAdded { .. }
        | VideoEvent::CaptionsRemoved { .. }
        | VideoEvent::StoryboardGenerated { .. }
        | VideoEvent::PosterChosen { .. }
        | VideoEvent::PosterReset { .. }
        | VideoEvent::UploadFingerprinted { .. }
        | VideoEvent::MultipartStarted { .. }
        | VideoEvent::UploadAborted { .. }
        | VideoEvent::InterimObjectRemoved {}
        | VideoEvent::Retitled { .. }
        | VideoEvent::Described { .. }
        | VideoEvent::Tagged { .. }
        | VideoEvent::VisibilityChanged { .. }
        | VideoEvent::Trashed { .. }
        | VideoEvent::Restored {}
        | VideoEvent::PurgeStarted {}
        | VideoEvent::Purged {} => return Ok(()),
    };
    let Some((owner, _)) = people::owner(tx, "video", video.0).await? else { return Ok(()) };
    tell(tx, event, owner, &Told { kind, video: Some(video), detail, ..Told::default() }).await
}

async fn webhook(tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
    match decode::<WebhookEvent>(event)? {
        WebhookEvent::Disabled { owner } => {
            tell(tx, event, owner, &Told { kind: "webhook_disabled", ..Told::default() }).await
        }
        WebhookEvent::Registered { .. }
        | WebhookEvent::Enabled { .. }
        | WebhookEvent::Removed { .. }
        | WebhookEvent::SecretRotated { .. } => Ok(()),
    }
}

async fn inbox(tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
    let account: AccountId = id_of(event)?;
    match decode::<InboxEvent>(event)? {
        InboxEvent::ReadThrough { position } => {
            sqlx::query(
                "INSERT INTO rm_notifications_read AS r (account_id, through, position) VALUES ($1, $2, $3)
                 ON CONFLICT (account_id) DO UPDATE SET through = excluded.through, position = excluded.position
                 WHERE r.position < excluded.position",
            )
            .bind(account.0)
            .bind(position.as_i64())
            .bind(event.position.as_i64())
            .execute(tx)
            .await?;
        }
        InboxEvent::Read { notifications } => {
            let ids: Vec<Uuid> = notifications.iter().map(|id| id.0).collect();
            // Only one's own: an id is no secret.
            sqlx::query(
                "UPDATE rm_notifications SET read = true WHERE recipient_id = $1 AND notification_id = ANY($2)",
            )
            .bind(account.0)
            .bind(ids)
            .execute(tx)
            .await?;
        }
    }
    Ok(())
}

/// The permission that decides who is told of those who ask.
const APPROVE: Permission = Permission::Approve;

/// What a message says of whom it is addressed to.
fn id_list(value: Option<&Value>) -> Vec<AccountId> {
    let items = value.and_then(Value::as_array);
    items.into_iter().flatten().filter_map(|item| item.as_str()?.parse().ok()).collect()
}
