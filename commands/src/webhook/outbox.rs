//! What webhooks are still to be told: noted from the log once for each event, taken, and settled or tried again.

use std::{sync::Arc, time::Duration};

use lockstep_domain::{
    account::Account,
    ids::{AccountId, Position, StreamId, VideoId, WebhookId},
    video::{Video, VideoEvent},
    webhook::{Terms, Topic, Webhook, WebhookCommand},
};
use lockstep_event_store::{Feed, RecordedEvent, answered};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{COLUMNS, Delivery, Progress, act, unavailable};
use crate::{Actor, Context, LoadError, Services};

/// How long after each attempt that failed the next one is made, seconds; after the last there is none.
pub const BACK_OFF_S: [u32; 7] = [5, 30, 120, 600, 1_800, 7_200, 21_600];
/// Attempts at one delivery.
pub const ATTEMPTS_MAX: usize = BACK_OFF_S.len() + 1;
/// Characters kept of why an attempt failed.
pub const ERROR_CHARS_MAX: usize = 200;
/// Who has taken deliveries has this long to send them before somebody else does, seconds.
pub const TAKEN_S: i32 = 60;
/// Deliveries that ended are kept this long.
const KEPT_DAYS: i32 = 14;
/// Webhooks told of one event.
const TOLD_MAX: i64 = 1_000;
/// Events taken from the log at a time.
const BATCH_EVENTS: usize = 200;
/// Pause after the database could not be asked.
const PAUSE: Duration = Duration::from_secs(1);
/// The checkpoint of what was noted for webhooks.
const NAME: &str = "webhooks";

