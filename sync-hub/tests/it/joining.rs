//! Coming and going.

use lockstep_domain::permission::ChannelRole;
use lockstep_sync_hub::{Command, Fact, Input, Refusal, SessionId};
use serde_json::json;

use crate::rig::{CHANNEL, EPOCH, Rig, account, at, paused_snapshot, secs, visit};

#[test]
fn hello_then_joined_with_the_timeline_and_the_members() {
    let mut rig = Rig::new();
    rig.connect(1);
    let hello = rig.take(1).remove(0);
    let me = json!({"id": account(1), "name": "viewer 1", "role": "member"});
    assert_eq!(hello, json!({"t": "hello", "epoch": EPOCH, "session": "1", "now_us": rig.now.0, "account": me}));
    rig.frame(1, json!({"t": "join", "channel": CHANNEL, "visit": visit(1)}));
    assert_eq!(rig.loads, [CHANNEL]);
    rig.standing(1, 1);
    assert!(rig.take(1).is_empty(), "not joined before the snapshot is there");
    rig.loaded(Some(paused_snapshot(secs(7))));
    let frames = rig.take(1);
    let joined = &frames[0];
    assert_eq!(joined["t"], "joined");
    assert_eq!(joined["position"], "100");
    assert_eq!(joined["timeline"]["position_us"], 7_000_000);
    assert_eq!(joined["timeline"]["rate_ppm"], 0);
    assert_eq!(joined["members"][0]["session"], "1");
    assert_eq!(joined["members"][0]["role"], "viewer");
    assert_eq!(rig.run().command, Command::Arrive { visit: visit(1) });
}

#[test]
fn a_socket_that_does_not_join_within_five_seconds_is_closed() {
    let mut rig = Rig::new();
    rig.connect(1);
    rig.wait_ms(4_999);
    assert!(rig.closed.is_empty());
    rig.wait_ms(1);
    assert_eq!(rig.closed[&1].0, 4410);
}

#[test]
fn a_join_the_store_never_answers_is_sent_away() {
    let mut rig = Rig::new();
    rig.ask(1);
    rig.wait_ms(10_000);
    assert_eq!(rig.closed[&1].0, 1012);
}

#[test]
fn who_is_not_a_member_is_told_and_closed() {
    let mut rig = Rig::new();
    rig.ask(1);
    let result = Err(Refusal::new("not_a_member", "join the channel first"));
    rig.input(Input::Membership { session: SessionId(1), result });
    assert_eq!(rig.take(1).pop().unwrap()["code"], "not_a_member");
    assert_eq!(rig.closed[&1].0, 4403);
}

#[test]
fn a_store_out_of_reach_sends_joiners_away_and_is_asked_anew() {
    let mut rig = Rig::new();
    rig.join(1);
    rig.input(Input::ChannelLoaded { channel: CHANNEL, result: Err(Refusal::unavailable("no store")) });
    assert_eq!(rig.closed[&1].0, 1012);
    rig.join(2);
    assert_eq!(rig.loads.len(), 2);
}

#[test]
fn a_late_joiner_disturbs_nobody() {
    let mut rig = Rig::room([1, 2]);
    rig.play(secs(0));
    rig.wait_ms(5_000);
    rig.take_all();
    rig.join(3);
    let joined = rig.take(3).remove(1);
    assert_eq!(joined["timeline"]["rate_ppm"], 1_000_000);
    assert_eq!(joined["members"].as_array().unwrap().len(), 3);
    for other in [1, 2] {
        let frames = rig.take(other);
        assert_eq!(frames.len(), 1, "{frames:?}");
        assert_eq!(frames[0]["e"], "presence");
        assert_eq!(frames[0]["joined"][0]["session"], "3");
    }
}

#[test]
fn presence_frames_are_a_quarter_of_a_second_apart() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    for n in 2..12 {
        rig.join(n);
        rig.wait_ms(50);
    }
    rig.input(Input::Disconnected { session: SessionId(11) });
    rig.wait_ms(1_000);
    let times: Vec<i64> = rig.sent.iter().filter(|(_, n, _)| *n == 1).map(|(time, ..)| time.0).collect();
    assert!(times.len() >= 2);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 250_000), "{times:?}");
    let last = rig.take(1).pop().unwrap();
    assert_eq!((&last["changed"][0]["session"], &last["changed"][0]["state"]), (&json!("11"), &json!("away")));
}

#[test]
fn a_report_shows_in_presence_and_moves_nothing() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    rig.frame(1, json!({"t": "report", "state": "buffering", "error_us": -40_000, "bound_us": 2_000}));
    rig.wait_ms(300);
    let frames = rig.take(2);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0]["changed"][0]["state"], "buffering");
    assert_eq!(frames[0]["changed"][0]["error_us"], -40_000);
}

#[test]
fn a_role_granted_shows_in_presence() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    rig.feed(Fact::RoleGranted { account: account(1), role: ChannelRole::Moderator, version: 2 });
    let told = rig.take(2).into_iter().find(|frame| frame["e"] == "presence").unwrap();
    assert_eq!(told["changed"][0]["role"], "moderator");
}

