//! The folded queue, and how its items come and go.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ITEMS_MAX, LoopMode, QueueItem};
use crate::ids::{AccountId, QueueItemId};

/// The votes to leave one load of a film.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SkipVotes {
    pub load: u64,
    pub by: BTreeSet<AccountId>,
    /// (have, need) as last counted.
    pub counted: Option<(u32, u32)>,
}

/// The folded queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueState {
    pub items: Vec<QueueItem>,
    pub autoplay: bool,
    pub loop_mode: LoopMode,
    pub votes: SkipVotes,
    /// What was in the queue when it was last emptied or cleared.
    pub last: Vec<QueueItem>,
    /// What has been in it, but not removed by hand, since it last was empty.
    pub filling: Vec<QueueItem>,
}

impl Default for QueueState {
    fn default() -> Self {
        Self {
            items: vec![],
            autoplay: true,
            loop_mode: LoopMode::Off,
            votes: SkipVotes::default(),
            last: vec![],
            filling: vec![],
        }
    }
}

impl QueueState {
    /// The item of this id.
    pub fn item(&self, item: QueueItemId) -> Option<&QueueItem> {
        self.items.iter().find(|held| held.item == item)
    }

    /// What to play after `on`, best first. The item that is on comes last: it is only still here, or here again.
    pub fn next(&self, on: Option<QueueItemId>) -> impl Iterator<Item = &QueueItem> {
        let others = self.items.iter().filter(move |held| Some(held.item) != on);
        let again = self.items.iter().filter(move |held| Some(held.item) == on && self.loop_mode == LoopMode::All);
        others.chain(again)
    }

    /// The item behind this one.
    pub(super) fn follower(&self, item: QueueItemId) -> Option<QueueItemId> {
        let place = self.items.iter().position(|held| held.item == item)?;
        self.items.get(place + 1).map(|held| held.item)
    }

    pub(super) fn put(&mut self, item: QueueItem, before: Option<QueueItemId>) {
        self.items.retain(|held| held.item != item.item);
        let place = before.and_then(|before| self.items.iter().position(|held| held.item == before));
        self.items.insert(place.unwrap_or(self.items.len()), item);
    }

    pub(super) fn take(&mut self, item: QueueItemId) -> Option<QueueItem> {
        let place = self.items.iter().position(|held| held.item == item)?;
        Some(self.items.remove(place))
    }

    /// Notes what is in the queue, for when it will be empty.
    pub(super) fn fill(&mut self, item: &QueueItem) {
        self.filling.retain(|held| held.item != item.item);
        self.filling.push(item.clone());
        let over = self.filling.len().saturating_sub(ITEMS_MAX);
        self.filling.drain(..over);
    }

    pub(super) fn emptied(&mut self, last: Vec<QueueItem>) {
        self.filling.clear();
        self.last = last;
    }

    pub(super) fn votes_for(&mut self, load: u64) -> &mut SkipVotes {
        if self.votes.load != load {
            self.votes = SkipVotes { load, ..SkipVotes::default() };
        }
        &mut self.votes
    }
}
