//! Invites: issued within bounds, redeemed once each, revoked by whom it concerns.

use lockstep_domain::{
    Aggregate,
    channel::Visibility,
    invite::{
        Invite, InviteCommand as Do, InviteError as No, InviteEvent as Did, InviteState, LIFE_US_MAX, Terms, USES_MAX,
    },
    permission::{ChannelRole, Permission},
    standing::{Denied, Standing},
    time::Timestamp,
};
use proptest::{prelude::*, sample::select};

use crate::{
    actor::{
        archived, banned, denials, gone, outsider, people, standing, standing_of, standings, suspended, visibilities,
        with, without,
    },
    check::{Given, repeats, total},
    sample::{ADA, BOB, CHANNEL, EVE, invites, wall},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Invite> {
    crate::check::given(history)
}

/// At second 0, for an hour.
fn issue_by(standing: Standing, uses_max: u32) -> Do {
    Do::Issue { channel: CHANNEL, standing, expires_at: wall(3_600), uses_max, at: wall(0) }
}

fn issue(uses_max: u32) -> Do {
    issue_by(standing(ChannelRole::Moderator), uses_max)
}

fn issued(uses_max: u32) -> Did {
    Did::Issued { channel: CHANNEL, by: ADA, expires_at_us: wall(3_600), uses_max }
}

fn redeem_by(standing: Standing) -> Do {
    Do::Redeem { standing, at: wall(1) }
}

/// By Bob, who is not in the private channel.
fn redeem_at(at: i64) -> Do {
    Do::Redeem { standing: outsider(BOB, Visibility::Private), at: wall(at) }
}

fn revoke_by(standing: Standing) -> Do {
    Do::Revoke { standing, at: wall(1) }
}

const REDEEMED: Did = Did::Redeemed { account: BOB };
const REVOKED: Did = Did::Revoked { by: ADA };
const REVOKED_BY_EVE: Did = Did::Revoked { by: EVE };

#[test]
fn who_may_invite_issues_an_invite() {
    for role in [ChannelRole::Moderator, ChannelRole::Admin, ChannelRole::Owner] {
        given([]).when(issue_by(standing(role), 10)).then([issued(10)]);
    }
    given([]).when(issue_by(with(standing(ChannelRole::Viewer), Permission::Invite), 10)).then([issued(10)]);
    given([issued(10)]).when(issue(10)).then([]);
}

#[test]
fn who_may_not_invite_issues_none() {
    let denied = No::Denied(Denied::Role(Permission::Invite));
    given([]).when(issue_by(standing(ChannelRole::Viewer), 10)).refused(denied.clone());
    given([]).when(issue_by(without(standing(ChannelRole::Admin), Permission::Invite), 10)).refused(denied);
    for (standing, denied) in denials() {
        given([]).when(issue_by(standing, 10)).refused(No::Denied(denied));
    }
}

#[test]
fn an_id_holds_one_invite() {
    given([issued(10)]).when(issue(11)).refused(No::Exists);
    given([issued(10)]).when(issue_by(standing_of(EVE, ChannelRole::Owner), 10)).refused(No::Exists);
}

#[test]
fn an_invite_admits_a_bounded_number() {
    for uses_max in [1, USES_MAX] {
        given([]).when(issue(uses_max)).then([issued(uses_max)]);
    }
    for uses_max in [0, USES_MAX + 1, u32::MAX] {
        given([]).when(issue(uses_max)).refused(No::Uses);
    }
}

#[test]
fn an_invite_lasts_a_bounded_time() {
    let until = |expires_at| Do::Issue {
        channel: CHANNEL,
        standing: standing(ChannelRole::Moderator),
        expires_at,
        uses_max: 1,
        at: wall(0),
    };
    let after = |us: i64| Timestamp(wall(0).0 + us);
    for expires_at in [after(1), after(LIFE_US_MAX)] {
        let issued = Did::Issued { channel: CHANNEL, by: ADA, expires_at_us: expires_at, uses_max: 1 };
        given([]).when(until(expires_at)).then([issued]);
    }
    for expires_at in [after(0), after(-1), after(LIFE_US_MAX + 1), Timestamp(i64::MAX), Timestamp(i64::MIN)] {
        given([]).when(until(expires_at)).refused(No::Life);
    }
}

#[test]
fn somebody_redeems_an_invite_once() {
    given([issued(2)]).when(redeem_at(1)).then([REDEEMED]);
    given([issued(2), REDEEMED]).when(redeem_at(2)).then([]);
    given([issued(1), REDEEMED]).when(redeem_at(2)).then([]);
}

#[test]
fn who_is_in_already_uses_nothing_up() {
    given([issued(1)]).when(redeem_by(standing_of(BOB, ChannelRole::Viewer))).then([]);
    given([issued(1), REVOKED]).when(redeem_by(standing_of(BOB, ChannelRole::Viewer))).then([]);
    // Who left is out.
    given([issued(1)]).when(redeem_by(gone(standing_of(BOB, ChannelRole::Viewer)))).then([REDEEMED]);
}

#[test]
fn an_invite_that_is_not_valid_opens_nothing() {
    given([]).when(redeem_at(1)).refused(No::Unknown);
    given([issued(1)]).when(redeem_at(3_599)).then([REDEEMED]);
    given([issued(1)]).when(redeem_at(3_600)).refused(No::Expired);
    given([issued(1), Did::Redeemed { account: EVE }]).when(redeem_at(1)).refused(No::UsedUp);
    given([issued(2), Did::Redeemed { account: EVE }]).when(redeem_at(1)).then([REDEEMED]);
    given([issued(1), REVOKED]).when(redeem_at(1)).refused(No::Revoked);
}

#[test]
fn a_revoked_invite_is_over_for_who_used_it_too() {
    given([issued(2), REDEEMED, REVOKED]).when(redeem_at(1)).refused(No::Revoked);
}

#[test]
fn the_gravest_reason_is_told() {
    let worn_out = [issued(1), Did::Redeemed { account: EVE }];
    given(worn_out.clone()).when(redeem_at(3_600)).refused(No::Expired);
    given([worn_out.as_slice(), &[REVOKED]].concat()).when(redeem_at(3_600)).refused(No::Revoked);
}

#[test]
fn no_invite_lets_in_who_is_kept_out() {
    let bob = || outsider(BOB, Visibility::Private);
    let mut nowhere = bob();
    nowhere.channel.owner = None;
    for (standing, denied) in [
        (banned(bob()), Denied::Banned),
        (suspended(bob()), Denied::Suspended),
        (archived(bob()), Denied::Archived),
        (nowhere, Denied::NoChannel),
    ] {
        given([issued(2)]).when(redeem_by(standing.clone())).refused(No::Denied(denied));
        given([issued(2), REDEEMED]).when(redeem_by(standing)).refused(No::Denied(denied));
    }
}

#[test]
fn the_issuer_or_who_may_invite_revokes() {
    // The issuer is a plain viewer meanwhile, and revokes all the same.
    given([issued(1)]).when(revoke_by(standing(ChannelRole::Viewer))).then([REVOKED]);
    given([issued(1)]).when(revoke_by(standing_of(EVE, ChannelRole::Moderator))).then([REVOKED_BY_EVE]);
    given([issued(1), REVOKED]).when(revoke_by(standing(ChannelRole::Viewer))).then([]);
    given([issued(1), REVOKED]).when(revoke_by(standing_of(EVE, ChannelRole::Moderator))).then([]);
}

#[test]
fn nobody_else_revokes() {
    let denied = No::Denied(Denied::Role(Permission::Invite));
    given([issued(1)]).when(revoke_by(standing_of(EVE, ChannelRole::Viewer))).refused(denied);
    given([]).when(revoke_by(standing(ChannelRole::Owner))).refused(No::Unknown);
    // The issuer neither, once they are out.
    for (standing, denied) in denials() {
        // A stranger to a private channel is told what is said of an invite that is not there.
        let told = if denied == Denied::NoChannel { No::Unknown } else { No::Denied(denied) };
        given([issued(1)]).when(revoke_by(standing)).refused(told);
    }
}

#[test]
fn an_invite_remembers_what_happened() {
    let terms = Terms { channel: CHANNEL, by: ADA, expires_at: wall(3_600), uses_max: 10 };
    let state = Invite::fold(&invites());
    assert_eq!(state, InviteState { terms: Some(terms), redeemed: [BOB].into(), revoked: true });
    assert_eq!(Invite::fold(&invites()[..2]).open(wall(1)), Ok(terms));
    assert_eq!(state.open(wall(1)), Err(No::Revoked));
}

fn commands() -> impl Strategy<Value = Do> {
    let wall = || prop_oneof![8 => (0_i64..100).prop_map(wall), 1 => any::<i64>().prop_map(Timestamp)];
    let uses = prop_oneof![4 => 0_u32..4, 1 => any::<u32>()];
    let outside = (people(), visibilities()).prop_map(|(account, visibility)| outsider(account, visibility));
    let redeemer = prop_oneof![outside, standings()];
    prop_oneof![
        (standings(), wall(), uses, wall()).prop_map(|(standing, expires_at, uses_max, at)| Do::Issue {
            channel: CHANNEL,
            standing,
            expires_at,
            uses_max,
            at
        }),
        (redeemer, wall()).prop_map(|(standing, at)| Do::Redeem { standing, at }),
        (standings(), wall()).prop_map(|(standing, at)| Do::Revoke { standing, at }),
    ]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Invite>(Did::TYPES, select(invites()), commands());
}

#[test]
fn any_history_folds() {
    total::<Invite>(select(invites()), commands());
}

proptest! {
    /// Whoever comes and however often, an invite admits no more people than it was issued for.
    #[test]
    fn an_invite_admits_no_more_than_it_says(commands in proptest::collection::vec(commands(), 0..40)) {
        let mut state = InviteState::default();
        for command in &commands {
            for event in Invite::decide(&state, command).unwrap_or_default() {
                Invite::evolve(&mut state, &event);
            }
            let uses_max = state.terms.map_or(0, |terms| terms.uses_max);
            prop_assert!(state.redeemed.len() <= uses_max as usize, "{state:?}");
        }
    }
}
