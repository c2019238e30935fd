//! Durable events in: the only source of what viewers are told about the timeline, chat and bans.

use std::collections::BTreeMap;

use lockstep_domain::{
    ids::{AccountId, ChannelId, Position},
    permission::ChannelRole,
};

use super::Hub;
use crate::{
    feed::{Fact, FeedEvent, Noun},
    outbox::Shared,
    protocol::{Cause, Event, Message, batch, close},
    session::SessionId,
    timeline::Change,
};

impl Hub {
    pub(super) fn feed(&mut self, events: Vec<FeedEvent>, through: Position) {
        let mut frames: BTreeMap<ChannelId, Vec<Shared>> = BTreeMap::new();
        let known = self.through;
        for event in events.iter().filter(|event| event.position > known) {
            self.learn(event, frames.entry(event.channel).or_default());
        }
        self.through = self.through.max(through);
        for (channel, events) in frames {
            self.broadcast(channel, &events);
            // A transport command may have waited for this news.
            self.settle(channel);
        }
    }

    /// Takes one event; what everybody in the channel is told of it goes into `frame`.
    fn learn(&mut self, event: &FeedEvent, frame: &mut Vec<Shared>) {
        let channel = event.channel;
        match &event.fact {
            Fact::Playback(change) => frame.extend(self.moved(event, change)),
            Fact::Message { id, author, text, sent_at, playback, reply_to, mentions } => {
                let (playback_us, reply_to) = (*playback, reply_to.as_ref());
                let message = Message { id: *id, author, text, sent_at, playback_us, reply_to, mentions };
                frame.push(Shared::always(&Event::Message { position: event.position, message }));
                if let Some(room) = self.rooms.get_mut(&channel) {
                    room.typing.stopped(author.id);
                }
            }
            Fact::MessageChanged(view) => {
                frame.push(Shared::always(&Event::MessageChanged { position: event.position, message: view }));
            }
            Fact::SkipVote => {
                frame.push(changed(event, Noun::Queue, None));
                if let Some(room) = self.rooms.get_mut(&channel) {
                    room.ballot.voted();
                }
            }
            Fact::Changed { noun: Noun::Report, account } => {
                let told = changed(event, Noun::Report, *account);
                self.tell_moderators(channel, &told);
            }
            Fact::Changed { noun, account } => {
                frame.push(changed(event, *noun, *account));
                self.doubt_reactions(channel, *account);
            }
            Fact::RoleGranted { account, role, .. } => {
                frame.push(changed(event, Noun::Member, Some(*account)));
                self.doubt_reactions(channel, Some(*account));
                if let Some(room) = self.rooms.get_mut(&channel) {
                    room.presence.grant(*account, *role);
                }
            }
            Fact::Remote { holder } => {
                frame.push(changed(event, Noun::Channel, None));
                if let Some(room) = self.rooms.get_mut(&channel) {
                    room.remote.learn(event.position, *holder);
                }
            }
            Fact::Left { .. } | Fact::Removed { .. } | Fact::Banned { .. } | Fact::Archived => self.part(event, frame),
        }
    }

    /// Somebody's sessions end, or everybody's: what came before it is sent before the close.
    fn part(&mut self, event: &FeedEvent, frame: &mut Vec<Shared>) {
        let channel = event.channel;
        let (told, whose) = match &event.fact {
            Fact::Left { account, version } => (None, Some((*account, *version, "left"))),
            Fact::Removed { account, version } => {
                (Some(changed(event, Noun::Member, Some(*account))), Some((*account, *version, "removed")))
            }
            Fact::Banned { account, version } => {
                let told = Shared::always(&Event::Banned { position: event.position, account: *account });
                (Some(told), Some((*account, *version, "banned")))
            }
            Fact::Archived => (Some(changed(event, Noun::Channel, None)), None),
            _ => return,
        };
        frame.extend(told);
        let before = std::mem::take(frame);
        self.broadcast(channel, &before);
        match whose {
            Some((account, version, reason)) => self.expel(channel, account, version, reason),
            None => self.close_all(channel, "archived"),
        }
    }

    /// Ends every session of the channel, those that are still joining too.
    fn close_all(&mut self, channel: ChannelId, reason: &str) {
        let Some(room) = self.rooms.get(&channel) else { return };
        let here: Vec<SessionId> = room.presence.sessions().chain(room.joining.iter().copied()).collect();
        here.into_iter().for_each(|id| self.close(id, close::NOT_PERMITTED, reason));
    }

    /// One event for those who keep order here, as far as their role tells.
    fn tell_moderators(&mut self, channel: ChannelId, event: &Shared) {
        let Some(room) = self.rooms.get(&channel) else { return };
        let frame = batch([&event.bytes]);
        let sockets = room.presence.seated().filter(|(_, member)| member.role >= ChannelRole::Moderator);
        for id in sockets.map(|(socket, _)| socket).collect::<Vec<_>>() {
            self.send_bytes(id, frame.clone());
        }
    }

    fn moved(&mut self, event: &FeedEvent, change: &Change) -> Option<Shared> {
        self.attune(event.channel);
        let told = self.told_before(event.channel, event.position);
        let room = self.rooms.get_mut(&event.channel)?;
        if matches!(change, Change::Loaded { .. } | Change::Ended) {
            room.ballot.close();
        }
        let told = told.map(|told| told.line);
        let timeline = room.change(self.now, event.position, change, told.as_ref())?;
        if timeline.hold_until_us.is_some() {
            room.telling.changed();
        }
        let anchor = room.anchor().filter(|_| told.is_none());
        if let Some(anchor) = anchor {
            self.say_moved(event.channel, anchor);
        }
        let cause = Cause { verb: change.kind(), actor: &event.actor, op: event.command };
        Some(Shared::timeline(&Event::Timeline { position: event.position, timeline, cause }))
    }

    /// Closes this account's sessions in the channel, but not those admitted in knowledge of the event. One whose
    /// standing is still being read is judged when the answer comes.
    fn expel(&mut self, channel: ChannelId, account: AccountId, version: u64, reason: &str) {
        let Some(room) = self.rooms.get_mut(&channel) else { return };
        room.presence.expel_elsewhere(account);
        let here: Vec<SessionId> = room.presence.sessions().chain(room.joining.iter().copied()).collect();
        self.doubt_peers(channel);
        for id in here {
            let Some(session) = self.sessions.get_mut(&id).filter(|session| session.account.id == account) else {
                continue;
            };
            session.expelled_version = session.expelled_version.max(version);
            if session.is_expelled() {
                self.close(id, close::NOT_PERMITTED, reason);
            }
        }
    }
}

fn changed(event: &FeedEvent, noun: Noun, account: Option<AccountId>) -> Shared {
    Shared::always(&Event::Changed { position: event.position, noun, account })
}
