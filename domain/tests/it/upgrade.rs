//! A guest who registers keeps the account.

use lockstep_domain::account::{Account, AccountCommand as Do, AccountError as No, AccountEvent as Did, PlatformRole};

use crate::{
    check::given,
    sample::{ADA, BOB, named},
};

fn admitted() -> Did {
    Did::GuestAdmitted { name: named(BOB, "Bob") }
}

fn upgrade(name: &str) -> Do {
    Do::Upgrade { account: BOB, name: name.to_owned() }
}

fn upgraded(name: &str) -> Did {
    Did::Upgraded { name: named(BOB, name) }
}

#[test]
fn a_guest_becomes_a_member_under_the_name_they_register() {
    given::<Account>([admitted()]).when(upgrade(" Robert ")).then([upgraded("Robert")]);
    given::<Account>([admitted(), upgraded("Robert")]).when(upgrade("Robert")).then([]);
    given::<Account>([admitted(), upgraded("Robert")]).when(upgrade("Bob")).refused(No::Exists);
}

#[test]
fn only_guests_are_upgraded_and_none_who_is_suspended() {
    given::<Account>([]).when(upgrade("Bob")).refused(No::Unknown);
    let administrator = Did::Registered { name: named(BOB, "Bob"), role: PlatformRole::Administrator };
    given::<Account>([administrator]).when(upgrade("Bob")).refused(No::Exists);
    let suspended = Did::Suspended { by: ADA, reason: None };
    given::<Account>([admitted(), suspended]).when(upgrade("Bob")).refused(No::Suspended);
    given::<Account>([admitted()]).when(upgrade("")).refused(No::NameLength);
}
