//! A hub with everything around it scripted: the test says what the store answers and when sockets write.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lockstep_domain::{
    account::PlatformRole,
    ids::{AccountId, ChannelId, CommandId, MessageId, Position, VideoId, VisitId},
    permission::ChannelRole,
    time::MediaTime,
};
use lockstep_sync_hub::{
    Change, ChangeKind, Command, Done, Fact, FeedEvent, Hub, HubTime, Input, Output, PlaybackSnapshot, Refusal,
    RunCommand, SessionId, Snapshot, Standing,
    protocol::{Actor, Person, parse},
};
use serde_json::{Value, json};
use uuid::Uuid;

pub const CHANNEL: ChannelId = ChannelId(Uuid::from_u128(0xc));
pub const VIDEO: VideoId = VideoId(Uuid::from_u128(0xf));
pub const EPOCH: Uuid = Uuid::from_u128(0xe);

pub fn secs(s: i64) -> MediaTime {
    MediaTime(s * 1_000_000)
}
pub fn op(n: u128) -> CommandId {
    CommandId(Uuid::from_u128(0x0f00 + n))
}
pub fn account(n: u64) -> AccountId {
    AccountId(Uuid::from_u128(0xa00 + u128::from(n)))
}
pub fn person(n: u64) -> Person {
    Person { id: account(n), name: format!("viewer {n}") }
}
pub fn at(position: i64) -> Position {
    Position::from_i64(position)
}

pub struct Rig {
    pub hub: Hub,
    pub now: HubTime,
    /// Frames by session, batches taken apart: an event has `e`, another frame `t`.
    pub wire: BTreeMap<u64, Vec<Value>>,
    pub sent: Vec<(HubTime, u64, Value)>,
    pub closed: BTreeMap<u64, (u16, String)>,
    pub runs: Vec<RunCommand>,
    pub loads: Vec<ChannelId>,
    pub checks: Vec<SessionId>,
    /// Frames for other hubs that nobody has carried yet.
    pub published: Vec<Bytes>,
    /// Sessions whose socket does not write.
    pub stalled: BTreeSet<u64>,
    pub unwritten: BTreeMap<u64, usize>,
    pub log: i64,
    /// Who has the one remote when a room is loaded.
    pub remote: Option<AccountId>,
    /// Everybody has the longest name there is.
    pub long_names: bool,
    /// Only these sessions' frames are read, when there are any: a crowd's take long.
    pub heard: BTreeSet<u64>,
    /// Answers every question for the channel with this.
    playback: Option<PlaybackSnapshot>,
}

impl Rig {
    pub fn new() -> Self {
        Self::from_epoch(EPOCH)
    }
    pub fn from_epoch(epoch: Uuid) -> Self {
        Self {
            hub: Hub::new(epoch, at(100)),
            now: HubTime::from_millis(1_000),
            wire: BTreeMap::new(),
            sent: vec![],
            closed: BTreeMap::new(),
            runs: vec![],
            loads: vec![],
            checks: vec![],
            published: vec![],
            stalled: BTreeSet::new(),
            unwritten: BTreeMap::new(),
            log: 100,
            remote: None,
            long_names: false,
            heard: BTreeSet::new(),
            playback: None,
        }
    }
    /// A room with a 100 s film loaded and paused at the start, and these viewers in it.
    pub fn room(viewers: impl IntoIterator<Item = u64>) -> Self {
        let mut rig = Self::new();
        for viewer in viewers {
            rig.join(viewer);
        }
        rig.loaded(Some(paused_snapshot(secs(0))));
        rig.wait_ms(1_000);
        rig
    }

