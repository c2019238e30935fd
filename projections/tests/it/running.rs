//! The runner: restarts, several at once, failures, and waiting for a position.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use lockstep_domain::ids::{AccountId, Position, StreamId, VideoId};
use lockstep_projections::{
    ApplyError, Projection, Reader, RecordedEvent, Runner, Table, WaitError, all, checksum, videos,
};
use sqlx::PgConnection;
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::fixture::{Fixture, names, requested, story};

struct Running {
    reader: Reader,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(runner: Runner) -> Self {
        let (reader, shutdown) = (runner.reader(), CancellationToken::new());
        Self { reader, task: tokio::spawn(runner.run(shutdown.clone())), shutdown }
    }
    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }
}

fn runner(fixture: &Fixture) -> Runner {
    Runner::new(fixture.store.clone(), fixture.pool.clone())
}

async fn film(fixture: &Fixture) -> (VideoId, Position) {
    let (video, owner) = (VideoId(Uuid::new_v4()), AccountId(Uuid::new_v4()));
    let position = fixture.append(StreamId::video(video), None, &[requested(owner, video, "Film")]).await;
    (video, position)
}

#[tokio::test]
async fn a_query_sees_what_was_written_before_it() {
    let fixture = Fixture::new().await;
    let running = Running::start(runner(&fixture));
    for _ in 0..20 {
        let (video, position) = film(&fixture).await;
        running.reader.wait_for(&["videos"], position).await.unwrap();
        assert_eq!(videos::by_ids(&fixture.pool, &[video]).await.unwrap().len(), 1);
    }
    running.stop().await;
}

#[tokio::test]
async fn another_process_waits_by_the_checkpoint() {
    let fixture = Fixture::new().await;
    let elsewhere = Reader::new(fixture.store.clone(), fixture.pool.clone());
    let running = Running::start(runner(&fixture));
    let (_, position) = film(&fixture).await;
    elsewhere.wait_for(&names(), position).await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn waiting_for_what_never_comes_ends_and_says_how_far() {
    let fixture = Fixture::new().await;
    let (_, position) = film(&fixture).await;
    let reader = Reader::new(fixture.store.clone(), fixture.pool.clone());
    let answer = reader.wait_for(&["accounts", "videos"], position).await;
    assert!(matches!(answer, Err(WaitError::Behind { name: "accounts", lag_positions: 1 })), "{answer:?}");
    assert!(matches!(reader.wait_for(&["nonsense"], position).await, Err(WaitError::Unknown("nonsense"))));
}

#[tokio::test]
async fn a_restart_goes_on_where_the_last_run_ended() {
    let fixture = Fixture::new().await;
    let told = story(&fixture).await;
    let first = Running::start(runner(&fixture));
    first.reader.wait_for(&names(), told.last).await.unwrap();
    first.stop().await;
    let (video, position) = film(&fixture).await;
    let counted = Arc::new(AtomicUsize::new(0));
    let projection =
        Arc::new(Watched { inner: lockstep_projections::find("videos").unwrap(), applied: counted.clone() });
    let second = Running::start(Runner::with(fixture.store.clone(), fixture.pool.clone(), vec![projection]));
    second.reader.wait_for(&["videos"], position).await.unwrap();
    assert_eq!(counted.load(Ordering::SeqCst), 1, "only the new event");
    assert_eq!(videos::by_ids(&fixture.pool, &[video]).await.unwrap().len(), 1);
    second.stop().await;
}

#[tokio::test]
async fn two_runners_share_the_work_and_one_takes_over() {
    let fixture = Fixture::new().await;
    let applied = [Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))];
    let mut runners = applied.clone().map(|applied| {
        let inner = lockstep_projections::find("videos").unwrap();
        let watched: Arc<dyn Projection> = Arc::new(Watched { inner, applied });
        Some(Running::start(Runner::with(fixture.store.clone(), fixture.pool.clone(), vec![watched])))
    });
    let reader = Reader::new(fixture.store.clone(), fixture.pool.clone());
    for _ in 0..10 {
        let (_, position) = film(&fixture).await;
        reader.wait_for(&["videos"], position).await.unwrap();
    }
    let counts = applied.clone().map(|applied| applied.load(Ordering::SeqCst));
    assert_eq!(counts.iter().sum::<usize>(), 10, "each event once: {counts:?}");
    let leader = usize::from(counts[1] > 0);
    assert_eq!(counts[1 - leader], 0, "one leads: {counts:?}");
    runners[leader].take().unwrap().stop().await;
    let (_, position) = film(&fixture).await;
    reader.wait_for(&["videos"], position).await.unwrap();
    assert_eq!(applied[1 - leader].load(Ordering::SeqCst), 1, "the other takes over");
    runners[1 - leader].take().unwrap().stop().await;
}

