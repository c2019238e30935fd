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
    quiet_until: HubTime,
}

impl Bursts {
    pub(crate) fn throw(&mut self, emoji: String) {
        if self.counts.len() < EMOJI_MAX || self.counts.contains_key(&emoji) {
            let count = self.counts.entry(emoji).or_default();
            *count = count.saturating_add(1);
        }
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
