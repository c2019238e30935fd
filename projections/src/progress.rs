//! Positions as this process knows them: an early wake-up for those who wait. The checkpoint rows are the truth.

use std::{collections::BTreeMap, sync::Arc};

use lockstep_domain::ids::Position;
use tokio::sync::watch;

/// The newest known position of each projection. Clones share it.
#[derive(Debug, Clone)]
pub struct Progress(Arc<BTreeMap<&'static str, watch::Sender<Position>>>);

impl Progress {
    /// Knows these projections, all at the start.
    pub fn new(names: impl IntoIterator<Item = &'static str>) -> Self {
        Self(Arc::new(names.into_iter().map(|name| (name, watch::Sender::new(Position::START))).collect()))
    }

    /// The names it knows, in order.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    /// Notes that a projection is at least at this position.
    pub(crate) fn reached(&self, name: &str, position: Position) {
        if let Some(sender) = self.0.get(name) {
            sender.send_if_modified(|known| {
                let newer = position > *known;
                *known = (*known).max(position);
                newer
            });
        }
    }

    /// Follows one projection; `None` for an unknown name.
    pub(crate) fn watch(&self, name: &str) -> Option<watch::Receiver<Position>> {
        self.0.get(name).map(watch::Sender::subscribe)
    }
}
