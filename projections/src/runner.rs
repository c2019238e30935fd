//! Keeps the read models up: one task per projection; across processes an advisory lock lets one lead each.
//!
//! Nothing here depends on who leads: the checkpoint moves by compare-and-set in the transaction that writes the
//! rows, so two leaders would only waste work. A projection runs its transactions on the connection that holds
//! its lock: who loses one loses both.

use std::{io, pin::pin, sync::Arc, time::Duration};

use lockstep_domain::ids::Position;
use lockstep_event_store::{EventStore, Feed, RESTED, RecordedEvent, is_alive};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    checkpoint,
    progress::Progress,
    projection::{self, ApplyError, Projection},
    reader::Reader,
    rebuild::rebuild_of,
};

/// A transaction takes no longer; its connection is given up then.
const COMMIT_MAX: Duration = Duration::from_secs(15);
/// Saying goodbye to a connection that may be dead takes no longer.
const CLOSE_MAX: Duration = Duration::from_secs(1);
/// Events applied in one transaction.
pub const BATCH_EVENTS_MAX: usize = 500;
/// Failures in a row after which a projection is reported as faulted. It is tried on.
const FAULTED_AFTER: u32 = 5;
/// First and longest pause after a failure; each failure in a row doubles it.
const BACK_OFF_MIN: Duration = Duration::from_millis(50);
const BACK_OFF_MAX: Duration = Duration::from_secs(10);
/// Longest pause while the database is away: read models are to be up again soon after it.
const AWAY_BACK_OFF_MAX: Duration = Duration::from_secs(1);
/// How often a process that does not lead asks again.
const LEAD_RETRY: Duration = Duration::from_millis(500);

/// Runs projections until it is told to stop.
pub struct Runner {
    store: Arc<dyn EventStore>,
    pool: PgPool,
    projections: Vec<Arc<dyn Projection>>,
    progress: Progress,
}

impl Runner {
    /// Runs every projection of the program.
    pub fn new(store: Arc<dyn EventStore>, pool: PgPool) -> Self {
        Self::with(store, pool, projection::all())
    }

    /// Runs these projections.
    pub fn with(store: Arc<dyn EventStore>, pool: PgPool, projections: Vec<Arc<dyn Projection>>) -> Self {
        let progress = Progress::new(projections.iter().map(|projection| projection.name()));
        Self { store, pool, projections, progress }
    }

    /// A reader that is woken as soon as this runner has committed.
    pub fn reader(&self) -> Reader {
        Reader::with_progress(self.store.clone(), self.pool.clone(), self.progress.clone())
    }

    /// Returns once `shutdown` is cancelled and running transactions have ended.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut tasks = JoinSet::new();
        for projection in &self.projections {
            tasks.spawn(self.task(projection.clone()).run(shutdown.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(panic) = ended {
                tracing::error!(error = %panic, "a projection's task died; the others go on");
            }
        }
    }

    fn task(&self, projection: Arc<dyn Projection>) -> Task {
        Task {
            store: self.store.clone(),
            pool: self.pool.clone(),
            progress: self.progress.clone(),
            projection,
            failures: 0,
            away: 0,
            batch: BATCH_EVENTS_MAX,
        }
    }
}

/// One projection being kept up.
struct Task {
    store: Arc<dyn EventStore>,
    pool: PgPool,
    progress: Progress,
    projection: Arc<dyn Projection>,
    /// In a row.
    failures: u32,
    /// Times in a row that the database was away.
    away: u32,
    /// Events in the next transaction: fewer after a failure, so that it gets as far as it can.
    batch: usize,
}

/// Why a leading task stopped leading.
enum Ended {
    Shutdown,
    Failed(ApplyError),
}

impl Task {
    async fn run(mut self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            match self.acquire().await {
                Ok(Some(mut lead)) => match self.lead(&mut lead, &shutdown).await {
                    Ended::Shutdown => {
                        let _ = timeout(CLOSE_MAX, lead.close()).await;
                        return;
                    }
                    Ended::Failed(error) => {
                        // Closed first: an abandoned transaction would hold the checkpoint we are about to mark.
                        let _ = timeout(CLOSE_MAX, lead.close()).await;
                        self.failed(&error, &shutdown).await;
                    }
                },
                Ok(None) => pause(LEAD_RETRY, &shutdown).await,
                Err(error) => self.failed(&error.into(), &shutdown).await,
            }
        }
    }

