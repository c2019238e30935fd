//! Accounts: registering, guests, names.

use lockstep_domain::{
    Aggregate,
    account::{
        Account, AccountCommand as Do, AccountError as No, AccountEvent as Did, AccountState, NAME_CHARS_MAX,
        PlatformRole,
    },
};
use proptest::{prelude::*, sample::select};

use crate::{
    check::{Given, repeats, total},
    sample::{ADA, BOB, accounts, named},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Account> {
    crate::check::given(history)
}

fn register(name: &str) -> Do {
    Do::Register { account: ADA, name: name.into(), role: PlatformRole::Member }
}

fn registered(name: &str) -> Did {
    Did::Registered { name: named(ADA, name), role: PlatformRole::Member }
}

fn admit(name: &str) -> Do {
    Do::AdmitGuest { account: BOB, name: name.into() }
}

fn admitted(name: &str) -> Did {
    Did::GuestAdmitted { name: named(BOB, name) }
}

fn rename(name: &str) -> Do {
    Do::ChangeDisplayName { account: ADA, name: name.into() }
}

fn renamed(name: &str) -> Did {
    Did::DisplayNameChanged { name: named(ADA, name) }
}

#[test]
fn somebody_registers() {
    given([]).when(register("Ada")).then([registered("Ada")]);
    given([]).when(register("  Ada \n")).then([registered("Ada")]);
    given([registered("Ada")]).when(register("Ada")).then([]);
}

#[test]
fn a_stream_holds_one_account() {
    given([registered("Ada")]).when(register("Eve")).refused(No::Exists);
    given([registered("Ada"), renamed("Ada L.")]).when(register("Ada")).refused(No::Exists);
    let administrator = Do::Register { account: ADA, name: "Ada".into(), role: PlatformRole::Administrator };
    given([registered("Ada")]).when(administrator).refused(No::Exists);
    given([registered("Bob")]).when(admit("Bob")).refused(No::Exists);
    given([admitted("Bob")]).when(register("Bob")).refused(No::Exists);
}

#[test]
fn a_guest_is_admitted() {
    given([]).when(admit("Bob")).then([admitted("Bob")]);
    given([admitted("Bob")]).when(admit("Bob")).then([]);
    given([admitted("Bob")]).when(admit("Bobby")).refused(No::Exists);
}

#[test]
fn a_name_changes() {
    given([registered("Ada")]).when(rename("Ada L.")).then([renamed("Ada L.")]);
    given([registered("Ada")]).when(rename(" Ada ")).then([]);
    given([]).when(rename("Ada")).refused(No::Unknown);
}

#[test]
fn names_are_bounded() {
    let longest = "é".repeat(NAME_CHARS_MAX);
    given([]).when(register(&longest)).then([registered(&longest)]);
    for command in [register as fn(&str) -> Do, admit, rename] {
        given([]).when(command(&format!("{longest}x"))).refused(No::NameLength);
        given([]).when(command("")).refused(No::NameLength);
        given([]).when(command(" \t ")).refused(No::NameLength);
        given([]).when(command("A\u{0}da")).refused(No::NameCharacters);
        given([]).when(command("A\u{7}da")).refused(No::NameCharacters);
    }
}

#[test]
fn an_account_remembers_its_role_and_name() {
    let state = Account::fold(&[admitted("Bob"), renamed("Ada L.")]);
    assert_eq!(state, AccountState { role: Some(PlatformRole::Guest), name: named(ADA, "Ada L.") });
}

fn commands() -> impl Strategy<Value = Do> {
    let name = || select(vec!["Ada", " Ada ", "Bob", "", "A\u{0}"]).prop_map(str::to_owned);
    let account = || select(vec![ADA, BOB]);
    let role = select(vec![PlatformRole::Administrator, PlatformRole::Member, PlatformRole::Guest]);
    prop_oneof![
        (account(), name(), role).prop_map(|(account, name, role)| Do::Register { account, name, role }),
        (account(), name()).prop_map(|(account, name)| Do::AdmitGuest { account, name }),
        (account(), name()).prop_map(|(account, name)| Do::ChangeDisplayName { account, name }),
    ]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Account>(Did::TYPES, select(accounts()), commands());
}

#[test]
fn any_history_folds() {
    total::<Account>(select(accounts()), commands());
}
