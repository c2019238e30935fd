//! Visits: one arrival, one departure.

use lockstep_domain::{
    ids::AccountId,
    visit::{Visit, VisitCommand as Do, VisitError as No, VisitEvent as Did},
};
use proptest::{prelude::*, sample::select};

use crate::{
    check::{Given, repeats, total},
    sample::{ADA, BOB, CHANNEL, visits},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Visit> {
    crate::check::given(history)
}

fn arrive(account: AccountId) -> Do {
    Do::Arrive { channel: CHANNEL, account }
}

const ARRIVED: Did = Did::Arrived { channel: CHANNEL, account: BOB };
const DEPARTED: Did = Did::Departed { channel: CHANNEL, account: BOB };

#[test]
fn a_viewer_arrives_once() {
    given([]).when(arrive(BOB)).then([ARRIVED]);
    given([ARRIVED]).when(arrive(BOB)).then([]);
    given([ARRIVED]).when(arrive(ADA)).refused(No::Exists);
}

#[test]
fn a_viewer_departs_once() {
    given([ARRIVED]).when(Do::Depart).then([DEPARTED]);
    given([ARRIVED, DEPARTED]).when(Do::Depart).then([]);
    given([]).when(Do::Depart).refused(No::Unknown);
}

#[test]
fn a_visit_that_is_over_does_not_begin_again() {
    given([ARRIVED, DEPARTED]).when(arrive(BOB)).then([]);
    given([ARRIVED, DEPARTED]).when(arrive(ADA)).refused(No::Exists);
}

fn commands() -> impl Strategy<Value = Do> {
    prop_oneof![select(vec![ADA, BOB]).prop_map(arrive), Just(Do::Depart)]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Visit>(Did::TYPES, select(visits()), commands());
}

#[test]
fn any_history_folds() {
    total::<Visit>(select(visits()), commands());
}
