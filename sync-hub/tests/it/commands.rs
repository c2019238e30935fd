//! Intents, chat and their answers: one order, one effect per operation.

use lockstep_domain::time::MediaTime;
use lockstep_sync_hub::{Change, Command, Fact, Input, Refusal, SessionId};
use serde_json::json;

use crate::rig::{Rig, VIDEO, account, op, secs};

#[test]
fn an_intent_runs_and_is_acknowledged() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    rig.intent(1, op(1), "load", json!({"video": VIDEO}));
    let run = rig.run();
    assert_eq!(
        (run.command.clone(), run.account, run.op),
        (Command::Load { video: VIDEO }, Some(account(1)), Some(op(1)))
    );
    rig.done(&run, 101, true);
    assert_eq!(rig.take(1), [json!({"t": "ack", "op": op(1), "position": "101", "changed": true})]);
    assert!(rig.take(2).is_empty(), "others hear it from the feed");
}

#[test]
fn a_refusal_reaches_who_asked() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    rig.intent(1, op(1), "play", json!({}));
    let run = rig.run();
    rig.refused(&run, "no_video");
    assert_eq!(rig.take(1), [json!({"t": "refused", "op": op(1), "code": "no_video", "message": "no"})]);
}

#[test]
fn the_same_operation_runs_once_and_answers_each_time() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    rig.intent(1, op(1), "play", json!({}));
    rig.intent(1, op(1), "play", json!({}));
    let run = rig.run();
    rig.done(&run, 101, true);
    rig.intent(1, op(1), "play", json!({}));
    rig.wait_ms(5_000);
    assert!(rig.runs.is_empty());
    let acks = rig.take(1);
    assert_eq!(acks.len(), 2);
    assert_eq!(acks[0], acks[1]);
}

#[test]
fn the_same_operation_id_of_another_account_is_another_operation() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    rig.frame(1, json!({"t": "chat", "op": op(1), "id": op(5), "text": "x"}));
    rig.frame(2, json!({"t": "chat", "op": op(1), "id": op(6), "text": "x"}));
    assert_eq!(rig.runs.len(), 2);
}

#[test]
fn an_operation_that_was_refused_decides_again() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    rig.intent(1, op(1), "play", json!({}));
    let run = rig.run();
    rig.input(Input::CommandDone { ticket: run.ticket, result: Err(Refusal::unavailable("no store")) });
    rig.wait_ms(200);
    rig.intent(1, op(1), "play", json!({}));
    rig.run();
}

#[test]
fn a_reconnected_viewer_gets_the_answer_of_its_running_operation() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    rig.intent(1, op(1), "play", json!({}));
    let run = rig.run();
    rig.input(Input::Disconnected { session: SessionId(1) });
    let again = Input::Connected {
        session: SessionId(9),
        account: crate::rig::person(1),
        role: lockstep_domain::account::PlatformRole::Member,
    };
    rig.input(again);
    rig.frame(9, json!({"t": "join", "channel": crate::rig::CHANNEL, "visit": crate::rig::visit(9)}));
    rig.standing(9, 1);
    rig.intent(9, op(1), "play", json!({}));
    rig.skip_visits();
    assert!(rig.runs.is_empty());
    rig.done(&run, 101, true);
    assert_eq!(rig.take(9).pop().unwrap()["t"], "ack");
}

#[test]
fn six_intents_at_once_are_one_too_many() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    for n in 0..6 {
        rig.intent(1, op(n), "seek", json!({"position_us": n}));
    }
    let codes: Vec<_> = rig.take(1).into_iter().map(|frame| frame["code"].clone()).collect();
    assert_eq!(codes.iter().filter(|code| *code == "rate_limited").count(), 1);
    rig.wait_ms(1_000);
    rig.intent(1, op(7), "play", json!({}));
    assert!(rig.take(1).iter().all(|frame| frame["code"] != "rate_limited"), "one more after a second");
}

#[test]
fn fast_intents_coalesce_to_the_newest_of_their_class_in_order() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    rig.intent(1, op(1), "play", json!({}));
    let first = rig.run();
    rig.intent(1, op(2), "seek", json!({"position_us": 1}));
    rig.intent(2, op(3), "seek", json!({"position_us": 2}));
    rig.intent(1, op(4), "pause", json!({}));
    assert_eq!(rig.take(1)[0]["code"], "superseded");
    rig.wait_ms(1_000);
    assert!(rig.runs.is_empty(), "one at a time");
    rig.done(&first, 101, false);
    let second = rig.run();
    assert_eq!(second.command, Command::Seek { position: MediaTime(2) });
    rig.done(&second, 101, false);
    assert!(rig.runs.is_empty(), "150 ms apart");
    rig.wait_ms(150);
    assert!(matches!(rig.run().command, Command::Pause { .. }));
}

#[test]
fn the_next_command_waits_for_the_news_of_the_last() {
    let mut rig = Rig::room([1, 2]);
    rig.play(secs(0));
    rig.wait_ms(10_600);
    rig.take_all();
    rig.intent(1, op(1), "seek", json!({"position_us": 50_000_000}));
    let seek = rig.run();
    rig.done(&seek, 102, true);
    rig.intent(2, op(2), "pause", json!({}));
    rig.wait_ms(500);
    assert!(rig.runs.is_empty(), "a stop frame from the old timeline would undo the seek");
    rig.feed_of(Some(op(1)), Fact::Playback(Change::Seeked { position: secs(50) }));
    assert_eq!(rig.run().command, Command::Pause { position: Some(secs(50)) });
}

#[test]
fn a_command_that_never_answers_does_not_stop_the_room() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    rig.intent(1, op(1), "play", json!({}));
    rig.run();
    rig.intent(2, op(2), "seek", json!({"position_us": 5}));
    rig.wait_ms(9_900);
    assert!(rig.runs.is_empty());
    rig.wait_ms(200);
    assert_eq!(rig.run().command, Command::Seek { position: MediaTime(5) });
}

#[test]
fn nothing_is_accepted_before_joining() {
    let mut rig = Rig::new();
    rig.connect(1);
    rig.intent(1, op(1), "play", json!({}));
    assert_eq!(rig.take(1).pop().unwrap()["code"], "not_joined");
    assert!(rig.runs.is_empty());
}

#[test]
fn chat_runs_with_its_own_ids() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    rig.frame(1, json!({"t": "chat", "op": op(1), "id": op(2), "text": "hi", "playback_us": 7}));
    let run = rig.run();
    let id = lockstep_domain::ids::MessageId(op(2).0);
    assert_eq!(run.command, {
        let text = "hi".to_owned();
        Command::Chat { id, text, playback: Some(MediaTime(7)), reply_to: None, mentions: vec![] }
    });
    assert_eq!(run.op, Some(op(1)));
}
