//! Commands out and their answers in.

use lockstep_domain::ids::{AccountId, ChannelId, CommandId};

use super::{
    Hub, Purpose,
    io::{Command, Done, Output, Refusal, RunCommand},
};
use crate::{presence::Ended, protocol::ServerFrame, session::SessionId, timers::TimerKey, unrecorded::Note};

impl Hub {
    /// Sends a command out; returns the ticket its answer will carry.
    pub(super) fn run(
        &mut self,
        channel: ChannelId,
        purpose: Purpose,
        account: Option<AccountId>,
        op: Option<CommandId>,
        command: Command,
    ) -> u64 {
        let ticket = self.tickets_given;
        self.tickets_given += 1;
        self.tickets.insert(ticket, (channel, purpose));
        self.outputs.push_back(Output::Run(RunCommand { ticket, channel, account, op, command }));
        ticket
    }

    /// Starts the transport command whose turn it is.
    pub(super) fn start_transport(&mut self, channel: ChannelId) {
        let (now, through) = (self.now, self.through);
        let Some(room) = self.rooms.get_mut(&channel) else { return };
        let Some(waiting) = room.transport.take(now, through) else { return };
        let Some(command) = self.command_of(channel, &waiting.intent) else { return };
        let (account, op) = (waiting.account.id, waiting.intent.op);
        let ticket = self.run(channel, Purpose::Intent { account, op }, Some(account), Some(op), command);
        if let Some(room) = self.rooms.get_mut(&channel) {
            room.transport.started(ticket, now);
        }
    }

    /// Asks once for the end of a film that has reached it.
    pub(super) fn start_end(&mut self, channel: ChannelId) {
        let now = self.now;
        let end = self.rooms.get_mut(&channel).and_then(|room| room.take_end(now));
        if let Some((video, seq)) = end {
            self.run(channel, Purpose::End { seq }, None, None, Command::End { video });
        }
    }

    /// Records the departures of viewers who did not come back, and takes them off the list of who is here.
    pub(super) fn start_departures(&mut self, channel: ChannelId) {
        let now = self.now;
        while let Some(ended) = self.rooms.get_mut(&channel).and_then(|room| room.presence.take_ended(now)) {
            let Ended { visit, account, held } = ended;
            if let Some(room) = self.rooms.get_mut(&channel) {
                room.remote.departed(account, &room.presence);
            }
            // Whose hub is gone departs by the conductor's word. A hub that hears nobody cannot know who is gone.
            let departs = held || (self.peers.up && self.conducts(channel));
            if !departs {
                continue;
            }
            self.record(Note { channel, account, visit, arrives: false, tries: 0 });
        }
    }

    /// Records an arrival or a departure.
    pub(super) fn record(&mut self, note: Note) {
        let visit = note.visit;
        let command = if note.arrives { Command::Arrive { visit } } else { Command::Depart { visit } };
        self.run(note.channel, Purpose::Visit(note), Some(note.account), None, command);
    }

    /// Tries again what the log could not take, unless it is not so any more: who departed came back, or who arrived has left.
    pub(super) fn record_again(&mut self) {
        for note in self.unrecorded.take(self.now) {
            let here = self.rooms.get(&note.channel).is_some_and(|room| room.presence.holds(note.account, note.visit));
            if here == note.arrives {
                self.record(note);
            }
        }
        self.timers.set(TimerKey::Unrecorded, self.unrecorded.due(self.now));
    }

    /// Asks for the one remote to be inherited when its holder was away too long.
    pub(super) fn start_inheritance(&mut self, channel: ChannelId) {
        let now = self.now;
        let due = self.rooms.get_mut(&channel).and_then(|room| room.remote.take(now, &room.presence, room.patience_us));
        if let Some((from, to)) = due {
            self.run(channel, Purpose::Inherit, None, None, Command::InheritRemote { from, to });
        }
    }

    pub(super) fn command_done(&mut self, ticket: u64, result: Result<Done, Refusal>) {
        let Some((channel, purpose)) = self.tickets.remove(&ticket) else { return };
        let now = self.now;
        let changed = result.as_ref().ok().filter(|done| done.changed).map(|done| done.position);
        match purpose {
            Purpose::Intent { account, op } => {
                if let Some(room) = self.rooms.get_mut(&channel) {
                    room.transport.done(ticket, changed, now);
                }
                self.answer(channel, account, op, &result);
            }
            Purpose::Chat { account, op, session } => {
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.commands_running -= 1;
                }
                self.answer(channel, account, op, &result);
            }
            Purpose::Burst { session, emoji } => self.may_react(channel, session, emoji, result.is_ok()),
            Purpose::End { seq } => {
                if let Some(room) = self.rooms.get_mut(&channel) {
                    room.end_done(now, seq, changed.is_some());
                }
            }
            Purpose::Release { seq } => {
                if let Some(room) = self.rooms.get_mut(&channel) {
                    room.gate.released(seq, changed.is_some(), now);
                }
            }
            Purpose::Votes => {
                if let Some(room) = self.rooms.get_mut(&channel) {
                    room.ballot.counted(result.is_ok(), now);
                }
            }
            Purpose::Visit(note) => {
                if result.is_err_and(|refusal| refusal.retryable) {
                    self.unrecorded.put(note, now);
                    self.timers.set(TimerKey::Unrecorded, self.unrecorded.due(now));
                }
            }
            Purpose::Inherit => {
                if let Some(room) = self.rooms.get_mut(&channel) {
                    room.remote.asked(now);
                }
            }
        }
        self.settle(channel);
    }

    fn answer(&mut self, channel: ChannelId, account: AccountId, op: CommandId, result: &Result<Done, Refusal>) {
        let Some(room) = self.rooms.get_mut(&channel) else { return };
        let waiters: Vec<SessionId> = room.window.finish(account, op, result.as_ref().ok());
        for id in waiters {
            match result {
                Ok(Done { position, changed }) => {
                    self.send(id, &ServerFrame::Ack { op, position: *position, changed: *changed });
                }
                Err(Refusal { code, message, retry_after_ms, .. }) => {
                    let retry_after_ms = *retry_after_ms;
                    self.send(id, &ServerFrame::Refused { op, code, message, retry_after_ms });
                }
            }
        }
    }
}
