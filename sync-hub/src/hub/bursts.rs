//! Emoji thrown over the film: the right to react is the command layer's, asked for once in a while.

use lockstep_domain::ids::{AccountId, ChannelId};

use super::{Hub, Purpose, io::Command};
use crate::{
    bus::Say,
    session::{COMMANDS_MAX, SessionId},
};

/// A right to react once confirmed is good for this long, unless the feed tells that something changed.
const CONFIRMED_MS: i64 = 5_000;

impl Hub {
    pub(super) fn burst(&mut self, id: SessionId, channel: ChannelId, emoji: String) {
        let now = self.now;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        // Thrown too fast: not told, and nothing to answer.
        if !session.bursts.take(now) {
            return;
        }
        if session.may_react_until > now {
            return self.throw(channel, emoji);
        }
        if session.commands_running >= COMMANDS_MAX {
            return;
        }
        session.commands_running += 1;
        let account = session.account.id;
        self.run(channel, Purpose::Burst { session: id, emoji }, Some(account), None, Command::MayReact);
    }

    pub(super) fn may_react(&mut self, channel: ChannelId, id: SessionId, emoji: String, may: bool) {
        let now = self.now;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.commands_running -= 1;
        if may {
            session.may_react_until = now.plus_ms(CONFIRMED_MS);
            self.throw(channel, emoji);
        }
    }

    fn throw(&mut self, channel: ChannelId, emoji: String) {
        if let Some(room) = self.rooms.get_mut(&channel) {
            room.bursts.throw(emoji);
            self.settle(channel);
        }
    }

    pub(super) fn tell_bursts(&mut self, channel: ChannelId) {
        let now = self.now;
        let Some(room) = self.rooms.get_mut(&channel) else { return };
        let Some(frame) = room.bursts.take(now) else { return };
        let counts = room.bursts.take_own();
        if !counts.is_empty() {
            self.say_of(channel, Say::Burst { channel, counts });
        }
        self.broadcast(channel, &[frame]);
    }

    /// What was confirmed is asked again: of one account, or of everybody.
    pub(super) fn doubt_reactions(&mut self, channel: ChannelId, account: Option<AccountId>) {
        let Some(room) = self.rooms.get(&channel) else { return };
        let here: Vec<SessionId> = room.presence.sessions().collect();
        for id in here {
            if let Some(session) = self.sessions.get_mut(&id)
                && account.is_none_or(|account| account == session.account.id)
            {
                session.may_react_until = Default::default();
            }
        }
    }
}
