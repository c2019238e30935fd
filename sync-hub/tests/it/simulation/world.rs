//! The world around the hub: what happens when, all from one seed.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lockstep_domain::{
    account::PlatformRole,
    ids::{AccountId, ChannelId, CommandId, MessageId, Position},
    playback::ReleaseCause,
};
use lockstep_sync_hub::{
    Command, Done, Hub, HubTime, Input, Output, QUEUED_BYTES_MAX, QUEUED_EVENTS_MAX, Refusal, RunCommand, SessionId,
    Snapshot, Standing, Timeline,
    protocol::{Person, parse},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    store::{DURATION, Film, Store},
    viewer::{Told, Viewer},
};
use crate::rig::{VIDEO, account, visit};

/// Virtual time of one run before it comes to rest, ms.
const RUN_MS: i64 = 12_000;
/// Wall time when a run begins.
const WALL_US: i64 = 1_700_000_000_000_000;
/// Between the log's wall time and the hub's timeline lie a lead and the delays of feed and snapshot.
const APART_US_MAX: i64 = 3_000_000;
/// Things viewers do in one run.
const ACTS: usize = 90;

/// Something that will happen.
enum Due {
    Act,
    Restart,
    /// A player has buffered what this held timeline needs.
    Ready {
        session: u64,
        seq: u64,
    },
    Written {
        session: u64,
        bytes: usize,
    },
    Feed,
    Decide {
        epoch: u128,
        run: RunCommand,
    },
    Done {
        epoch: u128,
        ticket: u64,
        result: Result<Done, Refusal>,
    },
    Standing {
        epoch: u128,
        session: u64,
        result: Result<Standing, Refusal>,
    },
    ReadChannel {
        epoch: u128,
        channel: ChannelId,
    },
    Loaded {
        epoch: u128,
        channel: ChannelId,
        snapshot: Snapshot,
    },
}

/// What happened in a run; equal for equal seeds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Totals {
    pub events: usize,
    pub frames: usize,
    pub restarts: usize,
    pub slow_closed: usize,
    pub banned: usize,
    pub repeats: usize,
    pub refused: usize,
    pub ended: usize,
    /// Visits that went on without a gap, and those the ring could not help.
    pub resumed: usize,
    pub too_late: usize,
    pub released_ready: usize,
    pub released_late: usize,
    pub rates: usize,
}

impl Totals {
    pub fn add(&mut self, run: &Self) {
        self.events += run.events;
        self.frames += run.frames;
        self.restarts += run.restarts;
        self.slow_closed += run.slow_closed;
        self.banned += run.banned;
        self.repeats += run.repeats;
        self.refused += run.refused;
        self.ended += run.ended;
        self.resumed += run.resumed;
        self.too_late += run.too_late;
        self.released_ready += run.released_ready;
        self.released_late += run.released_late;
        self.rates += run.rates;
    }
    /// A simulation in which something never occurs proves nothing about it.
    pub fn assert_everything_happened(&self) {
        let counts = [
            self.events,
            self.frames,
            self.restarts,
            self.slow_closed,
            self.banned,
            self.repeats,
            self.refused,
            self.ended,
            self.resumed,
            self.too_late,
            self.released_ready,
            self.released_late,
            self.rates,
        ];
        assert!(counts.iter().all(|count| *count > 0), "{self:?}");
    }
}

/// The timeline a joiner gets is the log's, as far as the hub may know it.
fn check_joined(timeline: Option<Timeline>, film: Option<Film>, now: HubTime, wall: i64) {
    assert_eq!(timeline.is_some(), film.is_some());
    let (Some(timeline), Some(film)) = (timeline, film) else { return };
    let Film { playing, position, since, speed_ppm } = film;
    assert_eq!(timeline.speed_ppm, speed_ppm, "{timeline:?}");
    assert_eq!(timeline.rate_ppm > 0, playing, "{timeline:?}");
    if playing {
        let expected = (position.0 + (wall - since) * speed_ppm / 1_000_000).min(DURATION.0);
        let apart = timeline.position_at(now).0 - expected;
        assert!(
            apart.abs() <= APART_US_MAX * speed_ppm.max(1_000_000) / 1_000_000,
            "{apart} us apart from the log: {timeline:?}"
        );
    } else {
        assert_eq!(timeline.position_us, position, "paused elsewhere than the log says");
    }
}

