//! What clients ask: shape and rate are checked here, rights are the command layer's.

use lockstep_domain::{
    ids::{ChannelId, CommandId},
    time::MediaTime,
};

use super::{
    Hub, Purpose,
    io::{Command, Done},
};
use crate::{
    bus::Say,
    protocol::{Chat, ClientFrame, FrameError, Intent, ServerFrame, close},
    session::{COMMANDS_MAX, SessionId, Stage},
    transport::Waiting,
    window::Seen,
};

impl Hub {
    pub(super) fn frame(&mut self, id: SessionId, frame: Result<ClientFrame, FrameError>) {
        let now = self.now;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let frame = match frame {
            Ok(_) if !session.frames.take(now) => return self.bad_frame(id, "too many frames"),
            Ok(frame) => frame,
            Err(error) => return self.bad_frame(id, &error.to_string()),
        };
        let joined = match session.stage {
            Stage::Joined { channel, .. } => Some(channel),
            Stage::Greeted { .. } | Stage::Joining { .. } => None,
        };
        match (frame, joined) {
            (ClientFrame::Join(join), _) => self.join(id, join),
            // Probes are answered where they are read; one that comes here is late and worth nothing.
            (ClientFrame::Probe { .. }, _) => {}
            (ClientFrame::Intent(intent), Some(channel)) => self.intent(id, channel, intent),
            (ClientFrame::Intent(Intent { op, .. }) | ClientFrame::Chat(Chat { op, .. }), None) => {
                self.refuse(id, op, "not_joined", "join a channel first");
            }
            (ClientFrame::Chat(chat), Some(channel)) => self.chat(id, channel, chat),
            (ClientFrame::React { emoji }, Some(channel)) => self.burst(id, channel, emoji),
            (ClientFrame::Report { state, error_us, ready, .. }, Some(channel)) => {
                if session.reports.take(now)
                    && let Some(room) = self.rooms.get_mut(&channel)
                {
                    room.presence.report(id, state, error_us);
                    if room.gate.report(id, ready) {
                        room.telling.changed();
                    }
                    self.settle(channel);
                }
            }
            (ClientFrame::Typing, Some(channel)) => self.typing(id, channel),
            (ClientFrame::Report { .. } | ClientFrame::Typing | ClientFrame::React { .. }, None) => {}
        }
    }

    fn bad_frame(&mut self, id: SessionId, message: &str) {
        self.send(id, &ServerFrame::Error { code: "bad_frame", message });
        self.close(id, close::BAD_FRAME, "bad frame");
    }

    pub(super) fn refuse(&mut self, id: SessionId, op: CommandId, code: &str, message: &str) {
        self.send(id, &ServerFrame::Refused { op, code, message, retry_after_ms: None });
    }

    /// True when the operation is new here; a repeat is answered.
    fn is_new(&mut self, id: SessionId, channel: ChannelId, op: CommandId) -> bool {
        let Some(account) = self.sessions.get(&id).map(|session| session.account.id) else { return false };
        let Some(room) = self.rooms.get_mut(&channel) else { return false };
        match room.window.admit(account, op, id) {
            Seen::New => true,
            Seen::Running => false,
            Seen::Done(Done { position, changed }) => {
                self.send(id, &ServerFrame::Ack { op, position, changed });
                false
            }
        }
    }

    fn intent(&mut self, id: SessionId, channel: ChannelId, intent: Intent) {
        let op = intent.op;
        if !self.is_new(id, channel, op) {
            return;
        }
        let now = self.now;
        let (Some(session), Some(room)) = (self.sessions.get_mut(&id), self.rooms.get_mut(&channel)) else { return };
        let account = session.account.clone();
        if !session.intents.take(now) {
            room.window.finish(account.id, op, None);
            return self.refuse(id, op, "rate_limited", "too many commands, wait a moment");
        }
        let superseded = room.transport.offer(Waiting { account, intent });
        if let Some((account, op)) = superseded {
            for id in room.window.finish(account.id, op, None) {
                self.refuse(id, op, "superseded", "a newer command took its place");
            }
        }
        self.settle(channel);
    }

    fn chat(&mut self, id: SessionId, channel: ChannelId, chat: Chat) {
        let Chat { op, id: message, text, playback_us, reply_to, mentions } = chat;
        if !self.is_new(id, channel, op) {
            return;
        }
        let now = self.now;
        let (Some(session), Some(room)) = (self.sessions.get_mut(&id), self.rooms.get_mut(&channel)) else { return };
        let account = session.account.id;
        if session.commands_running >= COMMANDS_MAX || !session.chats.take(now) {
            room.window.finish(account, op, None);
            return self.refuse(id, op, "rate_limited", "too many messages, wait a moment");
        }
        session.commands_running += 1;
        let chat = Command::Chat { id: message, text, playback: playback_us, reply_to, mentions };
        self.run(channel, Purpose::Chat { account, op, session: id }, Some(account), Some(op), chat);
    }

    fn typing(&mut self, id: SessionId, channel: ChannelId) {
        let now = self.now;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.typings.take(now)
            && let Some(room) = self.rooms.get_mut(&channel)
        {
            let person = session.account.clone();
            room.typing.typed(&person, now);
            self.say_of(channel, Say::Typing { channel, person });
            self.settle(channel);
        }
    }

    /// The command an intent stands for, decided when its turn has come.
    pub(super) fn command_of(&self, channel: ChannelId, intent: &Intent) -> Option<Command> {
        use crate::protocol::Verb;
        Some(match intent.verb {
            Verb::Play => Command::Play { position: intent.position_us, hold: self.has_company(channel) },
            // The hub's stop frame, never the client's: a pause moves nobody.
            Verb::Pause => Command::Pause { position: self.pause_position(channel) },
            Verb::Seek => Command::Seek { position: intent.position_us? },
            Verb::Load => Command::Load { video: intent.video? },
            // As a pause: everybody changes speed at the same frame.
            Verb::Rate => Command::ChangeRate { rate_ppm: intent.rate_ppm?, position: self.pause_position(channel) },
        })
    }

    fn has_company(&self, channel: ChannelId) -> bool {
        self.rooms
            .get(&channel)
            .is_some_and(|room| room.presence.sessions().nth(1).is_some() || room.presence.elsewhere().next().is_some())
    }

    fn pause_position(&self, channel: ChannelId) -> Option<MediaTime> {
        self.rooms.get(&channel)?.track.pause_position(self.now)
    }
}
