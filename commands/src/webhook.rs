//! Webhooks: who is told what happens to films, and what was sent. What is still to be sent is in `outbox`; sending
//! itself is not here.

mod outbox;

use std::collections::BTreeSet;

use lockstep_domain::{
    account::Account,
    ids::{AccountId, StreamId, VideoId, WebhookId},
    time::Timestamp,
    webhook::{Topic, Webhook, WebhookCommand, WebhookError, WebhookState},
};
use lockstep_event_store::Guard;
use sqlx::{FromRow, Row, postgres::PgRow};
use uuid::Uuid;

use crate::{CommandError, Context, LoadError, Outcome, Services, channel::derived_id};

pub use outbox::{
    ATTEMPTS_MAX, Attempt, BACK_OFF_S, Due, ERROR_CHARS_MAX, TAKEN_S, delivery_id, follow, note, put_back, settle,
    sweep, take,
};

/// Deliveries of one webhook shown.
pub const SHOWN_MAX: i64 = 50;
/// Webhooks listed of one account.
const LISTED_MAX: i64 = 50;

/// A webhook command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error("there is no such delivery")]
    NoDelivery,
    #[error(transparent)]
    Rule(#[from] WebhookError),
}

type Refused = CommandError<WebhookRefusal>;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub url: String,
    pub topics: BTreeSet<Topic>,
    /// Of everybody's films: for administrators.
    pub everybody: bool,
}

/// One webhook, as its owner sees it.
#[derive(Debug, Clone)]
pub struct WebhookRow {
    pub id: WebhookId,
    pub state: WebhookState,
    pub registered_at: Timestamp,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Waiting,
    Delivered,
    Failed,
}

/// Something a webhook is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Follows from the webhook and the event: the same for every attempt.
    pub id: Uuid,
    pub webhook: WebhookId,
    pub topic: Topic,
    pub video: VideoId,
    /// Whose film it is.
    pub owner: AccountId,
    pub happened_at: Timestamp,
    pub progress: Progress,
    pub attempts: usize,
    /// When it is sent next, while it waits.
    pub next_at: Timestamp,
    pub last_status: Option<i32>,
    pub last_error: Option<String>,
}

impl FromRow<'_, PgRow> for Delivery {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let topic: String = row.try_get("topic")?;
        let topic = Topic::from_word(&topic).ok_or_else(|| sqlx::Error::Decode("not a topic".into()))?;
        let state: String = row.try_get("state")?;
        Ok(Self {
            id: row.try_get("delivery_id")?,
            webhook: WebhookId(row.try_get("webhook_id")?),
            topic,
            video: VideoId(row.try_get("video_id")?),
            owner: AccountId(row.try_get("owner_id")?),
            happened_at: Timestamp(row.try_get("happened_us")?),
            progress: match state.as_str() {
                "waiting" => Progress::Waiting,
                "delivered" => Progress::Delivered,
                _ => Progress::Failed,
            },
            attempts: usize::try_from(row.try_get::<i32, _>("attempts")?).unwrap_or(0),
            next_at: Timestamp(row.try_get("next_us")?),
            last_status: row.try_get("last_status")?,
            last_error: row.try_get("last_error")?,
        })
    }
}

const COLUMNS: &str = "delivery_id, webhook_id, topic, video_id, owner_id, happened_us, state, attempts, \
    (extract(epoch FROM next_at) * 1000000)::bigint AS next_us, last_status, last_error";

/// Registers a webhook of the acting account. The same operation again gives the same one.
pub async fn register(services: &Services, context: &Context, wanted: Wanted) -> Result<(WebhookId, Outcome), Refused> {
    let owner = context.account().ok_or(CommandError::Refused(WebhookRefusal::SignedOut))?;
    let id = WebhookId(derived_id(context, "webhook"));
    let live = list(services, owner).await?.iter().filter(|row| row.id != id).count();
    let wanted = &wanted;
    let outcome = services
        .dispatcher
        .execute_with::<Webhook, _, _>(StreamId::webhook(id), None, context, |facts| async move {
            let stream = StreamId::account(owner);
            let held = facts.load::<Account>(&stream).await?;
            let Wanted { url, topics, everybody } = wanted.clone();
            let command = WebhookCommand::Register { owner, account: held.state.clone(), url, topics, everybody, live };
            Ok((command, vec![Guard { stream, version: held.version }]))
        })
        .await
        .map_err(|error| error.map(WebhookRefusal::Rule))?;
    // After its event: without this row nothing is sent, and a crash in between is asked again.
    sqlx::query("INSERT INTO webhooks (webhook_id, account_id, everybody) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(id.0)
        .bind(owner.0)
        .bind(wanted.everybody)
        .execute(&services.pool)
        .await
        .map_err(unavailable)?;
    Ok((id, outcome))
}

/// Sends nothing more to one of the acting account's webhooks, for ever.
pub async fn remove(services: &Services, context: &Context, id: WebhookId) -> Result<Outcome, Refused> {
    let by = context.account().ok_or(CommandError::Refused(WebhookRefusal::SignedOut))?;
    let outcome = act(services, context, id, WebhookCommand::Remove { by }).await?;
    sqlx::query("UPDATE webhooks SET ended_at = now() WHERE webhook_id = $1 AND ended_at IS NULL")
        .bind(id.0)
        .execute(&services.pool)
        .await
        .map_err(unavailable)?;
    sqlx::query("DELETE FROM webhook_deliveries WHERE webhook_id = $1")
        .bind(id.0)
        .execute(&services.pool)
        .await
        .map_err(unavailable)?;
    Ok(outcome)
}

/// Sends to a webhook again that was disabled.
pub async fn enable(services: &Services, context: &Context, id: WebhookId) -> Result<Outcome, Refused> {
    let by = context.account().ok_or(CommandError::Refused(WebhookRefusal::SignedOut))?;
    act(services, context, id, WebhookCommand::Enable { by }).await
}

/// A secret was rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// Of the new secret.
    pub generation: u32,
    /// Until when messages are signed with older ones too; `None`: with none.
    pub old_until: Option<Timestamp>,
    pub outcome: Outcome,
}

