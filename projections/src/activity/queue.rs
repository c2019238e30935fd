//! The queue: which film was put where. An item keeps its film for what is told of it later.

use lockstep_domain::{
    ids::{ChannelId, VideoId},
    queue::{Queue, QueueEvent},
    undo::Undoable,
};
use lockstep_event_store::RecordedEvent;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{Entry, value, word};
use crate::projection::ApplyError;

/// What a queue event means here; `None`: nothing that somebody did.
pub(super) async fn entry(
    tx: &mut PgConnection,
    channel: ChannelId,
    event: &RecordedEvent,
    queued: &QueueEvent,
) -> Result<Option<Entry>, ApplyError> {
    let after = match queued {
        QueueEvent::SkipVotesCounted { .. } => return Ok(None),
        QueueEvent::SkipVoteCast { .. } | QueueEvent::SkipVoteWithdrawn { .. } => return Ok(Some(Entry::default())),
        QueueEvent::VideoQueued { video, .. } | QueueEvent::VideoDequeued { video, .. } => json!({ "video": video }),
        QueueEvent::VideoMoved { .. } => Value::Null,
        QueueEvent::Cleared { items, .. } | QueueEvent::Restored { items, .. } => json!(items.len()),
        QueueEvent::AutoplaySet { on, .. } => json!(on),
        QueueEvent::LoopSet { mode, .. } => json!(mode),
    };
    let Some(facet) = Queue::facet(queued).map(word) else {
        return Ok(Some(Entry { after: Some(after), ..Entry::default() }));
    };
    let held = value(tx, channel, &facet, event).await?;
    // Where it was moved to says little: which film it is says more.
    let after = if after.is_null() { held.clone().unwrap_or_default() } else { after };
    let video = after.get("video").and_then(|video| video.as_str()?.parse::<VideoId>().ok());
    let entry = Entry::changed(facet, after, Queue::needs(queued));
    Ok(Some(Entry { video, before: held, ..entry }))
}
