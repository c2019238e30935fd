//! The other hubs as this one knows them: who was heard lately, how their clocks run, what is in their rooms.

use std::collections::BTreeMap;

use lockstep_domain::ids::{ChannelId, Position};
use uuid::Uuid;

use super::{Anchor, Estimate, PeerClock, RoomBeat, RoomNews};
use crate::{clock::HubTime, timeline::Line};

/// A hub says that it is here this often.
pub const BEAT_MS: i64 = 1_000;
/// The same, while hubs get to know each other.
const EAGER_BEAT_MS: i64 = 100;
/// How many beats follow each other so.
const EAGER_BEATS: u8 = 10;
/// A hub that was not heard for this long is gone, and so is a room it did not speak of.
pub const PEER_GONE_MS: i64 = 5_000;
/// Hubs heard at once; further ones are not heard.
pub const PEERS_MAX: usize = 16;
/// Rooms of one hub that are followed.
const PEER_ROOMS_MAX: usize = 10_000;
/// The longest way a lead is made longer for, µs.
const WAY_US_MAX: i64 = 100_000;

/// One room of another hub.
#[derive(Debug)]
pub(crate) struct PeerRoom {
    heard_at: HubTime,
    pub(crate) here: bool,
    pub(crate) anchor: Option<Anchor>,
    /// Its last news; `None` until they came.
    pub(crate) news: Option<RoomNews>,
}

/// Another hub.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) heard_at: HubTime,
    pub(crate) clock: PeerClock,
    pub(crate) rooms: BTreeMap<ChannelId, PeerRoom>,
}

impl Peer {
    fn heard(now: HubTime) -> Self {
        Self { heard_at: now, clock: PeerClock::default(), rooms: BTreeMap::new() }
    }

    fn room(&mut self, channel: ChannelId, now: HubTime) -> Option<&mut PeerRoom> {
        if !self.rooms.contains_key(&channel) && self.rooms.len() >= PEER_ROOMS_MAX {
            return None;
        }
        let fresh = || PeerRoom { heard_at: now, here: false, anchor: None, news: None };
        let room = self.rooms.entry(channel).or_insert_with(fresh);
        room.heard_at = now;
        Some(room)
    }

    /// Takes what a beat says of a room; true when its news are not known.
    pub(crate) fn beat(&mut self, beat: &RoomBeat, now: HubTime) -> bool {
        let Some(room) = self.room(beat.channel, now) else { return false };
        (room.here, room.anchor) = (beat.here, beat.anchor);
        room.news.as_ref().map_or(0, |news| news.version) < beat.version
    }

    /// Takes a room's news; false when newer ones are known.
    pub(crate) fn news(&mut self, news: RoomNews, now: HubTime) -> bool {
        let Some(room) = self.room(news.channel, now) else { return false };
        if room.news.as_ref().is_some_and(|held| held.version >= news.version) {
            return false;
        }
        (room.here, room.anchor) = (news.here, news.anchor);
        room.news = Some(news);
        true
    }

    /// Takes when the last change in a room takes effect.
    pub(crate) fn moved(&mut self, channel: ChannelId, anchor: Anchor, now: HubTime) {
        if let Some(room) = self.room(channel, now)
            && room.anchor.is_none_or(|held| held.position <= anchor.position)
        {
            room.anchor = Some(anchor);
        }
    }
}

/// A moment another hub told, in our time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) by: Uuid,
    pub(crate) line: Line,
    pub(crate) settled: bool,
    /// How wrong it can be, µs.
    pub(crate) bound_us: i64,
}

/// All other hubs. Without a bus there never is one, and nothing here costs anything.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    /// The bus is there, and this hub does not end.
    pub(crate) up: bool,
    pub(crate) by_id: BTreeMap<Uuid, Peer>,
    eager: u8,
}

impl Peers {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The hub that was heard now; `None` when there are too many.
    pub(crate) fn hear(&mut self, from: Uuid, now: HubTime) -> Option<&mut Peer> {
        if !self.by_id.contains_key(&from) {
            if self.by_id.len() >= PEERS_MAX {
                return None;
            }
            self.be_eager();
        }
        let peer = self.by_id.entry(from).or_insert_with(|| Peer::heard(now));
        peer.heard_at = now;
        Some(peer)
    }

