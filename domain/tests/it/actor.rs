//! Who acts: standings in a channel of Ada's, sound ones for the examples and any at all for the properties.

use std::collections::BTreeMap;

use lockstep_domain::{
    channel::{ChannelState, Visibility},
    ids::AccountId,
    member::{MemberState, Mute},
    permission::{ChannelRole, Defaults, Permission},
    standing::{Denied, Standing},
    time::Timestamp,
};
use proptest::{collection::btree_map, option, prelude::*, sample::select};

use crate::sample::{ADA, BOB, EVE, wall};

/// A member with this role who is in the channel.
pub fn present(role: ChannelRole) -> MemberState {
    MemberState { role: Some(role), present: true, admitted: true, ..MemberState::default() }
}

/// Ada's channel, open.
pub fn channel(visibility: Visibility) -> ChannelState {
    ChannelState { owner: Some(ADA), visibility: Some(visibility), ..ChannelState::default() }
}

/// Ada's standing when she has this role.
pub fn standing(role: ChannelRole) -> Standing {
    standing_of(ADA, role)
}

pub fn standing_of(account: AccountId, role: ChannelRole) -> Standing {
    Standing { account, member: present(role), channel: channel(Visibility::Public), suspended: false }
}

/// The standing of somebody who was never in the channel.
pub fn outsider(account: AccountId, visibility: Visibility) -> Standing {
    Standing { account, member: MemberState::default(), channel: channel(visibility), suspended: false }
}

/// The same, kept from one thing by an exception.
pub fn without(mut standing: Standing, permission: Permission) -> Standing {
    standing.member.overrides.insert(permission, false);
    standing
}

/// The same, permitted one more thing by an exception.
pub fn with(mut standing: Standing, permission: Permission) -> Standing {
    standing.member.overrides.insert(permission, true);
    standing
}

pub fn muted(mut standing: Standing, until: Option<Timestamp>) -> Standing {
    standing.member.mute = Some(Mute { until });
    standing
}

/// The same, in a channel with one remote that `holder` has.
pub fn with_remote(mut standing: Standing, holder: AccountId) -> Standing {
    standing.channel.remote = Some(holder);
    standing
}

pub fn suspended(standing: Standing) -> Standing {
    Standing { suspended: true, ..standing }
}

pub fn banned(mut standing: Standing) -> Standing {
    standing.member.banned = true;
    standing
}

/// The same after leaving: the role is kept.
pub fn gone(mut standing: Standing) -> Standing {
    standing.member.present = false;
    standing
}

pub fn archived(mut standing: Standing) -> Standing {
    standing.channel.archived = true;
    standing
}

/// An owner's standings that permit nothing at all, each with its reason.
pub fn denials() -> Vec<(Standing, Denied)> {
    let owner = || standing(ChannelRole::Owner);
    let mut nowhere = owner();
    nowhere.channel.owner = None;
    let mut stranger = owner();
    stranger.member = MemberState::default();
    vec![
        (suspended(owner()), Denied::Suspended),
        (nowhere, Denied::NoChannel),
        (archived(owner()), Denied::Archived),
        (banned(owner()), Denied::Banned),
        (gone(owner()), Denied::NotAMember),
        (stranger, Denied::NotAMember),
    ]
}

/// Those of [`denials`] that lie with the account and not with the channel.
pub fn personal_denials() -> Vec<(Standing, Denied)> {
    let mut denials = denials();
    denials.retain(|(_, denied)| !matches!(denied, Denied::NoChannel | Denied::Archived));
    denials
}

pub fn people() -> impl Strategy<Value = AccountId> {
    select(vec![ADA, BOB, EVE])
}

pub fn roles() -> impl Strategy<Value = ChannelRole> {
    select(ChannelRole::ALL.to_vec())
}

pub fn permissions() -> impl Strategy<Value = Permission> {
    select(Permission::ALL.to_vec())
}

pub fn visibilities() -> impl Strategy<Value = Visibility> {
    select(vec![Visibility::Public, Visibility::Unlisted, Visibility::Private])
}

fn members() -> impl Strategy<Value = MemberState> {
    let mute = option::of(option::of((0_i64..100).prop_map(wall)).prop_map(|until| Mute { until }));
    let overrides = btree_map(permissions(), any::<bool>(), 0..4);
    (option::of(roles()), any::<[bool; 4]>(), mute, overrides).prop_map(
        |(role, [present, banned, asking, admitted], mute, overrides)| MemberState {
            role,
            present,
            banned,
            mute,
            overrides,
            asking,
            admitted,
            demoted: false,
        },
    )
}

fn channels() -> impl Strategy<Value = ChannelState> {
    let defaults = (roles(), btree_map(permissions(), Just(()), 0..20)).prop_map(|(role, permissions)| {
        let mut defaults = Defaults::default();
        defaults.set(role, permissions.into_keys().collect());
        defaults
    });
    (option::of(people()), option::of(visibilities()), any::<bool>(), option::of(people()), defaults).prop_map(
        |(owner, visibility, archived, remote, defaults)| ChannelState {
            owner,
            visibility,
            archived,
            remote,
            defaults,
            ..ChannelState::default()
        },
    )
}

/// Mostly somebody with a role in an open channel; now and then anything a lookup could bring.
pub fn standings() -> impl Strategy<Value = Standing> {
    let sound = (people(), roles(), visibilities()).prop_map(|(account, role, visibility)| Standing {
        channel: channel(visibility),
        ..standing_of(account, role)
    });
    let any = (people(), members(), channels(), any::<bool>())
        .prop_map(|(account, member, channel, suspended)| Standing { account, member, channel, suspended });
    prop_oneof![2 => sound, 1 => any]
}

/// No exceptions.
pub fn no_overrides() -> BTreeMap<Permission, bool> {
    BTreeMap::new()
}
