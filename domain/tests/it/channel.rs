//! Channels: made, renamed, shown, archived.

use lockstep_domain::channel::{
    Channel, ChannelCommand as Do, ChannelError as No, ChannelEvent as Did, ChannelState, NAME_CHARS_MAX,
    SLUG_CHARS_MAX, Visibility,
};
use lockstep_domain::{Aggregate, ids::AccountId};
use proptest::{prelude::*, sample::select};

use crate::{
    check::{Given, repeats, total},
    sample::{ADA, BOB, channels},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Channel> {
    crate::check::given(history)
}

fn create_as(owner: AccountId, name: &str, slug: &str) -> Do {
    Do::Create { owner, name: name.into(), slug: slug.into(), visibility: Visibility::Public }
}

fn create(name: &str, slug: &str) -> Do {
    create_as(ADA, name, slug)
}

fn created(name: &str, slug: &str) -> Did {
    Did::Created { owner: ADA, name: name.into(), slug: slug.into(), visibility: Visibility::Public }
}

fn rename(name: &str) -> Do {
    Do::Rename { name: name.into() }
}

fn show(visibility: Visibility) -> Do {
    Do::ChangeVisibility { visibility }
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
        given([created("Film night", "abc")]).when(rename(bad)).refused(No::Name);
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

#[test]
fn a_channel_is_renamed() {
    given([created("Film", "abc")]).when(rename(" Films ")).then([Did::Renamed { name: "Films".into() }]);
    given([created("Film", "abc")]).when(rename("Film ")).then([]);
    given([]).when(rename("Films")).refused(No::Unknown);
    given([created("Film", "abc"), Did::Archived {}]).when(rename("Films")).refused(No::Archived);
}

#[test]
fn visibility_changes() {
    let private = Did::VisibilityChanged { visibility: Visibility::Private };
    given([created("Film", "abc")]).when(show(Visibility::Private)).then([private.clone()]);
    given([created("Film", "abc")]).when(show(Visibility::Public)).then([]);
    given([created("Film", "abc"), private])
        .when(show(Visibility::Unlisted))
        .then([Did::VisibilityChanged { visibility: Visibility::Unlisted }]);
    given([]).when(show(Visibility::Private)).refused(No::Unknown);
    given([created("Film", "abc"), Did::Archived {}]).when(show(Visibility::Private)).refused(No::Archived);
}

#[test]
fn a_channel_is_archived() {
    given([created("Film", "abc")]).when(Do::Archive).then([Did::Archived {}]);
    given([created("Film", "abc"), Did::Archived {}]).when(Do::Archive).then([]);
    given([]).when(Do::Archive).refused(No::Unknown);
}

#[test]
fn it_is_open_from_creation_to_archive() {
    let open = |history: &[Did]| Channel::fold(history).is_open();
    assert!(!ChannelState::default().is_open());
    assert!(open(&[created("Film", "abc")]));
    assert!(!open(&[created("Film", "abc"), Did::Archived {}]));
}

#[test]
fn it_remembers_what_happened() {
    let state = Channel::fold(&channels());
    let expected = ChannelState {
        owner: Some(ADA),
        name: "Film nights".into(),
        slug: "film-night".into(),
        visibility: Some(Visibility::Private),
        archived: true,
    };
    assert_eq!(state, expected);
}

fn commands() -> impl Strategy<Value = Do> {
    let visibility = || select(vec![Visibility::Public, Visibility::Unlisted, Visibility::Private]);
    let name = || select(vec!["Film", " Film ", "Films", ""]).prop_map(str::to_owned);
    let slug = select(vec!["abc", "a-b", "x"]).prop_map(str::to_owned);
    prop_oneof![
        (select(vec![ADA, BOB]), name(), slug, visibility()).prop_map(|(owner, name, slug, visibility)| Do::Create {
            owner,
            name,
            slug,
            visibility
        }),
        name().prop_map(|name| Do::Rename { name }),
        visibility().prop_map(show),
        Just(Do::Archive),
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
