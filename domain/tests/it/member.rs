//! Coming and going: joining, asking to be let in, leaving.

use lockstep_domain::{
    Aggregate,
    channel::Visibility,
    member::{Member, MemberCommand as Do, MemberError as No, MemberEvent as Did, MemberState},
    permission::{ChannelRole, Permission},
    standing::{Denied, Standing},
};
use proptest::{prelude::*, sample::select};

use crate::{
    actor::{archived, banned, channel, outsider, people, standing, standings, suspended, visibilities},
    check::{Given, repeats, total},
    moderation::{moderate_by, moderations},
    sample::{ADA, BOB, INVITE, members, wall},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Member> {
    crate::check::given(history)
}

/// By Bob; the member's own state comes from the stream.
fn join(visibility: Visibility) -> Do {
    Do::Join { standing: outsider(BOB, visibility), invite: None }
}

fn join_invited(visibility: Visibility) -> Do {
    Do::Join { standing: outsider(BOB, visibility), invite: Some(INVITE) }
}

fn ask(visibility: Visibility) -> Do {
    Do::AskToJoin { standing: outsider(BOB, visibility) }
}

pub fn joined(role: ChannelRole) -> Did {
    Did::Joined { role, invite: None }
}

const EVERY: [Visibility; 3] = [Visibility::Public, Visibility::Unlisted, Visibility::Private];
const ASKED: Did = Did::JoinRequested {};
const APPROVED: Did = Did::JoinApproved { by: ADA };
const DECLINED: Did = Did::JoinDeclined { by: ADA };
const REMOVED: Did = Did::Removed { by: ADA, reason: None };
const BANNED: Did = Did::Banned { by: ADA, reason: None };
const UNBANNED: Did = Did::Unbanned { by: ADA };

#[test]
fn somebody_joins() {
    for open in [Visibility::Public, Visibility::Unlisted] {
        given([]).when(join(open)).then([joined(ChannelRole::Viewer)]);
    }
    given([joined(ChannelRole::Viewer)]).when(join(Visibility::Public)).then([]);
}

#[test]
fn the_owner_joins_as_owner() {
    for visibility in EVERY {
        let join = Do::Join { standing: outsider(ADA, visibility), invite: None };
        given([]).when(join).then([joined(ChannelRole::Owner)]);
    }
}

#[test]
fn a_private_channel_lets_in_who_was_in() {
    given([]).when(join(Visibility::Private)).refused(No::Denied(Denied::NoChannel));
    given([ASKED]).when(join(Visibility::Private)).refused(No::Private);
    let was_in = [joined(ChannelRole::Viewer), Did::Left {}];
    given(was_in).when(join(Visibility::Private)).then([joined(ChannelRole::Viewer)]);
}

#[test]
fn an_invite_opens_a_private_channel() {
    let invited = Did::Joined { role: ChannelRole::Viewer, invite: Some(INVITE) };
    for visibility in EVERY {
        given([]).when(join_invited(visibility)).then([invited.clone()]);
    }
    given([joined(ChannelRole::Viewer)]).when(join_invited(Visibility::Private)).then([]);
    given([joined(ChannelRole::Viewer), REMOVED]).when(join_invited(Visibility::Private)).then([invited]);
}

#[test]
fn a_role_outlives_leaving() {
    let moderator = Did::RoleGranted { role: ChannelRole::Moderator, by: ADA };
    let history = [joined(ChannelRole::Viewer), moderator, Did::Left {}];
    given(history).when(join(Visibility::Public)).then([joined(ChannelRole::Moderator)]);
}

#[test]
fn who_was_sent_away_comes_back_only_through_an_open_door() {
    let sent_away = || [joined(ChannelRole::Viewer), REMOVED];
    given(sent_away()).when(join(Visibility::Private)).refused(No::Private);
    given(sent_away()).when(join(Visibility::Public)).then([joined(ChannelRole::Viewer)]);
    given(sent_away()).when(ask(Visibility::Private)).then([ASKED]);
}

#[test]
fn who_was_sent_away_comes_back_as_a_viewer_until_given_a_role_again() {
    let moderator = || Did::RoleGranted { role: ChannelRole::Moderator, by: ADA };
    for away in [vec![REMOVED], vec![BANNED, UNBANNED]] {
        let history = |more: Vec<Did>| [vec![joined(ChannelRole::Viewer), moderator()], away.clone(), more].concat();
        given(history(vec![])).when(join(Visibility::Public)).then([joined(ChannelRole::Viewer)]);
        given(history(vec![moderator()])).when(join(Visibility::Public)).then([joined(ChannelRole::Moderator)]);
    }
}

#[test]
fn a_ban_shuts_the_door() {
    for visibility in EVERY {
        for command in [join(visibility), join_invited(visibility), ask(visibility)] {
            let history = [joined(ChannelRole::Viewer), BANNED];
            given(history).when(command).refused(No::Denied(Denied::Banned));
        }
    }
    let forgiven = || [joined(ChannelRole::Viewer), BANNED, UNBANNED];
    given(forgiven()).when(join(Visibility::Public)).then([joined(ChannelRole::Viewer)]);
    given(forgiven()).when(join(Visibility::Private)).refused(No::Private);
}

#[test]
fn what_the_stream_says_of_the_member_counts_and_not_what_was_looked_up() {
    let standing = banned(outsider(BOB, Visibility::Public));
    given([]).when(Do::Join { standing, invite: None }).then([joined(ChannelRole::Viewer)]);
}

#[test]
fn nobody_comes_in_where_nobody_may_be() {
    let bob = || outsider(BOB, Visibility::Public);
    let mut nowhere = bob();
    nowhere.channel.owner = None;
    let mut unfinished = bob();
    unfinished.channel.visibility = None;
    for (standing, denied) in [
        (suspended(bob()), Denied::Suspended),
        (archived(bob()), Denied::Archived),
        (nowhere, Denied::NoChannel),
        (unfinished, Denied::NoChannel),
    ] {
        let invited = Do::Join { standing: standing.clone(), invite: Some(INVITE) };
        given([]).when(invited).refused(No::Denied(denied));
        given([]).when(Do::Join { standing: standing.clone(), invite: None }).refused(No::Denied(denied));
        given([]).when(Do::AskToJoin { standing }).refused(No::Denied(denied));
    }
}

#[test]
fn somebody_asks_to_be_let_in() {
    given([]).when(ask(Visibility::Private)).then([ASKED]);
    given([ASKED]).when(ask(Visibility::Private)).then([]);
    given([ASKED]).when(join(Visibility::Private)).refused(No::Private);
    given([joined(ChannelRole::Viewer)]).when(ask(Visibility::Private)).then([]);
}

#[test]
fn nobody_asks_at_an_open_door() {
    given([]).when(ask(Visibility::Public)).refused(No::Open);
    given([]).when(ask(Visibility::Unlisted)).refused(No::Open);
    given([ASKED, APPROVED]).when(ask(Visibility::Private)).refused(No::Open);
    let owner = Do::AskToJoin { standing: outsider(ADA, Visibility::Private) };
    given([]).when(owner).refused(No::Open);
}

#[test]
fn who_was_approved_joins() {
    given([ASKED, APPROVED]).when(join(Visibility::Private)).then([joined(ChannelRole::Viewer)]);
    given([ASKED, DECLINED]).when(join(Visibility::Private)).refused(No::Denied(Denied::NoChannel));
    given([ASKED, DECLINED]).when(ask(Visibility::Private)).then([ASKED]);
}

#[test]
fn somebody_leaves() {
    given([joined(ChannelRole::Viewer)]).when(Do::Leave).then([Did::Left {}]);
    given([joined(ChannelRole::Viewer), Did::Left {}]).when(Do::Leave).then([]);
    given([]).when(Do::Leave).then([]);
    given([joined(ChannelRole::Viewer), BANNED]).when(Do::Leave).then([]);
    given([joined(ChannelRole::Viewer), REMOVED]).when(Do::Leave).then([]);
}

#[test]
fn a_member_remembers_what_happened() {
    let every_event = Member::fold(&members());
    let expected = MemberState {
        role: Some(ChannelRole::Moderator),
        overrides: [(Permission::LoadVideo, false)].into(),
        demoted: true,
        ..MemberState::default()
    };
    assert_eq!(every_event, expected);
    let muted = Member::fold(&members()[..9]);
    assert!(muted.is_muted(wall(599)) && !muted.is_muted(wall(600)));
    assert_eq!(muted.muted_until(), Some(wall(600)));
    assert_eq!(Member::fold(&members()[..1]), MemberState { asking: true, ..MemberState::default() });
    assert_eq!(Member::fold(&members()[..2]), MemberState { admitted: true, ..MemberState::default() });
}

#[test]
fn an_exception_taken_back_leaves_no_trace() {
    let overridden = |granted| Did::PermissionOverridden { permission: Permission::Chat, granted, by: ADA };
    let state = Member::fold(&[overridden(Some(true)), overridden(None)]);
    assert_eq!(state, MemberState::default());
}

fn commands() -> impl Strategy<Value = Do> {
    let comer = || {
        let outside = (people(), visibilities()).prop_map(|(account, visibility)| outsider(account, visibility));
        prop_oneof![3 => outside, 1 => standings()]
    };
    prop_oneof![
        2 => comer().prop_map(|standing| Do::AskToJoin { standing }),
        2 => (comer(), any::<bool>())
            .prop_map(|(standing, invited)| Do::Join { standing, invite: invited.then_some(INVITE) }),
        1 => Just(Do::Leave),
        8 => (standings(), moderations(), 0_i64..100)
            .prop_map(|(standing, moderation, at)| moderate_by(standing, moderation, at)),
    ]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Member>(Did::TYPES, select(members()), commands());
}

#[test]
fn any_history_folds() {
    total::<Member>(select(members()), commands());
}

/// Bob as his stream says, in an open channel.
fn standing_in(member: &MemberState) -> Standing {
    Standing { account: BOB, member: member.clone(), channel: channel(Visibility::Public), suspended: false }
}

proptest! {
    /// Whoever is banned may do nothing, whatever came before and after, until the ban is lifted.
    #[test]
    fn a_banned_person_stays_out(history in proptest::collection::vec(select(members()), 0..20), command in commands()) {
        let mut state = Member::fold(&history);
        Member::evolve(&mut state, &BANNED);
        for event in Member::decide(&state, &command).unwrap_or_default() {
            Member::evolve(&mut state, &event);
        }
        for permission in Permission::ALL {
            prop_assert!(standing_in(&state).may(permission, wall(0)).is_err(), "{permission:?} {state:?}");
        }
    }

    /// Nobody lifts anybody to their own height or above it, nor touches who stands there.
    #[test]
    fn moderation_comes_from_above_and_ends_below(
        history in proptest::collection::vec(select(members()), 0..20),
        role in select(ChannelRole::ALL.to_vec()),
        moderation in moderations(),
    ) {
        let mut state = Member::fold(&history);
        let before = state.role;
        let events = Member::decide(&state, &moderate_by(standing(role), moderation, 0)).unwrap_or_default();
        for event in &events {
            Member::evolve(&mut state, event);
        }
        prop_assert!(events.is_empty() || (before < Some(role) && state.role < Some(role)), "{state:?}");
    }
}
