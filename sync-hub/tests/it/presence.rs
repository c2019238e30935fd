//! Who is here: seats that outlive their sockets, crowds, typing.

use lockstep_domain::permission::ChannelRole;
use lockstep_sync_hub::{AWAY_MS_MAX, Fact, Input, MEMBERS_TOLD_MAX, SessionId, Standing};
use serde_json::{Value, json};

use crate::rig::{CHANNEL, Rig, account, at, message, paused_snapshot, secs, visit};

fn gone(rig: &mut Rig, session: u64) {
    rig.input(Input::Disconnected { session: SessionId(session) });
}

/// Presence events a session got since the last call.
fn presence(rig: &mut Rig, n: u64) -> Vec<Value> {
    rig.take(n).into_iter().filter(|frame| frame["e"] == "presence").collect()
}

/// Somebody's visit again, on another socket.
fn join_again(rig: &mut Rig, session: u64, who: u64) {
    rig.connect_as(session, who);
    rig.frame(session, json!({"t": "join", "channel": CHANNEL, "visit": visit(who)}));
    rig.standing(session, 1);
}

#[test]
fn who_lost_the_socket_is_away_and_who_comes_back_never_left() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    gone(&mut rig, 1);
    rig.wait_ms(1_000);
    let told = presence(&mut rig, 2);
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["changed"][0]["state"], &told[0]["left"]), (&json!("away"), &json!([])));
    join_again(&mut rig, 11, 1);
    rig.wait_ms(AWAY_MS_MAX * 2);
    let told = presence(&mut rig, 2);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["changed"][0]["session"], &told[0]["changed"][0]["state"]), (&json!("1"), &json!("paused")));
    assert_eq!((&told[0]["left"], &told[0]["joined"]), (&json!([]), &json!([])));
    let joined = rig.take(11).into_iter().find(|frame| frame["t"] == "joined").unwrap();
    assert_eq!((&joined["seat"], &joined["people"]), (&json!("1"), &json!(2)));
    rig.frame(11, json!({"t": "report", "state": "playing", "error_us": 7, "bound_us": null}));
    rig.wait_ms(300);
    assert_eq!(presence(&mut rig, 2)[0]["changed"][0]["session"], "1", "reports are about the seat");
}

#[test]
fn who_stays_away_leaves_after_the_grace() {
    let mut rig = Rig::room([1, 2]);
    gone(&mut rig, 1);
    rig.wait_ms(AWAY_MS_MAX - 1);
    rig.take_all();
    rig.wait_ms(1);
    rig.wait_ms(300);
    let told = presence(&mut rig, 2);
    assert_eq!((&told[0]["left"], &told[0]["people"]), (&json!(["1"]), &json!(1)));
}

#[test]
fn an_old_socket_that_lapses_does_not_end_the_visit_that_went_on_elsewhere() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    join_again(&mut rig, 11, 1);
    gone(&mut rig, 1);
    rig.wait_ms(AWAY_MS_MAX * 2);
    assert!(presence(&mut rig, 2).iter().all(|told| told["left"] == json!([])));
    assert!(rig.runs.is_empty(), "neither arrived again nor departed: {:?}", rig.runs);
    gone(&mut rig, 11);
    rig.wait_ms(AWAY_MS_MAX * 2);
    assert_eq!(presence(&mut rig, 2).last().unwrap()["left"], json!(["1"]));
}

#[test]
fn another_account_does_not_take_a_seat_by_its_visit() {
    let mut rig = Rig::room([1, 2]);
    gone(&mut rig, 1);
    rig.connect_as(11, 3);
    rig.frame(11, json!({"t": "join", "channel": CHANNEL, "visit": visit(1)}));
    rig.standing(11, 1);
    let joined = rig.take(11).into_iter().find(|frame| frame["t"] == "joined").unwrap();
    assert_eq!((&joined["seat"], &joined["people"]), (&json!("11"), &json!(3)));
}

#[test]
fn who_is_banned_leaves_at_once() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    rig.feed(Fact::Banned { account: account(1), version: 2 });
    rig.wait_ms(300);
    assert_eq!(presence(&mut rig, 2).pop().unwrap()["left"], json!(["1"]));
}

#[test]
fn a_device_and_the_time_are_told() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    rig.connect(2);
    rig.frame(2, json!({"t": "join", "channel": CHANNEL, "visit": visit(2), "device": "tv"}));
    rig.standing(2, 1);
    let now = rig.now.0;
    rig.wait_ms(300);
    let came = presence(&mut rig, 1).remove(0)["joined"][0].clone();
    assert_eq!((&came["device"], &came["since_us"]), (&json!("tv"), &json!(now)));
}

#[test]
fn a_device_nobody_knows_and_a_state_of_the_hub_alone_are_bad_frames() {
    let mut rig = Rig::room([1, 2]);
    rig.connect(3);
    rig.frame(3, json!({"t": "join", "channel": CHANNEL, "visit": visit(3), "device": "x".repeat(1_000)}));
    rig.frame(1, json!({"t": "report", "state": "away", "error_us": null, "bound_us": null}));
    assert_eq!((rig.closed[&3].0, rig.closed[&1].0), (4400, 4400));
}

