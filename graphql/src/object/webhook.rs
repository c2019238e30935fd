//! Webhooks as their owner sees them, and what they were sent.

use async_graphql::{Enum, SimpleObject, Union};
use lockstep_commands::webhook::{Delivery, Progress, WebhookRow};
use lockstep_domain::{time::Timestamp, webhook::Topic};
use uuid::Uuid;

use crate::{
    answer::Refused,
    scalar::{DateTime, Position},
};

/// What a webhook is told of.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "the topics' own words: so far all are about videos")]
pub(crate) enum WebhookTopic {
    /// `video.uploaded`: the file arrived.
    VideoUploaded,
    /// `video.ready`
    VideoReady,
    /// `video.failed`
    VideoFailed,
    /// `video.deleted`: into the trash.
    VideoDeleted,
}

impl From<Topic> for WebhookTopic {
    fn from(topic: Topic) -> Self {
        match topic {
            Topic::VideoUploaded => Self::VideoUploaded,
            Topic::VideoReady => Self::VideoReady,
            Topic::VideoFailed => Self::VideoFailed,
            Topic::VideoDeleted => Self::VideoDeleted,
        }
    }
}

impl From<WebhookTopic> for Topic {
    fn from(topic: WebhookTopic) -> Self {
        match topic {
            WebhookTopic::VideoUploaded => Self::VideoUploaded,
            WebhookTopic::VideoReady => Self::VideoReady,
            WebhookTopic::VideoFailed => Self::VideoFailed,
            WebhookTopic::VideoDeleted => Self::VideoDeleted,
        }
    }
}

/// An address that is told what happens to films.
#[derive(SimpleObject)]
pub(crate) struct Webhook {
    /// Its id.
    pub id: Uuid,
    /// Where it leads.
    pub url: String,
    /// What it is told.
    pub topics: Vec<WebhookTopic>,
    /// Of everybody's films, while its owner is an administrator; else of the owner's own.
    pub everybody: bool,
    /// It did not answer for too long and is told nothing until it is enabled.
    pub disabled: bool,
    /// When it was made.
    pub created_at: DateTime,
    /// Until when messages are signed with older secrets too; null when they are signed with the present one alone.
    pub old_secrets_until: Option<DateTime>,
}

impl Webhook {
    pub(crate) fn of(row: WebhookRow, now: Timestamp) -> Option<Self> {
        let old_secrets_until = row.state.old_until(now).map(DateTime);
        let terms = row.state.terms?;
        Some(Self {
            id: row.id.0,
            url: terms.url.value().cloned().unwrap_or_default(),
            topics: terms.topics.into_iter().map(WebhookTopic::from).collect(),
            everybody: terms.everybody,
            disabled: row.state.disabled,
            created_at: DateTime(row.registered_at),
            old_secrets_until,
        })
    }
}

/// How far a delivery is.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryState {
    /// To be sent, now or again.
    Waiting,
    /// Taken by the other side.
    Delivered,
    /// It did not work, and is not tried any more by itself.
    Failed,
}

/// Something that a webhook is told, once or until it answers.
#[derive(SimpleObject)]
pub(crate) struct WebhookDelivery {
    /// Sent as `webhook-id`, the same for every attempt.
    pub id: Uuid,
    /// What it tells.
    pub topic: WebhookTopic,
    /// The film it is about.
    pub video: Uuid,
    /// When it was made.
    pub at: DateTime,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was sent.
    pub attempts: i32,
    /// Of the next attempt, while it waits.
    pub next_at: Option<DateTime>,
    /// What was answered to the last attempt.
    pub status: Option<i32>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

impl From<Delivery> for WebhookDelivery {
    fn from(delivery: Delivery) -> Self {
        let waits = delivery.progress == Progress::Waiting;
        Self {
            id: delivery.id,
            topic: delivery.topic.into(),
            video: delivery.video.0,
            at: DateTime(delivery.happened_at),
            state: match delivery.progress {
                Progress::Waiting => DeliveryState::Waiting,
                Progress::Delivered => DeliveryState::Delivered,
                Progress::Failed => DeliveryState::Failed,
            },
            attempts: i32::try_from(delivery.attempts).unwrap_or(i32::MAX),
            next_at: waits.then_some(DateTime(delivery.next_at)),
            status: delivery.last_status,
            error: delivery.last_error,
        }
    }
}

/// A webhook was registered. Its secret is answered to the same operation only.
#[derive(SimpleObject)]
pub(crate) struct WebhookRegistered {
    /// Its id.
    pub id: Uuid,
    /// `whsec_…`: every delivery is signed with it.
    pub secret: String,
    /// Where the change is in the log: give it as `minPosition` to read what was written.
    pub position: Position,
}

/// A webhook has a new secret. It is answered to the same operation only.
#[derive(SimpleObject)]
pub(crate) struct WebhookSecretRotated {
    /// The webhook's id.
    pub id: Uuid,
    /// `whsec_…`: every delivery is signed with it from now on.
    pub secret: String,
    /// Until when deliveries are signed with the older ones too; null when they ended at once.
    pub old_secrets_until: Option<DateTime>,
    /// Where the change is in the log: give it as `minPosition` to read what was written.
    pub position: Position,
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum WebhookSecretPayload {
    WebhookSecretRotated(WebhookSecretRotated),
    Refused(Refused),
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum WebhookPayload {
    WebhookRegistered(WebhookRegistered),
    Refused(Refused),
}