    pub(crate) fn be_eager(&mut self) {
        self.eager = EAGER_BEATS;
    }

    /// Whether the hubs of this room would have been heard by now.
    pub(crate) fn have_met(&self) -> bool {
        !self.up || self.eager == 0
    }

    /// When to beat again.
    pub(crate) fn next_beat(&mut self, now: HubTime) -> HubTime {
        let eager = self.eager > 0;
        self.eager = self.eager.saturating_sub(1);
        now.plus_ms(if eager { EAGER_BEAT_MS } else { BEAT_MS })
    }

    /// Hubs that were not heard for long, with when they were heard last.
    pub(crate) fn take_gone(&mut self, now: HubTime) -> Vec<(Uuid, Peer)> {
        let silent = |peer: &Peer| now >= peer.heard_at.plus_ms(PEER_GONE_MS);
        let gone: Vec<Uuid> = self.by_id.iter().filter(|(_, peer)| silent(peer)).map(|(id, _)| *id).collect();
        gone.into_iter().filter_map(|id| self.by_id.remove(&id).map(|peer| (id, peer))).collect()
    }

    /// Rooms that hubs did not speak of for long.
    pub(crate) fn take_left(&mut self, now: HubTime) -> Vec<(Uuid, ChannelId)> {
        let mut left = vec![];
        for (id, peer) in &mut self.by_id {
            let silent = |room: &PeerRoom| now >= room.heard_at.plus_ms(PEER_GONE_MS);
            let channels: Vec<ChannelId> =
                peer.rooms.iter().filter(|(_, room)| silent(room)).map(|(channel, _)| *channel).collect();
            for channel in channels {
                peer.rooms.remove(&channel);
                left.push((*id, channel));
            }
        }
        left
    }

    /// The hubs that know this room, and how they see it.
    pub(crate) fn sharing(&self, channel: ChannelId) -> impl Iterator<Item = (Uuid, &Peer, &PeerRoom)> {
        self.by_id.iter().filter_map(move |(id, peer)| peer.rooms.get(&channel).map(|room| (*id, peer, room)))
    }

    /// Whether another hub has viewers in this room.
    pub(crate) fn are_in(&self, channel: ChannelId) -> bool {
        self.sharing(channel).any(|(_, _, room)| room.here)
    }

    /// How long news take to the furthest hub with viewers in this room, µs.
    pub(crate) fn way_us(&self, channel: ChannelId) -> i64 {
        let ways = self.sharing(channel).filter(|(_, _, room)| room.here).map(|(_, peer, _)| peer.clock.way_us());
        ways.max().unwrap_or(0).min(WAY_US_MAX)
    }

    /// The hub that says when changes take effect and asks for what nobody in the room asks for: the lowest of those
    /// with viewers in it, or, when nobody is there, of those that remember it.
    pub(crate) fn conductor(&self, channel: ChannelId, me: Uuid, here: bool) -> Uuid {
        let others = self.sharing(channel).map(|(id, _, room)| (!room.here, id));
        others.chain([(!here, me)]).min().map_or(me, |(_, id)| id)
    }

    /// What others told of the change at this position; nothing from those whose clock is not known.
    pub(crate) fn told(&self, channel: ChannelId, at: Position, now: HubTime) -> impl Iterator<Item = Told> {
        self.sharing(channel).filter_map(move |(by, peer, room)| {
            let anchor = room.anchor.filter(|anchor| anchor.position == at)?;
            let estimate = peer.clock.estimate(now)?;
            let line = Line {
                position: anchor.position_us,
                rate_ppm: anchor.rate_ppm,
                at: estimate.ours(anchor.at_us),
                hold_until: anchor.hold_until_us.map(|until| estimate.ours(until)),
            };
            Some(Told { by, line, settled: anchor.settled, bound_us: estimate.bound_us })
        })
    }

    /// Each hub and its clock, as far as it is known.
    pub(crate) fn clocks(&self, now: HubTime) -> Vec<(Uuid, Option<Estimate>)> {
        self.by_id.iter().map(|(id, peer)| (*id, peer.clock.estimate(now))).collect()
    }
}
