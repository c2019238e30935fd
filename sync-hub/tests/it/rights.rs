//! Who is sent away, who is told that something changed, and who inherits the one remote.

use lockstep_domain::{ids::AccountId, permission::ChannelRole};
use lockstep_sync_hub::{Command, Fact, INHERIT_AFTER_MS, Input, Noun, SessionId, Standing};
use serde_json::{Value, json};

use crate::rig::{Rig, account, at, message, paused_snapshot, secs};

fn changed(frames: Vec<Value>) -> Vec<(Value, Value)> {
    let changed = frames.into_iter().filter(|frame| frame["e"] == "changed");
    changed.map(|frame| (frame["noun"].clone(), frame["account"].clone())).collect()
}

/// A room whose one remote is viewer `holder`'s, with these viewers in it.
fn held_by(holder: u64, viewers: impl IntoIterator<Item = u64>) -> Rig {
    let mut rig = Rig::new();
    rig.remote = Some(account(holder));
    let mut viewers = viewers.into_iter();
    viewers.by_ref().take(1).for_each(|viewer| rig.join(viewer));
    rig.loaded(Some(paused_snapshot(secs(0))));
    for viewer in viewers {
        rig.wait_ms(10);
        rig.join(viewer);
    }
    rig.take_all();
    rig
}

fn inherits(rig: &mut Rig) -> Option<(AccountId, AccountId)> {
    rig.skip_visits();
    match rig.runs.as_slice() {
        [] => None,
        [run] => match run.command {
            Command::InheritRemote { from, to } if run.account.is_none() => Some((from, to)),
            ref other => panic!("{other:?}"),
        },
        more => panic!("{more:?}"),
    }
}

fn gone(rig: &mut Rig, viewer: u64) {
    rig.input(Input::Disconnected { session: SessionId(viewer) });
}

#[test]
fn what_is_read_elsewhere_is_told_to_everybody_with_its_position() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    rig.feed(Fact::Changed { noun: Noun::Channel, account: None });
    rig.feed(Fact::Changed { noun: Noun::Member, account: Some(account(2)) });
    let last = rig.feed(Fact::Changed { noun: Noun::Queue, account: None });
    for viewer in [1, 2] {
        let frames = rig.take(viewer);
        assert_eq!(frames[2]["position"], last.to_string());
        let member = json!(account(2));
        assert_eq!(
            changed(frames),
            [(json!("channel"), Value::Null), (json!("member"), member), (json!("queue"), Value::Null)]
        );
    }
}

#[test]
fn a_role_granted_is_told_as_a_changed_member() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    rig.feed(Fact::RoleGranted { account: account(1), role: ChannelRole::Admin, version: 2 });
    assert_eq!(changed(rig.take(2)), [(json!("member"), json!(account(1)))]);
}

#[test]
fn who_is_removed_is_closed_and_the_others_are_told() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    let removed = Fact::Removed { account: account(1), version: 2 };
    let events =
        vec![rig.event(None, message(1, "before")), rig.event(None, removed), rig.event(None, message(2, "after"))];
    rig.input(Input::Feed { events, through: at(rig.log) });
    assert_eq!(rig.closed[&1], (4403, "removed".to_owned()));
    assert_eq!(rig.texts(1), ["before"]);
    let frames = rig.take(2);
    assert_eq!(changed(frames.clone()), [(json!("member"), json!(account(1)))]);
    assert_eq!(frames.iter().filter(|frame| frame["e"] == "message").count(), 2);
    assert!(!rig.closed.contains_key(&2));
}

#[test]
fn a_removal_does_not_touch_who_came_back_in_knowledge_of_it() {
    let mut rig = Rig::room([]);
    rig.ask(1);
    rig.standing(1, 3);
    rig.loaded(None);
    rig.feed(Fact::Removed { account: account(1), version: 2 });
    assert!(rig.closed.is_empty());
}

#[test]
fn an_archived_channel_closes_for_everybody_joiners_too() {
    let mut rig = Rig::room([1, 2]);
    rig.ask(3);
    rig.take_all();
    rig.feed(Fact::Archived);
    for viewer in [1, 2, 3] {
        assert_eq!(rig.closed[&viewer], (4403, "archived".to_owned()), "{viewer}");
    }
    assert_eq!(changed(rig.take(1)), [(json!("channel"), Value::Null)], "told before the end");
}

#[test]
fn the_remote_is_inherited_after_thirty_seconds_by_the_highest_role() {
    let mut rig = held_by(1, [1, 2]);
    rig.connect(3);
    rig.frame(3, json!({"t": "join", "channel": crate::rig::CHANNEL, "visit": crate::rig::visit(3)}));
    let standing = Standing { role: ChannelRole::Moderator, version: 1 };
    rig.input(Input::Membership { session: SessionId(3), result: Ok(standing) });
    gone(&mut rig, 1);
    rig.wait_ms(INHERIT_AFTER_MS - 1);
    assert_eq!(inherits(&mut rig), None, "not before 30 s");
    rig.wait_ms(1);
    assert_eq!(inherits(&mut rig), Some((account(1), account(3))));
}

