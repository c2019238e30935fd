//! What a room does as one: start a held film when everybody is ready, and leave it when enough want to.

use lockstep_domain::ids::ChannelId;

use super::{Hub, Purpose, io::Command};
use crate::{outbox::Shared, protocol::Event};

impl Hub {
    /// Tells whom a held film waits for, when that changed.
    pub(super) fn tell_waiting(&mut self, channel: ChannelId) {
        let now = self.now;
        let Some(room) = self.rooms.get_mut(&channel) else { return };
        let Some((seq, sessions)) = room.gate.news(now, room.current(), &room.presence) else { return };
        self.broadcast(channel, &[Shared::always(&Event::Waiting { seq, sessions: &sessions })]);
    }

    /// Asks once for the release of a held film whose time has come.
    pub(super) fn start_release(&mut self, channel: ChannelId) {
        let now = self.now;
        let Some(room) = self.rooms.get_mut(&channel) else { return };
        let Some(held) = room.current() else { return };
        if let Some(cause) = room.gate.take(now, &held, &room.presence, room.patience_us) {
            self.run(channel, Purpose::Release { seq: held.first_seq }, None, None, Command::Release { cause });
        }
    }

    /// Has the votes to skip counted when they, or those who are here, have changed.
    pub(super) fn start_count(&mut self, channel: ChannelId) {
        let now = self.now;
        let Some(room) = self.rooms.get_mut(&channel) else { return };
        // Votes are the conductor's to count.
        if room.patience_us > 0 {
            return;
        }
        let presence = &room.presence;
        let present = || presence.accounts_here();
        if let Some(present) = room.ballot.take(now, present) {
            self.run(channel, Purpose::Votes, None, None, Command::CountVotes { present });
        }
    }
}
