//! Starting together, changing speed together, and counting who wants the next film.

use lockstep_domain::{playback::ReleaseCause, time::MediaTime};
use lockstep_sync_hub::{Change, ChangeKind, Command, Fact, PlaybackSnapshot};
use serde_json::{Value, json};

use crate::rig::{Rig, VIDEO, account, op, paused_snapshot, playing_snapshot, secs};

const WAIT_US: i64 = 10_000_000;

fn hold(rig: &mut Rig) -> u64 {
    rig.feed(Fact::Playback(Change::Held { position: secs(0), wait_us: WAIT_US }));
    let held = rig.timelines(1).pop().unwrap();
    assert_eq!((&held["rate_ppm"], &held["hold_until_us"]), (&json!(0), &rig.us_from_now(10_000)));
    held["seq"].as_u64().unwrap()
}

fn ready(rig: &mut Rig, session: u64, seq: u64) {
    rig.frame(session, json!({"t": "report", "state": "paused", "error_us": null, "bound_us": null, "ready": seq}));
}

/// Whom the film waits for, as the session was last told.
fn waiting(rig: &mut Rig, session: u64) -> Option<Value> {
    rig.wait_ms(250);
    let told = rig.take(session).into_iter().rfind(|frame| frame["e"] == "waiting")?;
    Some(told["sessions"].clone())
}

fn room(viewers: impl IntoIterator<Item = u64>) -> Rig {
    let mut rig = Rig::room(viewers);
    rig.take_all();
    rig
}

fn released(cause: ReleaseCause) -> Command {
    Command::Release { cause }
}

#[test]
fn play_waits_for_company_only() {
    let mut rig = room([1]);
    rig.intent(1, op(1), "play", json!({}));
    assert_eq!(rig.run().command, Command::Play { position: None, hold: false });
    let mut rig = room([1, 2]);
    rig.intent(1, op(1), "play", json!({}));
    assert_eq!(rig.run().command, Command::Play { position: None, hold: true });
}

#[test]
fn whom_a_film_waits_for_is_told_four_times_a_second_at_most() {
    const VIEWERS: u64 = 15;
    let mut rig = room(1..=VIEWERS);
    let seq = hold(&mut rig);
    let first = rig.take(VIEWERS).into_iter().filter(|frame| frame["e"] == "waiting").count();
    assert_eq!(first, 1, "at once");
    for session in 1..VIEWERS {
        ready(&mut rig, session, seq);
        rig.wait_ms(10);
    }
    rig.wait_ms(250);
    let told: Vec<Value> = rig.take(VIEWERS).into_iter().filter(|frame| frame["e"] == "waiting").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["sessions"], json!([VIEWERS.to_string()]), "and the last word is told");
}

#[test]
fn a_held_film_starts_when_the_last_one_is_ready() {
    let mut rig = room([1, 2]);
    let seq = hold(&mut rig);
    assert_eq!(waiting(&mut rig, 2), Some(json!(["1", "2"])));
    ready(&mut rig, 1, seq);
    assert_eq!(waiting(&mut rig, 2), Some(json!(["2"])));
    assert!(rig.runs.is_empty());
    ready(&mut rig, 2, seq);
    let run = rig.run();
    assert_eq!((run.command.clone(), run.account), (released(ReleaseCause::Ready), None));
    rig.wait_ms(20_000);
    assert!(rig.runs.is_empty(), "once");
    rig.done(&run, 110, true);
    rig.log = 109;
    rig.take_all();
    rig.feed(Fact::Playback(Change::Released { position: secs(0) }));
    // One start for everybody.
    let (first, second) = (rig.timelines(1).pop().unwrap(), rig.timelines(2).pop().unwrap());
    assert_eq!(first, second);
    assert_eq!((&first["at_hub_us"], &first["rate_ppm"]), (&rig.us_from_now(600), &json!(1_000_000)));
    assert_eq!(first.get("hold_until_us"), None);
}

#[test]
fn nobody_is_waited_for_after_the_deadline() {
    let mut rig = room([1, 2]);
    let seq = hold(&mut rig);
    ready(&mut rig, 1, seq);
    rig.wait_ms(9_999);
    assert!(rig.runs.is_empty());
    rig.wait_ms(1);
    assert_eq!(rig.run().command, released(ReleaseCause::Deadline));
}

