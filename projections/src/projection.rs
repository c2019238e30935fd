//! What a projection is, and the list of them.

use std::{fmt::Display, str::FromStr, sync::Arc};

use async_trait::async_trait;
use lockstep_domain::aggregate::Event;
use lockstep_event_store::RecordedEvent;
use sqlx::PgConnection;

/// One table of a read model, with the columns that order its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    pub key: &'static str,
}

/// Turns events into rows. Safe to replay: the same events again change nothing.
#[async_trait]
pub trait Projection: Send + Sync + 'static {
    /// Stored with the checkpoint, for ever.
    fn name(&self) -> &'static str;
    /// What its rows mean. A projection that fills its tables otherwise than the last release did counts one up here:
    /// its read model is then rebuilt from the log, beside the live one.
    fn version(&self) -> i32 {
        1
    }
    /// The stream types it reads; events of other streams are skipped before decoding.
    fn kinds(&self) -> &'static [&'static str];
    /// The tables it owns. Nothing else writes them.
    fn tables(&self) -> &'static [Table];
    /// Applies one event inside the caller's transaction, which also moves the checkpoint.
    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError>;
}

/// An event could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("event {event_type} at {position} of {stream} cannot be read: {reason}")]
    Undecodable { stream: String, position: String, event_type: String, reason: String },
    #[error("the read model cannot be written")]
    Database(#[from] sqlx::Error),
}

impl ApplyError {
    /// Whether the database could not be reached, or is about to stop: that says nothing about the event.
    pub(crate) fn is_away(&self) -> bool {
        match self {
            Self::Undecodable { .. } => false,
            Self::Database(sqlx::Error::Database(error)) => {
                // Connection lost, shutting down or starting up, no connection left.
                error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P") || code == "53300")
            }
            Self::Database(error) => matches!(
                error,
                sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed
            ),
        }
    }

    pub(crate) fn undecodable(event: &RecordedEvent, reason: impl Display) -> Self {
        Self::Undecodable {
            stream: event.stream.to_string(),
            position: event.position.to_string(),
            event_type: event.event_type.clone(),
            reason: reason.to_string(),
        }
    }
}

/// Every projection of the program.
pub fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(crate::accounts::Accounts),
        Arc::new(crate::videos::Videos),
        Arc::new(crate::channels::Channels),
        Arc::new(crate::members::Members),
        Arc::new(crate::invites::Invites),
        Arc::new(crate::messages::Messages),
        Arc::new(crate::playback::Playbacks),
        Arc::new(crate::activity::Activities),
        Arc::new(crate::notifications::Notifications),
        Arc::new(crate::queues::Queues),
        Arc::new(crate::reports::Reports),
        Arc::new(crate::watching::Watching),
    ]
}

/// The projection of that name.
pub fn find(name: &str) -> Option<Arc<dyn Projection>> {
    all().into_iter().find(|projection| projection.name() == name)
}

/// The domain event inside a recorded one.
pub(crate) fn decode<E: Event>(event: &RecordedEvent) -> Result<E, ApplyError> {
    E::deserialize(&event.payload).map_err(|error| ApplyError::undecodable(event, error))
}

/// The aggregate's id, from the stream's name.
pub(crate) fn id_of<T: FromStr<Err: Display>>(event: &RecordedEvent) -> Result<T, ApplyError> {
    event.stream.id().parse().map_err(|error| ApplyError::undecodable(event, error))
}

/// A number the log keeps within ±2^53, as a column holds it.
pub(crate) fn bigint(event: &RecordedEvent, value: u64) -> Result<i64, ApplyError> {
    i64::try_from(value).map_err(|error| ApplyError::undecodable(event, error))
}

/// A size in pixels or the like, as a column holds it.
pub(crate) fn integer(event: &RecordedEvent, value: u32) -> Result<i32, ApplyError> {
    i32::try_from(value).map_err(|error| ApplyError::undecodable(event, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_says_nothing_about_an_event() {
        let io = || sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into());
        for away in [io(), sqlx::Error::PoolTimedOut, sqlx::Error::PoolClosed] {
            assert!(ApplyError::from(away).is_away());
        }
        let unreadable = ApplyError::Undecodable {
            stream: String::new(),
            position: String::new(),
            event_type: String::new(),
            reason: String::new(),
        };
        assert!(!unreadable.is_away());
        assert!(!ApplyError::from(sqlx::Error::RowNotFound).is_away());
    }
}
