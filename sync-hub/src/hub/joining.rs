//! Coming and going: hello, join, the two look-ups behind it, leaving.

use bytes::Bytes;
use lockstep_domain::{account::PlatformRole, ids::ChannelId};

use super::{
    Hub,
    io::{Output, Refusal, Standing},
};
use crate::{
    outbox::IN_FLIGHT_BYTES_MAX,
    presence::Entry,
    protocol::{Join, Me, Person, ServerFrame, batch, close},
    room::Room,
    session::{ADMISSION_MS_MAX, Session, SessionId, Stage},
    timeline::Snapshot,
    timers::TimerKey,
    unrecorded::Note,
};

impl Hub {
    pub(super) fn connected(&mut self, id: SessionId, account: Person, role: PlatformRole) {
        if self.sessions.contains_key(&id) {
            return;
        }
        let session = Session::greeted(account.clone(), self.now);
        self.timers.set(TimerKey::Session(id), session.due());
        self.sessions.insert(id, session);
        let me = Me { id: account.id, name: &account.name, role };
        let hello = ServerFrame::Hello { epoch: self.epoch, session: id, now_us: self.now, account: me };
        self.send(id, &hello);
        if self.draining {
            self.close(id, close::DRAINING, "draining");
        }
    }

    pub(super) fn join(&mut self, id: SessionId, join: Join) {
        let until = self.now.plus_ms(ADMISSION_MS_MAX);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if !matches!(session.stage, Stage::Greeted { .. }) {
            let error = ServerFrame::Error { code: "already_joined", message: "a socket joins one channel, once" };
            return self.send(id, &error);
        }
        let channel = join.channel;
        session.stage = Stage::Joining { join, standing: None, until };
        let account = session.account.id;
        self.timers.set(TimerKey::Session(id), Some(until));
        // The room is there before the look-ups start: no ban or change after them can be missed.
        if !self.rooms.contains_key(&channel) {
            self.open_room(channel);
        }
        if let Some(room) = self.rooms.get_mut(&channel) {
            room.joining.insert(id);
        }
        self.outputs.push_back(Output::CheckMember { session: id, channel, account });
        self.settle(channel);
    }

    /// Makes a room and asks for it; who is in it at other hubs is known at once.
    fn open_room(&mut self, channel: ChannelId) {
        self.outputs.push_back(Output::LoadChannel { channel });
        let (seq, floor) = self.remembered.remove(&channel).unwrap_or_default();
        self.rooms.insert(channel, Room::asked(self.epoch, seq, floor, self.through));
        self.seat_peers(channel);
    }

    pub(super) fn membership(&mut self, id: SessionId, result: Result<Standing, Refusal>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Stage::Joining { standing, .. } = &mut session.stage else { return };
        match result {
            Ok(found) => {
                *standing = Some(found);
                if session.is_expelled() {
                    return self.close(id, close::NOT_PERMITTED, "banned");
                }
                self.admit(id);
            }
            Err(refusal) if refusal.retryable => self.close(id, close::DRAINING, refusal.message),
            Err(refusal) => {
                self.send(id, &ServerFrame::Error { code: &refusal.code, message: &refusal.message });
                self.close(id, close::NOT_PERMITTED, refusal.code);
            }
        }
    }

    pub(super) fn channel_loaded(&mut self, channel: ChannelId, result: Result<Snapshot, Refusal>) {
        let now = self.now;
        let Some(room) = self.rooms.get_mut(&channel).filter(|room| !room.is_loaded()) else { return };
        let joining: Vec<SessionId> = room.joining.iter().copied().collect();
        match result {
            Ok(snapshot) => {
                if !room.load(now, &snapshot) {
                    return self.outputs.push_back(Output::LoadChannel { channel });
                }
                // Where others watch already, their moment counts, not what the store lets one compute.
                room.track.settle(self.peers.have_met() && !self.peers.are_in(channel));
                self.weigh(channel);
                joining.into_iter().for_each(|id| self.admit(id));
                self.settle(channel);
            }
            Err(refusal) => {
                // Forgotten first: who comes back asks anew.
                self.forget(channel);
                let code = if refusal.retryable { close::DRAINING } else { close::NOT_PERMITTED };
                joining.into_iter().for_each(|id| self.close(id, code, refusal.message.clone()));
            }
        }
    }

    /// Lets a session in once both look-ups are there. Nobody else is disturbed: the others get a presence delta.
    fn admit(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Stage::Joining { join, standing: Some(standing), .. } = session.stage else { return };
        let Join { channel, visit, device, after } = join;
        let Some(room) = self.rooms.get_mut(&channel).filter(|room| room.is_loaded()) else { return };
        session.stage = Stage::Joined { channel, version: standing.version };
        let account = session.account.clone();
        let who = account.id;
        room.joining.remove(&id);
        let entry = Entry { session: id, visit, account, role: standing.role, device };
        let (seat, returned) = room.presence.enter(entry, self.now);
        room.remote.arrived(who, self.now);
        // What another hub told and this one has not heard yet would come twice.
        let missed = after.filter(|after| *after <= self.through).and_then(|after| room.ring.after(after));
        let frames = missed.map(|missed| batches(missed.cloned().collect()));
        let joined = ServerFrame::Joined {
            channel,
            position: self.through,
            timeline: room.track.current(),
            seat,
            resumed: frames.is_some(),
            members: room.presence.listed(Some(seat)),
            people: room.presence.people(),
        };
        let joined = joined.bytes();
        self.timers.set(TimerKey::Session(id), None);
        self.send_bytes(id, joined);
        for frame in frames.into_iter().flatten() {
            self.send_bytes(id, frame);
        }
        if !returned {
            self.record(Note { channel, account: who, visit, arrives: true, tries: 0 });
        }
        self.settle(channel);
    }

    /// Forgets a session that is gone: it may come back to its seat.
    pub(super) fn leave(&mut self, id: SessionId) {
        self.forget_session(id, false);
    }

    /// Forgets a session; for good when it may not come back.
    pub(super) fn forget_session(&mut self, id: SessionId, for_good: bool) {
        let Some(session) = self.sessions.remove(&id) else { return };
        self.timers.set(TimerKey::Session(id), None);
        let Some(channel) = session.channel() else { return };
        if let Some(room) = self.rooms.get_mut(&channel) {
            room.joining.remove(&id);
            room.presence.leave(id, for_good, self.now);
            room.typing.stopped(session.account.id);
            room.gate.leave(id);
        }
        // Not settled here: a broadcast may be under way. The wake-up does it within the same input.
        self.timers.set(TimerKey::Room(channel), self.rooms.get(&channel).map(|_| self.now));
    }
}

/// Events in frames of a size a socket takes at once.
fn batches(events: Vec<Bytes>) -> Vec<Bytes> {
    let mut frames = vec![];
    let mut rest = &events[..];
    while !rest.is_empty() {
        let mut bytes = 0;
        let fitting = rest.iter().take_while(|event| {
            bytes += event.len();
            bytes <= IN_FLIGHT_BYTES_MAX
        });
        let (now, later) = rest.split_at(fitting.count().max(1));
        frames.push(batch(now));
        rest = later;
    }
    frames
}
