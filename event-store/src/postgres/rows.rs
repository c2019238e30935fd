//! Rows of `events`.

use lockstep_domain::ids::{Position, StreamId};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::time::PgTime;
use crate::{Metadata, ReadError, RecordedEvent};

/// One stored event as it is stored: personal fields sealed.
#[derive(Debug, Clone, FromRow)]
pub struct EventRow {
    pub global_position: i64,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub sequence: i64,
    pub event_id: Uuid,
    pub event_type: String,
    pub event_version: String,
    pub payload: Value,
    pub metadata: Value,
    pub occurred_at: PgTime,
    pub recorded_at: PgTime,
}

impl TryFrom<EventRow> for RecordedEvent {
    type Error = ReadError;

    /// Does not open personal fields: the key ring has done so before.
    fn try_from(row: EventRow) -> Result<Self, ReadError> {
        let position = row.global_position;
        let unreadable = |reason: String| ReadError::Unreadable { position, reason };
        let metadata: Metadata =
            serde_json::from_value(row.metadata).map_err(|error| unreadable(format!("metadata: {error}")))?;
        let version = u64::try_from(row.sequence).map_err(|_| unreadable("sequence below zero".to_owned()))?;
        let stream = format!("{}-{}", row.aggregate_type, row.aggregate_id);
        let stream: StreamId = stream.parse().map_err(|_| unreadable(format!("stream name {stream:?}")))?;
        Ok(Self {
            position: Position::from_i64(position),
            stream,
            version,
            event_id: row.event_id,
            event_type: row.event_type,
            event_version: row.event_version,
            payload: row.payload,
            metadata,
            occurred_at: row.occurred_at.into(),
            recorded_at: row.recorded_at.into(),
        })
    }
}