    /// A connection of our own that holds the projection's lock, or `None` while another process leads.
    async fn acquire(&self) -> Result<Option<PgConnection>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        checkpoint::ensure(&mut *connection, self.projection.name(), self.projection.version()).await?;
        // Asked with a lock that ends with the statement: wherever this is dropped, no connection goes back to the pool
        // with the lock on it, which nobody would ever free.
        let free: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtext('lockstep.projection'), hashtext($1))")
                .bind(self.projection.name())
                .fetch_one(&mut *connection)
                .await?;
        if !free {
            return Ok(None);
        }
        // Detached before it has the lock: the lock ends with the connection, which no pool may keep.
        let mut connection = connection.detach();
        let leads: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtext('lockstep.projection'), hashtext($1))")
                .bind(self.projection.name())
                .fetch_one(&mut connection)
                .await?;
        Ok(leads.then_some(connection))
    }

    /// Keeps the read model up; while it is still as an older version of the projection built it, it is also rebuilt
    /// beside that.
    async fn lead(&mut self, connection: &mut PgConnection, shutdown: &CancellationToken) -> Ended {
        let built_by = match checkpoint::model_version(&mut *connection, self.projection.name()).await {
            Ok(version) => version,
            Err(error) => return Ended::Failed(error.into()),
        };
        if built_by == self.projection.version() {
            return self.keep_up(connection, shutdown).await;
        }
        let renewing = renew(self.pool.clone(), self.store.clone(), self.projection.clone());
        let mut keeping_up = std::pin::pin!(self.keep_up(connection, shutdown));
        tokio::select! {
            ended = &mut keeping_up => ended,
            () = renewing => keeping_up.await,
        }
    }

    async fn keep_up(&mut self, connection: &mut PgConnection, shutdown: &CancellationToken) -> Ended {
        loop {
            let at = match checkpoint::position(&mut *connection, self.projection.name()).await {
                Ok(at) => at,
                Err(error) => return Ended::Failed(error.into()),
            };
            self.progress.reached(self.projection.name(), at);
            match self.follow(connection, at, shutdown).await {
                Ok(Some(ended)) => return ended,
                // Somebody moved the checkpoint (a rebuild): start over from where it is.
                Ok(None) => {}
                Err(error) => return Ended::Failed(error),
            }
        }
    }

    async fn follow(
        &mut self,
        connection: &mut PgConnection,
        mut at: Position,
        shutdown: &CancellationToken,
    ) -> Result<Option<Ended>, ApplyError> {
        let mut feed = Feed::new(self.store.clone(), at);
        loop {
            let mut rested = false;
            let events = {
                let mut next = pin!(feed.next(self.batch));
                loop {
                    tokio::select! {
                        () = shutdown.cancelled() => return Ok(Some(Ended::Shutdown)),
                        events = &mut next => break events,
                        () = sleep(RESTED), if !rested => rested = true,
                    }
                }
            };
            let Some(last) = events.last().map(|event| event.position) else { continue };
            if rested {
                is_alive(connection).await?;
            }
            let committed = timeout(COMMIT_MAX, self.commit(connection, at, last, &events)).await;
            let Ok(committed) = committed else {
                // Nobody at the other end, or more than can be done in the time.
                self.batch = (self.batch / 2).max(1);
                return Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into()).into());
            };
            if !committed? {
                return Ok(None);
            }
            at = last;
            self.failures = 0;
            self.away = 0;
            self.batch = (self.batch * 2).min(BATCH_EVENTS_MAX);
            self.progress.reached(self.projection.name(), at);
        }
    }

    /// Rows and checkpoint, together or not at all.
    async fn commit(
        &self,
        connection: &mut PgConnection,
        from: Position,
        to: Position,
        events: &[RecordedEvent],
    ) -> Result<bool, ApplyError> {
        let mut tx = connection.begin().await?;
        if !checkpoint::advance(&mut tx, self.projection.name(), from, to).await? {
            tx.rollback().await?;
            return Ok(false);
        }
        for event in events {
            if self.projection.kinds().contains(&event.stream.kind()) {
                self.projection.apply(&mut tx, event).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn failed(&mut self, error: &ApplyError, shutdown: &CancellationToken) {
        if error.is_away() {
            // Nothing is wrong with the event: no failure is counted, and the next transaction is not made smaller.
            self.away += 1;
            tracing::debug!(projection = self.projection.name(), away = self.away, ?error, "the database is away");
            return pause(back_off(self.away).min(AWAY_BACK_OFF_MAX), shutdown).await;
        }
        self.failures += 1;
        // Down to one event a time, so that everything before the event that fails is shown.
        self.batch = if self.failures == 1 { self.batch } else { 1 };
        let name = self.projection.name();
        if self.failures == FAULTED_AFTER {
            tracing::error!(projection = name, ?error, "projection is faulted");
            if let Err(error) = checkpoint::mark_faulted(&self.pool, name).await {
                tracing::warn!(projection = name, %error, "the fault cannot be noted");
            }
        } else {
            tracing::debug!(projection = name, failures = self.failures, ?error, "projection failed, trying again");
        }
        pause(back_off(self.failures).min(BACK_OFF_MAX), shutdown).await;
    }
}

fn back_off(times: u32) -> Duration {
    BACK_OFF_MIN.saturating_mul(1 << times.min(10))
}

/// Rebuilds the read model until that has worked once.
async fn renew(pool: PgPool, store: Arc<dyn EventStore>, projection: Arc<dyn Projection>) {
    let name = projection.name();
    loop {
        match rebuild_of(&pool, &store, projection.as_ref()).await {
            Ok(rebuilt) => {
                tracing::info!(projection = name, events = rebuilt.events, "a read model was rebuilt for this version");
                return;
            }
            Err(error) => tracing::error!(projection = name, ?error, "a rebuild failed; the old rows are kept up"),
        }
        tokio::time::sleep(BACK_OFF_MAX).await;
    }
}

async fn pause(time: Duration, shutdown: &CancellationToken) {
    let _ = tokio::time::timeout(time, shutdown.cancelled()).await;
}
