//! A circuit breaker: after some faults in a row nothing is asked any more for a while, and callers are answered at once.
//!
//! It has no clock and no task of its own: time comes from whoever makes it. Anything that is called over a network may stand
//! behind one.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Faults in a row that open it.
pub const FAULTS_MAX: u32 = 5;
/// How long it stays open before one call is let through to try.
pub const OPEN_FOR: Duration = Duration::from_secs(60);

/// When to ask again while somebody tries.
pub const TRY_WAIT: Duration = Duration::from_secs(5);

/// Time since any fixed moment, never going back.
pub type Elapsed = Arc<dyn Fn() -> Duration + Send + Sync>;

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Lets them through.
    Closed,
    /// Refuses them.
    Open,
    /// Lets one through, to try.
    HalfOpen,
}

impl State {
    /// One word, for figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// Refused without a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{name} is out of order and is not asked for now")]
pub struct Refused {
    pub name: &'static str,
}

/// A call behind a breaker failed, or was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError<E> {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("{0}")]
    Failed(E),
}

/// What has come of the calls, ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub faults: u64,
    pub refused: u64,
    /// Times it opened.
    pub opened: u64,
}

/// A circuit breaker. Clones share its state.
#[derive(Clone)]
pub struct Breaker(Arc<Inner>);

struct Inner {
    name: &'static str,
    elapsed: Elapsed,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    phase: Phase,
    counts: Counts,
    /// Raised when it closes or opens: what was let through before says nothing about after.
    turn: u64,
}

enum Phase {
    Closed {
        faults: u32,
    },
    Open {
        since: Duration,
    },
    /// One call is under way.
    Trying {
        since: Duration,
    },
}

impl Default for Phase {
    fn default() -> Self {
        Self::Closed { faults: 0 }
    }
}

/// One call let through. Dropped without an outcome it counts as neither.
#[derive(Debug)]
pub struct Permit {
    breaker: Breaker,
    turn: u64,
}

impl Breaker {
    /// A closed one. `name`: of what is behind it.
    pub fn new(name: &'static str, elapsed: Elapsed) -> Self {
        Self(Arc::new(Inner { name, elapsed, held: Mutex::default() }))
    }

