//! Where a right is decided: which reason comes first, and that bans, mutes and the one remote beat roles.

use lockstep_domain::{
    account::AccountState,
    channel::Visibility,
    ids::AccountId,
    member::MemberState,
    permission::{ChannelRole, Permission},
    standing::{Denied, Standing},
};

use crate::{
    actor::{
        archived, banned, channel, denials, gone, muted, outsider, present, standing, standing_of, suspended, with,
        with_remote, without,
    },
    sample::{ADA, BOB, EVE, wall},
};

const PLAY: Permission = Permission::PlayPause;

#[test]
fn the_first_reason_is_told() {
    let mut standing = suspended(archived(banned(gone(standing(ChannelRole::Owner)))));
    standing.channel.owner = None;
    assert_eq!(standing.is_in(), Err(Denied::Suspended));
    standing.suspended = false;
    assert_eq!(standing.is_in(), Err(Denied::NoChannel));
    standing.channel.owner = Some(ADA);
    assert_eq!(standing.is_in(), Err(Denied::Archived));
    standing.channel.archived = false;
    assert_eq!(standing.is_in(), Err(Denied::Banned));
    standing.member.banned = false;
    assert_eq!(standing.is_in(), Err(Denied::NotAMember));
    standing.member.present = true;
    assert_eq!(standing.is_in(), Ok(ChannelRole::Owner));
}

#[test]
fn outsiders_of_a_private_channel_learn_nothing() {
    let outside = outsider(BOB, Visibility::Private);
    assert_eq!(outside.is_in(), Err(Denied::NoChannel));
    assert_eq!(archived(outside.clone()).is_in(), Err(Denied::NoChannel), "nor that it was closed");
    for visibility in [Visibility::Public, Visibility::Unlisted] {
        assert_eq!(outsider(BOB, visibility).is_in(), Err(Denied::NotAMember));
    }
    // Who is told about themselves knows it is there.
    for known in [
        MemberState { asking: true, ..MemberState::default() },
        MemberState { admitted: true, ..MemberState::default() },
    ] {
        assert_eq!(Standing { member: known, ..outside.clone() }.is_in(), Err(Denied::NotAMember));
    }
    let banned = MemberState { banned: true, ..MemberState::default() };
    assert_eq!(Standing { member: banned, ..outside }.is_in(), Err(Denied::Banned));
    assert_eq!(outsider(ADA, Visibility::Private).is_in(), Err(Denied::NotAMember), "its owner");
}

#[test]
fn a_mute_is_told_before_the_role() {
    let quiet = muted(without(standing(ChannelRole::Viewer), Permission::Chat), None);
    assert_eq!(quiet.may(Permission::Chat, wall(0)), Err(Denied::Muted { until: None }));
}

#[test]
fn the_remote_is_told_before_the_role() {
    let standing = with_remote(without(standing(ChannelRole::Viewer), PLAY), BOB);
    assert_eq!(standing.may(PLAY, wall(0)), Err(Denied::NotTheRemote { holder: BOB }));
}

#[test]
fn who_is_kept_out_may_do_nothing_at_all() {
    for (standing, denied) in denials() {
        assert_eq!(standing.is_in(), Err(denied));
        for permission in Permission::ALL {
            assert_eq!(standing.may(permission, wall(0)), Err(denied), "{permission:?}");
            let onto = standing.may_on(permission, &MemberState::default(), wall(0));
            assert_eq!(onto, Err(denied), "{permission:?}");
        }
    }
}

#[test]
fn a_ban_beats_every_role_and_every_exception() {
    for role in ChannelRole::ALL {
        for permission in Permission::ALL {
            let standing = banned(with(standing(role), permission));
            assert_eq!(standing.may(permission, wall(0)), Err(Denied::Banned), "{role:?} {permission:?}");
        }
    }
}

#[test]
fn a_presence_without_a_role_is_no_membership() {
    let nobody = Standing { member: MemberState { role: None, ..present(ChannelRole::Owner) }, ..outsider_here() };
    assert_eq!(nobody.is_in(), Err(Denied::NotAMember));
    assert_eq!(outsider_here().is_in(), Err(Denied::NotAMember));
}

fn outsider_here() -> Standing {
    outsider(EVE, Visibility::Public)
}

#[test]
fn a_mute_hits_speech_only() {
    for role in ChannelRole::ALL {
        let (loud, quiet) = (standing(role), muted(standing(role), None));
        for permission in Permission::ALL {
            let expected = match permission {
                Permission::Chat | Permission::React => Err(Denied::Muted { until: None }),
                _ => loud.may(permission, wall(0)),
            };
            assert_eq!(quiet.may(permission, wall(0)), expected, "{role:?} {permission:?}");
        }
    }
}

