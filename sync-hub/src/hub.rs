//! The hub: sessions, rooms, other hubs, and what is under way between them. One input at a time, outputs in order.

mod bursts;
mod bus;
mod commands;
mod conducting;
mod feeding;
mod frames;
pub mod io;
mod joining;
mod together;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use lockstep_domain::ids::{AccountId, ChannelId, CommandId, Position};
use uuid::Uuid;

use self::io::{Input, Output};
use crate::{
    bus::{Peers, Say},
    clock::HubTime,
    outbox::Shared,
    protocol::{Member, ServerFrame, batch, close},
    room::Room,
    session::{Session, SessionId, Stage},
    timers::{TimerKey, Timers},
    unrecorded::{Note, Unrecorded},
};

/// What is due again at once is looked at again after this long.
const AGAIN_MS_MIN: i64 = 1;
/// Channels whose sequence number is remembered after their room was forgotten.
const REMEMBERED_MAX: usize = 65_536;
/// Sessions sent away by a drain are asked to come back spread over this, ms.
const DRAIN_SPREAD_MS: u64 = 5_000;

/// What a running command is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Purpose {
    Intent { account: AccountId, op: CommandId },
    Chat { account: AccountId, op: CommandId, session: SessionId },
    Burst { session: SessionId, emoji: String },
    End { seq: u64 },
    Release { seq: u64 },
    Votes,
    Visit(Note),
    Inherit,
}

/// One process's hub. Time is the caller's: monotonic microseconds since the process started.
#[derive(Debug)]
pub struct Hub {
    epoch: Uuid,
    now: HubTime,
    /// How far the feed has told.
    through: Position,
    draining: bool,
    sessions: BTreeMap<SessionId, Session>,
    rooms: BTreeMap<ChannelId, Room>,
    /// Sequence number and floor of effective times of rooms that were forgotten.
    remembered: BTreeMap<ChannelId, (u64, HubTime)>,
    tickets: BTreeMap<u64, (ChannelId, Purpose)>,
    tickets_given: u64,
    unrecorded: Unrecorded,
    timers: Timers,
    outputs: VecDeque<Output>,
    peers: Peers,
    /// News told to other hubs.
    versions: u64,
}

impl Hub {
    /// A hub of this epoch; its feed starts after `start`.
    pub fn new(epoch: Uuid, start: Position) -> Self {
        Self {
            epoch,
            now: HubTime::default(),
            through: start,
            draining: false,
            sessions: BTreeMap::new(),
            rooms: BTreeMap::new(),
            remembered: BTreeMap::new(),
            tickets: BTreeMap::new(),
            tickets_given: 0,
            unrecorded: Unrecorded::default(),
            timers: Timers::default(),
            outputs: VecDeque::new(),
            peers: Peers::default(),
            versions: 0,
        }
    }

    /// Takes one input. `now` must not go back; a time before the last one counts as the last one.
    pub fn handle(&mut self, now: HubTime, input: Input) {
        self.now = self.now.max(now);
        match input {
            Input::Connected { session, account, role } => self.connected(session, account, role),
            Input::Frame { session, frame } => self.frame(session, frame),
            Input::Written { session, bytes } => self.written(session, bytes),
            Input::Disconnected { session } => self.leave(session),
            Input::Membership { session, result } => self.membership(session, result),
            Input::ChannelLoaded { channel, result } => self.channel_loaded(channel, result),
            Input::CommandDone { ticket, result } => self.command_done(ticket, result),
            Input::Feed { events, through } => self.feed(events, through),
            Input::Tick => {}
            Input::Drain => self.drain(),
            Input::Bus { frame } => self.heard(frame),
            Input::BusUp => self.bus_up(),
            Input::BusDown => self.bus_down(),
        }
        let mut had = BTreeSet::new();
        while let Some(key) = self.timers.take_due(self.now) {
            match key {
                TimerKey::Session(session) => self.session_due(session),
                TimerKey::Room(channel) => self.settle(channel),
                TimerKey::Unrecorded => self.record_again(),
                TimerKey::Beat => self.beat(),
            }
            // What is due again and again without an end would hold up every other room.
            if !had.insert(key) {
                self.timers.not_before(key, self.now.plus_ms(AGAIN_MS_MIN));
            }
        }
    }

    /// The next thing to do outside.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to send [`Input::Tick`] at the latest.
    pub fn poll_timeout(&self) -> Option<HubTime> {
        self.timers.next()
    }

    /// The epoch this hub was made for.
    pub fn epoch(&self) -> Uuid {
        self.epoch
    }

    /// (events, bytes) waiting or in flight for a session.
    pub fn queued(&self, session: SessionId) -> Option<(usize, usize)> {
        self.sessions.get(&session).map(|session| session.outbox.load())
    }

