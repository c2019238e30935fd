//! Work items: claims, segments, ends.

use lockstep_domain::{
    Aggregate,
    work::{Failure, Segment, Work, WorkCommand as Do, WorkError as No, WorkEvent as Did, WorkState},
};
use proptest::{prelude::*, sample::select};

use crate::{
    check::{Given, repeats, total},
    sample::{failure, segment, works},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Work> {
    crate::check::given(history)
}

fn claim(worker: &str) -> Do {
    Do::Claim { worker: worker.into() }
}

fn claimed(worker: &str, attempt: u32) -> Did {
    Did::Claimed { worker: worker.into(), attempt }
}

fn publish(worker: &str, attempt: u32, segment: Segment) -> Do {
    Do::PublishSegment { worker: worker.into(), attempt, segment }
}

fn published(attempt: u32, segment: Segment) -> Did {
    Did::SegmentPublished { attempt, segment }
}

fn complete(worker: &str, attempt: u32) -> Do {
    Do::Complete { worker: worker.into(), attempt }
}

fn fail(worker: &str, attempt: u32) -> Do {
    Do::Fail { worker: worker.into(), attempt, failure: failure() }
}

fn failed(attempt: u32) -> Did {
    Did::WorkFailed { attempt, failure: failure() }
}

const COMPLETED: Did = Did::WorkCompleted { attempt: 1 };
const LAPSED: Did = Did::ClaimLapsed { attempt: 1 };

#[test]
fn one_worker_claims() {
    given([]).when(claim("a")).then([claimed("a", 1)]);
    given([claimed("a", 1)]).when(claim("a")).then([]);
    given([claimed("a", 1)]).when(claim("b")).refused(No::Claimed);
}

#[test]
fn a_lapsed_claim_is_taken_over() {
    given([claimed("a", 1)]).when(Do::Lapse { attempt: 1 }).then([LAPSED]);
    given([claimed("a", 1), LAPSED]).when(claim("b")).then([claimed("b", 2)]);
    given([claimed("a", 1), LAPSED]).when(claim("a")).then([claimed("a", 2)]);
    given([claimed("a", 1), LAPSED, claimed("b", 2)]).when(Do::Lapse { attempt: 1 }).then([]);
    given([]).when(Do::Lapse { attempt: 1 }).then([]);
    given([claimed("a", 1), COMPLETED]).when(Do::Lapse { attempt: 1 }).then([]);
}

#[test]
fn what_is_done_is_not_claimed() {
    given([claimed("a", 1), COMPLETED]).when(claim("b")).refused(No::Done);
    given([claimed("a", 1), failed(1)]).when(claim("b")).refused(No::Done);
}

#[test]
fn the_holder_publishes() {
    let one = Segment { number: 1, codecs: None, ..segment() };
    given([claimed("a", 1)]).when(publish("a", 1, one.clone())).then([published(1, one.clone())]);
    let again = [claimed("a", 1), published(1, one.clone())];
    given(again.clone()).when(publish("a", 1, one.clone())).then([]);
    let other_bytes = Segment { bytes: 9, ..one };
    given(again).when(publish("a", 1, other_bytes.clone())).then([published(1, other_bytes)]);
}

#[test]
fn a_segment_is_known_once() {
    let one = Segment { number: 1, ..segment() };
    let two = Segment { number: 2, ..segment() };
    let better = Segment { bytes: 9, ..one.clone() };
    let history = [claimed("a", 1), published(1, one), published(1, two.clone()), published(1, better.clone())];
    assert_eq!(Work::fold(&history).segments, [two, better]);
}

#[test]
fn segments_outlive_the_claim() {
    let history = [claimed("a", 1), published(1, segment()), LAPSED, claimed("b", 2)];
    assert_eq!(Work::fold(&history).segments, [segment()]);
    given(history).when(publish("b", 2, segment())).then([]);
}

#[test]
fn the_holder_completes() {
    given([claimed("a", 1)]).when(complete("a", 1)).then([COMPLETED]);
    given([claimed("a", 1), COMPLETED]).when(complete("a", 1)).then([]);
    given([claimed("a", 1), COMPLETED]).when(complete("a", 2)).refused(No::Done);
    given([claimed("a", 1), failed(1)]).when(complete("a", 1)).refused(No::Done);
}

#[test]
fn the_holder_fails() {
    given([claimed("a", 1)]).when(fail("a", 1)).then([failed(1)]);
    given([claimed("a", 1), failed(1)]).when(fail("a", 1)).then([]);
    let other = Failure { code: "other".into(), ..failure() };
    let fails_otherwise = Do::Fail { worker: "a".into(), attempt: 1, failure: other };
    given([claimed("a", 1), failed(1)]).when(fails_otherwise).refused(No::Done);
    given([claimed("a", 1), COMPLETED]).when(fail("a", 1)).refused(No::Done);
}

#[test]
fn what_failed_is_opened_again() {
    given([claimed("a", 1), failed(1)]).when(Do::Reopen).then([Did::Reopened {}]);
    given([claimed("a", 1)]).when(Do::Reopen).then([]);
    let again = Do::Claim { worker: "b".into() };
    given([claimed("a", 1), failed(1), Did::Reopened {}]).when(again).then([claimed("b", 2)]);
}

#[test]
fn a_stale_claim_changes_nothing() {
    let taken_over = || [claimed("a", 1), LAPSED, claimed("b", 2)];
    for history in [vec![], vec![claimed("a", 1), LAPSED], taken_over().to_vec()] {
        given(history.clone()).when(publish("a", 1, segment())).refused(No::Stale);
        given(history.clone()).when(complete("a", 1)).refused(No::Stale);
        given(history).when(fail("a", 1)).refused(No::Stale);
    }
    given(taken_over()).when(complete("a", 2)).refused(No::Stale);
    given(taken_over()).when(complete("b", 1)).refused(No::Stale);
    given([claimed("a", 1), COMPLETED]).when(publish("a", 1, segment())).refused(No::Done);
}

#[test]
fn an_item_remembers_who_holds_it() {
    let held = WorkState { holder: Some("b".into()), attempt: 2, ..WorkState::default() };
    assert_eq!(Work::fold(&[claimed("a", 1), LAPSED, claimed("b", 2)]), held);
    let done = WorkState { attempt: 1, completed: true, ..WorkState::default() };
    assert_eq!(Work::fold(&[claimed("a", 1), COMPLETED]), done);
    let given_up = WorkState { attempt: 1, failure: Some(failure()), ..WorkState::default() };
    assert_eq!(Work::fold(&[claimed("a", 1), failed(1)]), given_up);
}

fn commands() -> impl Strategy<Value = Do> {
    let worker = || select(vec!["a", "b"]).prop_map(str::to_owned);
    let attempt = || 1_u32..4;
    let segment = (0_u32..3, 1_u64..3).prop_map(|(number, bytes)| Segment { number, bytes, ..segment() });
    let failure = any::<bool>().prop_map(|retryable| Failure { retryable, ..failure() });
    prop_oneof![
        4 => worker().prop_map(|worker| Do::Claim { worker }),
        4 => (worker(), attempt(), segment)
            .prop_map(|(worker, attempt, segment)| Do::PublishSegment { worker, attempt, segment }),
        1 => (worker(), attempt()).prop_map(|(worker, attempt)| Do::Complete { worker, attempt }),
        2 => attempt().prop_map(|attempt| Do::Lapse { attempt }),
        1 => (worker(), attempt(), failure)
            .prop_map(|(worker, attempt, failure)| Do::Fail { worker, attempt, failure }),
        1 => Just(Do::Reopen),
    ]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Work>(Did::TYPES, select(works()), commands());
}

#[test]
fn any_history_folds() {
    total::<Work>(select(works()), commands());
}

proptest! {
    /// Fencing: whatever happens, at most one worker may act, and never one of an earlier attempt.
    #[test]
    fn one_worker_acts(commands in proptest::collection::vec(commands(), 0..40)) {
        let mut state = Work::fold(&[]);
        for command in &commands {
            for event in Work::decide(&state, command).unwrap_or_default() {
                Work::evolve(&mut state, &event);
            }
            let may_act: Vec<(&str, u32)> = ["a", "b"]
                .into_iter()
                .flat_map(|worker| (0..60).map(move |attempt| (worker, attempt)))
                .filter(|(worker, attempt)| Work::decide(&state, &publish(worker, *attempt, fresh())).is_ok())
                .collect();
            let holder: Vec<(&str, u32)> =
                state.holder.as_deref().map(|holder| (holder, state.attempt)).into_iter().collect();
            prop_assert_eq!(may_act, holder);
        }
    }
}

/// A segment no history has.
fn fresh() -> Segment {
    Segment { number: 99, ..segment() }
}
