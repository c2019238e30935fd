//! Which task runs next in this process: at most so many at a time, each in a task of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use lockstep_domain::ids::VideoId;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{board::Task, item, package, probe, shared::Shared};

/// How often the board is looked at although nothing was heard: leases run out in silence.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long running tasks may take to give their claims back at the end.
const STOP_WAIT: Duration = Duration::from_secs(5);
/// Attempts at one task by this process before what went wrong counts as the file's fault.
pub const TRIES_MAX: u32 = 2;

/// One task of one film.
type Key = (VideoId, u32);

/// How a task ended, for the scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Done, or seen to be done.
    Over,
    /// Held by another worker, or out of order for now: not before so long.
    Later(Duration),
    /// The child broke down; the claim was given back.
    Broken(Duration),
}

struct Scheduler {
    shared: Arc<Shared>,
    shutdown: CancellationToken,
    running: JoinSet<(Key, End)>,
    /// One sleep per task that is left alone for a while.
    resting: JoinSet<Key>,
    /// Tasks that run or rest.
    taken: BTreeSet<Key>,
    tries: BTreeMap<Key, u32>,
    /// One token per film: cancelled when the film ends.
    films: BTreeMap<VideoId, CancellationToken>,
}

/// Runs tasks until told to stop.
pub async fn run(shared: &Arc<Shared>, concurrency: usize, shutdown: CancellationToken) {
    let mut caught_up = shared.caught_up.subscribe();
    let mut scheduler = Scheduler {
        shared: Arc::clone(shared),
        shutdown: shutdown.clone(),
        running: JoinSet::new(),
        resting: JoinSet::new(),
        taken: BTreeSet::new(),
        tries: BTreeMap::new(),
        films: BTreeMap::new(),
    };
    tokio::select! {
        () = shutdown.cancelled() => return,
        _ = caught_up.wait_for(|ready| *ready) => {}
    }
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        scheduler.forget_finished();
        scheduler.start(concurrency);
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(ended) = scheduler.running.join_next() => scheduler.ended(ended.ok()),
            Some(rested) = scheduler.resting.join_next() => scheduler.rested(rested.ok()),
            () = shared.changed.notified() => {}
            _ = look.tick() => {}
        }
    }
    let stop = async { while scheduler.running.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(STOP_WAIT, stop).await;
}

impl Scheduler {
    /// Starts what is free, in order, while there is room.
    fn start(&mut self, concurrency: usize) {
        if self.running.len() >= concurrency {
            return;
        }
        let tasks = self.shared.board().tasks();
        for (video, task) in tasks {
            if self.running.len() >= concurrency {
                return;
            }
            let key = (video, task.number());
            if !self.taken.insert(key) {
                continue;
            }
            let tries = self.tries.get(&key).copied().unwrap_or(0);
            let cancel = self.films.entry(video).or_insert_with(|| self.shutdown.child_token()).clone();
            let shared = Arc::clone(&self.shared);
            self.running.spawn(async move { (key, perform(&shared, video, task, tries, &cancel).await) });
        }
    }

    fn ended(&mut self, ended: Option<(Key, End)>) {
        // A panicked task stays taken: it is not tried again by this process.
        let Some((key, end)) = ended else { return };
        let rest = match end {
            // The feed shows soon that there is nothing left to do.
            End::Over => LOOK_EVERY,
            End::Later(rest) => rest,
            End::Broken(rest) => {
                *self.tries.entry(key).or_default() += 1;
                rest
            }
        };
        self.resting.spawn(async move {
            tokio::time::sleep(rest).await;
            key
        });
    }

    fn rested(&mut self, key: Option<Key>) {
        if let Some(key) = key {
            self.taken.remove(&key);
        }
    }

    /// Stops what still runs for films that have ended.
    fn forget_finished(&mut self) {
        let board = self.shared.board();
        self.films.retain(|video, cancel| {
            let unfinished = board.film(*video).is_some();
            if !unfinished {
                cancel.cancel();
            }
            unfinished
        });
        self.tries.retain(|(video, _), _| board.film(*video).is_some());
    }
}

async fn perform(shared: &Shared, video: VideoId, task: Task, tries: u32, cancel: &CancellationToken) -> End {
    let Some(film) = shared.board().film(video).cloned() else { return End::Over };
    match task {
        Task::Probe => probe::run(shared, video, &film, tries, cancel).await,
        Task::Item(item) => item::run(shared, video, &film, &item, tries, cancel).await,
        Task::Package => package::run(shared, video, &film).await,
        Task::Fail(failure) => package::fail(shared, video, &film.correlation, failure).await,
    }
}
