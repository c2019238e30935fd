//! Where the film is, and when.

use lockstep_sync_hub::{Change, Command, Fact, Timeline};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::{Rig, VIDEO, op, paused_snapshot, playing_snapshot, secs};

fn position_after(timeline: &Value, rig: &Rig, ms: i64) -> i64 {
    let timeline: Timeline = serde_json::from_value(timeline.clone()).unwrap();
    timeline.position_at(rig.now.plus_ms(ms)).0
}

#[test]
fn each_change_takes_effect_after_its_lead() {
    let mut rig = Rig::room([1]);
    rig.play(secs(2));
    let played = rig.timelines(1).pop().unwrap();
    assert_eq!(played["at_hub_us"], rig.us_from_now(600));
    assert_eq!((&played["position_us"], &played["rate_ppm"]), (&json!(2_000_000), &json!(1_000_000)));
    assert_eq!(position_after(&played, &rig, 500), 2_000_000, "holds before it starts");
    assert_eq!(position_after(&played, &rig, 1_600), 3_000_000);

    rig.wait_ms(5_000);
    rig.feed(Fact::Playback(Change::Seeked { position: secs(40) }));
    let sought = rig.timelines(1).pop().unwrap();
    assert_eq!(sought["at_hub_us"], rig.us_from_now(400));
    assert_eq!(sought["rate_ppm"], 1_000_000, "a seek keeps playing");

    rig.wait_ms(5_000);
    rig.feed(Fact::Playback(Change::Loaded { video: VIDEO, duration: secs(9) }));
    let loaded = rig.timelines(1).pop().unwrap();
    assert_eq!(loaded["at_hub_us"], rig.us_from_now(0));
    assert_eq!((&loaded["position_us"], &loaded["rate_ppm"]), (&json!(0), &json!(0)));
    assert_eq!(loaded["duration_us"], 9_000_000);
}

#[test]
fn the_cause_names_verb_actor_and_operation() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    rig.feed_of(Some(op(9)), Fact::Playback(Change::Played { position: secs(0) }));
    let event = rig.take(1).pop().unwrap();
    let actor = json!({"id": crate::rig::account(1), "name": "viewer 1"});
    assert_eq!(event["cause"], json!({"verb": "play", "actor": actor, "op": op(9)}));
    assert_eq!(event["position"], "101");
}

#[test]
fn a_pause_stops_everybody_when_the_film_passes_its_stop_frame() {
    let mut rig = Rig::room([1]);
    rig.play(secs(0));
    rig.wait_ms(10_600); // the film is at 10.0 s
    rig.take_all();
    rig.intent(1, op(1), "pause", json!({"position_us": 99_000_000}));
    let run = rig.run();
    assert_eq!(run.command, Command::Pause { position: Some(lockstep_domain::time::MediaTime(10_150_000)) });
    rig.wait_ms(20); // the commit
    rig.done(&run, 102, true);
    assert!(rig.timelines(1).is_empty(), "nothing is told before the feed tells it");
    rig.feed_of(Some(op(1)), Fact::Playback(Change::Paused { position: lockstep_domain::time::MediaTime(10_150_000) }));
    let paused = rig.timelines(1).pop().unwrap();
    assert_eq!(paused["at_hub_us"], rig.us_from_now(130), "150 ms after the intent, when the film is at 10.15 s");
    assert_eq!((&paused["position_us"], &paused["rate_ppm"]), (&json!(10_150_000), &json!(0)));
}

#[test]
fn a_pause_whose_frame_has_passed_takes_effect_after_the_lead() {
    let mut rig = Rig::room([1]);
    rig.play(secs(0));
    rig.wait_ms(10_600);
    rig.take_all();
    rig.feed(Fact::Playback(Change::Paused { position: secs(9) }));
    assert_eq!(rig.timelines(1).pop().unwrap()["at_hub_us"], rig.us_from_now(150));
}