#[test]
fn a_mute_ends_at_its_time() {
    let until = Some(wall(60));
    let quiet = muted(standing(ChannelRole::Viewer), until);
    assert_eq!(quiet.may(Permission::Chat, wall(59)), Err(Denied::Muted { until }));
    assert_eq!(quiet.may(Permission::Chat, wall(60)), Ok(()));
    assert_eq!(quiet.may(Permission::Chat, wall(61)), Ok(()));
}

#[test]
fn the_one_remote_is_its_holders_alone() {
    for role in ChannelRole::ALL {
        for permission in Permission::ALL {
            let shared = standing_of(EVE, role).may(permission, wall(0));
            let elsewhere = with_remote(with(standing_of(EVE, role), PLAY), BOB).may(permission, wall(0));
            let expected = if permission.is_remote() { Err(Denied::NotTheRemote { holder: BOB }) } else { shared };
            assert_eq!(elsewhere, expected, "{role:?} {permission:?}");
        }
    }
}

#[test]
fn the_owner_needs_the_one_remote_too() {
    let owner = with_remote(standing_of(ADA, ChannelRole::Owner), BOB);
    for permission in [PLAY, Permission::Seek, Permission::ChangeRate, Permission::LoadVideo] {
        assert_eq!(owner.may(permission, wall(0)), Err(Denied::NotTheRemote { holder: BOB }));
    }
}

#[test]
fn who_has_the_one_remote_uses_it_whatever_their_role_permits() {
    let holder = with_remote(without(standing_of(BOB, ChannelRole::Viewer), PLAY), BOB);
    assert_eq!(holder.may(PLAY, wall(0)), Ok(()));
    assert_eq!(banned(holder.clone()).may(PLAY, wall(0)), Err(Denied::Banned));
    assert_eq!(gone(holder).may(PLAY, wall(0)), Err(Denied::NotAMember));
}

#[test]
fn a_shared_remote_goes_by_the_role_and_its_exceptions() {
    let viewer = || standing(ChannelRole::Viewer);
    assert_eq!(viewer().may(PLAY, wall(0)), Ok(()));
    assert_eq!(without(viewer(), PLAY).may(PLAY, wall(0)), Err(Denied::Role(PLAY)));
    assert_eq!(viewer().may(Permission::Pin, wall(0)), Err(Denied::Role(Permission::Pin)));
    assert_eq!(with(viewer(), Permission::Pin).may(Permission::Pin, wall(0)), Ok(()));
    assert_eq!(without(standing(ChannelRole::Owner), PLAY).may(PLAY, wall(0)), Ok(()));
}

#[test]
fn a_channel_says_what_its_roles_permit() {
    let mut strict = standing(ChannelRole::Viewer);
    strict.channel.defaults.set(ChannelRole::Viewer, [Permission::Chat].into_iter().collect());
    assert_eq!(strict.may(Permission::Chat, wall(0)), Ok(()));
    assert_eq!(strict.may(PLAY, wall(0)), Err(Denied::Role(PLAY)));
}

#[test]
fn who_acts_on_somebody_stands_above_them() {
    for role in ChannelRole::ALL {
        let actor = with(standing(role), Permission::Mute);
        for target in ChannelRole::ALL {
            let expected = if role > target { Ok(()) } else { Err(Denied::Role(Permission::Mute)) };
            assert_eq!(actor.may_on(Permission::Mute, &present(target), wall(0)), expected, "{role:?} on {target:?}");
        }
        assert_eq!(actor.may_on(Permission::Mute, &MemberState::default(), wall(0)), Ok(()), "{role:?} on a stranger");
    }
}

#[test]
fn standing_above_is_not_enough() {
    let viewer = standing(ChannelRole::Viewer);
    let denied = Err(Denied::Role(Permission::Mute));
    assert_eq!(viewer.may_on(Permission::Mute, &MemberState::default(), wall(0)), denied);
}

#[test]
fn a_suspension_comes_with_the_account() {
    for held in [false, true] {
        let account = AccountState { suspended: held, ..AccountState::default() };
        let standing = Standing::new(ADA, &account, present(ChannelRole::Owner), channel(Visibility::Public));
        let expected = if held { Err(Denied::Suspended) } else { Ok(ChannelRole::Owner) };
        assert_eq!(standing.is_in(), expected);
    }
}

#[test]
fn a_reason_says_what_to_do() {
    let told = Denied::Role(Permission::QueueReorder).to_string();
    assert_eq!(told, "your role here does not permit you to reorder the queue: ask somebody who manages this channel");
    let holder: AccountId = BOB;
    let told = Denied::NotTheRemote { holder }.to_string();
    assert_eq!(told, "somebody else has the remote: ask them to hand it over");
}
