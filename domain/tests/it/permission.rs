//! The grid: what each role permits, how exceptions bear on it, and that the owner has all of it.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_domain::permission::{ChannelRole, Defaults, Permission, PermissionSet};
use serde_json::json;

use crate::{
    actor::{no_overrides, standing},
    sample::wall,
};

/// The lowest role that has each permission unless a channel says otherwise.
const LOWEST: [(Permission, ChannelRole); 20] = [
    (Permission::PlayPause, ChannelRole::Viewer),
    (Permission::Seek, ChannelRole::Viewer),
    (Permission::ChangeRate, ChannelRole::Viewer),
    (Permission::LoadVideo, ChannelRole::Viewer),
    (Permission::QueueAdd, ChannelRole::Viewer),
    (Permission::QueueRemove, ChannelRole::Moderator),
    (Permission::QueueReorder, ChannelRole::Moderator),
    (Permission::Vote, ChannelRole::Viewer),
    (Permission::Chat, ChannelRole::Viewer),
    (Permission::React, ChannelRole::Viewer),
    (Permission::Invite, ChannelRole::Moderator),
    (Permission::Approve, ChannelRole::Moderator),
    (Permission::Mute, ChannelRole::Moderator),
    (Permission::Kick, ChannelRole::Moderator),
    (Permission::Ban, ChannelRole::Moderator),
    (Permission::SlowMode, ChannelRole::Moderator),
    (Permission::Redact, ChannelRole::Moderator),
    (Permission::Pin, ChannelRole::Moderator),
    (Permission::ManageRoles, ChannelRole::Admin),
    (Permission::EditChannel, ChannelRole::Admin),
];

/// Every role but the owner's, whose rights nobody changes.
const BELOW_OWNER: [ChannelRole; 3] = [ChannelRole::Viewer, ChannelRole::Moderator, ChannelRole::Admin];

#[test]
fn each_role_permits_its_part_of_the_grid() {
    assert_eq!(LOWEST.map(|(permission, _)| permission), Permission::ALL, "a row for every permission");
    for (permission, lowest) in LOWEST {
        for role in ChannelRole::ALL {
            let expected = role >= lowest;
            let permitted = Defaults::default().permit(role, &no_overrides(), permission);
            assert_eq!(permitted, expected, "{role:?} {permission:?}");
            assert_eq!(standing(role).may(permission, wall(0)).is_ok(), expected, "{role:?} {permission:?}");
        }
    }
}

#[test]
fn an_exception_beats_the_role_for_that_permission_only() {
    let defaults = Defaults::default();
    for (excepted, granted) in Permission::ALL.into_iter().flat_map(|each| [(each, true), (each, false)]) {
        let overrides = BTreeMap::from([(excepted, granted)]);
        for role in BELOW_OWNER {
            assert_eq!(defaults.permit(role, &overrides, excepted), granted, "{role:?} {excepted:?}");
            for other in Permission::ALL.into_iter().filter(|other| *other != excepted) {
                let before = defaults.permit(role, &no_overrides(), other);
                assert_eq!(defaults.permit(role, &overrides, other), before, "{role:?} {other:?}");
            }
        }
    }
}

#[test]
fn the_owner_has_the_whole_grid_whatever_is_set() {
    let mut defaults = Defaults::default();
    for role in ChannelRole::ALL {
        defaults.set(role, PermissionSet::default());
    }
    let everything_taken = Permission::ALL.into_iter().map(|permission| (permission, false)).collect();
    for permission in Permission::ALL {
        assert!(defaults.permit(ChannelRole::Owner, &everything_taken, permission), "{permission:?}");
        for role in BELOW_OWNER {
            assert!(!defaults.permit(role, &no_overrides(), permission), "{role:?} {permission:?}");
        }
    }
    assert_eq!(defaults.of(ChannelRole::Owner), None);
}

#[test]
fn a_channel_changes_one_role_at_a_time() {
    for changed in BELOW_OWNER {
        let mut defaults = Defaults::default();
        defaults.set(changed, [Permission::Pin].into_iter().collect());
        for role in BELOW_OWNER.into_iter().filter(|role| *role != changed) {
            assert_eq!(defaults.of(role), Defaults::default().of(role), "{role:?}");
        }
        let held: Vec<Permission> = defaults.of(changed).unwrap().iter().collect();
        assert_eq!(held, [Permission::Pin]);
    }
}

#[test]
fn the_remote_and_speech_are_these() {
    let all = |is: fn(Permission) -> bool| Permission::ALL.into_iter().filter(|each| is(*each)).collect::<Vec<_>>();
    let remote = [Permission::PlayPause, Permission::Seek, Permission::ChangeRate, Permission::LoadVideo];
    assert_eq!(all(Permission::is_remote), remote);
    assert_eq!(all(Permission::is_speech), [Permission::Chat, Permission::React]);
}

#[test]
fn every_permission_has_words_of_its_own() {
    let phrases: BTreeSet<&str> = Permission::ALL.into_iter().map(Permission::phrase).collect();
    assert_eq!(phrases.len(), Permission::ALL.len());
}

#[test]
fn a_set_is_stored_once_each_in_the_order_of_the_grid() {
    let set: PermissionSet = [Permission::Chat, Permission::Seek, Permission::Chat].into_iter().collect();
    assert_eq!(json!(set), json!(["seek", "chat"]));
    assert_eq!(serde_json::from_value::<PermissionSet>(json!(["chat", "seek", "chat"])).unwrap(), set);
    assert!(serde_json::from_value::<PermissionSet>(json!(["fly"])).is_err());
}

#[test]
fn two_sets_differ_by_what_one_of_them_lacks() {
    let set = |permissions: &[Permission]| permissions.iter().copied().collect::<PermissionSet>();
    let differs = |a: &PermissionSet, b: &PermissionSet| a.difference(b).collect::<Vec<_>>();
    let (one, other) = (set(&[Permission::Seek, Permission::Chat]), set(&[Permission::Chat, Permission::Pin]));
    assert_eq!(differs(&one, &other), [Permission::Seek, Permission::Pin]);
    assert_eq!(differs(&other, &one), [Permission::Seek, Permission::Pin]);
    assert_eq!(differs(&one, &one), []);
    assert_eq!(differs(&PermissionSet::all(), &PermissionSet::default()), Permission::ALL);
}