/// A room of this many, everybody with the longest name there is.
fn crowd(viewers: u64) -> Rig {
    let mut rig = Rig::new();
    rig.long_names = true;
    rig.heard = [5, viewers].into();
    rig.loaded_later(paused_snapshot(secs(0)));
    (1..=viewers).for_each(|n| rig.join(n));
    rig.wait_ms(1_000);
    rig
}

#[test]
fn a_crowd_is_told_as_a_sample_and_a_number() {
    let mut rig = crowd(1_000);
    let joined = rig.take(1_000).into_iter().find(|frame| frame["t"] == "joined").unwrap();
    assert!(joined.to_string().len() <= 64 * 1024, "{} bytes", joined.to_string().len());
    let members = joined["members"].as_array().unwrap();
    assert!((100..=MEMBERS_TOLD_MAX + 1).contains(&members.len()), "{}", members.len());
    assert_eq!(joined["people"], 1_000);
    assert!(members.iter().any(|member| member["session"] == "1000"), "oneself is always listed");
    // A moderator is told however many are here, also one who becomes it.
    rig.take_all();
    rig.connect(2_000);
    rig.frame(2_000, json!({"t": "join", "channel": CHANNEL, "visit": visit(2_000)}));
    let standing = Standing { role: ChannelRole::Moderator, version: 1 };
    rig.input(Input::Membership { session: SessionId(2_000), result: Ok(standing) });
    rig.feed(Fact::RoleGranted { account: account(900), role: ChannelRole::Moderator, version: 2 });
    rig.wait_ms(600);
    let told = presence(&mut rig, 5);
    let named: Vec<&Value> = told.iter().flat_map(|told| told["joined"].as_array().unwrap()).collect();
    assert_eq!(named.iter().map(|member| &member["session"]).collect::<Vec<_>>(), ["2000", "900"]);
    assert_eq!(told.last().unwrap()["people"], 1_001);
}

#[test]
fn who_leaves_the_sample_makes_room_for_another() {
    let mut rig = crowd(300);
    rig.take_all();
    gone(&mut rig, 7);
    rig.wait_ms(AWAY_MS_MAX + 300);
    let told = presence(&mut rig, 5);
    let last = told.last().unwrap();
    assert_eq!(last["left"], json!(["7"]));
    assert_eq!(last["joined"].as_array().unwrap().len(), 1, "{last}");
    assert_eq!(last["people"], 299);
}

#[test]
fn a_storm_of_a_thousand_joins_costs_at_most_four_frames_a_second() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    rig.heard = [1].into();
    for n in 2..1_002 {
        rig.join(n);
        rig.wait_ms(10);
    }
    let times: Vec<i64> = rig.sent.iter().filter(|(_, n, _)| *n == 1).map(|(at, ..)| at.0).collect();
    assert!((30..=41).contains(&times.len()), "{} frames in 10 s", times.len());
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 250_000));
    let bytes: usize = rig.sent.iter().filter(|(_, n, _)| *n == 1).map(|(.., frame)| frame.to_string().len()).sum();
    assert!(bytes < 100_000, "{bytes} bytes to one member");
    rig.wait_ms(300);
    assert_eq!(presence(&mut rig, 1).pop().unwrap()["people"], 1_001);
}

#[test]
fn typing_names_a_few_and_counts_the_rest() {
    let mut rig = Rig::room(1..9);
    rig.take_all();
    for n in 2..8 {
        rig.frame(n, json!({"t": "typing"}));
        rig.wait_ms(10);
    }
    rig.wait_ms(500);
    let told: Vec<Value> = rig.take(1).into_iter().filter(|frame| frame["e"] == "typing").collect();
    assert_eq!(told.len(), 2, "at most one in half a second: {told:?}");
    assert_eq!((told[0]["accounts"].as_array().unwrap().len(), &told[0]["more"]), (1, &json!(0)));
    let names: Vec<&Value> = told[1]["accounts"].as_array().unwrap().iter().map(|who| &who["name"]).collect();
    assert_eq!(names, ["viewer 2", "viewer 3", "viewer 4", "viewer 5"]);
    assert_eq!(told[1]["more"], 2);
}

#[test]
fn typing_ends_with_the_message_with_the_socket_and_by_itself() {
    let mut rig = Rig::room([1, 2, 3, 4]);
    rig.take_all();
    for n in 1..4 {
        rig.frame(n, json!({"t": "typing"}));
    }
    rig.wait_ms(600);
    // The rig's messages are by viewer 1.
    rig.feed(message(1, "hello"));
    gone(&mut rig, 2);
    rig.wait_ms(600);
    let last = |rig: &mut Rig| rig.take(4).into_iter().rfind(|frame| frame["e"] == "typing").unwrap();
    assert_eq!(last(&mut rig)["accounts"][0]["name"], "viewer 3");
    rig.wait_ms(4_000);
    assert_eq!(last(&mut rig)["accounts"], json!([]));
    let _ = at(0);
}
