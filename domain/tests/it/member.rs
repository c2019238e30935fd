//! Standing in a channel: joining, leaving, roles, bans, and what each standing permits.

use lockstep_domain::{
    channel::Visibility,
    member::{Action, ChannelRole, Member, MemberCommand as Do, MemberError as No, MemberEvent as Did, MemberState},
};
use proptest::{prelude::*, sample::select};

use crate::{
    check::{Given, repeats, total},
    sample::{ADA, BOB, members},
};

const ROLES: [ChannelRole; 4] = [ChannelRole::Viewer, ChannelRole::Moderator, ChannelRole::Admin, ChannelRole::Owner];

fn given(history: impl IntoIterator<Item = Did>) -> Given<Member> {
    crate::check::given(history)
}

pub fn present(role: ChannelRole) -> MemberState {
    MemberState { role: Some(role), present: true, banned: false }
}

fn join(visibility: Visibility) -> Do {
    Do::Join { account: BOB, owner: ADA, visibility }
}

fn joined(role: ChannelRole) -> Did {
    Did::Joined { role }
}

fn grant(role: ChannelRole, standing: MemberState) -> Do {
    Do::GrantRole { role, by: ADA, standing }
}

fn ban(standing: MemberState) -> Do {
    Do::Ban { by: ADA, standing }
}

fn unban(standing: MemberState) -> Do {
    Do::Unban { by: ADA, standing }
}

const BANNED: Did = Did::Banned { by: ADA };
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
    let join = |visibility| Do::Join { account: ADA, owner: ADA, visibility };
    given([]).when(join(Visibility::Public)).then([joined(ChannelRole::Owner)]);
    given([]).when(join(Visibility::Private)).then([joined(ChannelRole::Owner)]);
}

#[test]
fn a_private_channel_lets_in_who_was_in() {
    given([]).when(join(Visibility::Private)).refused(No::Private);
    let was_in = [joined(ChannelRole::Viewer), Did::Left {}];
    given(was_in).when(join(Visibility::Private)).then([joined(ChannelRole::Viewer)]);
}

#[test]
fn a_role_outlives_leaving() {
    let moderator = Did::RoleGranted { role: ChannelRole::Moderator, by: ADA };
    let history = [joined(ChannelRole::Viewer), moderator, Did::Left {}];
    given(history).when(join(Visibility::Public)).then([joined(ChannelRole::Moderator)]);
}

#[test]
fn a_ban_shuts_the_door() {
    for visibility in [Visibility::Public, Visibility::Unlisted, Visibility::Private] {
        given([joined(ChannelRole::Viewer), BANNED]).when(join(visibility)).refused(No::Banned);
    }
    let forgiven = [joined(ChannelRole::Viewer), BANNED, UNBANNED];
    given(forgiven).when(join(Visibility::Public)).then([joined(ChannelRole::Viewer)]);
}

#[test]
fn somebody_leaves() {
    given([joined(ChannelRole::Viewer)]).when(Do::Leave).then([Did::Left {}]);
    given([joined(ChannelRole::Viewer), Did::Left {}]).when(Do::Leave).then([]);
    given([]).when(Do::Leave).then([]);
    given([joined(ChannelRole::Viewer), BANNED]).when(Do::Leave).then([]);
}

#[test]
fn roles_are_granted_from_above() {
    let granted = |role| Did::RoleGranted { role, by: ADA };
    let viewer = || [joined(ChannelRole::Viewer)];
    given(viewer()).when(grant(ChannelRole::Admin, present(ChannelRole::Owner))).then([granted(ChannelRole::Admin)]);
    given(viewer())
        .when(grant(ChannelRole::Moderator, present(ChannelRole::Admin)))
        .then([granted(ChannelRole::Moderator)]);
    given(viewer()).when(grant(ChannelRole::Viewer, present(ChannelRole::Admin))).then([]);
    let admin = [joined(ChannelRole::Viewer), granted(ChannelRole::Admin)];
    given(admin).when(grant(ChannelRole::Viewer, present(ChannelRole::Owner))).then([granted(ChannelRole::Viewer)]);
}

#[test]
fn roles_are_not_granted_sideways() {
    let granted = |role| Did::RoleGranted { role, by: ADA };
    let viewer = || [joined(ChannelRole::Viewer)];
    for (role, standing) in [
        (ChannelRole::Admin, present(ChannelRole::Admin)),
        (ChannelRole::Owner, present(ChannelRole::Owner)),
        (ChannelRole::Moderator, present(ChannelRole::Moderator)),
        (ChannelRole::Moderator, present(ChannelRole::Viewer)),
        (ChannelRole::Moderator, MemberState::default()),
        (ChannelRole::Moderator, MemberState { present: false, ..present(ChannelRole::Owner) }),
        (ChannelRole::Moderator, MemberState { banned: true, ..present(ChannelRole::Owner) }),
    ] {
        given(viewer()).when(grant(role, standing)).refused(No::NotPermitted);
    }
    let admin = [joined(ChannelRole::Viewer), granted(ChannelRole::Admin)];
    given(admin).when(grant(ChannelRole::Viewer, present(ChannelRole::Admin))).refused(No::NotPermitted);
    given([]).when(grant(ChannelRole::Moderator, present(ChannelRole::Owner))).refused(No::NotAMember);
}