/// The id of what this webhook is told of this event.
pub fn delivery_id(webhook: WebhookId, event: Uuid) -> Uuid {
    let mut bytes = [0; 16];
    let hash = Sha256::new().chain_update(webhook.0.as_bytes()).chain_update(event.as_bytes()).finalize();
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Follows the log and notes what webhooks are to be told: a note and the checkpoint commit together. Ends when dropped.
pub async fn follow(services: Services) {
    let mut position = loop {
        match checkpoint(&services).await {
            Ok(position) => break position,
            Err(error) => {
                tracing::warn!(%error, "the webhooks' checkpoint cannot be read");
                tokio::time::sleep(PAUSE).await;
            }
        }
    };
    let mut feed = Feed::new(Arc::clone(&services.store), position);
    loop {
        let events = feed.next(BATCH_EVENTS).await;
        while let Err(error) = note(&services, &events).await {
            tracing::warn!(%error, "what webhooks are to be told was not noted; it is tried again");
            tokio::time::sleep(PAUSE).await;
        }
        position = events.last().map_or(position, |event| event.position);
        tracing::trace!(%position, "noted for webhooks");
    }
}

/// Notes what these events mean to webhooks, once for each.
pub async fn note(services: &Services, events: &[RecordedEvent]) -> Result<(), LoadError> {
    let Some(last) = events.last() else { return Ok(()) };
    let mut tx = services.pool.begin().await.map_err(unavailable)?;
    for event in events {
        let Some(topic) = topic(event) else { continue };
        let Ok(video) = event.stream.id().parse::<VideoId>() else { continue };
        let held = services.dispatcher.load::<Video>(&StreamId::video(video)).await?;
        let Some(owner) = held.state.owner else { continue };
        for webhook in told(services, &mut tx, owner, topic).await? {
            insert(&mut tx, event, webhook, topic, (video, owner)).await.map_err(unavailable)?;
        }
    }
    save(&mut tx, last.position).await?;
    tx.commit().await.map_err(unavailable)
}

fn topic(event: &RecordedEvent) -> Option<Topic> {
    if event.stream.kind() != "video" {
        return None;
    }
    match serde_json::from_value::<VideoEvent>(event.payload.clone()).ok()? {
        VideoEvent::UploadCompleted {} => Some(Topic::VideoUploaded),
        VideoEvent::TranscodeCompleted { .. } => Some(Topic::VideoReady),
        VideoEvent::TranscodeFailed { .. } | VideoEvent::UploadRejected { .. } => Some(Topic::VideoFailed),
        VideoEvent::Trashed { .. } => Some(Topic::VideoDeleted),
        VideoEvent::UploadRequested { .. }
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
        | VideoEvent::InterimObjectRemoved {}
        | VideoEvent::UploadFingerprinted { .. }
        | VideoEvent::MultipartStarted { .. }
        | VideoEvent::UploadAborted { .. }
        | VideoEvent::Retitled { .. }
        | VideoEvent::Described { .. }
        | VideoEvent::Tagged { .. }
        | VideoEvent::VisibilityChanged { .. }
        | VideoEvent::Restored {}
        | VideoEvent::PurgeStarted {}
        | VideoEvent::Purged {} => None,
    }
}

/// The webhooks that are told of this topic of this account's film.
async fn told(
    services: &Services,
    tx: &mut PgConnection,
    owner: AccountId,
    topic: Topic,
) -> Result<Vec<WebhookId>, LoadError> {
    let ids: Vec<Uuid> = answered(
        sqlx::query_scalar(
            "SELECT webhook_id FROM webhooks WHERE ended_at IS NULL AND (account_id = $1 OR everybody)
         ORDER BY account_id = $1 DESC, webhook_id LIMIT $2",
        )
        .bind(owner.0)
        .bind(TOLD_MAX)
        .fetch_all(tx),
    )
    .await
    .map_err(unavailable)?;
    let mut told = Vec::new();
    for id in ids.into_iter().map(WebhookId) {
        let held = services.dispatcher.load::<Webhook>(&StreamId::webhook(id)).await?;
        if let Some(terms) = held.state.live()
            && terms.topics.contains(&topic)
            && concerns(services, terms, owner).await?
        {
            told.push(id);
        }
    }
    Ok(told)
}

/// Whether a film of this account's is any business of the webhook's owner now.
async fn concerns(services: &Services, terms: &Terms, film_owner: AccountId) -> Result<bool, LoadError> {
    if terms.owner != film_owner && !terms.everybody {
        return Ok(false);
    }
    let account = services.dispatcher.load::<Account>(&StreamId::account(terms.owner)).await?.state;
    Ok(!account.suspended && (terms.owner == film_owner || account.administers()))
}

async fn insert(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    webhook: WebhookId,
    topic: Topic,
    (video, owner): (VideoId, AccountId),
) -> Result<(), sqlx::Error> {
    answered(
        sqlx::query(
            "INSERT INTO webhook_deliveries (delivery_id, webhook_id, topic, video_id, owner_id, happened_us, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(delivery_id(webhook, event.event_id))
        .bind(webhook.0)
        .bind(topic.word())
        .bind(video.0)
        .bind(owner.0)
        .bind(event.recorded_at.as_micros())
        .bind(event.position.as_i64())
        .execute(tx),
    )
    .await
    .map(|_| ())
}

/// A delivery to be sent now.
#[derive(Debug, Clone)]
pub struct Due {
    pub delivery: Delivery,
    pub url: String,
    /// The generations of the secrets it is signed with.
    pub signing: Vec<u32>,
}

/// Takes up to `limit` deliveries that are due, one of each webhook that is not among the `busy`: one that is slow to answer
/// keeps no other waiting. For [`TAKEN_S`] nobody else takes them. Those whose webhook is not to be told any more end here.
pub async fn take(services: &Services, limit: i64, busy: &[WebhookId]) -> Result<Vec<Due>, LoadError> {
    let sql = format!(
        "UPDATE webhook_deliveries SET attempts = attempts + 1, next_at = now() + make_interval(secs => $2)
         WHERE delivery_id IN (
             SELECT delivery_id FROM webhook_deliveries
             WHERE state = 'waiting' AND next_at <= now() AND delivery_id IN (
                 SELECT first.delivery_id FROM webhooks w CROSS JOIN LATERAL (
                     SELECT d.delivery_id, d.next_at FROM webhook_deliveries d
                     WHERE d.webhook_id = w.webhook_id AND d.state = 'waiting' AND d.next_at <= now()
                     ORDER BY d.next_at LIMIT 1) first
                 WHERE w.webhook_id <> ALL($3) ORDER BY first.next_at LIMIT $1)
             FOR UPDATE SKIP LOCKED)
         RETURNING {COLUMNS}"
    );
    let taken: Vec<Delivery> = answered(
        sqlx::query_as(&sql)
            .bind(limit)
            .bind(f64::from(TAKEN_S))
            .bind(busy.iter().map(|webhook| webhook.0).collect::<Vec<_>>())
            .fetch_all(&services.pool),
    )
    .await
    .map_err(unavailable)?;
    let mut due = Vec::with_capacity(taken.len());
    for delivery in taken {
        let held = services.dispatcher.load::<Webhook>(&StreamId::webhook(delivery.webhook)).await?;
        let told = match held.state.live() {
            Some(terms) if concerns(services, terms, delivery.owner).await? => terms.url.value().cloned(),
            Some(_) | None => None,
        };
        match told {
            Some(url) => due.push(Due { delivery, url, signing: held.state.signing(services.clock.now()) }),
            None => ended(services, &delivery, Progress::Failed, None, Some("not to be told any more")).await?,
        }
    }
    Ok(due)
}

/// Puts a delivery back that was taken and not sent: it waits so long, and no attempt is counted.
pub async fn put_back(services: &Services, delivery: &Delivery, wait: Duration) -> Result<(), LoadError> {
    answered(
        sqlx::query(
            "UPDATE webhook_deliveries SET attempts = attempts - 1, next_at = now() + make_interval(secs => $2)
         WHERE delivery_id = $1 AND state = 'waiting' AND attempts = $3",
        )
        .bind(delivery.id)
        .bind(wait.as_secs_f64())
        .bind(i32::try_from(delivery.attempts).unwrap_or(i32::MAX))
        .execute(&services.pool),
    )
    .await
    .map(|_| ())
    .map_err(unavailable)
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The status that was answered, if one was.
    pub status: Option<u16>,
    /// Why it failed; `None`: it was taken.
    pub error: Option<String>,
}

/// Notes what came of an attempt: the end, or the next attempt after a while that `spread` (0 to 1000) makes up to a half
/// longer. After the last the webhook is disabled.
pub async fn settle(services: &Services, delivery: &Delivery, attempt: &Attempt, spread: u32) -> Result<(), LoadError> {
    let status = attempt.status.map(i32::from);
    let Some(error) = attempt.error.as_deref() else {
        return ended(services, delivery, Progress::Delivered, status, None).await;
    };
    let Some(&wait_s) = BACK_OFF_S.get(delivery.attempts.saturating_sub(1)) else {
        ended(services, delivery, Progress::Failed, status, Some(error)).await?;
        return disable(services, delivery).await;
    };
    let wait_s = f64::from(wait_s) * (1.0 + f64::from(spread.min(1_000)) / 2_000.0);
    let later = sqlx::query(
        "UPDATE webhook_deliveries SET next_at = now() + make_interval(secs => $2), last_status = $3, last_error = $4
         WHERE delivery_id = $1 AND state = 'waiting'",
    );
    let later = later.bind(delivery.id).bind(wait_s).bind(status).bind(shortened(error));
    answered(later.execute(&services.pool)).await.map(|_| ()).map_err(unavailable)
}

async fn ended(
    services: &Services,
    delivery: &Delivery,
    progress: Progress,
    status: Option<i32>,
    error: Option<&str>,
) -> Result<(), LoadError> {
    let state = if progress == Progress::Delivered { "delivered" } else { "failed" };
    answered(
        sqlx::query(
            "UPDATE webhook_deliveries SET state = $2, last_status = $3, last_error = $4, ended_at = now()
         WHERE delivery_id = $1 AND state = 'waiting'",
        )
        .bind(delivery.id)
        .bind(state)
        .bind(status)
        .bind(error.map(shortened))
        .execute(&services.pool),
    )
    .await
    .map(|_| ())
    .map_err(unavailable)
}

async fn disable(services: &Services, delivery: &Delivery) -> Result<(), LoadError> {
    let context = Context {
        actor: Actor::System,
        command_id: services.ids.uuid().into(),
        correlation_id: delivery.id.to_string(),
        causation_id: None,
        now: services.clock.now(),
    };
    match act(services, &context, delivery.webhook, WebhookCommand::Disable).await {
        Ok(_) => Ok(()),
        Err(error) => Err(LoadError::Unavailable(error.to_string())),
    }
}

/// Removes deliveries that ended long ago.
pub async fn sweep(services: &Services) -> Result<u64, LoadError> {
    let done = answered(
        sqlx::query("DELETE FROM webhook_deliveries WHERE ended_at < now() - make_interval(days => $1)")
            .bind(KEPT_DAYS)
            .execute(&services.pool),
    )
    .await
    .map_err(unavailable)?;
    Ok(done.rows_affected())
}

async fn checkpoint(services: &Services) -> Result<Position, LoadError> {
    let held: Option<i64> = answered(
        sqlx::query_scalar("SELECT position FROM reaction_checkpoints WHERE name = $1")
            .bind(NAME)
            .fetch_optional(&services.pool),
    )
    .await
    .map_err(unavailable)?;
    if let Some(position) = held {
        return Ok(Position::from_i64(position));
    }
    // What happened before there were webhooks is nobody's business; from here on nothing is missed.
    let head = services.store.head().await?;
    save(&mut *services.pool.acquire().await.map_err(unavailable)?, head).await?;
    Ok(head)
}

async fn save(connection: &mut PgConnection, position: Position) -> Result<(), LoadError> {
    answered(
        sqlx::query(
            "INSERT INTO reaction_checkpoints (name, position) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET position = greatest(reaction_checkpoints.position, excluded.position)",
        )
        .bind(NAME)
        .bind(position.as_i64())
        .execute(connection),
    )
    .await
    .map(|_| ())
    .map_err(unavailable)
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(ERROR_CHARS_MAX).collect()
}
