//! The remote of a channel: shared or one, handed over, inherited.

use lockstep_domain::{
    channel::{ChannelChange as Want, ChannelCommand as Do, ChannelError as No, ChannelEvent as Did},
    ids::AccountId,
    permission::{ChannelRole, Permission},
    standing::Denied,
};

use crate::{
    actor::{personal_denials, standing_of},
    channel::{change, change_by, created, film, film_then, given},
    sample::{ADA, BOB, EVE},
};

fn give(holder: Option<AccountId>) -> Do {
    change(Want::ChangeRemoteMode { holder, holder_present: true })
}

fn given_to(holder: Option<AccountId>) -> Did {
    Did::RemoteModeChanged { holder }
}

/// Ada's channel with one remote, which Bob has.
fn bobs() -> [Did; 2] {
    film_then(given_to(Some(BOB)))
}

fn want(to: AccountId) -> Want {
    Want::HandOverRemote { to, to_present: true }
}

fn hand_over(by: AccountId, role: ChannelRole, to: AccountId) -> Do {
    change_by(standing_of(by, role), want(to))
}

fn handed_over(to: AccountId) -> Did {
    Did::RemoteHandedOver { to, inherited: false }
}

fn inherit(from: AccountId, to: AccountId, to_present: bool) -> Do {
    Do::InheritRemote { from, to, to_present }
}

fn inherited(to: AccountId) -> Did {
    Did::RemoteHandedOver { to, inherited: true }
}

#[test]
fn a_channel_gets_one_remote_and_shares_it_again() {
    given(film()).when(give(Some(BOB))).then([given_to(Some(BOB))]);
    given(bobs()).when(give(Some(BOB))).then([]);
    given(bobs()).when(give(Some(EVE))).then([given_to(Some(EVE))]);
    given(bobs()).when(give(None)).then([given_to(None)]);
    given(film()).when(give(None)).then([]);
}

#[test]
fn the_mode_changes_without_having_the_remote() {
    // The owner has not got it, and edits the channel all the same.
    given(bobs()).when(give(Some(ADA))).then([given_to(Some(ADA))]);
}

#[test]
fn the_remote_goes_to_nobody_who_is_away() {
    let away = Want::ChangeRemoteMode { holder: Some(BOB), holder_present: false };
    given(film()).when(change(away)).refused(No::NotAMember);
    let shared = Want::ChangeRemoteMode { holder: None, holder_present: false };
    given(bobs()).when(change(shared)).then([given_to(None)]);
    let away = Want::HandOverRemote { to: EVE, to_present: false };
    given(bobs()).when(change_by(standing_of(BOB, ChannelRole::Viewer), away)).refused(No::NotAMember);
}

#[test]
fn the_holder_hands_the_remote_over() {
    given(bobs()).when(hand_over(BOB, ChannelRole::Viewer, EVE)).then([handed_over(EVE)]);
    given(bobs()).when(hand_over(BOB, ChannelRole::Viewer, BOB)).then([]);
    let gone = [bobs().as_slice(), &[handed_over(EVE)]].concat();
    given(gone).when(hand_over(BOB, ChannelRole::Viewer, EVE)).then([]);
}

#[test]
fn who_manages_roles_takes_and_gives_the_remote() {
    for role in [ChannelRole::Admin, ChannelRole::Owner] {
        given(bobs()).when(hand_over(ADA, role, ADA)).then([handed_over(ADA)]);
        given(bobs()).when(hand_over(ADA, role, EVE)).then([handed_over(EVE)]);
    }
}

#[test]
fn nobody_else_hands_the_remote_over() {
    let denied = No::Denied(Denied::Role(Permission::ManageRoles));
    for role in [ChannelRole::Viewer, ChannelRole::Moderator] {
        given(bobs()).when(hand_over(EVE, role, EVE)).refused(denied.clone());
    }
    // Nor the holder, once they are kept out: Ada has it here.
    for (standing, denied) in personal_denials() {
        let adas = film_then(given_to(Some(ADA)));
        given(adas).when(change_by(standing, want(EVE))).refused(No::Denied(denied));
    }
}

#[test]
fn a_shared_remote_is_not_handed_over() {
    given(film()).when(hand_over(ADA, ChannelRole::Owner, BOB)).refused(No::EverybodyHasTheRemote);
    let shared_again = [created("Film", "abc"), given_to(Some(BOB)), given_to(None)];
    given(shared_again).when(hand_over(BOB, ChannelRole::Viewer, EVE)).refused(No::EverybodyHasTheRemote);
}

#[test]
fn the_remote_is_inherited_from_who_has_it() {
    given(bobs()).when(inherit(BOB, EVE, true)).then([inherited(EVE)]);
    let inherited_already = [bobs().as_slice(), &[inherited(EVE)]].concat();
    given(inherited_already).when(inherit(BOB, EVE, true)).then([]);
}

#[test]
fn nothing_is_inherited_when_it_is_not_due() {
    given(bobs()).when(inherit(EVE, ADA, true)).then([]);
    given(bobs()).when(inherit(BOB, BOB, true)).then([]);
    given(bobs()).when(inherit(BOB, EVE, false)).then([]);
    given(film()).when(inherit(BOB, EVE, true)).then([]);
    given([]).when(inherit(BOB, EVE, true)).then([]);
    let archived = [bobs().as_slice(), &[Did::Archived {}]].concat();
    given(archived).when(inherit(BOB, EVE, true)).then([]);
}
