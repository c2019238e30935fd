//! Which parts are there: the database is looked at all the time, the object store and Redis while their breakers are open.
//!
//! What is known to be away is not waited for: whoever needs the database is answered at once, and again as soon as it is back.

mod needing;

use std::time::{Duration, Instant};

use lockstep_object_store::{
    Bucket,
    breaker::{Breaker, Elapsed, State},
};
use sqlx::{Connection, PgConnection};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

pub use needing::{Needing, NeedsDatabase, RETRY_AFTER_S, unavailable};

/// How often the database is looked at, there or away.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Silence is counted in these, each waited for by itself: a process that gets no time to run counts slower.
const TICK: Duration = Duration::from_millis(50);
/// Ticks after which a database that was asked is silent: whoever waits for it has waited long enough.
const SILENT_TICKS: u32 = 12;
/// Ticks after which it is away. Long, because a busy machine is silent too; a closed connection is heard at once.
const AWAY_TICKS: u32 = 60;
/// Ticks in which a connection is made, or is not.
const CONNECT_TICKS: u32 = 20;
/// How often a store whose breaker is open is looked at.
const STORE_LOOK_EVERY: Duration = Duration::from_secs(2);
/// Time since the process began to count, for breakers.
#[allow(clippy::disallowed_methods)] // The one origin of this process's breakers.
pub fn elapsed() -> Elapsed {
    let origin = Instant::now();
    std::sync::Arc::new(move || origin.elapsed())
}

/// How the database stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    There,
    /// Connected, and it does not answer. Requests that have waited long are answered, new ones may still be lucky.
    Silent,
    Away,
}

impl Standing {
    /// One word, for operators.
    pub fn name(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Silent => "silent",
            Self::Away => "away",
        }
    }
}

/// How the database stands, as it is looked at all the time. Cheap to clone.
#[derive(Clone)]
pub struct DatabaseWatch(watch::Receiver<Standing>);

impl DatabaseWatch {
    /// Of this database, which is there now; looks at it until the shutdown when `look` is run.
    pub fn new(url: String, shutdown: CancellationToken) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (standing, seen) = watch::channel(Standing::There);
        let look = async move {
            tokio::select! {
                () = look(&url, &standing) => {}
                () = shutdown.cancelled() => {}
            }
        };
        (Self(seen), look)
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        *self.0.borrow()
    }

    /// Returns as soon as it stands so.
    async fn until(mut self, is_so: impl FnMut(&Standing) -> bool) {
        if self.0.wait_for(is_so).await.is_err() {
            // Nobody looks any more: the process ends.
            std::future::pending::<()>().await;
        }
    }

    /// A layer for routes that cannot do without it.
    pub fn layer(&self) -> NeedsDatabase {
        NeedsDatabase(self.clone())
    }
}

async fn look(url: &str, standing: &watch::Sender<Standing>) {
    loop {
        match heard(PgConnection::connect(url), CONNECT_TICKS, standing).await {
            Some(Ok(mut connection)) => {
                note(standing, Standing::There);
                while let Some(Ok(())) = heard(connection.ping(), AWAY_TICKS, standing).await {
                    note(standing, Standing::There);
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                // One connection may have been ended for a reason of its own: only a second one tells.
                continue;
            }
            Some(Err(_)) | None => note(standing, Standing::Away),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What was asked for, if it comes within so many ticks; says meanwhile that the database is silent.
async fn heard<T>(asked: impl Future<Output = T>, ticks_max: u32, standing: &watch::Sender<Standing>) -> Option<T> {
    let mut asked = std::pin::pin!(asked);
    for tick in 1..=ticks_max {
        if let Ok(answer) = timeout(TICK, &mut asked).await {
            return Some(answer);
        }
        // What is away is not merely silent.
        if tick == SILENT_TICKS && *standing.borrow() == Standing::There {
            note(standing, Standing::Silent);
        }
    }
    None
}

fn note(standing: &watch::Sender<Standing>, now: Standing) {
    let mut before = now;
    let changed = standing.send_if_modified(|held| {
        before = std::mem::replace(held, now);
        before != now
    });
    match (changed, now) {
        (true, Standing::There) => tracing::info!(before = before.name(), "the database is back"),
        (true, Standing::Silent) => tracing::warn!("the database is silent: requests that wait for it are answered"),
        (true, Standing::Away) => tracing::error!("the database is away: requests that need it are turned away"),
        (false, _) => {}
    }
}

/// Closes the store's breaker as soon as the store answers again, until the shutdown.
pub async fn watch_store(bucket: Bucket, breaker: Breaker, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(STORE_LOOK_EVERY) => {}
            () = shutdown.cancelled() => return,
        }
        if breaker.state() != State::Closed && bucket.probe().await.is_ok() {
            breaker.close();
            tracing::info!("the object store is back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_answer_is_silent_before_it_is_away() {
        let (standing, seen) = watch::channel(Standing::There);
        assert_eq!(heard(async { 7 }, AWAY_TICKS, &standing).await, Some(7));
        assert_eq!(*seen.borrow(), Standing::There);
        assert_eq!(heard(std::future::pending::<()>(), SILENT_TICKS - 1, &standing).await, None);
        assert_eq!(*seen.borrow(), Standing::There, "a little slow");
        assert_eq!(heard(std::future::pending::<()>(), SILENT_TICKS, &standing).await, None);
        assert_eq!(*seen.borrow(), Standing::Silent);
        note(&standing, Standing::Away);
        assert_eq!(heard(std::future::pending::<()>(), SILENT_TICKS, &standing).await, None);
        assert_eq!(*seen.borrow(), Standing::Away, "nobody is let in who would only wait");
    }
}