/// Signs what one of the acting account's webhooks is told with a new secret, and for `old_hours` with the older ones too.
/// The same operation again gives the same secret, until it is rotated again.
pub async fn rotate(services: &Services, context: &Context, id: WebhookId, old_hours: u32) -> Result<Rotated, Refused> {
    let by = context.account().ok_or(CommandError::Refused(WebhookRefusal::SignedOut))?;
    let outcome = services
        .dispatcher
        .execute_with::<Webhook, _, _>(StreamId::webhook(id), None, context, |facts| async move {
            let held = facts.load::<Webhook>(&StreamId::webhook(id)).await?;
            let generation = held.state.generation.saturating_add(1);
            Ok((WebhookCommand::RotateSecret { by, generation, now: context.now, old_hours }, vec![]))
        })
        .await
        .map_err(|error| error.map(WebhookRefusal::Rule))?;
    let held = services.dispatcher.load::<Webhook>(&StreamId::webhook(id)).await?;
    Ok(Rotated { generation: held.state.generation, old_until: held.state.old_until(context.now), outcome })
}

/// Sends one delivery of the acting account's webhooks again, now.
pub async fn send_again(services: &Services, context: &Context, delivery: Uuid) -> Result<(), Refused> {
    let by = context.account().ok_or(CommandError::Refused(WebhookRefusal::SignedOut))?;
    let gone = || CommandError::Refused(WebhookRefusal::NoDelivery);
    let webhook: Option<Uuid> = sqlx::query_scalar("SELECT webhook_id FROM webhook_deliveries WHERE delivery_id = $1")
        .bind(delivery)
        .fetch_optional(&services.pool)
        .await
        .map_err(unavailable)?;
    let id = WebhookId(webhook.ok_or_else(gone)?);
    let held = services.dispatcher.load::<Webhook>(&StreamId::webhook(id)).await?;
    held.state.own(by).map_err(|_| gone())?;
    sqlx::query(
        "UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, next_at = now(), ended_at = NULL
         WHERE delivery_id = $1",
    )
    .bind(delivery)
    .execute(&services.pool)
    .await
    .map(|_| ())
    .map_err(|error| unavailable(error).into())
}

/// The account's webhooks, the newest first.
pub async fn list(services: &Services, owner: AccountId) -> Result<Vec<WebhookRow>, LoadError> {
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(
        "SELECT webhook_id, (extract(epoch FROM registered_at) * 1000000)::bigint FROM webhooks
         WHERE account_id = $1 AND ended_at IS NULL ORDER BY registered_at DESC, webhook_id LIMIT $2",
    )
    .bind(owner.0)
    .bind(LISTED_MAX)
    .fetch_all(&services.pool)
    .await
    .map_err(unavailable)?;
    let mut webhooks = Vec::with_capacity(rows.len());
    for (id, registered) in rows {
        let id = WebhookId(id);
        let state = services.dispatcher.load::<Webhook>(&StreamId::webhook(id)).await?.state;
        if state.own(owner).is_ok() {
            webhooks.push(WebhookRow { id, state, registered_at: Timestamp(registered) });
        }
    }
    Ok(webhooks)
}

/// What this account's webhook was sent, the newest first; `None` for somebody else's.
pub async fn deliveries(
    services: &Services,
    owner: AccountId,
    id: WebhookId,
) -> Result<Option<Vec<Delivery>>, LoadError> {
    let held = services.dispatcher.load::<Webhook>(&StreamId::webhook(id)).await?;
    if held.state.own(owner).is_err() {
        return Ok(None);
    }
    let sql = format!("SELECT {COLUMNS} FROM webhook_deliveries WHERE webhook_id = $1 ORDER BY position DESC LIMIT $2");
    let rows = sqlx::query_as(&sql).bind(id.0).bind(SHOWN_MAX).fetch_all(&services.pool).await.map_err(unavailable)?;
    Ok(Some(rows))
}

async fn act(
    services: &Services,
    context: &Context,
    id: WebhookId,
    command: WebhookCommand,
) -> Result<Outcome, Refused> {
    let done = services.dispatcher.execute::<Webhook>(StreamId::webhook(id), None, context, command).await;
    done.map_err(|error| error.map(WebhookRefusal::Rule))
}

fn unavailable(error: sqlx::Error) -> LoadError {
    LoadError::Unavailable(error.to_string())
}
