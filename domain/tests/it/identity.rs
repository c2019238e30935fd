//! Identities of an account: registering by one, linking, unlinking, and the last way in.

use lockstep_domain::{
    account::{
        Account, AccountCommand as Do, AccountError as No, AccountEvent as Did, IDENTITIES_MAX, NewIdentity,
        PlatformRole, SUBJECT_CHARS_MAX,
    },
    ids::IdentityId,
};
use proptest::{prelude::*, sample::select};
use uuid::Uuid;

use crate::{
    check::given,
    sample::{ADA, BOB, IDENTITY, named},
};

const ISSUER: &str = "https://login.example";

fn identity(id: IdentityId, subject: &str) -> NewIdentity {
    NewIdentity { id, issuer: ISSUER.to_owned(), subject: subject.to_owned() }
}

fn numbered(number: u128) -> IdentityId {
    IdentityId(Uuid::from_u128(number))
}

fn register(name: &str) -> Do {
    Do::RegisterByIdentity { account: ADA, name: name.to_owned(), identity: identity(IDENTITY, "s-1") }
}

fn link(id: IdentityId) -> Do {
    Do::LinkIdentity { account: ADA, identity: identity(id, "s-1") }
}

fn unlink(id: IdentityId, has_password: bool) -> Do {
    Do::UnlinkIdentity { identity: id, has_password }
}

fn registered() -> Did {
    Did::Registered { name: named(ADA, "Ada"), role: PlatformRole::Member }
}

fn linked(id: IdentityId) -> Did {
    Did::IdentityLinked { identity: id, issuer: ISSUER.to_owned(), subject: named(ADA, "s-1") }
}

fn suspended() -> Did {
    Did::Suspended { by: BOB, reason: None }
}

/// For the properties of the whole aggregate.
pub fn commands() -> impl Strategy<Value = Do> {
    let id = || select(vec![IDENTITY, numbered(2)]);
    let subject = || select(vec!["s-1", "", "\u{0}"]);
    let name = select(vec!["Ada", " Ada ", ""]);
    prop_oneof![
        (id(), subject(), name).prop_map(|(id, subject, name)| {
            Do::RegisterByIdentity { account: ADA, name: name.to_owned(), identity: identity(id, subject) }
        }),
        (id(), subject()).prop_map(|(id, subject)| Do::LinkIdentity { account: ADA, identity: identity(id, subject) }),
        (id(), any::<bool>()).prop_map(|(id, has_password)| unlink(id, has_password)),
    ]
}

#[test]
fn who_registers_by_an_identity_is_a_member_with_that_way_in() {
    given::<Account>([]).when(register(" Ada ")).then([registered(), linked(IDENTITY)]);
    given::<Account>([registered(), linked(IDENTITY)]).when(register("Ada")).then([]);
    given::<Account>([registered()]).when(register("Ada")).refused(No::Exists);
    given::<Account>([]).when(register("  ")).refused(No::NameLength);
}

#[test]
fn a_guest_who_registers_by_an_identity_stays_who_they_are() {
    let guest = || Did::GuestAdmitted { name: named(ADA, "Guest") };
    let upgraded = Did::Upgraded { name: named(ADA, "Ada") };
    given::<Account>([guest()]).when(register("Ada")).then([upgraded.clone(), linked(IDENTITY)]);
    given::<Account>([guest(), upgraded, linked(IDENTITY)]).when(register("Ada")).then([]);
    given::<Account>([guest(), suspended()]).when(register("Ada")).refused(No::Suspended);
    given::<Account>([guest()]).when(link(IDENTITY)).refused(No::Unregistered);
}

#[test]
fn an_identity_is_linked_once_and_only_so_many_are() {
    given::<Account>([]).when(link(IDENTITY)).refused(No::Unknown);
    given::<Account>([registered()]).when(link(IDENTITY)).then([linked(IDENTITY)]);
    given::<Account>([registered(), linked(IDENTITY)]).when(link(IDENTITY)).then([]);
    given::<Account>([registered(), suspended()]).when(link(IDENTITY)).refused(No::Suspended);
    let many = (0..IDENTITIES_MAX).map(|number| linked(numbered(number as u128)));
    given::<Account>([registered()].into_iter().chain(many)).when(link(IDENTITY)).refused(No::TooManyIdentities);
}

#[test]
fn the_last_way_in_is_not_taken_away() {
    let history = || [registered(), linked(IDENTITY)];
    let gone = Did::IdentityUnlinked { identity: IDENTITY };
    given::<Account>(history()).when(unlink(IDENTITY, false)).refused(No::LastWayIn);
    given::<Account>(history()).when(unlink(IDENTITY, true)).then([gone.clone()]);
    let two = history().into_iter().chain([linked(numbered(2))]);
    given::<Account>(two).when(unlink(IDENTITY, false)).then([gone.clone()]);
    given::<Account>(history().into_iter().chain([gone])).when(unlink(IDENTITY, true)).then([]);
    given::<Account>(history().into_iter().chain([suspended()])).when(unlink(IDENTITY, true)).refused(No::Suspended);
}

#[test]
fn an_identity_has_a_subject_that_can_be_kept() {
    for subject in [String::new(), "a\u{0}b".to_owned(), "s".repeat(SUBJECT_CHARS_MAX + 1)] {
        let command = Do::LinkIdentity { account: ADA, identity: identity(IDENTITY, &subject) };
        given::<Account>([registered()]).when(command).refused(No::Identity);
    }
}
