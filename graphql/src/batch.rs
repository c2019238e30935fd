//! Runs loaders only when nothing else of the request can go on, so that a batch has every key of its level.
//!
//! async-graphql's loaders batch by a timer of 1 ms, and its lists yield to the runtime between items: on a busy
//! machine the timer ends in the middle of a list and one batch becomes several. Here a request drives its own
//! loaders, and looks at them only when its resolvers wait.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures::{
    Stream, StreamExt,
    future::{BoxFuture, poll_fn},
    stream::{FuturesUnordered, poll_fn as stream_poll_fn},
    task::AtomicWaker,
};

/// How often resolvers may ask to go on at once before the runtime gets a turn.
const TURNS_MAX: usize = 64;

/// Takes the loaders' work of one request.
#[derive(Clone, Default)]
pub(crate) struct Spawner(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl Spawner {
    pub(crate) fn spawn(&self, work: BoxFuture<'static, ()>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(work);
    }

    fn take(&self) -> Vec<BoxFuture<'static, ()>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Runs a request's resolvers and, whenever they wait, its loaders.
pub(crate) async fn drive<T>(resolvers: impl Future<Output = T>, spawner: Spawner) -> T {
    let mut resolvers = std::pin::pin!(resolvers);
    let mut batches = Batches::new(spawner);
    poll_fn(move |cx| batches.poll(cx, |cx| resolvers.as_mut().poll(cx))).await
}

/// As [`drive`], for a subscription.
pub(crate) fn drive_stream<T>(
    mut responses: Pin<Box<dyn Stream<Item = T> + Send>>,
    spawner: Spawner,
) -> impl Stream<Item = T> + Send {
    let mut batches = Batches::new(spawner);
    stream_poll_fn(move |cx| batches.poll(cx, |cx| responses.as_mut().poll_next(cx)))
}

/// Tells whether the resolvers asked to be polled again.
struct Woken {
    again: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.again.store(true, Ordering::Release);
        self.task.wake();
    }
}

struct Batches {
    spawner: Spawner,
    running: FuturesUnordered<BoxFuture<'static, ()>>,
    woken: Arc<Woken>,
}

impl Batches {
    fn new(spawner: Spawner) -> Self {
        let woken = Woken { again: AtomicBool::new(true), task: AtomicWaker::new() };
        Self { spawner, running: FuturesUnordered::new(), woken: Arc::new(woken) }
    }

    fn poll<T>(&mut self, cx: &mut Context<'_>, mut resolve: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        self.woken.task.register(cx.waker());
        let waker = Waker::from(self.woken.clone());
        for _ in 0..TURNS_MAX {
            if self.woken.again.swap(false, Ordering::AcqRel) {
                if let Poll::Ready(done) = resolve(&mut Context::from_waker(&waker)) {
                    // A stream is polled for its next item without being woken.
                    self.woken.again.store(true, Ordering::Release);
                    return Poll::Ready(done);
                }
                self.running.extend(self.spawner.take());
                continue;
            }
            // The resolvers wait for rows: every key of this level is known.
            match self.running.poll_next_unpin(cx) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) | Poll::Pending if self.woken.again.load(Ordering::Acquire) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use async_graphql::dataloader::{DataLoader, Loader};
    use futures::future::join_all;

    use super::*;

    struct Counting(Arc<Mutex<Vec<usize>>>);

    impl Loader<u32> for Counting {
        type Value = u32;
        type Error = ();
        async fn load(&self, keys: &[u32]) -> Result<HashMap<u32, u32>, ()> {
            self.0.lock().unwrap().push(keys.len());
            Ok(keys.iter().map(|key| (*key, key + 1_000)).collect())
        }
    }

    /// Waits and asks to go on at once, as async-graphql's objects do.
    async fn turn() {
        let mut waited = false;
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    #[tokio::test]
    async fn a_level_is_one_batch_however_long_it_takes_to_ask() {
        let (spawner, batches) = (Spawner::default(), Arc::new(Mutex::new(vec![])));
        let into = spawner.clone();
        let loader =
            DataLoader::new(Counting(batches.clone()), move |work| into.spawn(work)).delay(std::time::Duration::ZERO);
        let rows = join_all((0..500u32).map(async |key| {
            // Every item yields a few times, as nested lists do.
            for _ in 0..key % 7 {
                turn().await;
            }
            let first = loader.load_one(key).await.unwrap().unwrap();
            loader.load_one(first).await.unwrap().unwrap()
        }));
        let rows = drive(rows, spawner).await;
        assert_eq!(rows[499], 2_499);
        assert_eq!(*batches.lock().unwrap(), [500, 500]);
    }
}