    pub fn name(&self) -> &'static str {
        self.0.name
    }

    pub fn state(&self) -> State {
        match self.held().phase {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { since } if self.now().saturating_sub(since) < OPEN_FOR => State::Open,
            Phase::Open { .. } | Phase::Trying { .. } => State::HalfOpen,
        }
    }

    /// How long until a call is let through again, for whoever was refused; zero while it is closed. Somebody who tries now
    /// may be about to close it.
    pub fn wait(&self) -> Duration {
        match self.held().phase {
            Phase::Closed { .. } => Duration::ZERO,
            Phase::Open { since } => OPEN_FOR.saturating_sub(self.now().saturating_sub(since)),
            Phase::Trying { .. } => TRY_WAIT,
        }
    }

    pub fn counts(&self) -> Counts {
        self.held().counts
    }

    /// Asks to make a call.
    pub fn admit(&self) -> Result<Permit, Refused> {
        let now = self.now();
        let mut held = self.held();
        match held.phase {
            Phase::Closed { .. } => {}
            Phase::Open { since } if now.saturating_sub(since) >= OPEN_FOR => {
                held.phase = Phase::Trying { since };
                held.turn += 1;
            }
            Phase::Open { .. } | Phase::Trying { .. } => {
                held.counts.refused += 1;
                return Err(Refused { name: self.0.name });
            }
        }
        Ok(Permit { breaker: self.clone(), turn: held.turn })
    }

    /// Closes it, because what is behind it was seen to be well by other means.
    pub fn close(&self) {
        let mut held = self.held();
        held.phase = Phase::default();
        held.turn += 1;
    }

    /// Makes the call, or refuses at once. `is_fault`: whether an error means that what is behind is out of order; a refusal
    /// by it does not.
    pub async fn call<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
        is_fault: impl FnOnce(&E) -> bool,
    ) -> Result<T, CallError<E>> {
        let permit = self.admit()?;
        let answer = call.await;
        match &answer {
            Err(error) if is_fault(error) => permit.fault(),
            Ok(_) | Err(_) => permit.success(),
        }
        answer.map_err(CallError::Failed)
    }

    fn now(&self) -> Duration {
        (self.0.elapsed)()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// It answered.
    pub fn success(self) {
        let mut held = self.breaker.held();
        if held.turn != self.turn {
            return;
        }
        if let Phase::Trying { .. } = held.phase {
            held.turn += 1;
        }
        held.phase = Phase::default();
    }

    /// It is out of order: no answer, none in time, or one that says so.
    pub fn fault(self) {
        let now = self.breaker.now();
        let mut held = self.breaker.held();
        held.counts.faults += 1;
        if held.turn != self.turn {
            return;
        }
        let faults = match held.phase {
            Phase::Closed { faults } => faults + 1,
            Phase::Open { .. } | Phase::Trying { .. } => FAULTS_MAX,
        };
        if faults < FAULTS_MAX {
            held.phase = Phase::Closed { faults };
            return;
        }
        held.phase = Phase::Open { since: now };
        held.counts.opened += 1;
        held.turn += 1;
        tracing::warn!(what = self.breaker.0.name, "out of order: not asked for now");
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut held = self.breaker.held();
        // The call that was to try was given up: the next one tries.
        if let (Phase::Trying { since }, true) = (&held.phase, held.turn == self.turn) {
            held.phase = Phase::Open { since: *since };
        }
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("name", &self.0.name).field("state", &self.state()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A breaker on a clock that the test moves, and a service whose faults are scripted.
    struct Bench {
        breaker: Breaker,
        clock: Arc<AtomicU64>,
        asked: AtomicU64,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Trouble {
        Fault,
        NotThere,
    }

    impl Bench {
        fn new() -> Self {
            let clock = Arc::new(AtomicU64::new(1_000));
            let read = Arc::clone(&clock);
            let elapsed: Elapsed = Arc::new(move || Duration::from_millis(read.load(Ordering::Relaxed)));
            Self { breaker: Breaker::new("the bench", elapsed), clock, asked: AtomicU64::new(0) }
        }

        fn pass(&self, time: Duration) {
            self.clock.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
        }

        async fn call(&self, answer: Result<(), Trouble>) -> Result<(), CallError<Trouble>> {
            let asked = async {
                self.asked.fetch_add(1, Ordering::Relaxed);
                answer
            };
            self.breaker.call(asked, |trouble| *trouble == Trouble::Fault).await
        }

        async fn open(&self) {
            for _ in 0..FAULTS_MAX {
                assert_eq!(self.call(Err(Trouble::Fault)).await, Err(CallError::Failed(Trouble::Fault)));
            }
            assert_eq!(self.breaker.state(), State::Open);
        }

        fn asked(&self) -> u64 {
            self.asked.load(Ordering::Relaxed)
        }
    }

    const REFUSED: Result<(), CallError<Trouble>> = Err(CallError::Refused(Refused { name: "the bench" }));

    #[tokio::test]
    async fn it_opens_after_five_faults_in_a_row_and_then_asks_nothing() {
        let bench = Bench::new();
        for _ in 0..FAULTS_MAX - 1 {
            let _ = bench.call(Err(Trouble::Fault)).await;
        }
        assert_eq!(bench.breaker.state(), State::Closed);
        bench.call(Ok(())).await.unwrap();
        bench.open().await;
        assert_eq!(bench.asked(), u64::from(FAULTS_MAX) * 2);
        for _ in 0..100 {
            assert_eq!(bench.call(Ok(())).await, REFUSED);
        }
        assert_eq!(bench.asked(), u64::from(FAULTS_MAX) * 2, "nothing reached it");
        assert_eq!(bench.breaker.counts(), Counts { faults: 9, refused: 100, opened: 1 });
    }

    #[tokio::test]
    async fn a_refusal_is_no_fault() {
        let bench = Bench::new();
        for _ in 0..100 {
            assert_eq!(bench.call(Err(Trouble::NotThere)).await, Err(CallError::Failed(Trouble::NotThere)));
        }
        assert_eq!(bench.breaker.state(), State::Closed);
        for _ in 0..FAULTS_MAX - 1 {
            let _ = bench.call(Err(Trouble::Fault)).await;
        }
        let _ = bench.call(Err(Trouble::NotThere)).await;
        let _ = bench.call(Err(Trouble::Fault)).await;
        assert_eq!(bench.breaker.state(), State::Closed, "whoever refuses answers: the row was broken");
    }

    #[tokio::test]
    async fn after_a_minute_one_call_tries_and_closes_it() {
        let bench = Bench::new();
        bench.open().await;
        bench.pass(OPEN_FOR - Duration::from_millis(1));
        assert_eq!(bench.call(Ok(())).await, REFUSED);
        bench.pass(Duration::from_millis(1));
        assert_eq!(bench.breaker.state(), State::HalfOpen);
        let trying = bench.breaker.admit().unwrap();
        for _ in 0..10 {
            assert_eq!(bench.call(Ok(())).await, REFUSED, "one is enough to try");
        }
        trying.success();
        assert_eq!(bench.breaker.state(), State::Closed);
        bench.call(Ok(())).await.unwrap();
    }

    #[tokio::test]
    async fn a_failed_try_opens_it_for_another_minute() {
        let bench = Bench::new();
        bench.open().await;
        bench.pass(OPEN_FOR);
        assert_eq!(bench.call(Err(Trouble::Fault)).await, Err(CallError::Failed(Trouble::Fault)));
        assert_eq!((bench.breaker.state(), bench.breaker.counts().opened), (State::Open, 2));
        bench.pass(OPEN_FOR - Duration::from_millis(1));
        assert_eq!(bench.call(Ok(())).await, REFUSED);
        bench.pass(Duration::from_millis(1));
        bench.call(Ok(())).await.unwrap();
    }

    #[tokio::test]
    async fn a_try_given_up_leaves_the_next_one_to_try() {
        let bench = Bench::new();
        bench.open().await;
        bench.pass(OPEN_FOR);
        drop(bench.breaker.admit().unwrap());
        assert_eq!(bench.breaker.state(), State::HalfOpen);
        bench.call(Ok(())).await.unwrap();
        assert_eq!(bench.breaker.state(), State::Closed);
    }

    #[tokio::test]
    async fn what_was_asked_before_says_nothing_about_after() {
        let bench = Bench::new();
        let slow: Vec<Permit> = (0..10).map(|_| bench.breaker.admit().unwrap()).collect();
        bench.open().await;
        let mut slow = slow.into_iter();
        slow.next().unwrap().success();
        assert_eq!(bench.breaker.state(), State::Open, "an answer from before it opened");
        bench.breaker.close();
        slow.for_each(Permit::fault);
        assert_eq!(bench.breaker.state(), State::Closed, "faults from before it closed");
        assert_eq!(bench.breaker.counts().opened, 1);
    }
}
