//! What readers hold: the pool for queries, and waiting until a projection shows a position.

use std::{sync::Arc, time::Duration};

use lockstep_domain::ids::Position;
use lockstep_event_store::{EventStore, ReadError};
use sqlx::PgPool;

use crate::{
    checkpoint::{self, ProjectionStatus},
    progress::Progress,
    projection,
};

/// How long a query waits for the position it asked for.
pub const WAIT_MAX: Duration = Duration::from_secs(2);
/// How often a waiting query looks at the checkpoint that another process moves.
const POLL: Duration = Duration::from_millis(40);

/// The read models are not there yet, or cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    #[error("{name} is {lag_positions} events behind")]
    Behind { name: &'static str, lag_positions: i64 },
    #[error("there is no projection named {0}")]
    Unknown(&'static str),
    #[error("the checkpoint cannot be read")]
    Database(#[from] sqlx::Error),
}

/// The read models of one process. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    pool: PgPool,
    store: Arc<dyn EventStore>,
    progress: Progress,
}

impl Reader {
    /// Reads what other processes project; a runner's own reader ([`crate::Runner::reader`]) also wakes early.
    pub fn new(store: Arc<dyn EventStore>, pool: PgPool) -> Self {
        let names: Vec<_> = projection::all().iter().map(|projection| projection.name()).collect();
        Self::with_progress(store, pool, Progress::new(names))
    }

    pub(crate) fn with_progress(store: Arc<dyn EventStore>, pool: PgPool, progress: Progress) -> Self {
        Self { pool, store, progress }
    }

    /// For the query functions beside each read model.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The log, for those who replay a stream.
    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    /// Returns when all of these show `position`; gives up after [`WAIT_MAX`].
    pub async fn wait_for(&self, names: &[&'static str], position: Position) -> Result<(), WaitError> {
        let all = async {
            for name in names {
                self.wait_for_one(name, position).await?;
            }
            Ok(())
        };
        match tokio::time::timeout(WAIT_MAX, all).await {
            Ok(done) => done,
            Err(_) => self.behind(names, position).await,
        }
    }

    async fn wait_for_one(&self, name: &'static str, position: Position) -> Result<(), WaitError> {
        let mut known = self.progress.watch(name).ok_or(WaitError::Unknown(name))?;
        loop {
            if *known.borrow_and_update() >= position {
                return Ok(());
            }
            let stored = checkpoint::position(&self.pool, name).await?;
            self.progress.reached(name, stored);
            if stored >= position {
                return Ok(());
            }
            // Woken or not, the next look decides.
            let _ = tokio::time::timeout(POLL, known.changed()).await;
        }
    }

    async fn behind(&self, names: &[&'static str], position: Position) -> Result<(), WaitError> {
        for name in names {
            let stored = checkpoint::position(&self.pool, name).await?;
            if stored < position {
                return Err(WaitError::Behind { name, lag_positions: position.as_i64() - stored.as_i64() });
            }
        }
        Ok(())
    }

    /// Every projection with its position and lag.
    pub async fn statuses(&self) -> Result<Vec<ProjectionStatus>, StatusError> {
        let head = self.store.head().await?;
        Ok(checkpoint::statuses(&self.pool, &self.progress.names(), head).await?)
    }
}

/// The projections' standing cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    #[error("the log's head cannot be read")]
    Log(#[from] ReadError),
    #[error("the checkpoints cannot be read")]
    Database(#[from] sqlx::Error),
}