    pub fn input(&mut self, input: Input) {
        self.hub.handle(self.now, input);
        self.pump();
    }
    fn pump(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Send { session, bytes } => self.sent(session.0, &bytes),
                Output::Close { session, code, reason } => {
                    assert!(self.closed.insert(session.0, (code, reason)).is_none(), "closed twice");
                }
                Output::Run(run) => self.runs.push(run),
                Output::LoadChannel { channel } => {
                    self.loads.push(channel);
                    if let Some(playback) = self.playback.take() {
                        self.loaded(Some(playback));
                    }
                }
                Output::CheckMember { session, .. } => self.checks.push(session),
                Output::Publish { frame } => self.published.push(frame),
            }
        }
    }
    fn sent(&mut self, session: u64, bytes: &[u8]) {
        assert!(!self.closed.contains_key(&session), "sent after close");
        if !self.heard.is_empty() && !self.heard.contains(&session) {
            return self.hub.handle(self.now, Input::Written { session: SessionId(session), bytes: bytes.len() });
        }
        let frame: Value = serde_json::from_slice(bytes).unwrap();
        self.sent.push((self.now, session, frame.clone()));
        let wire = self.wire.entry(session).or_default();
        match frame["t"].as_str() {
            Some("batch") => wire.extend(frame["events"].as_array().unwrap().iter().cloned()),
            _ => wire.push(frame),
        }
        if self.stalled.contains(&session) {
            *self.unwritten.entry(session).or_default() += bytes.len();
        } else {
            self.hub.handle(self.now, Input::Written { session: SessionId(session), bytes: bytes.len() });
        }
    }
    /// A stalled socket writes everything again.
    pub fn unstall(&mut self, session: u64) {
        self.stalled.remove(&session);
        let bytes = self.unwritten.remove(&session).unwrap_or(0);
        self.input(Input::Written { session: SessionId(session), bytes });
    }
    pub fn wait_ms(&mut self, ms: i64) {
        let until = self.now.plus_ms(ms);
        while let Some(due) = self.hub.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.input(Input::Tick);
        }
        self.now = until;
        self.input(Input::Tick);
    }

    pub fn connect(&mut self, n: u64) {
        self.connect_as(n, n);
    }
    pub fn connect_as(&mut self, session: u64, who: u64) {
        let mut account = person(who);
        if self.long_names {
            account.name = format!("{who:💡>40}");
        }
        self.input(Input::Connected { session: SessionId(session), account, role: PlatformRole::Member });
    }
    /// The channel is read as soon as it is asked for.
    pub fn loaded_later(&mut self, playback: PlaybackSnapshot) {
        self.playback = Some(playback);
    }
    pub fn frame(&mut self, n: u64, frame: Value) {
        self.text(n, &frame.to_string());
    }
    pub fn text(&mut self, n: u64, text: &str) {
        self.input(Input::Frame { session: SessionId(n), frame: parse(text) });
    }
    pub fn ask(&mut self, n: u64) {
        self.connect(n);
        self.frame(n, json!({"t": "join", "channel": CHANNEL, "visit": visit(n)}));
    }
    pub fn join(&mut self, n: u64) {
        self.ask(n);
        self.standing(n, 1);
    }
    pub fn standing(&mut self, n: u64, version: u64) {
        let standing = Standing { role: ChannelRole::Viewer, version };
        self.input(Input::Membership { session: SessionId(n), result: Ok(standing) });
    }
    pub fn loaded(&mut self, playback: Option<PlaybackSnapshot>) {
        self.loaded_at(playback, 100);
    }
    pub fn loaded_at(&mut self, playback: Option<PlaybackSnapshot>, position: i64) {
        let playback = playback.map(|playback| PlaybackSnapshot { read_at: self.now, ..playback });
        self.input(Input::ChannelLoaded {
            channel: CHANNEL,
            result: Ok(Snapshot { playback, position: at(position), remote: self.remote, channel_position: at(1) }),
        });
    }

    pub fn intent(&mut self, n: u64, op_id: CommandId, verb: &str, more: Value) {
        let mut frame = json!({"t": "intent", "op": op_id, "verb": verb});
        for (key, value) in more.as_object().unwrap() {
            frame[key] = value.clone();
        }
        self.frame(n, frame);
    }
    pub fn run(&mut self) -> RunCommand {
        assert_eq!(self.runs.len(), 1, "{:?}", self.runs);
        self.runs.remove(0)
    }
    /// Forgets arrivals and departures.
    pub fn skip_visits(&mut self) {
        self.runs.retain(|run| !matches!(run.command, Command::Arrive { .. } | Command::Depart { .. }));
    }
    pub fn done(&mut self, run: &RunCommand, position: i64, changed: bool) {
        let result = Ok(Done { position: at(position), changed });
        self.input(Input::CommandDone { ticket: run.ticket, result });
    }
    pub fn refused(&mut self, run: &RunCommand, code: &str) {
        self.input(Input::CommandDone { ticket: run.ticket, result: Err(Refusal::new(code, "no")) });
    }

    /// The log cannot be reached.
    pub fn unavailable(&mut self, run: &RunCommand) {
        self.input(Input::CommandDone { ticket: run.ticket, result: Err(Refusal::unavailable("not now")) });
    }

    pub fn feed(&mut self, fact: Fact) -> i64 {
        self.feed_of(None, fact)
    }
    pub fn feed_of(&mut self, command: Option<CommandId>, fact: Fact) -> i64 {
        let event = self.event(command, fact);
        self.input(Input::Feed { events: vec![event], through: at(self.log) });
        self.log
    }
    pub fn event(&mut self, command: Option<CommandId>, fact: Fact) -> FeedEvent {
        self.log += 1;
        let actor = Actor { id: account(1).to_string(), name: "viewer 1".to_owned() };
        FeedEvent { position: at(self.log), channel: CHANNEL, command, actor, fact }
    }
    pub fn play(&mut self, position: MediaTime) {
        self.feed(Fact::Playback(Change::Played { position }));
    }
    pub fn say(&mut self, text: &str) {
        self.feed(message(u128::try_from(self.log).unwrap(), text));
    }

    /// What a session got since the last call.
    pub fn take(&mut self, n: u64) -> Vec<Value> {
        self.wire.remove(&n).unwrap_or_default()
    }
    pub fn take_all(&mut self) {
        self.wire.clear();
        self.sent.clear();
        self.runs.clear();
    }
    pub fn texts(&mut self, n: u64) -> Vec<String> {
        let texts = self.take(n).into_iter().filter(|frame| frame["e"] == "message");
        texts.map(|frame| frame["message"]["text"].as_str().unwrap().to_owned()).collect()
    }
    pub fn timelines(&mut self, n: u64) -> Vec<Value> {
        self.take(n)
            .into_iter()
            .filter(|frame| frame["e"] == "timeline")
            .map(|frame| frame["timeline"].clone())
            .collect()
    }
    pub fn us_from_now(&self, ms: i64) -> Value {
        json!(self.now.plus_ms(ms).0)
    }
}

pub fn visit(n: u64) -> VisitId {
    VisitId(Uuid::from_u128(0x7000 + u128::from(n)))
}
pub fn message(id: u128, text: &str) -> Fact {
    Fact::Message {
        id: MessageId(Uuid::from_u128(id)),
        author: person(1),
        text: text.to_owned(),
        sent_at: "2026-01-01T00:00:00Z".to_owned(),
        playback: None,
        reply_to: None,
        mentions: vec![],
    }
}
pub fn paused_snapshot(position: MediaTime) -> PlaybackSnapshot {
    PlaybackSnapshot {
        video: VIDEO,
        duration: secs(100),
        position,
        playing: false,
        speed_ppm: 1_000_000,
        held_us: None,
        last: ChangeKind::Paused,
        elapsed_us: 5_000_000,
        read_at: HubTime(0),
    }
}
pub fn playing_snapshot(position: MediaTime, elapsed_us: i64) -> PlaybackSnapshot {
    PlaybackSnapshot { playing: true, last: ChangeKind::Played, elapsed_us, ..paused_snapshot(position) }
}
