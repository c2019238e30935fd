//! The bus between several hubs in one process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Bus, BusEvent, FRAME_BYTES_MAX, listeners::Listeners};

/// Where the hubs of one process meet. Cheap to clone.
#[derive(Clone, Default)]
pub struct Exchange(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    is_cut: bool,
    nodes: Vec<Weak<Listeners>>,
}

/// One node's end; dropped, it is not there any more.
pub struct InProcessBus {
    exchange: Exchange,
    own: Arc<Listeners>,
}

impl Exchange {
    /// Another node.
    pub fn node(&self) -> InProcessBus {
        let mut held = self.held();
        let own = Arc::new(Listeners::new(!held.is_cut));
        held.nodes.retain(|node| node.strong_count() > 0);
        held.nodes.push(Arc::downgrade(&own));
        InProcessBus { exchange: self.clone(), own }
    }

    /// Nobody hears anybody until [`Self::mend`].
    pub fn cut(&self) {
        self.turn(true);
    }

    /// Everybody hears everybody again.
    pub fn mend(&self) {
        self.turn(false);
    }

    fn turn(&self, is_cut: bool) {
        let mut held = self.held();
        held.is_cut = is_cut;
        held.nodes.iter().filter_map(Weak::upgrade).for_each(|node| node.set_up(!is_cut));
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InProcessBus {
    /// Events that slow listeners of this node missed, ever.
    pub fn missed(&self) -> u64 {
        self.own.missed()
    }
}

impl Bus for InProcessBus {
    fn publish(&self, frame: Bytes) -> bool {
        // Told under the lock: what one node says arrives everywhere in the same order.
        let held = self.exchange.held();
        if frame.len() > FRAME_BYTES_MAX || held.is_cut {
            return false;
        }
        let others = held.nodes.iter().filter_map(Weak::upgrade).filter(|node| !Arc::ptr_eq(node, &self.own));
        others.for_each(|node| node.tell(BusEvent::Frame(frame.clone())));
        true
    }

    fn subscribe(&self) -> mpsc::Receiver<BusEvent> {
        self.own.subscribe()
    }
}
