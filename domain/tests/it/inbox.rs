//! What one person has read.

use lockstep_domain::{
    ids::{NotificationId, Position},
    inbox::{Inbox, InboxCommand as Do, InboxError as No, InboxEvent as Did, MARKED_MAX},
};
use proptest::{prelude::*, sample::select};
use uuid::Uuid;

use crate::{
    check::{Given, repeats, total},
    sample::inboxes,
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Inbox> {
    crate::check::given(history)
}

fn position(value: i64) -> Position {
    Position::from_i64(value)
}

fn note(number: u128) -> NotificationId {
    NotificationId(Uuid::from_u128(number))
}

fn through(value: i64) -> Do {
    Do::MarkThrough { position: position(value), head: position(100), suspended: false }
}

fn mark(numbers: impl IntoIterator<Item = u128>) -> Do {
    Do::Mark { notifications: numbers.into_iter().map(note).collect(), suspended: false }
}

fn read_through(value: i64) -> Did {
    Did::ReadThrough { position: position(value) }
}

fn read(numbers: impl IntoIterator<Item = u128>) -> Did {
    Did::Read { notifications: numbers.into_iter().map(note).collect() }
}

#[test]
fn reading_goes_forward_only() {
    given([]).when(through(7)).then([read_through(7)]);
    given([read_through(7)]).when(through(7)).then([]);
    given([read_through(7)]).when(through(3)).then([]);
    given([]).when(through(101)).refused(No::Future);
}

#[test]
fn single_ones_are_read_once() {
    given([]).when(mark([2, 1, 2])).then([read([1, 2])]);
    given([read([1])]).when(mark([1, 2])).then([read([2])]);
    given([]).when(mark([])).then([]);
    given([]).when(mark(0..=MARKED_MAX as u128)).refused(No::TooMany);
}

#[test]
fn who_is_suspended_marks_nothing() {
    let through = Do::MarkThrough { position: position(1), head: position(1), suspended: true };
    given([]).when(through).refused(No::Suspended);
    given([]).when(Do::Mark { notifications: vec![note(1)], suspended: true }).refused(No::Suspended);
}

fn commands() -> impl Strategy<Value = Do> {
    let through = (0_i64..120, any::<bool>()).prop_map(|(value, suspended)| Do::MarkThrough {
        position: position(value),
        head: position(100),
        suspended,
    });
    let mark = proptest::collection::vec(0_u128..40, 0..6).prop_map(mark);
    prop_oneof![through, mark]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Inbox>(Did::TYPES, select(inboxes()), commands());
}

#[test]
fn any_history_folds() {
    total::<Inbox>(select(inboxes()), commands());
}

#[test]
fn a_position_is_stored_as_text() {
    let json = serde_json::to_value(read_through(7)).unwrap();
    assert_eq!(json, serde_json::json!({ "ReadThrough": { "position": "7" } }));
    assert!(serde_json::from_value::<Did>(serde_json::json!({ "ReadThrough": { "position": "-7" } })).is_err());
}