#[test]
fn a_departure_is_recorded_when_the_viewer_does_not_come_back() {
    let mut rig = Rig::room([1]);
    assert_eq!(rig.run().command, Command::Arrive { visit: visit(1) });
    rig.input(Input::Disconnected { session: SessionId(1) });
    rig.wait_ms(9_999);
    assert!(rig.runs.is_empty());
    rig.wait_ms(1);
    assert_eq!(rig.run().command, Command::Depart { visit: visit(1) });
}

#[test]
fn a_viewer_who_reconnects_soon_never_departed() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    rig.input(Input::Disconnected { session: SessionId(1) });
    rig.wait_ms(3_000);
    rig.join(1);
    rig.wait_ms(20_000);
    assert!(rig.runs.is_empty(), "{:?}", rig.runs);
}

#[test]
fn a_departure_that_the_log_cannot_take_is_recorded_later() {
    let mut rig = Rig::room([1, 2]);
    rig.runs.clear();
    rig.input(Input::Disconnected { session: SessionId(1) });
    rig.wait_ms(10_000);
    for pause_ms in [1_000, 2_000, 4_000] {
        let departs = rig.run();
        assert_eq!(departs.command, Command::Depart { visit: visit(1) });
        rig.unavailable(&departs);
        rig.wait_ms(pause_ms - 1);
        assert!(rig.runs.is_empty(), "not before {pause_ms} ms");
        rig.wait_ms(1);
    }
    let departs = rig.run();
    assert_eq!((departs.account, departs.command.clone()), (Some(account(1)), Command::Depart { visit: visit(1) }));
    rig.done(&departs, 5, true);
    rig.wait_ms(60_000);
    assert!(rig.runs.is_empty(), "{:?}", rig.runs);
    // What the log refuses is not asked again.
    rig.input(Input::Disconnected { session: SessionId(2) });
    rig.wait_ms(10_000);
    let departs = rig.run();
    rig.refused(&departs, "unknown");
    rig.wait_ms(60_000);
    assert!(rig.runs.is_empty(), "{:?}", rig.runs);
}

#[test]
fn who_came_back_meanwhile_did_not_depart_and_who_left_did_not_arrive() {
    let mut rig = Rig::room([1]);
    rig.runs.clear();
    rig.input(Input::Disconnected { session: SessionId(1) });
    rig.wait_ms(10_000);
    let departs = rig.run();
    rig.unavailable(&departs);
    rig.join(1);
    let arrives = rig.run();
    assert_eq!(arrives.command, Command::Arrive { visit: visit(1) });
    rig.wait_ms(60_000);
    assert!(rig.runs.is_empty(), "{:?}", rig.runs);
    // Its arrival is refused only now: it is here, so that is tried again.
    rig.unavailable(&arrives);
    rig.wait_ms(1_000);
    let arrives = rig.run();
    assert_eq!(arrives.command, Command::Arrive { visit: visit(1) });
    rig.input(Input::Disconnected { session: SessionId(1) });
    rig.wait_ms(10_000);
    let departs = rig.run();
    rig.done(&departs, 6, true);
    rig.unavailable(&arrives);
    rig.wait_ms(60_000);
    assert!(rig.runs.is_empty(), "{:?}", rig.runs);
}

#[test]
fn a_socket_joins_once() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    rig.frame(1, json!({"t": "join", "channel": CHANNEL, "visit": visit(1)}));
    assert_eq!(rig.take(1)[0]["code"], "already_joined");
}

#[test]
fn an_empty_room_is_forgotten_but_its_numbers_go_on() {
    let mut rig = Rig::room([1]);
    rig.play(secs(0));
    let before = rig.timelines(1).pop().unwrap()["seq"].as_u64().unwrap();
    rig.input(Input::Disconnected { session: SessionId(1) });
    rig.wait_ms(59_000);
    assert_eq!(rig.hub.size(), (0, 1));
    rig.wait_ms(2_000);
    assert_eq!(rig.hub.size(), (0, 0));
    rig.join(2);
    rig.loaded(Some(paused_snapshot(secs(3))));
    let joined = rig.take(2).remove(1);
    assert_eq!(joined["timeline"]["seq"].as_u64().unwrap(), before + 1);
}

#[test]
fn a_drain_sends_everybody_away_at_different_times() {
    let mut rig = Rig::room([1, 2]);
    rig.input(Input::Drain);
    assert_eq!(rig.closed[&1].0, 1012);
    assert!(rig.closed[&1].1.contains("retry_ms="));
    assert_ne!(rig.closed[&1].1, rig.closed[&2].1);
    rig.connect(3);
    assert_eq!(rig.closed[&3].0, 1012);
}

#[test]
fn the_snapshot_and_what_came_while_it_was_read_meet_without_a_gap() {
    use lockstep_sync_hub::Change;
    let mut rig = Rig::new();
    rig.join(1);
    rig.feed(Fact::Playback(Change::Played { position: secs(1) })); // 101: in the snapshot
    rig.feed(Fact::Playback(Change::Seeked { position: secs(50) })); // 102: not in it
    let snapshot = crate::rig::playing_snapshot(secs(1), 0);
    rig.loaded_at(Some(snapshot), 101);
    let joined = rig.take(1).remove(1);
    assert_eq!(joined["position"], "102");
    assert_eq!(joined["timeline"]["position_us"], 50_000_000);
    assert_eq!(joined["timeline"]["seq"], 2, "the event inside the snapshot is not applied again");
    assert_eq!(rig.hub.queued(SessionId(1)).unwrap().0, 0);
    let _ = at(0);
}
