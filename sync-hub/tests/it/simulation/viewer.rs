//! One viewer's socket as its client sees it: what it got, checked against the log.

use std::collections::BTreeSet;

use lockstep_domain::ids::{AccountId, ChannelId};
use lockstep_sync_hub::{Fact, Timeline};
use serde_json::Value;

use super::store::Store;

/// What the hub may know when it sends.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// How far its feed has told.
    pub through: i64,
    /// The position of the channel's snapshot.
    pub snapshot: i64,
}

/// The durable news a viewer has, over all connections that were joined without a gap.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Nothing at or before this position is in it.
    from: i64,
    news: Vec<i64>,
    /// The position to name when joining again.
    pub seen: i64,
}

/// What one connection got.
#[derive(Debug)]
pub struct Viewer {
    pub account: AccountId,
    pub channel: ChannelId,
    /// Never kept waiting: must get every timeline and may never be closed as slow.
    pub fast: bool,
    pub closed: Option<u16>,
    pub joined_at: Option<i64>,
    pub timeline: Option<Timeline>,
    pub visit: u64,
    /// The seat it has.
    pub seat: String,
    /// What the connection before this one had seen, when this is the same visit again.
    earlier: Option<View>,
    pub resumed: bool,
    /// Another connection went on from here.
    pub continued: bool,
    pub view: View,
    pub members: BTreeSet<String>,
    /// Operations asked on this socket that have no answer yet.
    pub asked: BTreeSet<String>,
    /// Timelines this player said it was ready for.
    pub ready: BTreeSet<u64>,
    /// Its browser refused to play at some time.
    pub blocked: bool,
    /// The last held timeline it started to buffer for.
    pub aimed: u64,
    /// The last log position a waiting frame could not have been overtaken by.
    last_position: i64,
}

impl Viewer {
    pub fn new(account: AccountId, channel: ChannelId, visit: u64, earlier: Option<View>) -> Self {
        Self {
            account,
            channel,
            fast: true,
            closed: None,
            joined_at: None,
            timeline: None,
            visit,
            seat: String::new(),
            earlier,
            resumed: false,
            continued: false,
            view: View::default(),
            members: BTreeSet::new(),
            asked: BTreeSet::new(),
            ready: BTreeSet::new(),
            blocked: false,
            aimed: 0,
            last_position: 0,
        }
    }

    /// Whether the same visit may go on at another socket.
    pub fn may_return(&self) -> bool {
        self.joined_at.is_some() && !self.continued && matches!(self.closed, Some(1001 | 1006 | 4408))
    }
    /// The position it names when it joins.
    pub fn after(&self) -> Option<i64> {
        self.earlier.as_ref().map(|view| view.seen)
    }

    /// Takes a frame; `told` is what the hub may know of the log.
    pub fn receive(&mut self, told: Told, store: &Store, frame: &Value) {
        assert!(self.closed.is_none(), "a frame after the close");
        match frame["t"].as_str().unwrap() {
            "hello" => assert!(self.joined_at.is_none()),
            "joined" => self.joined(told.through, frame),
            "ack" | "refused" => {
                self.asked.remove(&text(&frame["op"]));
            }
            "batch" => {
                assert!(self.joined_at.is_some(), "events before joined");
                let events = frame["events"].as_array().unwrap();
                assert!(!events.is_empty());
                events.iter().for_each(|event| self.event(told, store, event));
            }
            _ => {}
        }
    }

    fn joined(&mut self, through: i64, frame: &Value) {
        assert!(self.joined_at.is_none(), "joined twice");
        let position = number(&frame["position"]);
        assert!(position <= through, "the snapshot is from the future");
        self.joined_at = Some(position);
        self.seat = text(&frame["seat"]);
        self.resumed = frame["resumed"] == true;
        self.view = match (self.resumed, self.earlier.take()) {
            (true, earlier) => earlier.expect("resumed without having asked"),
            (false, _) => View { from: position, news: vec![], seen: position },
        };
        self.timeline = serde_json::from_value(frame["timeline"].clone()).unwrap();
        self.members = frame["members"].as_array().unwrap().iter().map(|member| text(&member["session"])).collect();
    }

    fn event(&mut self, told: Told, store: &Store, event: &Value) {
        if !event["position"].is_null() {
            let position = number(&event["position"]);
            assert!(position <= told.through, "told before it came from the feed");
            let durable = &store.log[usize::try_from(position - 1).unwrap()];
            assert_eq!(durable.channel, self.channel, "told in the wrong channel");
            assert!(position > self.last_position, "out of log order");
            assert!(position > self.view.seen || event["e"] == "timeline", "told again");
            self.last_position = position;
            self.view.seen = self.view.seen.max(position);
        }
        match event["e"].as_str().unwrap() {
            "message" => {
                self.view.news.push(number(&event["position"]));
                let id = serde_json::from_value(event["message"]["id"].clone()).unwrap();
                assert_eq!(store.messages[&id].as_i64(), number(&event["position"]));
            }
            "timeline" => {
                assert!(number(&event["position"]) > told.snapshot, "told again what the snapshot had");
                self.moved(serde_json::from_value(event["timeline"].clone()).unwrap());
            }
            "banned" => self.view.news.push(number(&event["position"])),
            "presence" => self.presence(event),
            _ => {}
        }
    }

    fn moved(&mut self, next: Timeline) {
        if let Some(held) = self.timeline {
            assert_eq!(held.epoch, next.epoch);
            assert!(next.at_hub_us >= held.at_hub_us, "effective times went back: {held:?} {next:?}");
            assert!(next.seq > held.seq);
            assert!(!self.fast || next.seq == held.seq + 1, "a gap in seq: {held:?} {next:?}");
        }
        self.timeline = Some(next);
    }

    fn presence(&mut self, event: &Value) {
        for member in event["joined"].as_array().unwrap() {
            self.members.insert(text(&member["session"]));
        }
        for session in event["left"].as_array().unwrap() {
            self.members.remove(&text(session));
        }
    }

    /// The whole view is the log: every message and ban after its beginning once and in order; up to the last one
    /// received, or all when still connected.
    pub fn check_view(&self, store: &Store) {
        if self.joined_at.is_none() {
            return;
        }
        let until = match self.closed {
            Some(_) => self.view.news.last().copied().unwrap_or(0),
            None => i64::MAX,
        };
        let news = store.log.iter().filter(|event| {
            event.channel == self.channel && matches!(event.fact, Fact::Message { .. } | Fact::Banned { .. })
        });
        let expected: Vec<i64> = news
            .map(|event| event.position.as_i64())
            .filter(|position| *position > self.view.from && *position <= until)
            .collect();
        assert_eq!(self.view.news, expected, "news lost, doubled or reordered");
    }
}

fn number(value: &Value) -> i64 {
    value.as_str().unwrap().parse().unwrap()
}
fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
