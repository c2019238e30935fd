//! What became of a message, and emoji thrown over the film.

use lockstep_domain::ids::MessageId;
use lockstep_sync_hub::{
    BURST_INTERVAL_MS, Command, Fact, Input, Noun, Refusal,
    protocol::{Answered, FrameError, MessageView, Reacted, ReactionView, parse},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::{Rig, account, message, op, person};

const THUMB: &str = "\u{1F44D}";

fn of(rig: &mut Rig, n: u64, kind: &str) -> Vec<Value> {
    rig.take(n).into_iter().filter(|frame| frame["e"] == kind).collect()
}

fn throw(rig: &mut Rig, n: u64, emoji: &str) {
    rig.frame(n, json!({"t": "react", "emoji": emoji}));
}

/// Answers every question for the right to react.
fn confirm(rig: &mut Rig) {
    for run in std::mem::take(&mut rig.runs) {
        assert_eq!(run.command, Command::MayReact);
        rig.done(&run, 0, false);
    }
}

#[test]
fn a_change_is_told_as_the_whole_new_message() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    let id = MessageId(Uuid::from_u128(5));
    let reacted = Some(Reacted { account: account(2), emoji: THUMB.to_owned(), on: true });
    let reactions = vec![ReactionView { emoji: THUMB.to_owned(), count: 3 }];
    let text = Some("hi".to_owned());
    let view = MessageView { id, text, edited: true, redacted: None, reactions, pinned: false, reacted };
    let position = rig.feed(Fact::MessageChanged(view));
    let told = json!({"e": "message_changed", "position": position.to_string(), "message": {
        "id": id, "text": "hi", "edited": true, "redacted": null, "pinned": false,
        "reactions": [{"emoji": THUMB, "count": 3}], "reacted": {"account": account(2), "emoji": THUMB, "on": true},
    }});
    assert_eq!((rig.take(1), rig.take(2)), (vec![told.clone()], vec![told]));
}

#[test]
fn an_answer_carries_what_it_answers_and_a_plain_message_nothing_more() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    let Fact::Message { id, author, text, sent_at, playback, .. } = message(5, "yes") else { unreachable!() };
    let reply_to = Some(Answered { id: MessageId(Uuid::from_u128(4)), author: Some(person(2)) });
    let mentions = vec![account(3)];
    rig.feed(Fact::Message { id, author, text, sent_at, playback, reply_to, mentions });
    rig.say("plain");
    let said = of(&mut rig, 1, "message");
    let answered = json!({"id": Uuid::from_u128(4), "author": person(2)});
    assert_eq!((&said[0]["message"]["reply_to"], &said[0]["message"]["mentions"]), (&answered, &json!([account(3)])));
    assert_eq!((said[1]["message"].get("reply_to"), said[1]["message"].get("mentions")), (None, None));
}

#[test]
fn a_refusal_says_how_long_to_wait() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    rig.frame(1, json!({"t": "chat", "op": op(1), "id": op(2), "text": "hi"}));
    let run = rig.run();
    let refusal = Refusal { retry_after_ms: Some(900), ..Refusal::new("slow_mode_wait", "wait") };
    rig.input(Input::CommandDone { ticket: run.ticket, result: Err(refusal) });
    let told = json!({"t": "refused", "op": op(1), "code": "slow_mode_wait", "message": "wait", "retry_after_ms": 900});
    assert_eq!(rig.take(1), [told]);
}

#[test]
fn thrown_emoji_are_counted_and_told_four_times_a_second() {
    let mut rig = Rig::room([1, 2, 3]);
    rig.take_all();
    for n in [1, 2, 3] {
        throw(&mut rig, n, THUMB);
    }
    assert!(rig.take(1).is_empty(), "nothing before the right is known");
    confirm(&mut rig);
    for n in [1, 2, 3, 1] {
        throw(&mut rig, n, THUMB);
    }
    throw(&mut rig, 2, "\u{2764}");
    assert!(rig.runs.is_empty(), "a right once known is not asked for at each throw");
    rig.wait_ms(BURST_INTERVAL_MS);
    let told = of(&mut rig, 1, "reactions");
    let total: u64 = told
        .iter()
        .flat_map(|frame| frame["counts"].as_array().unwrap())
        .map(|one| one["count"].as_u64().unwrap())
        .sum();
    assert_eq!((told.len(), total), (2, 8), "{told:?}");
    rig.wait_ms(10_000);
    assert!(of(&mut rig, 2, "reactions").len() == 2 && of(&mut rig, 1, "reactions").is_empty());
}

#[test]
fn who_may_not_react_throws_nothing_and_a_change_is_noticed_at_once() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    throw(&mut rig, 1, THUMB);
    let run = rig.run();
    rig.refused(&run, "muted");
    rig.wait_ms(1_000);
    assert!(of(&mut rig, 2, "reactions").is_empty());
    throw(&mut rig, 1, THUMB);
    confirm(&mut rig);
    rig.wait_ms(1_000);
    assert_eq!(of(&mut rig, 2, "reactions").len(), 1);
    rig.feed(Fact::Changed { noun: Noun::Member, account: Some(account(1)) });
    throw(&mut rig, 1, THUMB);
    assert_eq!(rig.run().command, Command::MayReact, "asked again after a change");
}

#[test]
fn one_session_throws_a_few_emoji_at_once() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    throw(&mut rig, 1, THUMB);
    confirm(&mut rig);
    (0..20).for_each(|_| throw(&mut rig, 1, THUMB));
    rig.wait_ms(BURST_INTERVAL_MS);
    let told = of(&mut rig, 2, "reactions");
    let total: u64 = told.iter().map(|frame| frame["counts"][0]["count"].as_u64().unwrap()).sum();
    assert_eq!(total, 5, "{told:?}");
}

#[test]
fn only_an_emoji_can_be_thrown() {
    let frame = |emoji: &str| parse(&json!({"t": "react", "emoji": emoji}).to_string());
    for text in ["", "a", "<img>", "\u{1F44D}\u{1F44D}"] {
        assert_eq!(frame(text), Err(FrameError::OutOfRange("emoji")), "{text}");
    }
    assert!(frame(THUMB).is_ok());
}

#[test]
fn only_moderators_hear_of_reports() {
    let mut rig = Rig::room([1, 2]);
    let granted = Fact::RoleGranted {
        account: account(2),
        role: lockstep_domain::permission::ChannelRole::Moderator,
        version: 2,
    };
    rig.feed(granted);
    rig.take_all();
    rig.feed(Fact::Changed { noun: Noun::Report, account: None });
    assert!(rig.take(1).is_empty());
    assert_eq!(rig.take(2)[0]["noun"], "report");
}
