//! What a channel shares and how it changes: name, description, visibility, slow mode, what roles permit.

use lockstep_domain::{
    channel::{
        ChannelChange as Want, ChannelCommand as Do, ChannelError as No, ChannelEvent as Did, DESCRIPTION_CHARS_MAX,
        SLOW_MODE_S_MAX, Visibility,
    },
    permission::{ChannelRole, Permission, PermissionSet},
};

use crate::{
    actor::{standing, with, without},
    channel::{change, change_as, change_by, film, film_then, given},
};

fn rename(name: &str) -> Do {
    change(Want::Rename { name: name.into() })
}

fn describe(description: &str) -> Do {
    change(Want::Describe { description: description.into() })
}

fn described(description: &str) -> Did {
    Did::Described { description: description.into() }
}

fn show(visibility: Visibility) -> Do {
    change(Want::ChangeVisibility { visibility })
}

fn slow(seconds: u32) -> Do {
    change_as(ChannelRole::Moderator, Want::SetSlowMode { seconds })
}

fn slowed(seconds: u32) -> Did {
    Did::SlowModeSet { seconds }
}

fn set(permissions: &[Permission]) -> PermissionSet {
    permissions.iter().copied().collect()
}

fn permit(role: ChannelRole, permissions: &[Permission]) -> Want {
    Want::ChangeDefaults { role, permissions: set(permissions) }
}

fn permitted(role: ChannelRole, permissions: &[Permission]) -> Did {
    Did::PermissionDefaultsChanged { role, permissions: set(permissions) }
}

const CHAT: [Permission; 1] = [Permission::Chat];

#[test]
fn a_channel_is_renamed() {
    let renamed = |name: &str| Did::Renamed { name: name.into() };
    given(film()).when(rename(" Films ")).then([renamed("Films")]);
    given(film()).when(rename("Film ")).then([]);
    given(film_then(renamed("Films"))).when(rename("Films")).then([]);
}

#[test]
fn a_channel_is_described() {
    given(film()).when(describe(" Fridays\nat eight \n")).then([described("Fridays\nat eight")]);
    given(film_then(described("Fridays"))).when(describe("Fridays ")).then([]);
    given(film_then(described("Fridays"))).when(describe("")).then([described("")]);
    given(film()).when(describe(" ")).then([]);
}

#[test]
fn a_description_is_bounded() {
    let longest = "é".repeat(DESCRIPTION_CHARS_MAX);
    given(film()).when(describe(&longest)).then([described(&longest)]);
    for bad in [&format!("{longest}x"), "a\u{0}b", "a\tb"] {
        given(film()).when(describe(bad)).refused(No::Description);
    }
}

#[test]
fn visibility_changes() {
    let shown = |visibility| Did::VisibilityChanged { visibility };
    given(film()).when(show(Visibility::Private)).then([shown(Visibility::Private)]);
    given(film()).when(show(Visibility::Public)).then([]);
    let private = film_then(shown(Visibility::Private));
    given(private).when(show(Visibility::Unlisted)).then([shown(Visibility::Unlisted)]);
}

#[test]
fn slow_mode_is_set_and_switched_off() {
    given(film()).when(slow(30)).then([slowed(30)]);
    given(film_then(slowed(30))).when(slow(30)).then([]);
    given(film_then(slowed(30))).when(slow(0)).then([slowed(0)]);
    given(film()).when(slow(0)).then([]);
    given(film()).when(slow(SLOW_MODE_S_MAX)).then([slowed(SLOW_MODE_S_MAX)]);
    given(film()).when(slow(SLOW_MODE_S_MAX + 1)).refused(No::SlowMode);
}

#[test]
fn what_a_role_permits_changes() {
    let (viewer, moderator) = (ChannelRole::Viewer, ChannelRole::Moderator);
    given(film()).when(change(permit(viewer, &CHAT))).then([permitted(viewer, &CHAT)]);
    given(film_then(permitted(viewer, &CHAT))).when(change(permit(viewer, &CHAT))).then([]);
    given(film()).when(change_as(ChannelRole::Admin, permit(moderator, &CHAT))).then([permitted(moderator, &CHAT)]);
    given(film()).when(change(permit(ChannelRole::Admin, &[]))).then([permitted(ChannelRole::Admin, &[])]);
}

#[test]
fn nobody_changes_what_their_own_role_permits_or_one_above() {
    for by in [ChannelRole::Admin, ChannelRole::Owner] {
        for role in ChannelRole::ALL.into_iter().filter(|role| *role >= by) {
            given(film()).when(change_as(by, permit(role, &CHAT))).refused(No::AboveYou);
        }
    }
    let lifted = with(standing(ChannelRole::Moderator), Permission::EditChannel);
    given(film()).when(change_by(lifted, permit(ChannelRole::Moderator, &CHAT))).refused(No::AboveYou);
}

#[test]
fn nobody_gives_or_takes_for_a_role_what_they_have_not() {
    let viewer = ChannelRole::Viewer;
    let chatless = || without(standing(ChannelRole::Admin), Permission::Chat);
    // Everything a viewer has but the chat would be taken, which this admin has.
    given(film()).when(change_by(chatless(), permit(viewer, &CHAT))).then([permitted(viewer, &CHAT)]);
    given(film()).when(change_by(chatless(), permit(viewer, &[]))).refused(No::AboveYou);
    let silent = film_then(permitted(viewer, &[]));
    given(silent).when(change_by(chatless(), permit(viewer, &CHAT))).refused(No::AboveYou);
}

#[test]
fn a_channel_may_keep_its_admins_from_editing_it() {
    let kept = film_then(permitted(ChannelRole::Admin, &CHAT));
    let rename = change_as(ChannelRole::Admin, Want::Rename { name: "Films".into() });
    let denied = lockstep_domain::standing::Denied::Role(Permission::EditChannel);
    given(kept).when(rename).refused(No::Denied(denied));
}
