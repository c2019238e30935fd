//! Films that left the library while tokens for them are still good: those tokens open nothing any more.

use std::{
    collections::HashSet,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use lockstep_domain::ids::VideoId;
use lockstep_projections::library;
use sqlx::PgPool;
use tokio::{sync::Mutex, time::timeout};
use uuid::Uuid;

/// How old the list may be: a deleted film's files are delivered for so long at most.
pub const LIST_LIFE: Duration = Duration::from_secs(2);
/// How long viewers wait for the list to be read again: they go on with the last one while the database is away.
const READ_MAX: Duration = Duration::from_millis(300);
/// No token lives longer than a day: a film withdrawn before that has none.
const TOKEN_LIFE_US: i64 = 24 * 60 * 60 * 1_000_000;

/// The list, read again when somebody asks and it is old. Clones share it.
#[derive(Clone)]
pub struct Withdrawn {
    pool: Option<PgPool>,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    read_at: Option<Instant>,
    films: Arc<HashSet<Uuid>>,
}

impl fmt::Debug for Withdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Withdrawn")
    }
}

impl Withdrawn {
    /// As the read model has it.
    pub fn of(pool: PgPool) -> Self {
        Self { pool: Some(pool), held: Arc::default() }
    }

    /// These films, for ever.
    #[cfg(test)]
    pub fn fixed(films: impl IntoIterator<Item = Uuid>) -> Self {
        let films = Arc::new(films.into_iter().collect());
        Self { pool: None, held: Arc::new(Mutex::new(Held { read_at: None, films })) }
    }

    /// Whether this film left the library lately. `now_s`: wall time in Unix seconds.
    #[allow(clippy::disallowed_methods)] // How old the list is: nothing is decided in the domain by it.
    pub async fn has(&self, video: Uuid, now_s: i64) -> bool {
        let mut held = self.held.lock().await;
        let old = held.read_at.is_none_or(|at| at.elapsed() > LIST_LIFE);
        if let Some(pool) = self.pool.as_ref().filter(|_| old) {
            // Whether it can be read or not, it is not asked for again at once: the last list goes on to hold.
            held.read_at = Some(Instant::now());
            let since_us = now_s.saturating_mul(1_000_000).saturating_sub(TOKEN_LIFE_US);
            match timeout(READ_MAX, library::withdrawn(pool, since_us)).await {
                Ok(Ok(films)) => held.films = Arc::new(films.into_iter().map(|VideoId(id)| id).collect()),
                Ok(Err(error)) => tracing::warn!(%error, "the films that were deleted cannot be read"),
                Err(_) => tracing::warn!("the films that were deleted are not read in time"),
            }
        }
        held.films.contains(&video)
    }
}
