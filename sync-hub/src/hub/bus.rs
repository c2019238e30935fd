//! Hubs among each other: the beat, what is heard, and what is said of a room.

use bytes::Bytes;
use lockstep_domain::ids::ChannelId;
use uuid::Uuid;

use super::{Hub, io::Output};
use crate::{
    bus::{ASKED_MAX, Anchor, BEAT_ROOMS_MAX, BusFrame, Estimate, RoomBeat, RoomNews, Say, Seating},
    clock::HubTime,
    presence::{AWAY_MS_MAX, Crowd, Seen},
    protocol::{Member, PlayerState},
    timers::TimerKey,
};

impl Hub {
    /// The other hubs and their clocks, as far as they are known.
    pub fn peers(&self) -> Vec<(Uuid, Option<Estimate>)> {
        self.peers.clocks(self.now)
    }

    pub(super) fn bus_up(&mut self) {
        if !self.draining {
            self.peers.up = true;
            self.peers.be_eager();
            self.timers.set(TimerKey::Beat, Some(self.now));
        }
    }

    /// Says nothing any more; who is not heard for long is gone.
    pub(super) fn bus_down(&mut self) {
        self.peers.up = false;
    }

    pub(super) fn say(&mut self, say: Say) {
        if self.peers.up {
            let frame: Bytes = BusFrame { from: self.epoch, at_us: self.now, say }.bytes();
            self.outputs.push_back(Output::Publish { frame });
        }
    }

    /// Says something of a room, if another hub knows it.
    pub(super) fn say_of(&mut self, channel: ChannelId, say: Say) {
        if self.peers.sharing(channel).next().is_some() {
            self.say(say);
        }
    }

    /// "I am here, with these rooms", and a look at who has fallen silent.
    pub(super) fn beat(&mut self) {
        let now = self.now;
        for (node, peer) in self.peers.take_gone(now) {
            let until = peer.heard_at.plus_ms(AWAY_MS_MAX);
            self.lose_peer(node, peer.rooms.into_keys(), Some(until));
        }
        for (node, channel) in self.peers.take_left(now) {
            self.lose_peer(node, [channel], None);
        }
        if self.peers.have_met() {
            for (channel, room) in &mut self.rooms {
                let known = room.track.is_settled() || !self.peers.are_in(*channel);
                room.track.settle(known);
            }
        }
        if self.peers.up {
            let beats = self.room_beats();
            let mut chunks = beats.chunks(BEAT_ROOMS_MAX);
            let first = chunks.next().unwrap_or_default().to_vec();
            self.say(Say::Beat { rooms: first });
            for rooms in chunks {
                self.say(Say::Beat { rooms: rooms.to_vec() });
            }
        }
        let next = self.peers.next_beat(now);
        self.timers.set(TimerKey::Beat, Some(next));
    }

    /// The rooms others are told of; none while nobody hears it.
    fn room_beats(&mut self) -> Vec<RoomBeat> {
        if self.peers.is_empty() {
            return vec![];
        }
        for channel in self.rooms.keys().copied().collect::<Vec<_>>() {
            self.tell_peers(channel);
        }
        let rooms = self.rooms.iter().filter(|(_, room)| room.is_loaded());
        let beat = rooms.map(|(channel, room)| RoomBeat {
            channel: *channel,
            version: room.telling.version(),
            here: !room.presence.is_empty(),
            anchor: room.anchor(),
        });
        beat.collect()
    }

    fn lose_peer(&mut self, node: Uuid, channels: impl IntoIterator<Item = ChannelId>, away_until: Option<HubTime>) {
        for channel in channels {
            if let Some(room) = self.rooms.get_mut(&channel) {
                room.presence.lose(node, away_until);
                self.settle(channel);
            }
        }
    }

