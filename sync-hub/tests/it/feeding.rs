//! What the feed tells and to whom.

use lockstep_sync_hub::{Change, Fact, Input, SessionId};

use crate::rig::{Rig, account, at, message, op, secs};

#[test]
fn messages_reach_everybody_in_log_order_in_one_frame() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    let events = vec![rig.event(None, message(1, "one")), rig.event(None, message(2, "two"))];
    rig.input(Input::Feed { events: events.clone(), through: at(rig.log) });
    assert_eq!(rig.sent.len(), 2, "one frame each");
    for n in [1, 2] {
        assert_eq!(rig.texts(n), ["one", "two"]);
    }
    rig.input(Input::Feed { events, through: at(rig.log) });
    assert!(rig.texts(1).is_empty(), "told once");
}

#[test]
fn a_banned_viewer_is_told_and_closed_and_hears_nothing_after() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    let ban = Fact::Banned { account: account(1), version: 2 };
    let events =
        vec![rig.event(None, message(1, "before")), rig.event(None, ban), rig.event(None, message(2, "after"))];
    rig.input(Input::Feed { events, through: at(rig.log) });
    let frames = rig.take(1);
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0]["message"]["text"], "before");
    assert_eq!((&frames[1]["e"], &frames[1]["account"]), (&"banned".into(), &account(1).to_string().into()));
    assert_eq!(rig.closed[&1].0, 4403);
    rig.intent(1, op(1), "play", serde_json::json!({}));
    rig.skip_visits();
    assert!(rig.runs.is_empty(), "later intents do nothing");
    assert_eq!(rig.texts(2), ["before", "after"]);
}

#[test]
fn who_left_the_channel_is_closed() {
    let mut rig = Rig::room([1]);
    rig.feed(Fact::Left { account: account(1), version: 2 });
    assert_eq!(rig.closed[&1], (4403, "left".to_owned()));
}

#[test]
fn an_old_ban_does_not_touch_who_was_let_in_again() {
    let mut rig = Rig::room([]);
    rig.ask(1);
    rig.standing(1, 4);
    rig.loaded(None);
    rig.feed(Fact::Banned { account: account(1), version: 2 });
    assert!(rig.closed.is_empty());
}

#[test]
fn a_ban_while_the_standing_is_being_read_wins() {
    let mut rig = Rig::room([2]);
    rig.ask(1);
    rig.feed(Fact::Banned { account: account(1), version: 2 });
    rig.standing(1, 1);
    assert_eq!(rig.closed[&1].0, 4403);
}

#[test]
fn a_ban_between_standing_and_snapshot_wins() {
    let mut rig = Rig::new();
    rig.join(1);
    rig.feed(Fact::Banned { account: account(1), version: 2 });
    rig.loaded(None);
    assert_eq!(rig.closed[&1].0, 4403);
}

#[test]
fn another_channels_events_are_not_told_here() {
    let mut rig = Rig::room([1]);
    rig.take_all();
    let mut event = rig.event(None, Fact::Playback(Change::Played { position: secs(0) }));
    event.channel = lockstep_domain::ids::ChannelId(uuid::Uuid::from_u128(0xcc));
    rig.input(Input::Feed { events: vec![event], through: at(rig.log) });
    assert!(rig.take(1).is_empty());
    assert_eq!(rig.hub.queued(SessionId(1)), Some((0, 0)));
}
