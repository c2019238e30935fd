//! The nodes, what lies between them, and their viewers as their clients see it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lockstep_domain::{
    account::PlatformRole,
    ids::{AccountId, CommandId, VisitId},
    time::MediaTime,
};
use lockstep_sync_hub::{
    Command, Done, Hub, HubTime, Input, Output, Refusal, RunCommand, SessionId, Snapshot, Standing, Timeline,
    bus::{BusFrame, Say, parse as parse_bus},
    protocol::{Person, parse},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    rig::{CHANNEL, VIDEO, account, visit},
    simulation::store::Store,
};

const WALL_US: i64 = 1_700_000_000_000_000;
const HOUR_US: i64 = 3_600_000_000;

/// One process.
pub struct Node {
    pub hub: Option<Hub>,
    pub id: Uuid,
    /// Its clock: what it shows at true time 0, and how fast it runs.
    origin: i64,
    ppm: i64,
    started: bool,
    fed: i64,
    feed_planned: bool,
    /// It reaches neither the log nor the store.
    pub cut: bool,
}

impl Node {
    pub fn clock(&self, true_us: i64) -> HubTime {
        let run = i128::from(true_us) * (1_000_000 + i128::from(self.ppm)) / 1_000_000;
        HubTime(self.origin + run as i64)
    }
    fn true_us(&self, at: HubTime) -> i64 {
        let rate = 1_000_000 + i128::from(self.ppm);
        let run = i128::from(at.0.max(i64::MIN / 8)) - i128::from(self.origin);
        ((run * 1_000_000).div_euclid(rate) + 1) as i64
    }
}

/// One viewer's connection.
#[derive(Debug, Clone)]
pub struct Client {
    pub node: usize,
    pub who: u64,
    pub visit: u64,
    pub closed: Option<u16>,
    pub joined_at: Option<i64>,
    pub seat: String,
    pub timeline: Option<Timeline>,
    /// Positions of the playback changes it was told, and of chat.
    pub changes: Vec<i64>,
    pub news: Vec<i64>,
    /// Seats and whose they are.
    pub members: BTreeMap<String, AccountId>,
    pub away: BTreeSet<String>,
    pub people: u64,
    /// Every seat it was ever told had left.
    pub left: BTreeSet<String>,
    pub retimed: usize,
    /// Everything else it was told.
    pub other: Vec<Value>,
}

enum Due {
    Feed { node: usize },
    Decide { node: usize, id: Uuid, run: RunCommand },
    Done { node: usize, id: Uuid, ticket: u64, result: Result<Done, Refusal> },
    Standing { node: usize, id: Uuid, session: u64, result: Result<Standing, Refusal> },
    Read { node: usize, id: Uuid },
    Loaded { node: usize, id: Uuid, result: Result<Snapshot, Refusal> },
    Bus { node: usize, frame: Bytes },
}

/// How the bus behaves.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub delay_us: (i64, i64),
    pub loss: f64,
}

pub struct World {
    pub rng: StdRng,
    pub now: i64,
    pub nodes: Vec<Node>,
    pub store: Store,
    pub line: Line,
    /// Nodes that do not hear each other.
    pub parted: bool,
    /// Every clock looks like every other: what happens when times are not converted.
    pub unconverted: bool,
    pub clients: BTreeMap<u64, Client>,
    /// Only these read what they are told, when there are any: a crowd's reading takes long.
    pub readers: BTreeSet<u64>,
    /// Commands of the hubs themselves, and every departure.
    pub ran: Vec<(usize, Command)>,
    pub departed: BTreeMap<VisitId, usize>,
    due: BTreeMap<(i64, u64), Due>,
    dues: u64,
    /// When the last frame from one node to another arrives: frames do not overtake each other.
    arrivals: BTreeMap<(usize, usize), i64>,
    sockets: u64,
    ops: u128,
}

