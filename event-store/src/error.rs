//! What can go wrong at the log, by what the caller can do about it.

use lockstep_domain::ids::StreamId;

/// An append was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Somebody else appended to the stream: load, decide again.
    #[error("{stream} is at version {actual}")]
    Conflict { stream: StreamId, actual: u64 },
    /// A stream the decision relied on has changed: load, decide again.
    #[error("{stream}, which was relied on, is at version {actual}")]
    GuardFailed { stream: StreamId, actual: u64 },
    /// The event cannot be stored as it is; trying again does not help.
    #[error("cannot be stored: {0}")]
    Invalid(String),
    /// The log does not answer. It may or may not have stored the events: repeat with the same command id.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// No answer in time. It may or may not have stored the events: repeat with the same command id.
    #[error("the log took too long")]
    TimedOut,
}

/// The log could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// A row that this program cannot have written.
    #[error("the log holds something unreadable at position {position}: {reason}")]
    Unreadable { position: i64, reason: String },
}

/// The store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("not a PostgreSQL connection string: {0}")]
    Url(String),
    #[error("cannot reach the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database has no event log yet: run the migrations")]
    NotMigrated,
    #[error("the master key does not open this database's keys: it belongs to another data folder")]
    WrongMasterKey,
}

/// The log could not be verified; says nothing about its content.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("cannot read the log: {0}")]
    Database(#[from] sqlx::Error),
}