    pub(super) fn heard(&mut self, frame: BusFrame) {
        let BusFrame { from, at_us, say } = frame;
        let now = self.now;
        if from == self.epoch {
            return;
        }
        if say == Say::Bye {
            if let Some(peer) = self.peers.by_id.remove(&from) {
                self.lose_peer(from, peer.rooms.into_keys(), Some(now.plus_ms(AWAY_MS_MAX)));
            }
            return;
        }
        let met = self.peers.by_id.contains_key(&from);
        let Some(peer) = self.peers.hear(from, now) else { return };
        match say {
            Say::Beat { rooms } => {
                let unknown = rooms.iter().filter(|beat| peer.beat(beat, now)).map(|beat| beat.channel);
                let channels: Vec<ChannelId> = unknown.take(ASKED_MAX).collect();
                self.say(Say::Pong { to: from, t1: at_us, t2: now });
                if !channels.is_empty() {
                    self.say(Say::Ask { to: from, channels });
                }
                rooms.iter().for_each(|beat| self.weigh(beat.channel));
            }
            Say::Pong { to, t1, t2 } => {
                if to == self.epoch {
                    peer.clock.probed([t1, t2, at_us, now]);
                }
            }
            Say::Room(news) => {
                let channel = news.channel;
                if peer.news(news, now) {
                    self.seat_peer(from, channel);
                    self.weigh(channel);
                }
            }
            Say::Moved { channel, anchor } => {
                peer.moved(channel, anchor, now);
                self.weigh(channel);
            }
            Say::Ask { to, channels } if to == self.epoch => channels.into_iter().for_each(|channel| {
                if let Some(room) = self.rooms.get_mut(&channel) {
                    room.telling.changed();
                    self.settle(channel);
                }
            }),
            Say::Typing { channel, person } => {
                if let Some(room) = self.rooms.get_mut(&channel) {
                    room.typing.typed(&person, now);
                    self.settle(channel);
                }
            }
            Say::Burst { channel, counts } => {
                if let Some(room) = self.rooms.get_mut(&channel) {
                    counts.into_iter().for_each(|(emoji, count)| room.bursts.thrown(emoji, count));
                    self.settle(channel);
                }
            }
            Say::Ask { .. } | Say::Bye => {}
        }
        if !met {
            // Both learn each other's clock and rooms soon.
            self.timers.set(TimerKey::Beat, Some(now));
        }
    }

    /// The seats of all other hubs in a room that is new here.
    pub(super) fn seat_peers(&mut self, channel: ChannelId) {
        let nodes: Vec<Uuid> = self.peers.sharing(channel).map(|(node, ..)| node).collect();
        nodes.into_iter().for_each(|node| self.seat_peer(node, channel));
    }

    fn seat_peer(&mut self, node: Uuid, channel: ChannelId) {
        let now = self.now;
        let Some(room) = self.rooms.get_mut(&channel) else { return };
        let Some(peer) = self.peers.by_id.get(&node) else { return };
        let Some(news) = peer.rooms.get(&channel).and_then(|room| room.news.as_ref()) else { return };
        let estimate = peer.clock.estimate(now);
        let seats = news.seats.iter().map(|seating| seen(seating, estimate, now)).collect();
        let crowd = Crowd {
            others: news.others.iter().copied().collect(),
            more: news.more,
            unready: news.unready,
            as_of: news.anchor.map(|anchor| anchor.position),
        };
        room.presence.hear(node, seats, crowd, now.plus_ms(AWAY_MS_MAX));
    }

    /// What other hubs say of an account is to be said again: it is not as it was.
    pub(super) fn doubt_peers(&mut self, channel: ChannelId) {
        for peer in self.peers.by_id.values_mut() {
            if let Some(room) = peer.rooms.get_mut(&channel) {
                room.news = None;
            }
        }
    }

    /// Tells other hubs what they do not know of this room, if it is time.
    pub(super) fn tell_peers(&mut self, channel: ChannelId) {
        if self.peers.is_empty() || !self.peers.up {
            return;
        }
        let now = self.now;
        let Some(room) = self.rooms.get_mut(&channel).filter(|room| room.is_loaded()) else { return };
        if room.presence.take_touched() {
            room.telling.changed();
        }
        let again = room.telling.take_again(now).then(|| room.anchor()).flatten();
        let news = room.telling.is_due(now).then(|| {
            self.versions += 1;
            room.telling.told(self.versions, now);
            news(room, channel)
        });
        if let Some(anchor) = again {
            self.say(Say::Moved { channel, anchor });
        }
        if let Some(news) = news {
            self.say(Say::Room(news));
        }
    }

    pub(super) fn say_moved(&mut self, channel: ChannelId, anchor: Anchor) {
        let now = self.now;
        if let Some(room) = self.rooms.get_mut(&channel) {
            room.telling.moved(now);
        }
        self.say(Say::Moved { channel, anchor });
    }
}

fn news(room: &crate::room::Room, channel: ChannelId) -> RoomNews {
    let held = room.current().filter(|current| current.timeline.hold_until_us.is_some());
    let mut news = RoomNews {
        channel,
        version: room.telling.version(),
        here: !room.presence.is_empty(),
        anchor: room.anchor(),
        seats: vec![],
        others: vec![],
        more: 0,
        unready: 0,
    };
    room.presence.tell_peers(&mut news, |socket| held.is_some_and(|held| room.gate.is_ready(&held, socket)));
    news
}

fn seen(seating: &Seating, estimate: Option<Estimate>, now: HubTime) -> Seen {
    let Seating { seat, visit, account, role, device, state, error_us, since_us, ready } = seating.clone();
    let since_us = estimate.map_or(now, |estimate| estimate.ours(since_us));
    let here = state.is_some();
    let state = state.unwrap_or(PlayerState::Away);
    let member = Member { session: seat, account, role, device, state, error_us, since_us };
    Seen { member, visit, here, ready }
}
