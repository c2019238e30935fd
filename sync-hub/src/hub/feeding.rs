//! Durable events in: the only source of what viewers are told about the timeline, chat and bans.

use std::collections::BTreeMap;

use lockstep_domain::ids::{AccountId, ChannelId, Position};

use super::Hub;
use crate::{
    feed::{Fact, FeedEvent, Noun},
    outbox::Shared,
    protocol::{Cause, Event, Message, close},
    session::SessionId,
    timeline::Change,
};

impl Hub {
    pub(super) fn feed(&mut self, events: Vec<FeedEvent>, through: Position) {
        let mut frames: BTreeMap<ChannelId, Vec<Shared>> = BTreeMap::new();
        let known = self.through;
        for event in events.iter().filter(|event| event.position > known) {
            let channel = event.channel;
            let frame = frames.entry(channel).or_default();
            match &event.fact {
                Fact::Playback(change) => frame.extend(self.moved(event, change)),
                Fact::Message { id, author, text, sent_at, playback } => {
                    let message = Message { id: *id, author, text, sent_at, playback_us: *playback };
                    frame.push(Shared::always(&Event::Message { position: event.position, message }));
                }
                Fact::Changed { noun, account } => frame.push(changed(event, *noun, *account)),
                Fact::RoleGranted { account, role, .. } => {
                    frame.push(changed(event, Noun::Member, Some(*account)));
                    if let Some(room) = self.rooms.get_mut(&channel) {
                        room.presence.grant(*account, *role);
                    }
                }
                Fact::Left { account, version } => {
                    // What came before it is sent before the close.
                    let before = std::mem::take(frame);
                    self.broadcast(channel, &before, None);
                    self.expel(channel, *account, *version, "left");
                }
                Fact::Removed { account, version } => {
                    frame.push(changed(event, Noun::Member, Some(*account)));
                    let before = std::mem::take(frame);
                    self.broadcast(channel, &before, None);
                    self.expel(channel, *account, *version, "removed");
                }
                Fact::Remote { holder } => {
                    frame.push(changed(event, Noun::Channel, None));
                    if let Some(room) = self.rooms.get_mut(&channel) {
                        room.remote.learn(event.position, *holder);
                    }
                }
                Fact::Archived => {
                    frame.push(changed(event, Noun::Channel, None));
                    let before = std::mem::take(frame);
                    self.broadcast(channel, &before, None);
                    self.close_all(channel, "archived");
                }
                Fact::Banned { account, version } => {
                    frame.push(Shared::always(&Event::Banned { position: event.position, account: *account }));
                    let before = std::mem::take(frame);
                    self.broadcast(channel, &before, None);
                    self.expel(channel, *account, *version, "banned");
                }
            }
        }
        self.through = self.through.max(through);
        for (channel, events) in frames {
            self.broadcast(channel, &events, None);
            // A transport command may have waited for this news.
            self.settle(channel);
        }
    }

    /// Ends every session of the channel, those that are still joining too.
    fn close_all(&mut self, channel: ChannelId, reason: &str) {
        let Some(room) = self.rooms.get(&channel) else { return };
        let here: Vec<SessionId> = room.presence.sessions().chain(room.joining.iter().copied()).collect();
        here.into_iter().for_each(|id| self.close(id, close::NOT_PERMITTED, reason));
    }

    fn moved(&mut self, event: &FeedEvent, change: &Change) -> Option<Shared> {
        let timeline = self.rooms.get_mut(&event.channel)?.change(self.now, event.position, change)?;
        let cause = Cause { verb: change.kind(), actor: &event.actor, op: event.command };
        Some(Shared::timeline(&Event::Timeline { position: event.position, timeline, cause }))
    }

    /// Closes this account's sessions in the channel, but not those admitted in knowledge of the event. One whose
    /// standing is still being read is judged when the answer comes.
    fn expel(&mut self, channel: ChannelId, account: AccountId, version: u64, reason: &str) {
        let Some(room) = self.rooms.get(&channel) else { return };
        let here: Vec<SessionId> = room.presence.sessions().chain(room.joining.iter().copied()).collect();
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