#[tokio::test]
async fn a_failing_projection_is_faulted_keeps_its_place_and_recovers() {
    let fixture = Fixture::new().await;
    let (_, before) = film(&fixture).await;
    let (_, poison) = film(&fixture).await;
    let (_, after) = film(&fixture).await;
    let failing = Arc::new(Failing {
        inner: lockstep_projections::find("videos").unwrap(),
        at: poison,
        broken: AtomicBool::new(true),
        failed: Notify::new(),
    });
    let projections: Vec<Arc<dyn Projection>> = vec![failing.clone(), lockstep_projections::find("accounts").unwrap()];
    let running = Running::start(Runner::with(fixture.store.clone(), fixture.pool.clone(), projections));
    running.reader.wait_for(&["accounts"], after).await.unwrap();
    let (videos, statuses) = loop {
        // It is tried again and again: each failure is a moment to look.
        failing.failed.notified().await;
        let statuses = running.reader.statuses().await.unwrap();
        let videos = statuses.iter().find(|status| status.name == "videos").unwrap().clone();
        if videos.faulted {
            break (videos, statuses);
        }
    };
    assert_eq!((videos.position, videos.lag_positions), (before, 2), "what comes before the fault is shown");
    assert!(statuses.iter().any(|status| status.name == "accounts" && !status.faulted && status.lag_positions == 0));
    failing.broken.store(false, Ordering::SeqCst);
    while running.reader.wait_for(&["videos"], after).await.is_err() {}
    assert!(running.reader.statuses().await.unwrap().iter().all(|status| !status.faulted));
    running.stop().await;
}

#[tokio::test]
async fn stopped_anywhere_the_rows_are_those_of_one_run() {
    let fixture = Fixture::new().await;
    let told = story(&fixture).await;
    let shown = names();
    // Killed, not stopped: the task is dropped wherever it is.
    for kill_after in 0..12 {
        let projections = all().into_iter().map(|inner| Arc::new(Watched::new(inner)));
        let watched: Vec<Arc<Watched>> = projections.collect();
        let dynamic = watched.iter().map(|watched| watched.clone() as Arc<dyn Projection>).collect();
        let runner = Runner::with(fixture.store.clone(), fixture.pool.clone(), dynamic);
        let reader = runner.reader();
        let run = runner.run(CancellationToken::new());
        let all_shown = reader.wait_for(&shown, told.last);
        let enough = async {
            while watched.iter().map(|watched| watched.applied.load(Ordering::SeqCst)).sum::<usize>() < kill_after {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! { () = run => {}, () = enough => {}, _ = all_shown => {} }
    }
    let running = Running::start(runner(&fixture));
    while running.reader.wait_for(&names(), told.last).await.is_err() {}
    running.stop().await;
    for name in names() {
        let sum = checksum(&fixture.pool, name).await.unwrap();
        lockstep_projections::rebuild(&fixture.pool, &fixture.store, name).await.unwrap();
        assert_eq!(checksum(&fixture.pool, name).await.unwrap(), sum, "{name}");
    }
}

/// Counts what it applies.
struct Watched {
    inner: Arc<dyn Projection>,
    applied: Arc<AtomicUsize>,
}

impl Watched {
    fn new(inner: Arc<dyn Projection>) -> Self {
        Self { inner, applied: Arc::default() }
    }
}

#[async_trait]
impl Projection for Watched {
    fn name(&self) -> &'static str {
        self.inner.name()
    }
    fn kinds(&self) -> &'static [&'static str] {
        self.inner.kinds()
    }
    fn tables(&self) -> &'static [Table] {
        self.inner.tables()
    }
    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        self.applied.fetch_add(1, Ordering::SeqCst);
        self.inner.apply(tx, event).await
    }
}

/// Fails at one event while it is broken.
struct Failing {
    inner: Arc<dyn Projection>,
    at: Position,
    broken: AtomicBool,
    failed: Notify,
}

#[async_trait]
impl Projection for Failing {
    fn name(&self) -> &'static str {
        self.inner.name()
    }
    fn kinds(&self) -> &'static [&'static str] {
        self.inner.kinds()
    }
    fn tables(&self) -> &'static [Table] {
        self.inner.tables()
    }
    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        if event.position == self.at && self.broken.load(Ordering::SeqCst) {
            self.failed.notify_one();
            return Err(ApplyError::Database(sqlx::Error::WorkerCrashed));
        }
        self.inner.apply(tx, event).await
    }
}