#[test]
fn of_equal_roles_the_longest_here_inherits() {
    let mut rig = held_by(1, [1, 5, 2]);
    gone(&mut rig, 1);
    // A short loss of the socket is no departure: viewer 5 comes back as another session.
    gone(&mut rig, 5);
    rig.wait_ms(3_000);
    rig.join(5);
    rig.wait_ms(INHERIT_AFTER_MS);
    assert_eq!(inherits(&mut rig), Some((account(1), account(5))));
}

#[test]
fn a_holder_who_comes_back_in_time_keeps_it() {
    let mut rig = held_by(1, [1, 2]);
    gone(&mut rig, 1);
    rig.wait_ms(INHERIT_AFTER_MS - 1_000);
    rig.join(1);
    rig.wait_ms(120_000);
    assert_eq!(inherits(&mut rig), None);
    // The next absence counts from its own beginning.
    gone(&mut rig, 1);
    rig.wait_ms(INHERIT_AFTER_MS - 1);
    assert_eq!(inherits(&mut rig), None);
    rig.wait_ms(1);
    assert_eq!(inherits(&mut rig), Some((account(1), account(2))));
}

#[test]
fn a_holder_with_another_window_open_is_not_away() {
    let mut rig = held_by(1, [1, 2]);
    let again = Input::Connected {
        session: SessionId(7),
        account: crate::rig::person(1),
        role: lockstep_domain::account::PlatformRole::Member,
    };
    rig.input(again);
    rig.frame(7, json!({"t": "join", "channel": crate::rig::CHANNEL, "visit": crate::rig::visit(7)}));
    rig.standing(7, 1);
    gone(&mut rig, 1);
    rig.wait_ms(120_000);
    assert_eq!(inherits(&mut rig), None);
}

#[test]
fn a_holder_who_never_came_is_waited_for_as_long() {
    let mut rig = held_by(8, [1]);
    rig.wait_ms(INHERIT_AFTER_MS - 1);
    assert_eq!(inherits(&mut rig), None);
    rig.wait_ms(1);
    assert_eq!(inherits(&mut rig), Some((account(8), account(1))));
}

#[test]
fn nobody_inherits_while_everybody_shares_the_remote() {
    let mut rig = held_by(1, [1, 2]);
    gone(&mut rig, 1);
    rig.wait_ms(20_000);
    rig.feed(Fact::Remote { holder: None });
    rig.wait_ms(120_000);
    assert_eq!(inherits(&mut rig), None);
}

#[test]
fn a_hand_over_starts_the_wait_anew() {
    let mut rig = held_by(1, [1, 2]);
    gone(&mut rig, 1);
    rig.wait_ms(29_000);
    rig.feed(Fact::Remote { holder: Some(account(4)) });
    assert_eq!(changed(rig.take(2)), [(json!("channel"), Value::Null)]);
    rig.wait_ms(29_000);
    assert_eq!(inherits(&mut rig), None);
    rig.wait_ms(1_000);
    assert_eq!(inherits(&mut rig), Some((account(4), account(2))));
}

#[test]
fn an_inheritance_that_did_not_work_is_asked_for_again() {
    let mut rig = held_by(1, [1, 2]);
    gone(&mut rig, 1);
    rig.wait_ms(INHERIT_AFTER_MS);
    rig.skip_visits();
    let run = rig.run();
    rig.wait_ms(20_000);
    assert_eq!(inherits(&mut rig), None, "one question at a time");
    rig.refused(&run, "unavailable");
    rig.wait_ms(4_999);
    assert_eq!(inherits(&mut rig), None);
    rig.wait_ms(1);
    assert_eq!(inherits(&mut rig), Some((account(1), account(2))));
}

#[test]
fn the_snapshot_does_not_undo_what_the_feed_told_after_it() {
    let mut rig = Rig::new();
    rig.remote = Some(account(1));
    rig.join(2);
    rig.feed(Fact::Remote { holder: None });
    rig.loaded(Some(paused_snapshot(secs(0))));
    rig.take_all();
    rig.wait_ms(120_000);
    assert_eq!(inherits(&mut rig), None);
}

#[test]
fn an_empty_room_asks_for_nothing() {
    let mut rig = held_by(1, [1]);
    gone(&mut rig, 1);
    rig.wait_ms(50_000);
    assert_eq!(inherits(&mut rig), None);
    rig.join(2);
    assert_eq!(inherits(&mut rig), Some((account(1), account(2))), "who comes then gets it at once");
}
