//! Bounded queues: state is replaced, chat is never dropped, who cannot keep up is closed.

use lockstep_sync_hub::{Change, Fact, IN_FLIGHT_BYTES_MAX, Input, QUEUED_BYTES_MAX, QUEUED_EVENTS_MAX, SessionId};
use serde_json::json;

use crate::rig::{Rig, message, secs};

/// Fills what may be in flight, so that everything after waits in the hub.
fn stall(rig: &mut Rig, n: u64) {
    rig.stalled.insert(n);
    let text = "x".repeat(IN_FLIGHT_BYTES_MAX);
    rig.say(&text);
}

#[test]
fn a_slow_reader_gets_every_message_once_it_reads() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    stall(&mut rig, 1);
    let said: Vec<String> = (0..100).map(|n| format!("message {n}")).collect();
    said.iter().for_each(|text| rig.say(text));
    assert_eq!(rig.texts(1).len(), 1, "the rest waits");
    rig.unstall(1);
    assert_eq!(rig.texts(1), said);
}

#[test]
fn too_many_messages_close_a_slow_reader_and_nobody_else() {
    let mut rig = Rig::room([1, 2]);
    stall(&mut rig, 1);
    for n in 0..QUEUED_EVENTS_MAX {
        assert!(!rig.closed.contains_key(&1), "closed after {n}");
        rig.say("hello");
    }
    assert_eq!(rig.closed[&1].0, 4408);
    assert!(!rig.closed.contains_key(&2));
}

#[test]
fn too_many_bytes_close_a_slow_reader() {
    let mut rig = Rig::room([1, 2]);
    stall(&mut rig, 1);
    let text = "y".repeat(QUEUED_BYTES_MAX / 16);
    for _ in 0..15 {
        rig.say(&text);
    }
    assert_eq!(rig.closed.get(&1).map(|(code, _)| *code), Some(4408));
}

#[test]
fn waiting_timelines_are_replaced_by_the_newest() {
    let mut rig = Rig::room([1, 2]);
    stall(&mut rig, 1);
    rig.take_all();
    for n in 0..1_000 {
        rig.feed(Fact::Playback(Change::Seeked { position: secs(n % 100) }));
    }
    rig.say("last");
    assert!(rig.closed.is_empty());
    rig.unstall(1);
    let frames = rig.take(1);
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0]["timeline"], rig.timelines(2).pop().unwrap());
    assert_eq!(frames[1]["message"]["text"], "last");
}

#[test]
fn waiting_presence_is_merged() {
    let mut rig = Rig::room([1]);
    stall(&mut rig, 1);
    rig.take_all();
    for n in 2..5 {
        rig.join(n);
        rig.wait_ms(300);
    }
    rig.frame(4, json!({"t": "report", "state": "playing", "error_us": null, "bound_us": null}));
    rig.wait_ms(300);
    rig.input(Input::Disconnected { session: SessionId(3) });
    rig.wait_ms(lockstep_sync_hub::AWAY_MS_MAX + 300);
    rig.unstall(1);
    let frames = rig.take(1);
    assert_eq!(frames.len(), 1, "{frames:?}");
    let joined: Vec<_> = frames[0]["joined"].as_array().unwrap().iter().map(|member| &member["session"]).collect();
    assert_eq!(joined, ["2", "4"]);
    assert_eq!(frames[0]["joined"][1]["state"], "playing");
    assert_eq!(frames[0]["left"], json!(["3"]));
}

#[test]
fn typing_is_dropped_rather_than_queued() {
    let mut rig = Rig::room([1, 2, 3]);
    stall(&mut rig, 1);
    rig.take_all();
    rig.frame(2, json!({"t": "typing"}));
    assert_eq!(rig.take(3)[0]["e"], "typing");
    rig.unstall(1);
    assert!(rig.take(1).is_empty());
}

#[test]
fn frames_beyond_the_rate_close_the_socket() {
    let mut rig = Rig::room([1]);
    for _ in 0..61 {
        rig.frame(1, json!({"t": "typing"}));
    }
    assert_eq!(rig.closed[&1].0, 4400);
}

#[test]
fn chat_beyond_the_rate_is_refused() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    for n in 0..12 {
        rig.frame(1, json!({"t": "chat", "op": crate::rig::op(n), "id": crate::rig::visit(1), "text": "x"}));
    }
    assert_eq!(rig.runs.len(), 10);
    assert_eq!(rig.take(1).iter().filter(|frame| frame["code"] == "rate_limited").count(), 2);
    let _ = message(0, "");
}