#[test]
fn bans_come_from_above() {
    let moderator = || present(ChannelRole::Moderator);
    given([joined(ChannelRole::Viewer)]).when(ban(moderator())).then([BANNED]);
    given([]).when(ban(moderator())).then([BANNED]);
    given([joined(ChannelRole::Viewer), BANNED]).when(ban(moderator())).then([]);
    given([joined(ChannelRole::Viewer), BANNED]).when(unban(moderator())).then([UNBANNED]);
    given([joined(ChannelRole::Viewer)]).when(unban(moderator())).then([]);
}

#[test]
fn bans_do_not_come_sideways() {
    for command in [ban as fn(MemberState) -> Do, unban] {
        for standing in [
            present(ChannelRole::Viewer),
            MemberState::default(),
            MemberState { present: false, ..present(ChannelRole::Admin) },
            MemberState { banned: true, ..present(ChannelRole::Admin) },
        ] {
            given([joined(ChannelRole::Viewer)]).when(command(standing)).refused(No::NotPermitted);
        }
        for role in ROLES {
            given([joined(role)]).when(command(present(role))).refused(No::NotPermitted);
        }
        given([joined(ChannelRole::Owner)]).when(command(present(ChannelRole::Admin))).refused(No::NotPermitted);
    }
}

#[test]
fn each_role_permits_more() {
    let shared = [Action::PlayPause, Action::Seek, Action::LoadVideo, Action::Chat];
    let rows = [
        (ChannelRole::Viewer, false, false),
        (ChannelRole::Moderator, true, false),
        (ChannelRole::Admin, true, true),
        (ChannelRole::Owner, true, true),
    ];
    for (role, bans, administers) in rows {
        let standing = present(role);
        assert!(shared.iter().all(|&action| standing.may(action)), "{role:?}");
        assert_eq!(standing.may(Action::Ban), bans, "{role:?}");
        assert_eq!(standing.may(Action::ManageRoles), administers, "{role:?}");
        assert_eq!(standing.may(Action::EditChannel), administers, "{role:?}");
    }
}

#[test]
fn nothing_is_permitted_from_outside() {
    let every = [
        Action::PlayPause,
        Action::Seek,
        Action::LoadVideo,
        Action::Chat,
        Action::Ban,
        Action::ManageRoles,
        Action::EditChannel,
    ];
    let owner = present(ChannelRole::Owner);
    for standing in [
        MemberState::default(),
        MemberState { present: false, ..owner.clone() },
        MemberState { banned: true, ..owner.clone() },
        MemberState { role: None, ..owner },
    ] {
        assert!(every.iter().all(|&action| !standing.may(action)), "{standing:?}");
    }
}

pub fn standings() -> impl Strategy<Value = MemberState> {
    (select(vec![None, Some(ROLES[0]), Some(ROLES[1]), Some(ROLES[2]), Some(ROLES[3])]), any::<(bool, bool)>())
        .prop_map(|(role, (present, banned))| MemberState { role, present, banned })
}

fn commands() -> impl Strategy<Value = Do> {
    let account = || select(vec![ADA, BOB]);
    let visibility = select(vec![Visibility::Public, Visibility::Unlisted, Visibility::Private]);
    prop_oneof![
        (account(), account(), visibility).prop_map(|(account, owner, visibility)| Do::Join {
            account,
            owner,
            visibility
        }),
        Just(Do::Leave),
        (select(ROLES.to_vec()), account(), standings()).prop_map(|(role, by, standing)| Do::GrantRole {
            role,
            by,
            standing
        }),
        (account(), standings()).prop_map(|(by, standing)| Do::Ban { by, standing }),
        (account(), standings()).prop_map(|(by, standing)| Do::Unban { by, standing }),
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

proptest! {
    /// Whoever is banned may do nothing, whatever came before and after, until the ban is lifted.
    #[test]
    fn a_banned_person_stays_out(history in proptest::collection::vec(select(members()), 0..20), command in commands()) {
        use lockstep_domain::Aggregate;
        let mut state = Member::fold(&history);
        Member::evolve(&mut state, &BANNED);
        if let Ok(events) = Member::decide(&state, &command) {
            for event in &events {
                Member::evolve(&mut state, event);
            }
        }
        prop_assert!(!state.may(Action::Chat), "{state:?}");
    }
}
