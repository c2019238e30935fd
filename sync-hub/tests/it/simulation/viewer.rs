//! One viewer's socket as its client sees it: what it got, checked against the log.

use std::collections::BTreeSet;

use lockstep_domain::ids::{AccountId, ChannelId};
use lockstep_sync_hub::Timeline;
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
    pub messages: Vec<i64>,
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
    pub fn new(account: AccountId, channel: ChannelId) -> Self {
        Self {
            account,
            channel,
            fast: true,
            closed: None,
            joined_at: None,
            timeline: None,
            messages: vec![],
            members: BTreeSet::new(),
            asked: BTreeSet::new(),
            ready: BTreeSet::new(),
            blocked: false,
            aimed: 0,
            last_position: 0,
        }
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
            self.last_position = position;
        }
        match event["e"].as_str().unwrap() {
            "message" => {
                self.messages.push(number(&event["position"]));
                let id = serde_json::from_value(event["message"]["id"].clone()).unwrap();
                assert_eq!(store.messages[&id].as_i64(), number(&event["position"]));
            }
            "timeline" => {
                assert!(number(&event["position"]) > told.snapshot, "told again what the snapshot had");
                self.moved(serde_json::from_value(event["timeline"].clone()).unwrap());
            }
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

    /// Every message after the join once and in order; up to the last one received, or all when still connected.
    pub fn check_messages(&self, store: &Store) {
        let Some(joined_at) = self.joined_at else { return };
        let until = match self.closed {
            Some(_) => self.messages.last().copied().unwrap_or(0),
            None => i64::MAX,
        };
        let expected: Vec<i64> = store
            .messages
            .values()
            .map(|position| position.as_i64())
            .filter(|position| *position > joined_at && *position <= until)
            .filter(|position| store.log[usize::try_from(position - 1).unwrap()].channel == self.channel)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        assert_eq!(self.messages, expected, "messages lost, doubled or reordered");
    }
}

fn number(value: &Value) -> i64 {
    value.as_str().unwrap().parse().unwrap()
}
fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
