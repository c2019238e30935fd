//! Channels: made once, opened and archived; what everybody who changes one has in common.

use lockstep_domain::{
    Aggregate,
    channel::{
        Channel, ChannelChange as Want, ChannelCommand as Do, ChannelError as No, ChannelEvent as Did, ChannelState,
        NAME_CHARS_MAX, SLUG_CHARS_MAX, Visibility,
    },
    ids::AccountId,
    permission::{ChannelRole, Defaults, Permission, PermissionSet},
    standing::{Denied, Standing},
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::{
    actor::{people, permissions, personal_denials, roles, standing, standing_of, standings, suspended, visibilities},
    check::{Given, repeats, total},
    sample::{ADA, BOB, channels, wall},
};

pub fn given(history: impl IntoIterator<Item = Did>) -> Given<Channel> {
    crate::check::given(history)
}

/// At second 0.
pub fn change_by(standing: Standing, change: Want) -> Do {
    Do::Change { standing, change, at: wall(0) }
}

/// By Ada with this role.
pub fn change_as(role: ChannelRole, change: Want) -> Do {
    change_by(standing(role), change)
}

pub fn change(change: Want) -> Do {
    change_as(ChannelRole::Owner, change)
}

/// Ada's channel, as created.
pub fn film() -> [Did; 1] {
    [created("Film", "abc")]
}

pub fn film_then(event: Did) -> [Did; 2] {
    [created("Film", "abc"), event]
}

fn create_as(owner: AccountId, name: &str, slug: &str) -> Do {
    Do::Create { owner, name: name.into(), slug: slug.into(), visibility: Visibility::Public }
}

fn create(name: &str, slug: &str) -> Do {
    create_as(ADA, name, slug)
}

pub fn created(name: &str, slug: &str) -> Did {
    Did::Created { owner: ADA, name: name.into(), slug: slug.into(), visibility: Visibility::Public }
}

#[test]
fn a_channel_is_created_once() {
    given([]).when(create(" Film night ", "film-night")).then([created("Film night", "film-night")]);
    let made = [created("Film night", "film-night")];
    given(made.clone()).when(create("Film night", "film-night")).then([]);
    given(made.clone()).when(create("Film night", "other")).refused(No::Exists);
    given(made).when(create_as(BOB, "Film night", "film-night")).refused(No::Exists);
}

#[test]
fn names_are_bounded() {
    let longest = "é".repeat(NAME_CHARS_MAX);
    given([]).when(create(&longest, "abc")).then([created(&longest, "abc")]);
    for bad in ["", "  ", "a\nb", "a\u{0}b", &format!("{longest}x")] {
        given([]).when(create(bad, "abc")).refused(No::Name);
        given(film()).when(change(Want::Rename { name: bad.into() })).refused(No::Name);
    }
}

#[test]
fn addresses_are_bounded() {
    let longest = "a".repeat(SLUG_CHARS_MAX);
    for good in ["abc", "a-1", "007", &longest] {
        given([]).when(create("Film", good)).then([created("Film", good)]);
    }
    for bad in ["", "ab", "-ab", "ab-", "Abc", "a b", "a_b", "aéb", "a/b", &format!("{longest}a")] {
        given([]).when(create("Film", bad)).refused(No::Slug);
    }
}

/// One change of each kind that is one to the channel of [`film`], and what it takes.
fn every_change() -> Vec<(Want, Permission)> {
    let edit = Permission::EditChannel;
    vec![
        (Want::Rename { name: "Films".into() }, edit),
        (Want::Describe { description: "Fridays".into() }, edit),
        (Want::ChangeVisibility { visibility: Visibility::Private }, edit),
        (Want::ChangeDefaults { role: ChannelRole::Viewer, permissions: PermissionSet::default() }, edit),
        (Want::SetSlowMode { seconds: 30 }, Permission::SlowMode),
        (Want::ChangeRemoteMode { holder: Some(BOB), holder_present: true }, edit),
        (Want::Archive, edit),
    ]
}

#[test]
fn each_change_takes_its_permission() {
    for (want, needed) in every_change() {
        let lowest = if needed == Permission::SlowMode { ChannelRole::Moderator } else { ChannelRole::Admin };
        for role in ChannelRole::ALL.into_iter().filter(|role| *role < lowest) {
            given(film()).when(change_as(role, want.clone())).refused(No::Denied(Denied::Role(needed)));
        }
        // Archiving is the owner's alone, as below.
        if want != Want::Archive {
            let state = Channel::fold(&film());
            assert_eq!(Channel::decide(&state, &change_as(lowest, want)).map(|events| events.len()), Ok(1));
        }
    }
}

#[test]
fn who_is_kept_out_changes_nothing() {
    for (want, _) in every_change() {
        for (standing, denied) in personal_denials() {
            given(film()).when(change_by(standing, want.clone())).refused(No::Denied(denied));
        }
    }
}

#[test]
fn a_channel_that_is_not_there_or_archived_does_not_change() {
    let hand_over = Want::HandOverRemote { to: BOB, to_present: true };
    for want in every_change().into_iter().map(|(want, _)| want).chain([hand_over]) {
        given([]).when(change(want.clone())).refused(No::Unknown);
        if want != Want::Archive {
            given(film_then(Did::Archived {})).when(change(want)).refused(No::Denied(Denied::Archived));
        }
    }
}

#[test]
fn what_the_stream_says_of_the_channel_counts_and_not_what_was_looked_up() {
    let looked_up = crate::actor::archived(standing(ChannelRole::Owner));
    given(film()).when(change_by(looked_up, Want::Archive)).then([Did::Archived {}]);
}

#[test]
fn the_owner_archives_a_channel() {
    given(film()).when(change(Want::Archive)).then([Did::Archived {}]);
    given(film_then(Did::Archived {})).when(change(Want::Archive)).then([]);
    let denied = No::Denied(Denied::Role(Permission::EditChannel));
    given(film()).when(change_as(ChannelRole::Admin, Want::Archive)).refused(denied);
}

#[test]
fn nobody_but_the_owner_hears_that_the_archive_is_done() {
    let again = |standing| given(film_then(Did::Archived {})).when(change_by(standing, Want::Archive));
    again(standing(ChannelRole::Admin)).refused(No::Denied(Denied::Archived));
    again(suspended(standing(ChannelRole::Owner))).refused(No::Denied(Denied::Archived));
}

#[test]
fn it_is_open_from_creation_to_archive() {
    assert!(!ChannelState::default().is_open());
    assert!(Channel::fold(&film()).is_open());
    assert!(!Channel::fold(&film_then(Did::Archived {})).is_open());
}

#[test]
fn it_remembers_what_happened() {
    let mut defaults = Defaults::default();
    defaults.set(ChannelRole::Viewer, [Permission::Vote, Permission::Chat].into_iter().collect());
    let expected = ChannelState {
        owner: Some(ADA),
        name: "Film nights".into(),
        description: "Every Friday\nat eight".into(),
        slug: "film-night".into(),
        visibility: Some(Visibility::Private),
        defaults,
        slow_mode_s: 30,
        remote: Some(BOB),
        archived: true,
    };
    assert_eq!(Channel::fold(&channels()), expected);
}

fn changes() -> impl Strategy<Value = Want> {
    let name = select(vec!["Film", " Film ", "Films", ""]).prop_map(str::to_owned);
    let description = select(vec!["", "Fridays", " Fridays\n", "\u{0}"]).prop_map(str::to_owned);
    let set = vec(permissions(), 0..20).prop_map(|permissions| permissions.into_iter().collect());
    let seconds = prop_oneof![4 => 0_u32..4, 1 => any::<u32>()];
    prop_oneof![
        2 => name.prop_map(|name| Want::Rename { name }),
        2 => description.prop_map(|description| Want::Describe { description }),
        2 => visibilities().prop_map(|visibility| Want::ChangeVisibility { visibility }),
        2 => (roles(), set).prop_map(|(role, permissions)| Want::ChangeDefaults { role, permissions }),
        2 => seconds.prop_map(|seconds| Want::SetSlowMode { seconds }),
        2 => (option::of(people()), any::<bool>())
            .prop_map(|(holder, holder_present)| Want::ChangeRemoteMode { holder, holder_present }),
        2 => (people(), any::<bool>()).prop_map(|(to, to_present)| Want::HandOverRemote { to, to_present }),
        1 => Just(Want::Archive),
    ]
}

fn commands() -> impl Strategy<Value = Do> {
    let slug = select(vec!["abc", "a-b", "x"]);
    let create = (select(vec![ADA, BOB]), select(vec!["Film", "Films", ""]), slug, visibilities());
    let sound = (people(), roles()).prop_map(|(account, role)| standing_of(account, role));
    let actor = prop_oneof![sound, standings()];
    prop_oneof![
        2 => create.prop_map(|(owner, name, slug, visibility)| Do::Create {
            owner,
            name: name.into(),
            slug: slug.into(),
            visibility
        }),
        6 => (actor, changes(), 0_i64..100)
            .prop_map(|(standing, change, at)| Do::Change { standing, change, at: wall(at) }),
        1 => (people(), people(), any::<bool>())
            .prop_map(|(from, to, to_present)| Do::InheritRemote { from, to, to_present }),
    ]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Channel>(Did::TYPES, select(channels()), commands());
}

#[test]
fn any_history_folds() {
    total::<Channel>(select(channels()), commands());
}