impl World {
    pub fn new(seed: u64, nodes: usize) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let ids: Vec<Uuid> = (0..nodes).map(|_| Uuid::from_u128(rng.random())).collect();
        let origins = [HOUR_US, -HOUR_US, 17];
        let drifts = [100, -100, 0];
        let made = |(index, id): (usize, Uuid)| Node {
            hub: None,
            id,
            origin: origins[index % 3],
            ppm: drifts[index % 3],
            started: false,
            fed: 0,
            feed_planned: false,
            cut: false,
        };
        let nodes: Vec<Node> = ids.into_iter().enumerate().map(made).collect();
        let mut store = Store::default();
        store.duration = Some(MediaTime(900_000_000));
        let mut world = Self {
            rng,
            now: 0,
            nodes,
            store,
            line: Line { delay_us: (300, 3_000), loss: 0.05 },
            parted: false,
            unconverted: false,
            clients: BTreeMap::new(),
            readers: BTreeSet::new(),
            ran: vec![],
            departed: BTreeMap::new(),
            due: BTreeMap::new(),
            dues: 0,
            arrivals: BTreeMap::new(),
            sockets: 0,
            ops: 0,
        };
        for node in 0..world.nodes.len() {
            world.start(node);
        }
        world
    }

    /// The index of the node with the lowest id among these.
    pub fn lowest(&self, nodes: impl IntoIterator<Item = usize>) -> usize {
        nodes.into_iter().min_by_key(|node| self.nodes[*node].id).unwrap()
    }

    /// Starts a node that is not there, as a new process.
    pub fn start(&mut self, node: usize) {
        let id = match std::mem::replace(&mut self.nodes[node].started, true) {
            false => self.nodes[node].id,
            true => Uuid::from_u128(self.rng.random()),
        };
        self.start_as(node, id);
    }
    pub fn start_as(&mut self, node: usize, id: Uuid) {
        let head = self.store.head();
        let held = &mut self.nodes[node];
        held.id = id;
        (held.fed, held.hub) = (head.as_i64(), Some(Hub::new(id, head)));
        self.input(node, Input::BusUp);
    }
    /// Ends a process without a word.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].hub = None;
        for client in self.clients.values_mut().filter(|client| client.node == node) {
            client.closed.get_or_insert(1006);
        }
    }

    pub fn advance_ms(&mut self, ms: i64) {
        self.advance(self.now + ms * 1_000);
    }
    pub fn advance(&mut self, until: i64) {
        loop {
            let planned = self.due.first_key_value().map(|((at, _), _)| *at);
            let timers = self.nodes.iter().enumerate().filter_map(|(index, node)| {
                let due = node.hub.as_ref()?.poll_timeout()?;
                Some((node.true_us(due).max(self.now), index))
            });
            let timer = timers.min();
            let next = planned.into_iter().chain(timer.map(|(at, _)| at)).min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            match timer {
                Some((at, node)) if planned.is_none_or(|planned| at < planned) => self.input(node, Input::Tick),
                _ => {
                    let (_, due) = self.due.pop_first().unwrap();
                    self.happen(due);
                }
            }
        }
        self.now = until;
    }

    fn later(&mut self, (least, most): (i64, i64), due: Due) {
        let at = self.now + self.rng.random_range(least..=most);
        self.plan(at, due);
    }
    fn plan(&mut self, at: i64, due: Due) {
        self.dues += 1;
        self.due.insert((at, self.dues), due);
    }
    fn wall(&self) -> i64 {
        WALL_US + self.now
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Feed { node } => self.feed(node),
            Due::Decide { node, id, run } => self.decide(node, id, &run),
            Due::Done { node, id, ticket, result } => {
                if self.nodes[node].id == id {
                    self.input(node, Input::CommandDone { ticket, result });
                }
            }
            Due::Standing { node, id, session, result } => {
                if self.nodes[node].id == id {
                    self.input(node, Input::Membership { session: SessionId(session), result });
                }
            }
            Due::Read { node, id } => {
                let result = match self.nodes[node].cut {
                    true => Err(Refusal::unavailable("")),
                    false => Ok(self.store.snapshot(CHANNEL, self.wall(), self.nodes[node].clock(self.now))),
                };
                self.later((500, 20_000), Due::Loaded { node, id, result });
            }
            Due::Loaded { node, id, result } => {
                if self.nodes[node].id == id {
                    self.input(node, Input::ChannelLoaded { channel: CHANNEL, result });
                }
            }
            Due::Bus { node, frame } => {
                let frame = parse_bus(&frame).expect("hubs understand each other");
                self.input(node, Input::Bus { frame });
            }
        }
    }

    fn decide(&mut self, node: usize, id: Uuid, run: &RunCommand) {
        let result = match self.nodes[node].cut {
            true => Err(Refusal::unavailable("")),
            false => self.store.command(self.wall(), run.channel, run.account, run.op, &run.command),
        };
        if let (Command::Depart { visit }, Ok(_)) = (&run.command, &result) {
            *self.departed.entry(*visit).or_default() += 1;
        }
        self.wake_feeds();
        self.later((200, 3_000), Due::Done { node, id, ticket: run.ticket, result });
    }

    /// Every node hears of the log in its own time, and now and then late.
    pub fn wake_feeds(&mut self) {
        for node in 0..self.nodes.len() {
            let most = if self.rng.random_bool(0.02) { 200_000 } else { 20_000 };
            if !std::mem::replace(&mut self.nodes[node].feed_planned, true) {
                self.later((500, most), Due::Feed { node });
            }
        }
    }

    fn feed(&mut self, node: usize) {
        self.nodes[node].feed_planned = false;
        if self.nodes[node].cut || self.nodes[node].hub.is_none() {
            return;
        }
        let head = self.store.log.len();
        let from = std::mem::replace(&mut self.nodes[node].fed, i64::try_from(head).unwrap());
        let events = self.store.log[usize::try_from(from).unwrap()..].to_vec();
        self.input(node, Input::Feed { events, through: self.store.head() });
    }

    pub fn input(&mut self, node: usize, input: Input) {
        let now = self.nodes[node].clock(self.now);
        let Some(hub) = &mut self.nodes[node].hub else { return };
        hub.handle(now, input);
        while let Some(output) = self.nodes[node].hub.as_mut().and_then(Hub::poll_output) {
            self.output(node, output);
        }
    }

    fn output(&mut self, node: usize, output: Output) {
        let id = self.nodes[node].id;
        match output {
            Output::Send { session, bytes } => {
                if self.readers.is_empty() || self.readers.contains(&session.0) {
                    let client = self.clients.get_mut(&session.0).unwrap();
                    client.receive(&serde_json::from_slice(&bytes).unwrap());
                }
                let now = self.nodes[node].clock(self.now);
                let written = Input::Written { session, bytes: bytes.len() };
                self.nodes[node].hub.as_mut().unwrap().handle(now, written);
            }
            Output::Close { session, code, .. } => {
                self.clients.get_mut(&session.0).unwrap().closed.get_or_insert(code);
            }
            Output::Run(run) => {
                if run.account.is_none() || matches!(run.command, Command::Depart { .. }) {
                    self.ran.push((node, run.command.clone()));
                }
                self.later((500, 8_000), Due::Decide { node, id, run });
            }
            Output::LoadChannel { .. } => self.later((200, 5_000), Due::Read { node, id }),
            Output::CheckMember { session, channel, account } => {
                let result = match self.nodes[node].cut {
                    true => Err(Refusal::unavailable("")),
                    false => self.store.standing(channel, account),
                };
                self.later((200, 5_000), Due::Standing { node, id, session: session.0, result });
            }
            Output::Publish { frame } => self.publish(node, &frame),
        }
    }

    fn publish(&mut self, from: usize, frame: &Bytes) {
        if self.parted {
            return;
        }
        for node in (0..self.nodes.len()).filter(|node| *node != from) {
            if self.rng.random_bool(self.line.loss) {
                continue;
            }
            let (least, most) = self.line.delay_us;
            let at = self.now + self.rng.random_range(least..=most);
            let before = self.arrivals.entry((from, node)).or_default();
            *before = at.max(*before);
            let at = *before;
            let frame = if self.unconverted { without_clocks(frame) } else { frame.clone() };
            self.plan(at, Due::Bus { node, frame });
        }
    }

    /// Opens a socket; `visit` again is the same visit.
    pub fn join(&mut self, node: usize, who: u64, visit_id: u64) -> u64 {
        self.sockets += 1;
        // As processes do: no two give the same number.
        let session = (self.nodes[node].id.as_u64_pair().1 << 32) + self.sockets;
        self.store.join(CHANNEL, account(who));
        self.clients.insert(session, Client::new(node, who, visit_id));
        let person = Person { id: account(who), name: format!("viewer {who}") };
        let role = PlatformRole::Member;
        self.input(node, Input::Connected { session: SessionId(session), account: person, role });
        self.frame(session, &json!({"t": "join", "channel": CHANNEL, "visit": visit(visit_id)}));
        session
    }
    pub fn disconnect(&mut self, session: u64) {
        let client = self.clients.get_mut(&session).unwrap();
        client.closed.get_or_insert(1001);
        let node = client.node;
        self.input(node, Input::Disconnected { session: SessionId(session) });
    }
    pub fn frame(&mut self, session: u64, frame: &Value) {
        let node = self.clients[&session].node;
        self.input(node, Input::Frame { session: SessionId(session), frame: parse(&frame.to_string()) });
    }
    pub fn op(&mut self) -> CommandId {
        self.ops += 1;
        CommandId(Uuid::from_u128(0xabc_0000 + self.ops))
    }
    pub fn intent(&mut self, session: u64, verb: &str, more: Value) {
        let mut frame = json!({"t": "intent", "op": self.op(), "verb": verb});
        for (key, value) in more.as_object().unwrap() {
            frame[key] = value.clone();
        }
        self.frame(session, &frame);
    }
    pub fn load(&mut self, session: u64) {
        self.intent(session, "load", json!({"video": VIDEO}));
        self.advance_ms(300);
    }
    pub fn chat(&mut self, session: u64) {
        let (op, id) = (self.op(), self.op());
        self.frame(session, &json!({"t": "chat", "op": op, "id": id, "text": "hi", "playback_us": null}));
    }
    pub fn open(&self) -> Vec<u64> {
        let open = self.clients.iter().filter(|(_, client)| client.closed.is_none());
        open.map(|(session, _)| *session).collect()
    }

    /// Where the film is on this viewer's screen, µs.
    pub fn shows(&self, session: u64, true_us: i64) -> Option<i64> {
        let client = &self.clients[&session];
        Some(client.timeline?.position_at(self.nodes[client.node].clock(true_us)).0)
    }
    /// When the last change this viewer was told takes effect, true time.
    pub fn takes_effect(&self, session: u64) -> Option<i64> {
        let client = &self.clients[&session];
        Some(self.nodes[client.node].true_us(client.timeline?.at_hub_us))
    }
    /// Positions of the channel's playback changes in the log.
    pub fn changes(&self) -> Vec<i64> {
        use lockstep_sync_hub::Fact;
        let changes = self.store.log.iter().filter(|event| matches!(event.fact, Fact::Playback(_)));
        changes.map(|event| event.position.as_i64()).collect()
    }
    /// What the clock of this viewer's node shows.
    pub fn clock_of(&self, session: u64) -> HubTime {
        self.nodes[self.clients[&session].node].clock(self.now)
    }
    /// What a node knows of the other's clock is never further off than it says.
    pub fn check_clocks(&self) -> usize {
        let mut known = 0;
        for node in &self.nodes {
            let Some(hub) = &node.hub else { continue };
            for (peer, estimate) in hub.peers() {
                let Some(theirs) = self.nodes.iter().find(|other| other.id == peer) else { continue };
                let Some(estimate) = estimate else { continue };
                known += 1;
                let offset_us = theirs.clock(self.now).0 - node.clock(self.now).0;
                let wrong_us = (estimate.offset_us - offset_us).abs();
                assert!(wrong_us <= estimate.bound_us + 10, "{wrong_us} us off, {} said", estimate.bound_us);
            }
        }
        known
    }
}