#[test]
fn ready_for_another_place_or_film_is_not_ready() {
    let mut rig = room([1]);
    let seq = hold(&mut rig);
    ready(&mut rig, 1, seq - 1);
    assert!(rig.runs.is_empty());
    rig.feed(Fact::Playback(Change::Seeked { position: secs(30) }));
    let sought = rig.timelines(1).pop().unwrap();
    assert!(sought["hold_until_us"].is_i64(), "a jump does not start it");
    ready(&mut rig, 1, seq);
    assert!(rig.runs.is_empty());
    ready(&mut rig, 1, seq + 1);
    assert_eq!(rig.run().command, released(ReleaseCause::Ready));
}

#[test]
fn who_leaves_or_may_not_play_is_not_waited_for_and_who_comes_is() {
    let mut rig = room([1, 2, 3]);
    let seq = hold(&mut rig);
    ready(&mut rig, 1, seq);
    rig.frame(2, json!({"t": "report", "state": "blocked", "error_us": null, "bound_us": null}));
    assert_eq!(waiting(&mut rig, 1), Some(json!(["3"])));
    rig.join(4);
    rig.skip_visits();
    assert_eq!(waiting(&mut rig, 1), Some(json!(["3", "4"])));
    rig.input(lockstep_sync_hub::Input::Disconnected { session: lockstep_sync_hub::SessionId(3) });
    ready(&mut rig, 4, seq);
    rig.skip_visits();
    assert_eq!(rig.run().command, released(ReleaseCause::Ready));
}

#[test]
fn a_release_without_effect_is_asked_for_again() {
    let mut rig = room([1]);
    let seq = hold(&mut rig);
    ready(&mut rig, 1, seq);
    let run = rig.run();
    rig.refused(&run, "unavailable");
    rig.wait_ms(999);
    assert!(rig.runs.is_empty());
    rig.wait_ms(1);
    assert_eq!(rig.run().command, released(ReleaseCause::Ready));
}

#[test]
fn who_comes_while_a_release_is_to_be_asked_for_again_is_waited_for() {
    let mut rig = room([1]);
    let seq = hold(&mut rig);
    ready(&mut rig, 1, seq);
    let run = rig.run();
    rig.refused(&run, "unavailable");
    rig.join(2);
    rig.skip_visits();
    rig.wait_ms(5_000);
    assert!(rig.runs.is_empty());
    ready(&mut rig, 2, seq);
    assert_eq!(rig.run().command, released(ReleaseCause::Ready));
}

#[test]
fn a_hold_outlives_the_hub_and_its_deadline_stays() {
    let mut rig = Rig::new();
    rig.join(1);
    let held = PlaybackSnapshot {
        held_us: Some(WAIT_US),
        last: ChangeKind::Held,
        elapsed_us: 4_000_000,
        ..paused_snapshot(secs(0))
    };
    rig.loaded(Some(held));
    rig.skip_visits();
    assert_eq!(rig.take(1).remove(1)["timeline"]["hold_until_us"], rig.us_from_now(6_000));
    rig.wait_ms(6_000);
    assert_eq!(rig.run().command, released(ReleaseCause::Deadline));
}

#[test]
fn everybody_changes_speed_at_the_same_frame() {
    let mut rig = room([1]);
    rig.play(secs(0));
    rig.wait_ms(10_600); // the film is at 10.0 s
    rig.take_all();
    rig.intent(1, op(1), "rate", json!({"rate_ppm": 1_500_000}));
    let run = rig.run();
    let position = MediaTime(10_150_000);
    assert_eq!(run.command, Command::ChangeRate { rate_ppm: 1_500_000, position: Some(position) });
    rig.wait_ms(20);
    rig.done(&run, 102, true);
    rig.feed_of(Some(op(1)), Fact::Playback(Change::RateChanged { rate_ppm: 1_500_000, position }));
    let changed = rig.timelines(1).pop().unwrap();
    assert_eq!(changed["at_hub_us"], rig.us_from_now(130));
    assert_eq!((&changed["position_us"], &changed["rate_ppm"]), (&json!(10_150_000), &json!(1_500_000)));
    // The end comes sooner.
    rig.take_all();
    rig.wait_ms(130 + 59_900);
    assert_eq!(rig.run().command, Command::End { video: VIDEO });
}

