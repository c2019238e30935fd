//! Reports: who may report what, and who deals with them.

use lockstep_domain::{
    permission::{ChannelRole, Permission},
    report::{Evidence, Report, ReportAction, ReportCommand as Do, ReportError as No, ReportEvent as Did},
    standing::{Denied, Standing},
};
use proptest::{option, prelude::*, sample::select};

use crate::{
    actor::{denials, muted, standing, standing_of, standings},
    check::{Given, repeats, total},
    sample::{BOB, CHANNEL, EVE, MESSAGE, named, reports, secs, wall},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Report> {
    crate::check::given(history)
}

fn evidence() -> Evidence {
    Evidence { author: BOB, text: named(BOB, "rude"), said_at: wall(3), playback: Some(secs(7)) }
}

fn file(standing: Standing, reason: &str, evidence: Option<Evidence>) -> Do {
    Do::File { channel: CHANNEL, message: MESSAGE, standing, reason: reason.into(), evidence }
}

fn filed() -> Did {
    Did::Filed {
        channel: CHANNEL,
        message: MESSAGE,
        reporter: EVE,
        reason: named(EVE, "it is rude"),
        author: BOB,
        text: named(BOB, "rude"),
        said_at_us: wall(3),
        playback_us: Some(secs(7)),
    }
}

fn eve() -> Standing {
    standing_of(EVE, ChannelRole::Viewer)
}

fn resolve(standing: Standing, action: ReportAction) -> Do {
    Do::Resolve { standing, action, note: None, at: wall(0) }
}

fn resolved(action: ReportAction) -> Did {
    Did::Resolved { by: crate::sample::ADA, action, note: None }
}

#[test]
fn members_report_once_and_the_evidence_stays() {
    given([]).when(file(eve(), " it is rude ", Some(evidence()))).then([filed()]);
    given([filed()]).when(file(eve(), "again", None)).then([]);
    given([]).when(file(muted(eve(), None), "it is rude", Some(evidence()))).then([filed()]);
    given([]).when(file(eve(), "  ", Some(evidence()))).refused(No::Reason);
    given([]).when(file(eve(), &"x".repeat(501), Some(evidence()))).refused(No::Reason);
    given([]).when(file(eve(), "rude", None)).refused(No::NothingToReport);
    given([]).when(file(standing_of(BOB, ChannelRole::Viewer), "me", Some(evidence()))).refused(No::Yourself);
    for (standing, denied) in denials() {
        given([]).when(file(standing, "rude", Some(evidence()))).refused(No::Denied(denied));
    }
}

#[test]
fn moderators_deal_with_a_report_once() {
    let owner = || standing(ChannelRole::Owner);
    given([filed()]).when(resolve(owner(), ReportAction::Banned)).then([resolved(ReportAction::Banned)]);
    let done = [filed(), resolved(ReportAction::Dismissed)];
    given(done.clone()).when(resolve(owner(), ReportAction::Dismissed)).then([]);
    given(done).when(resolve(owner(), ReportAction::Muted)).refused(No::AlreadyResolved);
    given([]).when(resolve(owner(), ReportAction::Muted)).refused(No::Unknown);
    let role = No::Denied(Denied::Role(Permission::Redact));
    given([filed()]).when(resolve(eve(), ReportAction::Dismissed)).refused(role);
}

fn commands() -> impl Strategy<Value = Do> {
    let reason = select(vec!["rude", " ", "\u{7}"]).prop_map(str::to_owned);
    let files = (standings(), reason.clone(), option::of(Just(evidence())))
        .prop_map(|(standing, reason, evidence)| file(standing, &reason, evidence));
    let actions = select(vec![ReportAction::Redacted, ReportAction::Muted, ReportAction::Dismissed]);
    let resolutions = (standings(), actions, option::of(reason), 0_i64..100)
        .prop_map(|(standing, action, note, at)| Do::Resolve { standing, action, note, at: wall(at) });
    prop_oneof![files, resolutions]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Report>(Did::TYPES, select(reports()), commands());
}

#[test]
fn any_history_folds() {
    total::<Report>(select(reports()), commands());
}
