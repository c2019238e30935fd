//! The contract every backend of the log meets; the suite in `tests/it/contract` states it as tests.

use async_trait::async_trait;
use lockstep_domain::{
    ids::{ChannelId, CommandId, Position, StreamId},
    time::Timestamp,
};

use crate::{Append, AppendError, ReadError, Receipt, RecordedEvent};

/// An ordered, durable, append-only log of streams.
///
/// Whoever sees position `p` sees everything before `p`: there is no loss, no gap and no reordering to guard against.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Stores one command's events. `Ok` means durable. The same command (actor, stream, command id) again
    /// answers with the first receipt, `duplicate` set, and stores nothing.
    async fn append(&self, append: Append) -> Result<Receipt, AppendError>;

    /// Up to `limit` events of one stream with versions above `after_version`, in order.
    async fn read_stream(
        &self,
        stream: &StreamId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError>;

    /// Up to `limit` events of the whole log after this position, in order.
    async fn read_after(&self, position: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError>;

    /// The events at these positions, in order; positions without one are left out. At most [`crate::READ_AT_MAX`].
    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError>;

    /// Up to `limit` events of one channel after this position, in order.
    async fn read_channel(
        &self,
        channel: ChannelId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError>;

    /// The first receipt of a command, when it has stored events.
    async fn find_command(
        &self,
        actor: &str,
        stream: &StreamId,
        command: CommandId,
    ) -> Result<Option<Receipt>, ReadError>;

    /// The position of the last event.
    async fn head(&self) -> Result<Position, ReadError>;

    /// Returns when the log may be longer than this position. An early wake-up, no promise: read to know.
    async fn wait_past(&self, position: Position);

    /// The clock that `recorded_at` comes from.
    async fn database_now(&self) -> Result<Timestamp, ReadError>;
}