    /// The most bytes that wait or are in flight for one session.
    pub fn queued_bytes_max(&self) -> usize {
        self.sessions.values().map(|session| session.outbox.load().1).max().unwrap_or(0)
    }

    /// Who is in a channel: those told by name, and how many people in all.
    pub fn present(&self, channel: ChannelId) -> (Vec<Member>, usize) {
        match self.rooms.get(&channel) {
            Some(room) => (room.presence.listed(None).into_iter().cloned().collect(), room.presence.people()),
            None => (vec![], 0),
        }
    }

    /// (sessions, rooms) held.
    pub fn size(&self) -> (usize, usize) {
        (self.sessions.len(), self.rooms.len())
    }

    /// Does what is due in a room and sets its next wake-up.
    fn settle(&mut self, channel: ChannelId) {
        let now = self.now;
        self.attune(channel);
        let Some(room) = self.rooms.get_mut(&channel) else { return };
        if room.is_over(now) {
            return self.forget(channel);
        }
        let typing = room.typing.take(now);
        self.tell_bursts(channel);
        self.start_transport(channel);
        self.start_end(channel);
        self.tell_waiting(channel);
        self.start_release(channel);
        self.start_count(channel);
        self.start_departures(channel);
        self.start_inheritance(channel);
        // Last: a departure is part of what is told.
        let presence = self.rooms.get_mut(&channel).and_then(|room| room.presence.take(now));
        let told: Vec<Shared> = presence.into_iter().chain(typing).collect();
        self.broadcast(channel, &told);
        self.tell_peers(channel);
        let tells = self.peers.up && !self.peers.is_empty();
        let due = self.rooms.get_mut(&channel).and_then(|room| {
            // The broadcast may have sent the last member away.
            room.is_over(now);
            let telling = room.telling.due().filter(|_| tells && room.is_loaded());
            room.due().into_iter().chain(telling).min()
        });
        self.timers.set(TimerKey::Room(channel), due);
    }

    fn forget(&mut self, channel: ChannelId) {
        self.timers.set(TimerKey::Room(channel), None);
        let Some(room) = self.rooms.remove(&channel) else { return };
        if self.remembered.len() >= REMEMBERED_MAX {
            self.remembered.pop_first();
        }
        self.remembered.insert(channel, (room.track.seq(), room.track.floor()));
    }

    fn session_due(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        match session.stage {
            Stage::Greeted { .. } => self.close(id, close::NO_JOIN, "no join"),
            Stage::Joining { .. } => self.close(id, close::DRAINING, "the store did not answer in time"),
            Stage::Joined { .. } => {}
        }
    }

    fn send(&mut self, id: SessionId, frame: &ServerFrame<'_>) {
        self.send_bytes(id, frame.bytes());
    }

    fn send_bytes(&mut self, id: SessionId, frame: Bytes) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match session.outbox.offer_frame(frame) {
            Ok(Some(bytes)) => self.outputs.push_back(Output::Send { session: id, bytes }),
            Ok(None) => {}
            Err(_) => self.close(id, close::SLOW_CONSUMER, "slow consumer"),
        }
    }

    /// One frame for everybody in the room, serialised once; what is durable can be asked for again.
    fn broadcast(&mut self, channel: ChannelId, events: &[Shared]) {
        let Some(room) = self.rooms.get_mut(&channel) else { return };
        room.remember(events);
        if events.is_empty() || room.presence.is_empty() {
            return;
        }
        let frame: Bytes = batch(events.iter().map(|event| &event.bytes));
        let mut slow = vec![];
        for id in room.presence.sessions() {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            match session.outbox.offer_events(events, &frame) {
                Ok(Some(bytes)) => self.outputs.push_back(Output::Send { session: id, bytes }),
                Ok(None) => {}
                Err(_) => slow.push(id),
            }
        }
        for id in slow {
            self.close(id, close::SLOW_CONSUMER, "slow consumer");
        }
    }

    fn written(&mut self, id: SessionId, bytes: usize) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        for bytes in session.outbox.written(bytes) {
            self.outputs.push_back(Output::Send { session: id, bytes });
        }
    }

    fn close(&mut self, session: SessionId, code: u16, reason: impl Into<String>) {
        if self.sessions.contains_key(&session) {
            self.outputs.push_back(Output::Close { session, code, reason: reason.into() });
            self.forget_session(session, code == close::NOT_PERMITTED);
        }
    }

    fn drain(&mut self) {
        self.draining = true;
        for session in self.sessions.keys().copied().collect::<Vec<_>>() {
            // A fixed spread instead of randomness: neighbours are sent far apart.
            let retry_ms = session.0.wrapping_mul(2_654_435_761) % DRAIN_SPREAD_MS;
            self.close(session, close::DRAINING, format!("draining, retry_ms={retry_ms}"));
        }
        // The last word: who comes back comes back elsewhere.
        self.say(Say::Bye);
        self.bus_down();
    }
}