#[test]
fn a_change_inside_an_open_lead_supersedes_and_time_does_not_go_back() {
    let mut rig = Rig::room([1]);
    rig.play(secs(0));
    let played = rig.timelines(1).pop().unwrap();
    rig.wait_ms(100);
    rig.feed(Fact::Playback(Change::Paused { position: secs(0) }));
    let paused = rig.timelines(1).pop().unwrap();
    assert_eq!(paused["at_hub_us"], played["at_hub_us"]);
    assert_eq!(paused["seq"], played["seq"].as_u64().unwrap() + 1);
    rig.wait_ms(100);
    rig.feed(Fact::Playback(Change::Seeked { position: secs(30) }));
    assert_eq!(rig.timelines(1).pop().unwrap()["at_hub_us"], rig.us_from_now(400));
}

#[test]
fn a_restart_takes_the_position_from_the_log_and_its_age() {
    let mut rig = Rig::from_epoch(Uuid::from_u128(0xee));
    rig.join(1);
    rig.loaded(Some(playing_snapshot(secs(10), 5_600_000)));
    let joined = rig.take(1).remove(1);
    // Recorded 5.6 s ago, started 0.6 s after that: 5 s of film have passed.
    assert_eq!(joined["timeline"]["position_us"], 15_000_000);
    assert_eq!(joined["timeline"]["at_hub_us"], rig.us_from_now(0));
    assert_eq!(joined["timeline"]["epoch"], json!(Uuid::from_u128(0xee)));
}

#[test]
fn a_restart_inside_a_lead_keeps_the_start_in_the_future() {
    let mut rig = Rig::new();
    rig.join(1);
    rig.loaded(Some(playing_snapshot(secs(10), 200_000)));
    let joined = rig.take(1).remove(1);
    assert_eq!(joined["timeline"]["position_us"], 10_000_000);
    assert_eq!(joined["timeline"]["at_hub_us"], rig.us_from_now(400));
}

#[test]
fn an_empty_channel_has_no_timeline() {
    let mut rig = Rig::new();
    rig.join(1);
    rig.loaded(None);
    assert_eq!(rig.take(1).remove(1)["timeline"], Value::Null);
    rig.play(secs(0));
    assert!(rig.timelines(1).is_empty());
}

#[test]
fn the_end_is_asked_for_once() {
    let mut rig = Rig::room([1]);
    rig.play(secs(98));
    rig.take_all();
    rig.wait_ms(2_599);
    assert!(rig.runs.is_empty());
    rig.wait_ms(1);
    let run = rig.run();
    assert_eq!((&run.command, run.account), (&Command::End { video: VIDEO }, None));
    rig.wait_ms(10_000);
    assert!(rig.runs.is_empty(), "once");
    rig.done(&run, 110, true);
    rig.log = 109;
    rig.feed(Fact::Playback(Change::Ended));
    let ended = rig.timelines(1).pop().unwrap();
    assert_eq!((&ended["position_us"], &ended["rate_ppm"]), (&json!(100_000_000), &json!(0)));
    rig.wait_ms(10_000);
    assert!(rig.runs.is_empty());
}

#[test]
fn an_end_that_had_no_effect_is_asked_for_again() {
    let mut rig = Rig::room([1]);
    rig.play(secs(98));
    rig.take_all();
    rig.wait_ms(2_600);
    let run = rig.run();
    rig.done(&run, 101, false);
    rig.wait_ms(999);
    assert!(rig.runs.is_empty());
    rig.wait_ms(1);
    assert!(matches!(rig.run().command, Command::End { .. }));
}

#[test]
fn a_film_that_ended_while_nobody_watched_is_ended_by_the_first_to_come() {
    let mut rig = Rig::new();
    rig.join(1);
    rig.loaded(Some(playing_snapshot(secs(90), 3_600_000_000)));
    rig.skip_visits();
    assert!(matches!(rig.run().command, Command::End { .. }));
    let _ = paused_snapshot(secs(0));
}