#[test]
fn the_speed_stays_through_a_pause_and_a_film() {
    let mut rig = room([1]);
    rig.feed(Fact::Playback(Change::RateChanged { rate_ppm: 500_000, position: secs(0) }));
    let changed = rig.timelines(1).pop().unwrap();
    assert_eq!((&changed["rate_ppm"], &changed["speed_ppm"]), (&json!(0), &json!(500_000)));
    rig.feed(Fact::Playback(Change::Loaded { video: VIDEO, duration: secs(50) }));
    rig.play(secs(0));
    assert_eq!(rig.timelines(1).pop().unwrap()["rate_ppm"], 500_000);
}

#[test]
fn a_restart_goes_on_at_the_shared_speed() {
    let mut rig = Rig::new();
    rig.join(1);
    rig.loaded(Some(PlaybackSnapshot { speed_ppm: 2_000_000, ..playing_snapshot(secs(10), 5_600_000) }));
    // Recorded 5.6 s ago, started 0.6 s after that: 5 s at double speed.
    assert_eq!(rig.take(1).remove(1)["timeline"]["position_us"], 20_000_000);
}

#[test]
fn a_rate_without_a_number_is_no_frame() {
    for more in [json!({}), json!({"rate_ppm": -1}), json!({"rate_ppm": 1.5})] {
        let mut rig = room([1]);
        rig.intent(1, op(1), "rate", more);
        assert_eq!(rig.closed[&1].0, 4400);
    }
}

#[test]
fn an_open_vote_in_an_empty_room_waits_for_somebody_to_come() {
    let mut rig = room([1, 2]);
    rig.feed(Fact::SkipVote);
    let run = rig.run();
    rig.done(&run, 101, true);
    let (first, second) = (lockstep_sync_hub::SessionId(1), lockstep_sync_hub::SessionId(2));
    rig.input(lockstep_sync_hub::Input::Disconnected { session: first });
    rig.input(lockstep_sync_hub::Input::Disconnected { session: second });
    rig.skip_visits();
    rig.runs.clear();
    // Also a vote that comes without a socket.
    rig.feed(Fact::SkipVote);
    rig.wait_ms(5_000);
    assert!(rig.runs.is_empty(), "nobody is here to be counted among");
    let next = rig.hub.poll_timeout().expect("the room is forgotten in a while");
    assert!(next.since_us(rig.now) > 1_000_000, "and nothing is due before: {next:?} at {:?}", rig.now);
    rig.join(2);
    rig.skip_visits();
    rig.wait_ms(500);
    assert_eq!(rig.run().command, Command::CountVotes { present: vec![account(2)] });
}

#[test]
fn votes_are_counted_among_those_who_are_here() {
    let mut rig = room([1, 2]);
    rig.feed(Fact::SkipVote);
    assert_eq!(rig.take(1).pop().unwrap()["noun"], "queue");
    let run = rig.run();
    assert_eq!((&run.command, run.account), (&Command::CountVotes { present: vec![account(1), account(2)] }, None));
    rig.done(&run, 101, true);
    rig.wait_ms(5_000);
    assert!(rig.runs.is_empty(), "nothing has changed");
    rig.input(lockstep_sync_hub::Input::Disconnected { session: lockstep_sync_hub::SessionId(2) });
    rig.wait_ms(500);
    let run = rig.run();
    assert_eq!(run.command, Command::CountVotes { present: vec![account(1)] });
    rig.refused(&run, "unavailable");
    rig.wait_ms(500);
    let run = rig.run();
    rig.done(&run, 102, true);
    rig.log = 102;
    // Another film is on: the votes are over.
    rig.feed(Fact::Playback(Change::Loaded { video: VIDEO, duration: secs(9) }));
    rig.join(3);
    rig.skip_visits();
    rig.wait_ms(5_000);
    assert!(rig.runs.is_empty());
}
