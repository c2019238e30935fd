//! Those who listen on a bus in this process: each has a bounded ring of what was heard, and one that reads too slowly
//! misses the oldest.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use metrics::counter;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc, watch,
};

use super::BusEvent;

/// Events held for a listener.
pub const HEARD_EVENTS_MAX: usize = 512;
/// Events on their way from the ring to the listener.
const HANDED_EVENTS_MAX: usize = 1;

/// The listeners of one node.
pub(super) struct Listeners {
    heard: broadcast::Sender<BusEvent>,
    /// As it is now: a listener that missed an Up or a Down learns it from here.
    up: watch::Sender<bool>,
    missed: Arc<AtomicU64>,
}

impl Listeners {
    /// Of a bus whose other nodes can be heard, or not.
    pub(super) fn new(up: bool) -> Self {
        Self { heard: broadcast::Sender::new(HEARD_EVENTS_MAX), up: watch::Sender::new(up), missed: Arc::default() }
    }

    pub(super) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// Events that slow listeners missed, ever.
    pub(super) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Says whether the other nodes can be heard from now on.
    pub(super) fn set_up(&self, up: bool) {
        if self.up.send_replace(up) != up {
            self.tell(if up { BusEvent::Up } else { BusEvent::Down });
        }
    }

    pub(super) fn tell(&self, event: BusEvent) {
        // An error says that nobody listens.
        let _ = self.heard.send(event);
    }

    /// Another listener; it ends when its receiver is dropped, or the bus.
    pub(super) fn subscribe(&self) -> mpsc::Receiver<BusEvent> {
        let (listener, receiver) = mpsc::channel(HANDED_EVENTS_MAX);
        let (heard, up) = (self.heard.subscribe(), self.up.subscribe());
        tokio::spawn(hand_on(heard, up, listener, Arc::clone(&self.missed)));
        receiver
    }
}

async fn hand_on(
    mut heard: broadcast::Receiver<BusEvent>,
    up: watch::Receiver<bool>,
    listener: mpsc::Sender<BusEvent>,
    missed: Arc<AtomicU64>,
) {
    let mut told = false;
    let mut next = state(&up);
    loop {
        let is_news = match next {
            BusEvent::Frame(_) => true,
            BusEvent::Up => !std::mem::replace(&mut told, true),
            BusEvent::Down => std::mem::replace(&mut told, false),
        };
        if is_news && listener.send(next).await.is_err() {
            return;
        }
        let event = tokio::select! {
            event = heard.recv() => event,
            () = listener.closed() => return,
        };
        next = match event {
            Ok(event) => event,
            Err(RecvError::Lagged(count)) => {
                missed.fetch_add(count, Ordering::Relaxed);
                counter!("lockstep_bus_frames_lost_total", "why" => "slow").increment(count);
                state(&up)
            }
            Err(RecvError::Closed) => return,
        };
    }
}

fn state(up: &watch::Receiver<bool>) -> BusEvent {
    if *up.borrow() { BusEvent::Up } else { BusEvent::Down }
}
