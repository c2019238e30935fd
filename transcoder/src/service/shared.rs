//! What every task of one transcoder process uses.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lockstep_commands::{Actor, CommandError, Context, Services};
use lockstep_domain::ids::VideoId;
use tokio::sync::{Notify, watch};

use super::board::Board;
use crate::child::MediaProgram;

/// How often a command is repeated while the log is out of reach: about ten seconds.
const TRIES_MAX: u32 = 14;
/// First and longest pause between two tries.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The process's services, its picture of the work, and what its children are at.
pub struct Shared {
    pub services: Services,
    pub program: MediaProgram,
    pub worker: String,
    /// Rings when the board changed.
    pub changed: Notify,
    /// True once the board has caught up with the log.
    pub caught_up: watch::Sender<bool>,
    board: Mutex<Board>,
    /// Media time, microseconds, that local children have gone through.
    live: Mutex<BTreeMap<(VideoId, u32), i64>>,
}

impl Shared {
    pub fn new(services: Services, program: MediaProgram, worker: String) -> Self {
        Self {
            services,
            program,
            worker,
            changed: Notify::new(),
            caught_up: watch::Sender::new(false),
            board: Mutex::default(),
            live: Mutex::default(),
        }
    }

    pub fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn live(&self) -> MutexGuard<'_, BTreeMap<(VideoId, u32), i64>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fresh operation of this worker on behalf of what `correlation` began.
    pub fn context(&self, correlation: &str) -> Context {
        Context {
            actor: Actor::Worker(self.worker.clone()),
            command_id: self.services.ids.uuid().into(),
            correlation_id: correlation.to_owned(),
            causation_id: None,
            now: self.services.clock.now(),
        }
    }
}

/// Repeats an idempotent command while the log is out of reach or contended; a refusal is final.
pub async fn insist<T, E, F>(mut command: impl FnMut() -> F) -> Result<T, CommandError<E>>
where
    F: Future<Output = Result<T, CommandError<E>>>,
{
    let mut pause = PAUSE_FIRST;
    for _ in 1..TRIES_MAX {
        match command().await {
            Err(CommandError::Unavailable(_) | CommandError::Contended) => {}
            ended => return ended,
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
    command().await
}
