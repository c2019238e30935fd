//! The log in PostgreSQL: every append goes through one committer, one batch at a time; reads go anywhere.

mod batch;
mod committer;
mod connect;
mod keys;
mod lookup;
mod measure;
mod prepare;
mod rows;
mod sql;
mod time;
mod verify;
mod wake;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use lockstep_domain::{
    ids::{ChannelId, CommandId, Position, StreamId},
    time::Timestamp,
};
use sqlx::PgPool;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    Append, AppendError, ConnectError, EventStore, Expected, MasterKey, READ_AT_MAX, ReadError, Receipt, RecordedEvent,
};
use committer::{Committer, Queued, Reply};
use connect::Connector;
pub use connect::{KEEPALIVE, RESTED, answered, healing, is_alive};
use keys::KeyRing;
use lookup::Lookup;
use prepare::prepare;
use time::PgTime;
pub use verify::{Damage, DamageKind, VerifyReport, verify};

/// Commands that wait for the committer; beyond that callers wait to hand theirs over.
const QUEUE_COMMANDS_MAX: usize = 4_096;
/// How long a caller waits for its receipt.
const APPEND_TIMEOUT: Duration = Duration::from_secs(15);
/// Events one read returns at most, whatever the caller asks for.
const READ_EVENTS_MAX: usize = 5_000;
/// Connections for reads that are not coalesced.
const READ_CONNECTIONS_MAX: u32 = 8;

/// The log in PostgreSQL. One per process is enough: it batches what its callers append.
pub struct PostgresStore {
    pool: PgPool,
    queue: mpsc::Sender<Queued>,
    lookup: Lookup,
    keys: KeyRing,
    head: watch::Receiver<i64>,
    closing: watch::Sender<bool>,
    committer: Mutex<Option<JoinHandle<()>>>,
    others: Vec<JoinHandle<()>>,
}

impl PostgresStore {
    /// Opens the log and starts its tasks on the current runtime. `node` names this process in the commits.
    pub async fn connect(url: &str, keys: MasterKey, node: String) -> Result<Arc<Self>, ConnectError> {
        let connector = Connector::new(url, &node)?;
        let pool = connector.pool(READ_CONNECTIONS_MAX).await?;
        let last = connect::check_migrated(&pool).await?;
        let keys = KeyRing::open(pool.clone(), keys).await?;
        let (queue, commands) = mpsc::channel(QUEUE_COMMANDS_MAX);
        let (closing, close) = watch::channel(false);
        let (seen, head) = watch::channel(last);
        let (own, notify) = watch::channel(last);
        let seen = wake::Seen(Arc::new(seen));
        let (lookup, look) = Lookup::new(connector.clone());
        let committer = Committer::new(connector.clone(), node, seen.clone(), own);
        let others = vec![
            tokio::spawn(look),
            tokio::spawn(wake::notify(connector.clone(), notify)),
            tokio::spawn(wake::listen(connector, seen.clone())),
            tokio::spawn(wake::poll(pool.clone(), seen)),
        ];
        let committer = Mutex::new(Some(tokio::spawn(committer.run(commands, close))));
        Ok(Arc::new(Self { pool, queue, lookup, keys, head, closing, committer, others }))
    }

    /// Takes no more commands, answers those it has, and closes its connections.
    pub async fn close(&self) {
        self.closing.send_replace(true);
        let committer = self.committer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(committer) = committer {
            let _ = committer.await;
        }
        self.others.iter().for_each(JoinHandle::abort);
        self.pool.close().await;
    }

    /// Makes everything sealed for this subject unreadable for ever; true when there was a key to destroy.
    pub async fn destroy_subject_key(&self, subject: &str) -> Result<bool, ReadError> {
        self.keys.destroy(subject).await
    }

    async fn submit(&self, append: Append) -> Result<Receipt, AppendError> {
        let identity = (append.metadata.actor.clone(), append.stream.clone(), append.command_id);
        let command = prepare(append, &self.keys).await?;
        let (reply, answer) = oneshot::channel();
        let closed = || AppendError::Unavailable("the store is closed".to_owned());
        self.queue.send(Queued::new(command, reply)).await.map_err(|_| closed())?;
        match answer.await.map_err(|_| closed())? {
            Reply::Appended(receipt) => Ok(receipt),
            Reply::Refused(error) => Err(error),
            Reply::Duplicate => {
                let (actor, stream, command) = identity;
                let found = self.lookup.command(&actor, &stream, command).await;
                let found = found.map_err(|error| AppendError::Unavailable(error.to_string()))?;
                found.ok_or_else(|| AppendError::Unavailable("the first receipt is not readable yet".to_owned()))
            }
        }
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        // The committer ends by itself once it has answered what it holds: its queue is closed by this drop.
        self.others.iter().for_each(JoinHandle::abort);
    }
}

#[async_trait]
impl EventStore for PostgresStore {
    async fn append(&self, append: Append) -> Result<Receipt, AppendError> {
        timeout(APPEND_TIMEOUT, self.submit(append)).await.unwrap_or(Err(AppendError::TimedOut))
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let rows = self.lookup.stream(stream, after_version, limit.min(READ_EVENTS_MAX)).await?;
        self.keys.open_all(rows).await
    }

    async fn read_after(&self, position: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        let query = sqlx::query_as(sql::READ_AFTER).bind(position.as_i64()).bind(bounded(limit));
        self.keys.open_all(answered(query.fetch_all(&self.pool)).await.map_err(unavailable)?).await
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError> {
        let wanted: Vec<i64> = positions.iter().take(READ_AT_MAX).map(|position| position.as_i64()).collect();
        let query = sqlx::query_as(sql::READ_AT).bind(wanted);
        self.keys.open_all(answered(query.fetch_all(&self.pool)).await.map_err(unavailable)?).await
    }

    async fn read_channel(
        &self,
        channel: ChannelId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let query = sqlx::query_as(sql::READ_CHANNEL).bind(channel.0).bind(after.as_i64()).bind(bounded(limit));
        self.keys.open_all(answered(query.fetch_all(&self.pool)).await.map_err(unavailable)?).await
    }

    async fn find_command(
        &self,
        actor: &str,
        stream: &StreamId,
        command: CommandId,
    ) -> Result<Option<Receipt>, ReadError> {
        self.lookup.command(actor, stream, command).await
    }

    async fn head(&self) -> Result<Position, ReadError> {
        let head = answered(sqlx::query_scalar(sql::HEAD).fetch_one(&self.pool)).await.map_err(unavailable)?;
        Ok(Position::from_i64(head))
    }

    async fn wait_past(&self, position: Position) {
        wake::wait_past(self.head.clone(), position.as_i64()).await;
    }

    async fn database_now(&self) -> Result<Timestamp, ReadError> {
        let now = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&self.pool);
        let now: PgTime = answered(now).await.map_err(unavailable)?;
        Ok(now.into())
    }
}

fn bounded(limit: usize) -> i64 {
    i64::try_from(limit.min(READ_EVENTS_MAX)).expect("bounded")
}

fn unavailable(error: sqlx::Error) -> ReadError {
    ReadError::Unavailable(error.to_string())
}

/// Whether the stream's version is known before the committer looks at it.
fn fixed(expected: Expected) -> Option<u64> {
    match expected {
        Expected::Version(version) => Some(version),
        Expected::Any => None,
    }
}
