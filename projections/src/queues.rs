//! Each channel's queue, folded as the write side folds it: one small document per channel, read at once.

use async_trait::async_trait;
use lockstep_domain::{
    Aggregate,
    ids::{ChannelId, Position},
    playback::{Playback, PlaybackEvent},
    queue::{Queue, QueueEvent, QueueState, SkipVotes},
};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use crate::projection::{ApplyError, Projection, Table, decode, id_of};

/// The projection behind `rm_queues`.
pub struct Queues;

#[async_trait]
impl Projection for Queues {
    fn name(&self) -> &'static str {
        "queues"
    }
    fn kinds(&self) -> &'static [&'static str] {
        &[Queue::KIND, Playback::KIND]
    }
    fn tables(&self) -> &'static [Table] {
        &[Table { name: "rm_queues", key: "channel_id" }]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let channel: ChannelId = id_of(event)?;
        if event.stream.kind() == Playback::KIND {
            return match decode::<PlaybackEvent>(event)? {
                PlaybackEvent::VideoLoaded { .. } | PlaybackEvent::Ended { .. } | PlaybackEvent::Skipped { .. } => {
                    close_votes(tx, event, channel).await
                }
                PlaybackEvent::Played { .. }
                | PlaybackEvent::Paused { .. }
                | PlaybackEvent::Seeked { .. }
                | PlaybackEvent::Held { .. }
                | PlaybackEvent::Released { .. }
                | PlaybackEvent::RateChanged { .. } => Ok(()),
            };
        }
        let held: Option<(Json<QueueState>, i64)> =
            sqlx::query_as("SELECT state, position FROM rm_queues WHERE channel_id = $1")
                .bind(channel.0)
                .fetch_optional(&mut *tx)
                .await?;
        let (Json(mut state), known) = held.unwrap_or((Json(QueueState::default()), 0));
        if known >= event.position.as_i64() {
            return Ok(());
        }
        Queue::evolve(&mut state, &decode::<QueueEvent>(event)?);
        sqlx::query(
            "INSERT INTO rm_queues (channel_id, state, position) VALUES ($1, $2, $3)
             ON CONFLICT (channel_id) DO UPDATE SET state = excluded.state, position = excluded.position",
        )
        .bind(channel.0)
        .bind(Json(&state))
        .bind(event.position.as_i64())
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// The votes were about a film that is no longer on.
async fn close_votes(tx: &mut PgConnection, event: &RecordedEvent, channel: ChannelId) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE rm_queues SET closed_load = greatest(closed_load, (state #>> '{votes,load}')::bigint), position = $2
         WHERE channel_id = $1 AND position < $2",
    )
    .bind(channel.0)
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}

/// One channel's queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueRow {
    pub channel: ChannelId,
    pub state: QueueState,
    /// The votes about what is on now.
    pub votes: SkipVotes,
    pub position: Position,
}

impl QueueRow {
    /// The queue of a channel that never had one.
    pub fn empty(channel: ChannelId) -> Self {
        Self { channel, state: QueueState::default(), votes: SkipVotes::default(), position: Position::START }
    }
}

impl FromRow<'_, PgRow> for QueueRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let Json(state): Json<QueueState> = row.try_get("state")?;
        let closed = row.try_get::<i64, _>("closed_load")?;
        let over = i64::try_from(state.votes.load).unwrap_or(i64::MAX) <= closed;
        let votes = if over { SkipVotes::default() } else { state.votes.clone() };
        Ok(Self {
            channel: ChannelId(row.try_get("channel_id")?),
            state,
            votes,
            position: Position::from_i64(row.try_get("position")?),
        })
    }
}

/// The queues of these channels; channels whose queue was never touched are absent.
pub async fn by_channels(pool: &PgPool, channels: &[ChannelId]) -> Result<Vec<QueueRow>, sqlx::Error> {
    let channels: Vec<Uuid> = channels.iter().map(|id| id.0).collect();
    sqlx::query_as("SELECT * FROM rm_queues WHERE channel_id = ANY($1)").bind(channels).fetch_all(pool).await
}
