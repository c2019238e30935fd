//! Emoji thrown over the film: counted, and told at most once per [`BURST_INTERVAL_MS`]. Never stored.

use std::collections::BTreeMap;

use crate::{
    clock::HubTime,
    outbox::Shared,
    protocol::{Burst, Event},
};

/// Frames of thrown emoji of a room are at least this far apart.
pub const BURST_INTERVAL_MS: i64 = 250;
/// Different emoji in one frame; what is beyond it is not told.
const EMOJI_MAX: usize = 20;

/// What was thrown in one room since the last frame.
#[derive(Debug, Default)]
pub(crate) struct Bursts {
    counts: BTreeMap<String, u32>,
    /// Of those, what was thrown at this hub and other hubs were not told.
    own: BTreeMap<String, u32>,
    quiet_until: HubTime,
}

impl Bursts {
    /// Somebody here throws one.
    pub(crate) fn throw(&mut self, emoji: String) {
        add(&mut self.own, emoji.clone(), 1);
        add(&mut self.counts, emoji, 1);
    }
    /// Thrown at another hub.
    pub(crate) fn thrown(&mut self, emoji: String, count: u32) {
        add(&mut self.counts, emoji, count);
    }
    /// Takes what was thrown here for other hubs.
    pub(crate) fn take_own(&mut self) -> Vec<(String, u32)> {
        std::mem::take(&mut self.own).into_iter().collect()
    }
    /// When the next frame is due.
    pub(crate) fn due(&self) -> Option<HubTime> {
        (!self.counts.is_empty()).then_some(self.quiet_until)
    }
    /// Takes the frame that is due now. Who cannot read it at once misses it.
    pub(crate) fn take(&mut self, now: HubTime) -> Option<Shared> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        self.quiet_until = now.plus_ms(BURST_INTERVAL_MS);
        let counts = std::mem::take(&mut self.counts);
        let counts = counts.iter().map(|(emoji, count)| Burst { emoji, count: *count }).collect();
        Some(Shared::droppable(&Event::Reactions { counts }))
    }
}

fn add(counts: &mut BTreeMap<String, u32>, emoji: String, more: u32) {
    if counts.len() < EMOJI_MAX || counts.contains_key(&emoji) {
        let count = counts.entry(emoji).or_default();
        *count = count.saturating_add(more);
    }
}
