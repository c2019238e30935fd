//! One moment for every hub. The feed tells each hub what has changed; when it takes effect is told over the bus: by who
//! learnt it first, and where two did at once, by the room's conductor.

use lockstep_domain::ids::{ChannelId, Position};
use uuid::Uuid;

use super::Hub;
use crate::{bus::Told, outbox::Shared, protocol::Event};

/// Who does not conduct a room asks for what is due in it only when it is this late: then the conductor cannot.
pub(super) const DEPUTY_MS: i64 = 5_000;
/// Moments that differ by less are the same, µs.
const SAME_US: i64 = 1_000;

impl Hub {
    /// Whether it is this hub that asks for what nobody in the room asks for.
    pub(super) fn conducts(&self, channel: ChannelId) -> bool {
        self.conductor(channel) == self.epoch
    }

    /// Notes in the room what the other hubs mean for it.
    pub(super) fn attune(&mut self, channel: ChannelId) {
        let patience_us = if self.conducts(channel) { 0 } else { DEPUTY_MS * 1_000 };
        let way_us = self.peers.way_us(channel);
        if let Some(room) = self.rooms.get_mut(&channel) {
            (room.patience_us, room.track.way_us) = (patience_us, way_us);
        }
    }

    /// The moment another hub told of a change this one learns only now: the conductor's, or the lowest hub's.
    pub(super) fn told_before(&self, channel: ChannelId, at: Position) -> Option<Told> {
        let conductor = self.conductor(channel);
        let told = self.peers.told(channel, at, self.now).filter(|told| told.settled);
        told.min_by_key(|told| (told.by != conductor, told.by))
    }

    /// Takes another hub's word for the last change's moment where it weighs more than the own.
    pub(super) fn weigh(&mut self, channel: ChannelId) {
        if let Some(told) = self.weightier(channel) {
            let now = self.now;
            let room = self.rooms.get_mut(&channel);
            if let Some(timeline) = room.and_then(|room| {
                // Within the bound nobody knows better; a part of it is worth following, so that hubs do not drift apart.
                let part_us = if room.track.is_settled() { told.bound_us / 4 } else { 0 };
                room.track.adopt(now, &told.line, SAME_US.max(part_us))
            }) {
                self.broadcast(channel, &[Shared::timeline(&Event::Retimed { timeline })]);
            }
        }
        self.settle(channel);
    }

    fn weightier(&self, channel: ChannelId) -> Option<Told> {
        let room = self.rooms.get(&channel)?;
        let at = room.current()?.at;
        if !room.track.is_settled()
            && let Some(told) = self.told_before(channel, at)
        {
            return Some(told);
        }
        let conductor = self.conductor(channel);
        let word = self.peers.told(channel, at, self.now).find(|told| told.by == conductor)?;
        (word.settled || !room.track.is_settled()).then_some(word)
    }

    fn conductor(&self, channel: ChannelId) -> Uuid {
        let here = self.rooms.get(&channel).is_some_and(|room| !room.presence.is_empty());
        self.peers.conductor(channel, self.epoch, here)
    }
}
