//! Password hashes at once: a few are computed, some wait, the rest are told to come back.
//!
//! Each hash holds 19 MiB and a core, so an unbounded flood of sign-ins would be a way to take all of both.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use tokio::sync::Semaphore;

use crate::credentials::CredentialError;

/// Hashes computed at once.
pub const HASHES_MAX: usize = 2;
/// Sign-ins that compute or wait for a hash; one more is told to try again.
pub const WAITING_MAX: usize = 64;

static HASHING: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(HASHES_MAX)));
static WAITING: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(WAITING_MAX)));
static RUNNING: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static DONE: AtomicU64 = AtomicU64::new(0);

/// What this process has hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Computed now.
    pub running: usize,
    /// The most at once, ever.
    pub peak: usize,
    /// Finished, ever.
    pub done: u64,
}

/// For figures about this process.
pub fn load() -> Load {
    Load {
        running: RUNNING.load(Ordering::SeqCst),
        peak: PEAK.load(Ordering::SeqCst),
        done: DONE.load(Ordering::SeqCst),
    }
}

/// Runs the work beside the async threads. Its place is given back when the work has ended, not when whoever asked
/// for it has gone away: a client that hangs up early frees nothing early.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CredentialError> {
    let waiting = Arc::clone(&WAITING).try_acquire_owned().map_err(|_| CredentialError::Busy)?;
    let hashing = Arc::clone(&HASHING).acquire_owned().await.map_err(|_| CredentialError::Busy)?;
    let counted = move || {
        let _places = (waiting, hashing);
        PEAK.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let done = work();
        RUNNING.fetch_sub(1, Ordering::SeqCst);
        DONE.fetch_add(1, Ordering::SeqCst);
        done
    };
    tokio::task::spawn_blocking(counted).await.map_err(|error| CredentialError::Unavailable(error.to_string()))
}
