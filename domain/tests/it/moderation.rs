//! What is done to a member from above: approved, given roles and exceptions, muted, removed, banned.

use lockstep_domain::{
    channel::Visibility,
    member::{
        MUTE_US_MAX, Member, MemberCommand as Do, MemberError as No, MemberEvent as Did, Moderation, REASON_CHARS_MAX,
    },
    permission::{ChannelRole, Permission},
    standing::{Denied, Standing},
    time::Timestamp,
};
use proptest::{option, prelude::*, sample::select};

use crate::{
    actor::{channel, denials, permissions, roles, standing, with, with_remote, without},
    check::Given,
    member::joined,
    sample::{ADA, BOB, EVE, named, wall},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Member> {
    crate::check::given(history)
}

/// On Bob, by Ada with this standing.
pub fn moderate_by(standing: Standing, moderation: Moderation, at: i64) -> Do {
    Do::Moderate { target: BOB, standing, moderation, at: wall(at) }
}

/// On Bob, by Ada with this role, at second 0.
fn moderate(role: ChannelRole, moderation: Moderation) -> Do {
    moderate_by(standing(role), moderation, 0)
}

fn viewer() -> [Did; 1] {
    [joined(ChannelRole::Viewer)]
}

fn viewer_then(event: Did) -> [Did; 2] {
    [joined(ChannelRole::Viewer), event]
}

fn grant(role: ChannelRole) -> Moderation {
    Moderation::GrantRole { role }
}

fn granted(role: ChannelRole) -> Did {
    Did::RoleGranted { role, by: ADA }
}

fn except(permission: Permission, granted: Option<bool>) -> Moderation {
    Moderation::Override { permission, granted }
}

fn excepted(permission: Permission, granted: Option<bool>) -> Did {
    Did::PermissionOverridden { permission, granted, by: ADA }
}

fn mute(until: Option<Timestamp>) -> Moderation {
    Moderation::Mute { until, reason: None }
}

fn muted(until: Option<Timestamp>) -> Did {
    Did::Muted { by: ADA, until_us: until, reason: None }
}

const ASKED: Did = Did::JoinRequested {};
const APPROVED: Did = Did::JoinApproved { by: ADA };
const DECLINED: Did = Did::JoinDeclined { by: ADA };
const UNMUTED: Did = Did::Unmuted { by: ADA };
const REMOVED: Did = Did::Removed { by: ADA, reason: None };
const BANNED: Did = Did::Banned { by: ADA, reason: None };
const UNBANNED: Did = Did::Unbanned { by: ADA };
const REMOVE: Moderation = Moderation::Remove { reason: None };
const BAN: Moderation = Moderation::Ban { reason: None };
const MODERATOR: ChannelRole = ChannelRole::Moderator;

/// One of each, and what it takes.
fn every_moderation() -> [(Moderation, Permission); 9] {
    [
        (Moderation::Approve, Permission::Approve),
        (Moderation::Decline, Permission::Approve),
        (grant(ChannelRole::Moderator), Permission::ManageRoles),
        (except(Permission::Chat, Some(true)), Permission::ManageRoles),
        (mute(None), Permission::Mute),
        (Moderation::Unmute, Permission::Mute),
        (REMOVE, Permission::Kick),
        (BAN, Permission::Ban),
        (Moderation::Unban, Permission::Ban),
    ]
}

#[test]
fn each_moderation_takes_its_permission() {
    for (moderation, needed) in every_moderation() {
        assert_eq!(moderation.needs(), needed);
        let short = without(standing(ChannelRole::Admin), needed);
        let refused = No::Denied(Denied::Role(needed));
        given(viewer()).when(moderate_by(short, moderation.clone(), 0)).refused(refused.clone());
        given(viewer()).when(moderate(ChannelRole::Viewer, moderation)).refused(refused);
    }
}

#[test]
fn who_is_kept_out_moderates_nobody() {
    for (moderation, _) in every_moderation() {
        for (standing, denied) in denials() {
            given(viewer()).when(moderate_by(standing, moderation.clone(), 0)).refused(No::Denied(denied));
        }
    }
}

#[test]
fn nobody_moderates_sideways_or_upwards() {
    for (moderation, needed) in every_moderation() {
        for role in ChannelRole::ALL {
            for target in ChannelRole::ALL.into_iter().filter(|target| *target >= role) {
                let actor = with(standing(role), needed);
                given([joined(target)]).when(moderate_by(actor, moderation.clone(), 0)).refused(No::AboveYou);
            }
        }
    }
}

#[test]
fn a_mute_and_the_remote_hinder_no_moderator() {
    let quiet = crate::actor::muted(with_remote(standing(MODERATOR), EVE), None);
    given(viewer()).when(moderate_by(quiet, BAN, 0)).then([BANNED]);
}

#[test]
fn who_asks_is_approved() {
    given([ASKED]).when(moderate(MODERATOR, Moderation::Approve)).then([APPROVED]);
    given([ASKED, APPROVED]).when(moderate(MODERATOR, Moderation::Approve)).then([]);
    given([]).when(moderate(MODERATOR, Moderation::Approve)).refused(No::NotAsking);
    given([ASKED, DECLINED]).when(moderate(MODERATOR, Moderation::Approve)).refused(No::NotAsking);
    given([ASKED, BANNED]).when(moderate(MODERATOR, Moderation::Approve)).refused(No::NotAsking);
}

#[test]
fn who_asks_is_declined() {
    given([ASKED]).when(moderate(MODERATOR, Moderation::Decline)).then([DECLINED]);
    given([ASKED, DECLINED]).when(moderate(MODERATOR, Moderation::Decline)).then([]);
    given([]).when(moderate(MODERATOR, Moderation::Decline)).then([]);
}

#[test]
fn roles_are_granted_from_above() {
    let (admin, owner) = (ChannelRole::Admin, ChannelRole::Owner);
    given(viewer()).when(moderate(owner, grant(admin))).then([granted(admin)]);
    given(viewer()).when(moderate(admin, grant(MODERATOR))).then([granted(MODERATOR)]);
    given(viewer()).when(moderate(admin, grant(ChannelRole::Viewer))).then([]);
    given(viewer_then(granted(admin)))
        .when(moderate(owner, grant(ChannelRole::Viewer)))
        .then([granted(ChannelRole::Viewer)]);
    given(viewer_then(Did::Left {})).when(moderate(owner, grant(MODERATOR))).then([granted(MODERATOR)]);
}

#[test]
fn roles_end_below_who_grants_them() {
    for (by, role) in [
        (ChannelRole::Admin, ChannelRole::Admin),
        (ChannelRole::Admin, ChannelRole::Owner),
        (ChannelRole::Owner, ChannelRole::Owner),
    ] {
        given(viewer()).when(moderate(by, grant(role))).refused(No::AboveYou);
    }
    let lifted = with(standing(MODERATOR), Permission::ManageRoles);
    given(viewer()).when(moderate_by(lifted, grant(MODERATOR), 0)).refused(No::AboveYou);
    given([]).when(moderate(ChannelRole::Owner, grant(MODERATOR))).refused(No::NotAMember);
}

#[test]
fn exceptions_are_made_changed_and_taken_back() {
    let (pin, admin) = (Permission::Pin, ChannelRole::Admin);
    for granted in [Some(true), Some(false)] {
        given(viewer()).when(moderate(admin, except(pin, granted))).then([excepted(pin, granted)]);
        given(viewer_then(excepted(pin, granted))).when(moderate(admin, except(pin, granted))).then([]);
        given(viewer_then(excepted(pin, granted))).when(moderate(admin, except(pin, None))).then([excepted(pin, None)]);
    }
    let other_way = moderate(admin, except(pin, Some(false)));
    given(viewer_then(excepted(pin, Some(true)))).when(other_way).then([excepted(pin, Some(false))]);
    given(viewer()).when(moderate(admin, except(pin, None))).then([]);
    given([]).when(moderate(admin, except(pin, Some(true)))).refused(No::NotAMember);
}

#[test]
fn nobody_gives_or_takes_what_they_have_not() {
    let admin = || without(standing(ChannelRole::Admin), Permission::Pin);
    for granted in [Some(true), Some(false), None] {
        let refused = moderate_by(admin(), except(Permission::Pin, granted), 0);
        given(viewer()).when(refused).refused(No::AboveYou);
        given(viewer())
            .when(moderate_by(admin(), except(Permission::Chat, granted), 0))
            .then(granted.map(|granted| excepted(Permission::Chat, Some(granted))));
    }
}

#[test]
fn somebody_is_muted() {
    for until in [None, Some(wall(60))] {
        given(viewer()).when(moderate(MODERATOR, mute(until))).then([muted(until)]);
        given(viewer_then(muted(until))).when(moderate(MODERATOR, mute(until))).then([]);
    }
    let longer = moderate(MODERATOR, mute(Some(wall(120))));
    given(viewer_then(muted(Some(wall(60))))).when(longer).then([muted(Some(wall(120)))]);
    given([]).when(moderate(MODERATOR, mute(None))).refused(No::NotAMember);
}

#[test]
fn a_mute_ends_within_bounds() {
    let after = |us: i64| Some(Timestamp(wall(0).0 + us));
    for until in [after(1), after(MUTE_US_MAX)] {
        given(viewer()).when(moderate(MODERATOR, mute(until))).then([muted(until)]);
    }
    let never = [Some(Timestamp(i64::MIN)), Some(Timestamp(i64::MAX))];
    for until in [after(0), after(-1), after(MUTE_US_MAX + 1)].into_iter().chain(never) {
        given(viewer()).when(moderate(MODERATOR, mute(until))).refused(No::MuteEnd);
    }
}

#[test]
fn somebody_is_unmuted() {
    given(viewer_then(muted(None))).when(moderate(MODERATOR, Moderation::Unmute)).then([UNMUTED]);
    given(viewer()).when(moderate(MODERATOR, Moderation::Unmute)).then([]);
}

#[test]
fn somebody_is_removed() {
    given(viewer()).when(moderate(MODERATOR, REMOVE)).then([REMOVED]);
    given(viewer_then(REMOVED)).when(moderate(MODERATOR, REMOVE)).then([]);
    given([]).when(moderate(MODERATOR, REMOVE)).then([]);
    // Who left, or was let in and has not come yet, finds the private door shut again.
    given(viewer_then(Did::Left {})).when(moderate(MODERATOR, REMOVE)).then([REMOVED]);
    given([ASKED, APPROVED]).when(moderate(MODERATOR, REMOVE)).then([REMOVED]);
}

#[test]
fn somebody_is_banned_and_forgiven() {
    given(viewer()).when(moderate(MODERATOR, BAN)).then([BANNED]);
    given([]).when(moderate(MODERATOR, BAN)).then([BANNED]);
    given(viewer_then(BANNED)).when(moderate(MODERATOR, BAN)).then([]);
    given(viewer_then(BANNED)).when(moderate(MODERATOR, Moderation::Unban)).then([UNBANNED]);
    given(viewer()).when(moderate(MODERATOR, Moderation::Unban)).then([]);
}

#[test]
fn a_reason_belongs_to_whom_it_is_about() {
    let reason = || Some(named(BOB, "two\nlines"));
    let given_as = || Some("  two\nlines \n".to_owned());
    for (moderation, event) in [
        (
            Moderation::Mute { until: None, reason: given_as() },
            Did::Muted { by: ADA, until_us: None, reason: reason() },
        ),
        (Moderation::Remove { reason: given_as() }, Did::Removed { by: ADA, reason: reason() }),
        (Moderation::Ban { reason: given_as() }, Did::Banned { by: ADA, reason: reason() }),
    ] {
        given(viewer()).when(moderate(MODERATOR, moderation)).then([event]);
    }
    given(viewer()).when(moderate(MODERATOR, Moderation::Ban { reason: Some(" \n".into()) })).then([BANNED]);
}

#[test]
fn a_reason_is_bounded() {
    let longest = "é".repeat(REASON_CHARS_MAX);
    let banned = Did::Banned { by: ADA, reason: Some(named(BOB, &longest)) };
    given(viewer()).when(moderate(MODERATOR, Moderation::Ban { reason: Some(longest.clone()) })).then([banned]);
    for bad in [format!("{longest}x"), "a\u{0}b".into(), "a\tb".into()] {
        let reason = || Some(bad.clone());
        given(viewer()).when(moderate(MODERATOR, Moderation::Ban { reason: reason() })).refused(No::Reason);
        given(viewer()).when(moderate(MODERATOR, Moderation::Remove { reason: reason() })).refused(No::Reason);
        let mute = Moderation::Mute { until: None, reason: reason() };
        given(viewer()).when(moderate(MODERATOR, mute)).refused(No::Reason);
    }
}

#[test]
fn a_channel_says_what_its_moderators_may() {
    let mut strict = standing(MODERATOR);
    strict.channel = channel(Visibility::Private);
    strict.channel.defaults.set(MODERATOR, [Permission::Mute].into_iter().collect());
    given(viewer()).when(moderate_by(strict.clone(), mute(None), 0)).then([muted(None)]);
    given(viewer()).when(moderate_by(strict, BAN, 0)).refused(No::Denied(Denied::Role(Permission::Ban)));
}

/// Every kind of moderation, well formed or not.
pub fn moderations() -> impl Strategy<Value = Moderation> {
    let reason = || {
        let text = select(vec!["spoilers", " spoilers ", " ", "\u{0}"]).prop_map(str::to_owned);
        option::of(text)
    };
    let until = prop_oneof![4 => (0_i64..200).prop_map(wall), 1 => any::<i64>().prop_map(Timestamp)];
    prop_oneof![
        Just(Moderation::Approve),
        Just(Moderation::Decline),
        roles().prop_map(grant),
        (permissions(), any::<Option<bool>>()).prop_map(|(permission, granted)| except(permission, granted)),
        (option::of(until), reason()).prop_map(|(until, reason)| Moderation::Mute { until, reason }),
        Just(Moderation::Unmute),
        reason().prop_map(|reason| Moderation::Remove { reason }),
        reason().prop_map(|reason| Moderation::Ban { reason }),
        Just(Moderation::Unban),
    ]
}