pub struct World {
    rng: StdRng,
    /// World time, µs; the wall clock and every hub's clock are offsets of it.
    now: i64,
    origin: i64,
    epoch: u128,
    hub: Hub,
    store: Store,
    fed: i64,
    feed_planned: bool,
    due: BTreeMap<(i64, u64), Due>,
    dues: u64,
    sessions: u64,
    viewers: BTreeMap<u64, Viewer>,
    /// Sockets that do not write now, and the bytes they hold.
    stalled: BTreeMap<u64, usize>,
    ops: Vec<(u64, Value)>,
    ids: u128,
    /// Successful hub runs by epoch, account and operation.
    ran: BTreeMap<(u128, AccountId, CommandId), usize>,
    /// What each (epoch, channel, seq) was: the same for everybody.
    seen: BTreeMap<(u128, ChannelId, u64), Timeline>,
    /// Positions of this hub's snapshots by channel.
    snapshots: BTreeMap<ChannelId, i64>,
    acks: BTreeMap<(AccountId, String), Value>,
    parsed: Option<(Bytes, Value)>,
    totals: Totals,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let origin = -rng.random_range(0..10_000_000);
        Self {
            rng,
            now: 0,
            origin,
            epoch: 1,
            hub: Hub::new(Uuid::from_u128(1), Position::START),
            store: Store::default(),
            fed: 0,
            feed_planned: false,
            due: BTreeMap::new(),
            dues: 0,
            sessions: 0,
            viewers: BTreeMap::new(),
            stalled: BTreeMap::new(),
            ops: vec![],
            ids: 0,
            ran: BTreeMap::new(),
            seen: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            acks: BTreeMap::new(),
            parsed: None,
            totals: Totals::default(),
        }
    }

    /// Runs to rest and checks what must hold then.
    pub fn run(mut self) -> Totals {
        for _ in 0..ACTS {
            let at = self.rng.random_range(0..RUN_MS * 1_000);
            self.plan(at, Due::Act);
        }
        for _ in 0..self.rng.random_range(0..3) {
            let at = self.rng.random_range(0..RUN_MS * 1_000);
            self.plan(at, Due::Restart);
        }
        self.advance(RUN_MS * 1_000);
        for session in self.stalled.keys().copied().collect::<Vec<_>>() {
            self.stall(session);
        }
        // Long enough for the film to end and for everything under way to answer.
        self.advance((RUN_MS + 30_000) * 1_000);
        self.check_rest();
        self.totals
    }

    fn advance(&mut self, until: i64) {
        loop {
            let planned = self.due.first_key_value().map(|((at, _), _)| *at);
            let timer = self.hub.poll_timeout().map(|due| due.0 + self.origin);
            let Some(next) = planned.into_iter().chain(timer).min().filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            if planned == Some(next) {
                let (_, due) = self.due.pop_first().unwrap();
                self.happen(due);
            } else {
                self.input(Input::Tick);
            }
        }
        self.now = until;
    }

    fn plan(&mut self, at: i64, due: Due) {
        self.dues += 1;
        self.due.insert((at, self.dues), due);
    }
    fn later(&mut self, ms_max: i64, due: Due) {
        let delay = self.rng.random_range(0..=ms_max * 1_000);
        self.plan(self.now + delay, due);
    }
    fn hub_now(&self) -> HubTime {
        HubTime(self.now - self.origin)
    }
    fn wall(&self) -> i64 {
        WALL_US + self.now
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Act => self.act(),
            Due::Restart => self.restart(),
            Due::Ready { session, seq } => self.report_ready(session, seq),
            Due::Written { session, bytes } => self.input(Input::Written { session: SessionId(session), bytes }),
            Due::Feed => self.feed(),
            Due::Decide { epoch, run } => self.decide(epoch, &run),
            Due::Done { epoch, ticket, result } if epoch == self.epoch => {
                self.input(Input::CommandDone { ticket, result });
            }
            Due::Standing { epoch, session, result } if epoch == self.epoch => {
                self.input(Input::Membership { session: SessionId(session), result });
            }
            Due::ReadChannel { epoch, channel } => {
                let snapshot = self.store.snapshot(channel, self.wall(), self.hub_now());
                self.later(200, Due::Loaded { epoch, channel, snapshot });
            }
            Due::Loaded { epoch, channel, snapshot } if epoch == self.epoch => {
                self.snapshots.insert(channel, snapshot.position.as_i64());
                self.input(Input::ChannelLoaded { channel, result: Ok(snapshot) });
            }
            Due::Done { .. } | Due::Standing { .. } | Due::Loaded { .. } => {}
        }
    }

    /// A command reaches the store, whether or not the hub that sent it still lives.
    fn decide(&mut self, epoch: u128, run: &RunCommand) {
        if self.rng.random_bool(0.03) {
            return self.later(20, Due::Done { epoch, ticket: run.ticket, result: Err(Refusal::unavailable("")) });
        }
        let result = self.store.command(self.wall(), run.channel, run.account, run.op, &run.command);
        match &result {
            Ok(done) => {
                if let Some((account, op)) = run.account.zip(run.op) {
                    let times = self.ran.entry((epoch, account, op)).or_default();
                    *times += 1;
                    assert_eq!(*times, 1, "the hub ran an operation again that had succeeded");
                }
                if done.changed && matches!(run.command, Command::End { .. }) {
                    self.totals.ended += 1;
                }
            }
            Err(_) => self.totals.refused += 1,
        }
        self.wake_feed(40);
        self.later(20, Due::Done { epoch, ticket: run.ticket, result });
    }

    fn wake_feed(&mut self, ms_max: i64) {
        // Now and then the feed hangs.
        let ms_max = if self.rng.random_bool(0.1) { 500 } else { ms_max };
        if !std::mem::replace(&mut self.feed_planned, true) {
            self.later(ms_max, Due::Feed);
        }
    }

    /// The feed tells some of what it has not told yet.
    fn feed(&mut self) {
        self.feed_planned = false;
        let from = usize::try_from(self.fed).unwrap();
        let new = self.store.log.len() - from;
        if new == 0 {
            return;
        }
        let count = self.rng.random_range(1..=new.min(8));
        let events = self.store.log[from..from + count].to_vec();
        self.fed += i64::try_from(count).unwrap();
        if count < new {
            self.wake_feed(20);
        }
        self.input(Input::Feed { events, through: Position::from_i64(self.fed) });
    }

    fn restart(&mut self) {
        self.totals.restarts += 1;
        self.epoch += 1;
        self.origin = self.now - self.rng.random_range(0..5_000_000);
        self.fed = self.store.head().as_i64();
        self.hub = Hub::new(Uuid::from_u128(self.epoch), Position::from_i64(self.fed));
        self.stalled.clear();
        self.snapshots.clear();
        for (_, viewer) in self.viewers.iter_mut().filter(|(_, viewer)| viewer.closed.is_none()) {
            viewer.closed = Some(1006);
        }
    }

    fn input(&mut self, input: Input) {
        let fills = !matches!(input, Input::Written { .. });
        self.hub.handle(self.hub_now(), input);
        while let Some(output) = self.hub.poll_output() {
            self.output(output);
        }
        for (session, _) in self.viewers.iter().filter(|(_, viewer)| fills && viewer.closed.is_none()) {
            if let Some((events, bytes)) = self.hub.queued(SessionId(*session)) {
                assert!(events <= QUEUED_EVENTS_MAX && bytes <= QUEUED_BYTES_MAX, "{events} events, {bytes} bytes");
            }
        }
    }

    fn output(&mut self, output: Output) {
        let epoch = self.epoch;
        match output {
            Output::Send { session, bytes } => self.sent(session.0, bytes),
            Output::Close { session, code, .. } => {
                let viewer = self.viewers.get_mut(&session.0).unwrap();
                assert!(viewer.closed.replace(code).is_none(), "closed twice");
                assert!(code != 4408 || !viewer.fast, "a fast reader was closed as slow");
                self.totals.slow_closed += usize::from(code == 4408);
                self.totals.banned += usize::from(code == 4403);
                self.stalled.remove(&session.0);
            }
            Output::Run(run) => {
                self.check_release(&run);
                self.later(60, Due::Decide { epoch, run });
            }
            Output::Publish { .. } => panic!("a hub that hears nobody says nothing"),
            Output::LoadChannel { channel } => self.later(200, Due::ReadChannel { epoch, channel }),
            Output::CheckMember { session, channel, account } => {
                let result = self.store.standing(channel, account);
                self.later(30, Due::Standing { epoch, session: session.0, result });
            }
        }
    }

    fn sent(&mut self, session: u64, bytes: Bytes) {
        self.totals.frames += 1;
        let length = bytes.len();
        // A frame for everybody is serialised once; so it is read once.
        if self.parsed.as_ref().is_none_or(|(held, _)| held.as_ptr() != bytes.as_ptr()) {
            let frame = serde_json::from_slice(&bytes).unwrap();
            self.parsed = Some((bytes, frame));
        }
        let frame = &self.parsed.as_ref().unwrap().1;
        let viewer = self.viewers.get_mut(&session).unwrap();
        let snapshot = self.snapshots.get(&viewer.channel).copied().unwrap_or(0);
        viewer.receive(Told { through: self.fed, snapshot }, &self.store, frame);
        if frame["t"] == "joined" {
            self.totals.resumed += usize::from(viewer.resumed);
            self.totals.too_late += usize::from(!viewer.resumed && viewer.visit != session);
            let film = self.store.film(viewer.channel, self.fed.max(snapshot));
            check_joined(viewer.timeline, film, HubTime(self.now - self.origin), self.now + WALL_US);
        }
        // One that changed nothing may decide again at another hub; one that did has one receipt for ever.
        if frame["t"] == "ack" && frame["changed"] == true {
            let op = frame["op"].as_str().unwrap().to_owned();
            let position = frame["position"].clone();
            let held = self.acks.entry((viewer.account, op)).or_insert_with(|| position.clone());
            assert_eq!(*held, position, "one operation, two receipts");
        }
        if let Some(timeline) = viewer.timeline {
            let key = (self.epoch, viewer.channel, timeline.seq);
            assert_eq!(*self.seen.entry(key).or_insert(timeline), timeline, "viewers were told different timelines");
        }
        match self.stalled.get_mut(&session) {
            Some(held) => *held += length,
            None => self.later(1, Due::Written { session, bytes: length }),
        }
        self.buffer(session);
    }

    /// A player that learns of a held film buffers it; some never get there.
    fn buffer(&mut self, session: u64) {
        let Some(viewer) = self.viewers.get_mut(&session) else { return };
        let Some(held) = viewer.timeline.filter(|held| held.hold_until_us.is_some()) else { return };
        if std::mem::replace(&mut viewer.aimed, held.seq) != held.seq && self.rng.random_bool(0.85) {
            self.later(3_000, Due::Ready { session, seq: held.seq });
        }
    }

    fn report_ready(&mut self, session: u64, seq: u64) {
        let Some(viewer) = self.viewers.get_mut(&session).filter(|viewer| viewer.closed.is_none()) else { return };
        viewer.ready.insert(seq);
        self.frame(session, &json!({"t": "report", "state": "paused", "error_us": 5, "bound_us": 1, "ready": seq}));
    }

    /// A held film starts when everybody here is ready or at its deadline, and for no other reason.
    fn check_release(&mut self, run: &RunCommand) {
        let Command::Release { cause } = run.command else { return };
        let told = self.seen.iter().filter(|((epoch, channel, _), _)| (*epoch, *channel) == (self.epoch, run.channel));
        let held = told.map(|(_, timeline)| *timeline).max_by_key(|timeline| timeline.seq);
        // Nobody was told when nobody reads; then nobody can be asked either.
        let Some(held) = held else { return };
        let until = held.hold_until_us.expect("only what is held is released");
        if cause == ReleaseCause::Deadline {
            self.totals.released_late += 1;
            return assert!(self.hub_now() >= until, "released before its deadline: {held:?}");
        }
        self.totals.released_ready += 1;
        let here = |viewer: &&Viewer| {
            viewer.channel == run.channel && viewer.closed.is_none() && viewer.joined_at.is_some() && !viewer.blocked
        };
        for viewer in self.viewers.values().filter(here) {
            assert!(
                viewer.ready.contains(&held.seq),
                "started without somebody who was not ready: {held:?} {viewer:?}"
            );
        }
    }

    fn act(&mut self) {
        let open: Vec<u64> =
            self.viewers.iter().filter(|(_, viewer)| viewer.closed.is_none()).map(|(id, _)| *id).collect();
        if open.len() < 2 || (open.len() < 8 && self.rng.random_bool(0.15)) {
            return self.connect();
        }
        let session = open[self.rng.random_range(0..open.len())];
        match self.rng.random_range(0..100) {
            0..45 => self.intent(session),
            45..70 => self.chat(session),
            70..78 => self.repeat(session),
            78..81 => self.frame(session, &json!({"t": "report", "state": "playing", "error_us": 5, "bound_us": 1})),
            81 => {
                self.viewers.get_mut(&session).unwrap().blocked = true;
                self.frame(session, &json!({"t": "report", "state": "blocked", "error_us": null, "bound_us": null}));
            }
            82..84 => self.frame(session, &json!({"t": "typing"})),
            84..88 => self.disconnect(session),
            88..92 => self.stall(session),
            92..94 => self.flood(session),
            94..96 => self.ban(session),
            _ => self.outside(session),
        }
    }

    fn connect(&mut self) {
        self.sessions += 1;
        let session = self.sessions;
        let gone: Vec<u64> = self.viewers.iter().filter(|(_, viewer)| viewer.may_return()).map(|(id, _)| *id).collect();
        if !gone.is_empty() && self.rng.random_bool(0.6) {
            let before = gone[self.rng.random_range(0..gone.len())];
            return self.come_back(session, before);
        }
        let who = self.rng.random_range(1..7);
        let channel = ChannelId(Uuid::from_u128(self.rng.random_range(1..3)));
        self.enter(session, who, Viewer::new(account(who), channel, session, None));
    }
    /// A viewer whose socket broke, on a new one.
    fn come_back(&mut self, session: u64, before: u64) {
        let held = self.viewers.get_mut(&before).unwrap();
        held.continued = true;
        let viewer = Viewer::new(held.account, held.channel, held.visit, Some(held.view.clone()));
        let who = (1..7).find(|who| account(*who) == viewer.account).unwrap();
        self.enter(session, who, viewer);
    }
    fn enter(&mut self, session: u64, who: u64, viewer: Viewer) {
        let mut join = json!({"t": "join", "channel": viewer.channel, "visit": visit(viewer.visit)});
        if let Some(after) = viewer.after() {
            join["after"] = json!(after.to_string());
        }
        self.store.join(viewer.channel, account(who));
        self.viewers.insert(session, viewer);
        let person = Person { id: account(who), name: String::new() };
        self.input(Input::Connected { session: SessionId(session), account: person, role: PlatformRole::Member });
        self.frame(session, &join);
    }

    fn frame(&mut self, session: u64, frame: &Value) {
        if let Some(op) = frame["op"].as_str() {
            self.viewers.get_mut(&session).unwrap().asked.insert(op.to_owned());
        }
        self.input(Input::Frame { session: SessionId(session), frame: parse(&frame.to_string()) });
    }
    fn fresh(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(0xffff_0000 + self.ids)
    }
    fn ask(&mut self, session: u64, frame: Value) {
        self.frame(session, &frame);
        self.ops.push((session, frame));
    }

    fn intent(&mut self, session: u64) {
        let verb = ["play", "play", "play", "pause", "seek", "load", "rate"][self.rng.random_range(0..7)];
        let mut frame = json!({"t": "intent", "op": self.fresh(), "verb": verb});
        match verb {
            "seek" => frame["position_us"] = json!(self.rng.random_range(0..9_000_000)),
            "load" => frame["video"] = json!(VIDEO),
            "rate" => {
                self.totals.rates += 1;
                frame["rate_ppm"] = json!(500_000 + 250_000 * self.rng.random_range(0..7));
            }
            _ => {}
        }
        self.ask(session, frame);
    }
    fn chat(&mut self, session: u64) {
        let text = "x".repeat(self.rng.random_range(1..60));
        let frame = json!({"t": "chat", "op": self.fresh(), "id": self.fresh(), "text": text, "playback_us": null});
        self.ask(session, frame);
    }
    /// The same account says something again, perhaps on another socket, perhaps to another hub.
    fn repeat(&mut self, session: u64) {
        let (who, channel) = (self.viewers[&session].account, self.viewers[&session].channel);
        let same = |viewer: &Viewer| viewer.account == who && viewer.channel == channel;
        let said: Vec<Value> =
            self.ops.iter().filter(|(from, _)| same(&self.viewers[from])).map(|(_, frame)| frame.clone()).collect();
        if let Some(frame) = said.get(self.rng.random_range(0..said.len().max(1))) {
            self.totals.repeats += 1;
            self.frame(session, frame);
        }
    }
    fn disconnect(&mut self, session: u64) {
        self.viewers.get_mut(&session).unwrap().closed = Some(1001);
        self.stalled.remove(&session);
        self.input(Input::Disconnected { session: SessionId(session) });
    }
    fn stall(&mut self, session: u64) {
        self.viewers.get_mut(&session).unwrap().fast = false;
        match self.stalled.remove(&session) {
            Some(bytes) => self.input(Input::Written { session: SessionId(session), bytes }),
            None => {
                self.stalled.insert(session, 0);
            }
        }
    }
    /// Many messages at once from outside the hub (the GraphQL API).
    fn flood(&mut self, session: u64) {
        let (who, channel) = (self.viewers[&session].account, self.viewers[&session].channel);
        let text = "y".repeat(self.rng.random_range(1..60));
        for _ in 0..self.rng.random_range(1..200) {
            let chat = Command::Chat {
                id: MessageId(self.fresh()),
                text: text.clone(),
                playback: None,
                reply_to: None,
                mentions: vec![],
            };
            let op = CommandId(self.fresh());
            let _ = self.store.command(self.wall(), channel, Some(who), Some(op), &chat);
        }
        self.wake_feed(10);
    }
    fn ban(&mut self, session: u64) {
        let (who, channel) = (self.viewers[&session].account, self.viewers[&session].channel);
        self.store.ban(channel, who, true);
        if self.rng.random_bool(0.5) {
            self.store.ban(channel, who, false);
        }
        self.wake_feed(10);
    }
    /// A playback command from outside the hub.
    fn outside(&mut self, session: u64) {
        let (who, channel) = (self.viewers[&session].account, self.viewers[&session].channel);
        let command = match self.rng.random_range(0..3) {
            0 => Command::Play { position: None, hold: self.rng.random_bool(0.5) },
            1 => Command::Pause { position: None },
            _ => Command::Load { video: VIDEO },
        };
        let op = CommandId(self.fresh());
        let _ = self.store.command(self.wall(), channel, Some(who), Some(op), &command);
        self.wake_feed(10);
    }

    fn check_rest(&mut self) {
        assert_eq!(self.fed, self.store.head().as_i64(), "the feed told everything");
        self.totals.events = self.store.log.len();
        for viewer in self.viewers.values() {
            viewer.check_view(&self.store);
        }
        for (channel, held) in &self.store.channels {
            let here: Vec<(&u64, &Viewer)> = self
                .viewers
                .iter()
                .filter(|(_, viewer)| viewer.channel == *channel && viewer.closed.is_none())
                .collect();
            let present: BTreeSet<String> = here.iter().map(|(_, viewer)| viewer.seat.clone()).collect();
            for (session, viewer) in &here {
                assert!(viewer.joined_at.is_some(), "session {session} never joined");
                assert!(viewer.asked.is_empty(), "session {session} got no answer to {:?}", viewer.asked);
                assert_eq!(viewer.timeline, here[0].1.timeline, "viewers disagree");
                assert_eq!(viewer.members, present, "session {session} sees others than are here");
                let (state, _) = &held.members[&viewer.account];
                assert!(!state.banned, "a banned viewer is still here");
                assert_eq!(
                    viewer.timeline.map(|t| (t.video, t.rate_ppm > 0)),
                    held.playback.video.map(|v| (v, held.playback.playing))
                );
                if let Some(timeline) = viewer.timeline.filter(|_| !held.playback.playing) {
                    assert_eq!(timeline.position_us, held.playback.position, "paused elsewhere than the log says");
                }
                assert!(!held.playback.playing, "the film should have ended by now");
                assert_eq!(held.playback.held_until, None, "a film still waits for viewers");
            }
        }
    }
}
