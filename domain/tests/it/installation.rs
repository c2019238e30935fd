//! Who may register, and registration links.

use lockstep_domain::{
    Aggregate,
    account::{AccountState, PlatformRole},
    ids::RegistrationLinkId,
    installation::{
        Installation, InstallationCommand as Do, InstallationError as No, InstallationEvent as Did, LIFE_US_MAX,
        LINKS_MAX, Registration, USES_MAX,
    },
    time::Timestamp,
};
use proptest::{prelude::*, sample::select};
use uuid::Uuid;

use crate::{
    check::{given, repeats, total},
    sample::{ADA, LINK, installations, wall},
};

fn actor(role: Option<PlatformRole>, suspended: bool) -> AccountState {
    AccountState { role, suspended, ..AccountState::default() }
}

fn administrator() -> AccountState {
    actor(Some(PlatformRole::Administrator), false)
}

fn others() -> [AccountState; 4] {
    [
        actor(None, false),
        actor(Some(PlatformRole::Member), false),
        actor(Some(PlatformRole::Guest), false),
        actor(Some(PlatformRole::Administrator), true),
    ]
}

fn choose(registration: Registration, actor: AccountState) -> Do {
    Do::ChangeRegistration { registration, by: ADA, actor }
}

fn issue(expires_at: Timestamp, uses_max: u32, actor: AccountState) -> Do {
    Do::IssueRegistrationLink { link: LINK, by: ADA, actor, expires_at, uses_max, at: wall(0) }
}

fn revoke(actor: AccountState) -> Do {
    Do::RevokeRegistrationLink { link: LINK, by: ADA, actor }
}

fn issued(link: RegistrationLinkId) -> Did {
    Did::RegistrationLinkIssued { link, by: ADA, expires_at_us: wall(60), uses_max: 5 }
}

#[test]
fn a_new_installation_takes_people_by_invitation_only() {
    assert_eq!(Installation::fold([].iter()).registration, Registration::InviteOnly);
    given::<Installation>([]).when(choose(Registration::InviteOnly, administrator())).then([]);
}

#[test]
fn an_administrator_chooses_who_may_register() {
    for registration in [Registration::Open, Registration::Closed] {
        let changed = Did::RegistrationChanged { registration, by: ADA };
        given::<Installation>([]).when(choose(registration, administrator())).then([changed]);
    }
}

#[test]
fn only_administrators_do_any_of_it() {
    for actor in others() {
        given::<Installation>([]).when(choose(Registration::Open, actor.clone())).refused(No::NotPermitted);
        given::<Installation>([]).when(issue(wall(60), 5, actor.clone())).refused(No::NotPermitted);
        given::<Installation>([issued(LINK)]).when(revoke(actor)).refused(No::NotPermitted);
    }
}

#[test]
fn a_link_has_an_end_and_a_number_of_uses() {
    given::<Installation>([]).when(issue(wall(60), 5, administrator())).then([issued(LINK)]);
    given::<Installation>([issued(LINK)]).when(issue(wall(60), 6, administrator())).refused(No::Exists);
    for uses in [0, USES_MAX + 1] {
        given::<Installation>([]).when(issue(wall(60), uses, administrator())).refused(No::Uses);
    }
    for end in [wall(0), Timestamp(wall(0).0 + LIFE_US_MAX + 1)] {
        given::<Installation>([]).when(issue(end, 5, administrator())).refused(No::Life);
    }
}

#[test]
fn links_are_bounded_and_make_room_when_they_end() {
    let many = (0..LINKS_MAX).map(|number| issued(RegistrationLinkId(Uuid::from_u128(number as u128 + 1_000))));
    let many: Vec<Did> = many.collect();
    given::<Installation>(many.clone()).when(issue(wall(60), 5, administrator())).refused(No::TooMany);
    let later = Do::IssueRegistrationLink {
        link: LINK,
        by: ADA,
        actor: administrator(),
        expires_at: wall(600),
        uses_max: 5,
        at: wall(60),
    };
    let new = Did::RegistrationLinkIssued { link: LINK, by: ADA, expires_at_us: wall(600), uses_max: 5 };
    given::<Installation>(many).when(later).then([new]);
}

#[test]
fn a_link_is_taken_back_once() {
    let revoked = Did::RegistrationLinkRevoked { link: LINK, by: ADA };
    given::<Installation>([issued(LINK)]).when(revoke(administrator())).then([revoked.clone()]);
    given::<Installation>([issued(LINK), revoked.clone()])
        .when(issue(wall(60), 5, administrator()))
        .refused(No::Exists);
    given::<Installation>([issued(LINK), revoked]).when(revoke(administrator())).then([]);
    given::<Installation>([]).when(revoke(administrator())).refused(No::Unknown);
}

fn commands() -> impl Strategy<Value = Do> {
    let actor = || prop_oneof![3 => Just(administrator()), 1 => select(others().to_vec())];
    let link = || select(vec![LINK, RegistrationLinkId(Uuid::from_u128(7))]);
    let registration = select(vec![Registration::Open, Registration::InviteOnly, Registration::Closed]);
    let uses = select(vec![0, 1, 5]);
    prop_oneof![
        (registration, actor()).prop_map(|(registration, actor)| choose(registration, actor)),
        (link(), uses, actor()).prop_map(|(link, uses_max, actor)| Do::IssueRegistrationLink {
            link,
            by: ADA,
            actor,
            expires_at: wall(60),
            uses_max,
            at: wall(0),
        }),
        (link(), actor()).prop_map(|(link, actor)| Do::RevokeRegistrationLink { link, by: ADA, actor }),
    ]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Installation>(Did::TYPES, select(installations()), commands());
}

#[test]
fn any_history_folds() {
    total::<Installation>(select(installations()), commands());
}
