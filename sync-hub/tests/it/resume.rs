//! Going on where the socket broke: everything after the last position seen, once and in order.

use lockstep_sync_hub::{Fact, Input, Noun, RING_BYTES_MAX, RING_EVENTS_MAX, SessionId};
use serde_json::{Value, json};

use crate::rig::{CHANNEL, Rig, account, message, visit};

/// Viewer 1 comes back on another socket and names the last position seen.
fn resume(rig: &mut Rig, session: u64, after: i64) -> (Value, Vec<i64>) {
    rig.connect_as(session, 1);
    rig.frame(session, json!({"t": "join", "channel": CHANNEL, "visit": visit(1), "after": after.to_string()}));
    rig.standing(session, 1);
    let frames = rig.take(session);
    let joined = frames.iter().position(|frame| frame["t"] == "joined").unwrap();
    let events = frames[joined + 1..].iter().filter(|frame| !frame["position"].is_null());
    let positions = events.map(|event| event["position"].as_str().unwrap().parse().unwrap()).collect();
    (frames[joined].clone(), positions)
}

#[test]
fn what_was_missed_follows_the_joined_frame_once_and_in_order() {
    let mut rig = Rig::room([1, 2]);
    rig.say("seen");
    let seen = rig.log;
    rig.input(Input::Disconnected { session: SessionId(1) });
    rig.say("missed");
    rig.feed(Fact::Changed { noun: Noun::Queue, account: None });
    rig.feed(Fact::Banned { account: account(9), version: 2 });
    rig.play(lockstep_domain::time::MediaTime(0));
    rig.say("missed too");
    let (joined, positions) = resume(&mut rig, 11, seen);
    assert_eq!((&joined["resumed"], &joined["position"]), (&json!(true), &json!(rig.log.to_string())));
    assert_eq!(positions, [seen + 1, seen + 2, seen + 3, seen + 5], "the timeline is in the joined frame");
    rig.say("live");
    assert_eq!(rig.texts(11), ["live"]);
    assert_eq!(rig.hub.queued(SessionId(11)), Some((0, 0)));
}

#[test]
fn nothing_missed_is_resumed_too() {
    let mut rig = Rig::room([1, 2]);
    rig.say("seen");
    let log = rig.log;
    let (joined, positions) = resume(&mut rig, 11, log);
    assert_eq!((&joined["resumed"], positions.len()), (&json!(true), 0));
}

#[test]
fn a_first_join_is_not_resumed() {
    let mut rig = Rig::room([1]);
    assert_eq!(rig.take(1)[1]["resumed"], false);
}

#[test]
fn a_ring_that_does_not_reach_back_says_so_and_sends_nothing() {
    let mut rig = Rig::room([1, 2]);
    let seen = rig.log;
    for n in 0..RING_EVENTS_MAX {
        rig.say(&n.to_string());
    }
    let (joined, positions) = resume(&mut rig, 11, seen);
    assert_eq!((&joined["resumed"], positions.len()), (&json!(true), RING_EVENTS_MAX));
    rig.say("one more");
    let (joined, positions) = resume(&mut rig, 12, seen);
    assert_eq!((&joined["resumed"], positions.len()), (&json!(false), 0));
    assert!(rig.closed.is_empty(), "a long resume fits the queue: {:?}", rig.closed);
}

#[test]
fn the_ring_is_bounded_by_bytes_too() {
    let mut rig = Rig::room([1, 2]);
    let seen = rig.log;
    for _ in 0..17 {
        rig.say(&"z".repeat(RING_BYTES_MAX / 16));
    }
    assert_eq!(resume(&mut rig, 11, seen).0["resumed"], false);
    let (joined, positions) = {
        let log = rig.log;
        resume(&mut rig, 12, log - 10)
    };
    assert_eq!((&joined["resumed"], positions.len()), (&json!(true), 10));
    assert!(rig.closed.is_empty());
}

#[test]
fn a_room_made_anew_knows_only_what_came_since() {
    let mut rig = Rig::room([1]);
    rig.say("seen");
    let seen = rig.log;
    rig.input(Input::Disconnected { session: SessionId(1) });
    rig.say("missed");
    rig.wait_ms(61_000);
    assert_eq!(rig.hub.size(), (0, 0));
    rig.connect_as(11, 1);
    rig.frame(11, json!({"t": "join", "channel": CHANNEL, "visit": visit(1), "after": seen.to_string()}));
    rig.standing(11, 1);
    rig.loaded(None);
    assert_eq!(rig.take(11)[1]["resumed"], false);
}

#[test]
fn a_position_this_hub_has_not_reached_is_not_resumed() {
    let mut rig = Rig::room([1, 2]);
    let log = rig.log;
    assert_eq!(resume(&mut rig, 11, log + 5).0["resumed"], false);
}

#[test]
fn a_position_is_a_string_of_the_log() {
    for after in [json!(5), json!("-1"), json!("x"), json!({})] {
        let mut rig = Rig::room([1]);
        rig.connect(2);
        rig.frame(2, json!({"t": "join", "channel": CHANNEL, "visit": visit(2), "after": after}));
        assert_eq!(rig.closed[&2].0, 4400, "{after}");
    }
    let _ = message(0, "");
}
