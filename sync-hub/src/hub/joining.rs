//! Coming and going: hello, join, the two look-ups behind it, leaving.

use lockstep_domain::{
    account::PlatformRole,
    ids::{ChannelId, VisitId},
};

use super::{
    Hub, Purpose,
    io::{Command, Output, Refusal, Standing},
};
use crate::{
    protocol::{Me, Member, Person, PlayerState, ServerFrame, close},
    room::Room,
    session::{ADMISSION_MS_MAX, Session, SessionId, Stage},
    timeline::Snapshot,
    timers::TimerKey,
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

    pub(super) fn join(&mut self, id: SessionId, channel: ChannelId, visit: VisitId) {
        let until = self.now.plus_ms(ADMISSION_MS_MAX);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if !matches!(session.stage, Stage::Greeted { .. }) {
            let error = ServerFrame::Error { code: "already_joined", message: "a socket joins one channel, once" };
            return self.send(id, &error);
        }
        session.stage = Stage::Joining { channel, visit, standing: None, until };
        let account = session.account.id;
        self.timers.set(TimerKey::Session(id), Some(until));
        // The room is there before the look-ups start: no ban or change after them can be missed.
        self.room(channel).joining.insert(id);
        self.outputs.push_back(Output::CheckMember { session: id, channel, account });
        self.settle(channel);
    }

    /// The channel's room, made and asked for when it is not there.
    fn room(&mut self, channel: ChannelId) -> &mut Room {
        self.rooms.entry(channel).or_insert_with(|| {
            self.outputs.push_back(Output::LoadChannel { channel });
            let (seq, floor) = self.remembered.remove(&channel).unwrap_or_default();
            Room::asked(self.epoch, seq, floor)
        })
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
        let Stage::Joining { channel, visit, standing: Some(standing), .. } = session.stage else { return };
        let Some(room) = self.rooms.get_mut(&channel).filter(|room| room.is_loaded()) else { return };
        session.stage = Stage::Joined { channel, visit, version: standing.version };
        let account = session.account.clone();
        let who = account.id;
        room.joining.remove(&id);
        let state = PlayerState::Paused;
        room.presence.join(Member { session: id, account, role: standing.role, state, error_us: None });
        room.remote.arrived(who, self.now);
        let members = room.presence.members().collect();
        let joined = ServerFrame::Joined { channel, position: self.through, timeline: room.track.current(), members };
        let joined = joined.bytes();
        self.timers.set(TimerKey::Session(id), None);
        let returned = room.came_back(visit, who);
        self.send_bytes(id, joined);
        if !returned {
            self.run(channel, Purpose::Visit, Some(who), None, Command::Arrive { visit });
        }
        self.settle(channel);
    }

    /// Forgets a session that is gone or is being closed.
    pub(super) fn leave(&mut self, id: SessionId) {
        let Some(session) = self.sessions.remove(&id) else { return };
        self.timers.set(TimerKey::Session(id), None);
        let Some(channel) = session.channel() else { return };
        if let Some(room) = self.rooms.get_mut(&channel) {
            room.joining.remove(&id);
            room.presence.leave(id);
            if let Stage::Joined { visit, .. } = session.stage {
                room.gone(visit, session.account.id, self.now);
            }
        }
        // Not settled here: a broadcast may be under way. The wake-up does it within the same input.
        self.timers.set(TimerKey::Room(channel), self.rooms.get(&channel).map(|_| self.now));
    }
}