/// Makes every answer to a probe say that both clocks are one.
fn without_clocks(frame: &Bytes) -> Bytes {
    match parse_bus(frame).unwrap() {
        BusFrame { from, say: Say::Pong { to, t1, .. }, .. } => {
            BusFrame { from, at_us: t1, say: Say::Pong { to, t1, t2: t1 } }.bytes()
        }
        frame => frame.bytes(),
    }
}

impl Client {
    fn new(node: usize, who: u64, visit: u64) -> Self {
        Self {
            node,
            who,
            visit,
            closed: None,
            joined_at: None,
            seat: String::new(),
            timeline: None,
            changes: vec![],
            news: vec![],
            members: BTreeMap::new(),
            away: BTreeSet::new(),
            people: 0,
            left: BTreeSet::new(),
            retimed: 0,
            other: vec![],
        }
    }

    fn receive(&mut self, frame: &Value) {
        match frame["t"].as_str().unwrap() {
            "joined" => {
                self.joined_at = Some(number(&frame["position"]));
                self.seat = text(&frame["seat"]);
                self.timeline = serde_json::from_value(frame["timeline"].clone()).unwrap();
                self.people = frame["people"].as_u64().unwrap();
                frame["members"].as_array().unwrap().iter().for_each(|member| self.here(member));
            }
            "batch" => frame["events"].as_array().unwrap().iter().for_each(|event| self.event(event)),
            "hello" | "ack" => {}
            _ => self.other.push(frame.clone()),
        }
    }

    fn here(&mut self, member: &Value) {
        let seat = text(&member["session"]);
        self.members.insert(seat.clone(), serde_json::from_value(member["account"]["id"].clone()).unwrap());
        self.state(&seat, member);
    }
    fn state(&mut self, seat: &str, member: &Value) {
        match member["state"] == "away" {
            true => self.away.insert(seat.to_owned()),
            false => self.away.remove(seat),
        };
    }

    fn event(&mut self, event: &Value) {
        match event["e"].as_str().unwrap() {
            "timeline" => {
                let position = number(&event["position"]);
                assert!(self.changes.last().is_none_or(|last| *last < position), "out of order");
                self.changes.push(position);
                self.timeline(event);
            }
            "retimed" => {
                self.retimed += 1;
                self.timeline(event);
            }
            "message" => self.news.push(number(&event["position"])),
            "presence" => {
                self.people = event["people"].as_u64().unwrap();
                for seat in event["left"].as_array().unwrap() {
                    self.members.remove(&text(seat));
                    self.away.remove(&text(seat));
                    self.left.insert(text(seat));
                }
                event["joined"].as_array().unwrap().iter().for_each(|member| self.here(member));
                event["changed"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .for_each(|member| self.state(&text(&member["session"]), member));
            }
            _ => self.other.push(event.clone()),
        }
    }

    fn timeline(&mut self, event: &Value) {
        let next: Timeline = serde_json::from_value(event["timeline"].clone()).unwrap();
        if let Some(held) = self.timeline {
            assert_eq!((next.epoch, next.seq), (held.epoch, held.seq + 1), "a gap in seq");
        }
        self.timeline = Some(next);
    }
}

fn number(value: &Value) -> i64 {
    value.as_str().unwrap().parse().unwrap()
}
fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
