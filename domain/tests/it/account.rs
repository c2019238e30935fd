//! Accounts: registering, guests, names, passwords, platform roles, suspension.

use lockstep_domain::{
    Aggregate,
    account::{
        Account, AccountCommand as Do, AccountError as No, AccountEvent as Did, AccountState, NAME_CHARS_MAX,
        PlatformRole, REASON_CHARS_MAX,
    },
};
use proptest::{option, prelude::*, sample::select};

use crate::{
    check::{Given, repeats, total},
    sample::{ADA, BOB, EVE, accounts, named},
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

/// Ada as an administrator.
fn administrator() -> AccountState {
    AccountState { role: Some(PlatformRole::Administrator), ..AccountState::default() }
}

/// Those who may not do what administrators do.
fn others() -> [AccountState; 4] {
    let with = |role| AccountState { role, ..AccountState::default() };
    let suspended = AccountState { suspended: true, ..administrator() };
    [with(None), with(Some(PlatformRole::Member)), with(Some(PlatformRole::Guest)), suspended]
}

/// Bob's stream, as he registered.
fn bob() -> Did {
    Did::Registered { name: named(BOB, "Bob"), role: PlatformRole::Member }
}

fn change_password(generation: u32) -> Do {
    Do::NotePasswordChange { generation, by: None }
}

fn password_changed(generation: u32) -> Did {
    Did::PasswordChanged { generation, by: None }
}

fn grant_by(actor: AccountState, role: PlatformRole) -> Do {
    Do::GrantPlatformRole { account: BOB, role, by: ADA, actor }
}

fn grant(role: PlatformRole) -> Do {
    grant_by(administrator(), role)
}

fn granted(role: PlatformRole) -> Did {
    Did::PlatformRoleGranted { role, by: ADA }
}

fn suspend_by(actor: AccountState, reason: Option<&str>) -> Do {
    Do::Suspend { account: BOB, by: ADA, actor, reason: reason.map(str::to_owned) }
}

fn suspend(reason: Option<&str>) -> Do {
    suspend_by(administrator(), reason)
}

fn reinstate_by(actor: AccountState) -> Do {
    Do::Reinstate { by: ADA, actor }
}

const SUSPENDED: Did = Did::Suspended { by: ADA, reason: None };
const REINSTATED: Did = Did::Reinstated { by: ADA };

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
fn who_is_suspended_keeps_their_name() {
    given([registered("Ada"), SUSPENDED]).when(rename("Ada L.")).refused(No::Suspended);
    given([registered("Ada"), SUSPENDED]).when(rename("Ada")).then([]);
    given([registered("Ada"), SUSPENDED, REINSTATED]).when(rename("Ada L.")).then([renamed("Ada L.")]);
}

#[test]
fn a_password_change_is_noted_once_per_generation() {
    given([bob()]).when(change_password(1)).then([password_changed(1)]);
    given([bob(), password_changed(1)]).when(change_password(1)).then([]);
    given([bob(), password_changed(1)]).when(change_password(2)).then([password_changed(2)]);
    given([bob(), password_changed(2)]).when(change_password(1)).then([]);
    let by_link = Did::PasswordChanged { generation: 1, by: Some(ADA) };
    given([bob()]).when(Do::NotePasswordChange { generation: 1, by: Some(ADA) }).then([by_link]);
    given([]).when(change_password(1)).refused(No::Unknown);
}

#[test]
fn an_administrator_grants_platform_roles() {
    let (administrator, member) = (PlatformRole::Administrator, PlatformRole::Member);
    given([bob()]).when(grant(administrator)).then([granted(administrator)]);
    given([bob(), granted(administrator)]).when(grant(administrator)).then([]);
    given([bob(), granted(administrator)]).when(grant(member)).then([granted(member)]);
    given([bob()]).when(grant(member)).then([]);
    given([]).when(grant(member)).refused(No::Unknown);
}

#[test]
fn guests_stay_guests_until_they_register() {
    given([admitted("Bob")]).when(grant(PlatformRole::Member)).refused(No::Guest);
    given([admitted("Bob")]).when(grant(PlatformRole::Administrator)).refused(No::Guest);
    given([admitted("Bob")]).when(grant(PlatformRole::Guest)).then([]);
    given([bob()]).when(grant(PlatformRole::Guest)).refused(No::Guest);
}

#[test]
fn an_administrator_suspends_and_reinstates() {
    given([bob()]).when(suspend(None)).then([SUSPENDED]);
    given([bob(), SUSPENDED]).when(suspend(None)).then([]);
    given([bob(), SUSPENDED]).when(suspend(Some("again"))).then([]);
    given([bob(), SUSPENDED]).when(reinstate_by(administrator())).then([REINSTATED]);
    given([bob(), SUSPENDED, REINSTATED]).when(reinstate_by(administrator())).then([]);
    given([bob()]).when(reinstate_by(administrator())).then([]);
    given([]).when(suspend(None)).refused(No::Unknown);
    given([]).when(reinstate_by(administrator())).refused(No::Unknown);
}

#[test]
fn nobody_but_an_administrator_does() {
    for actor in others() {
        given([bob()]).when(grant_by(actor.clone(), PlatformRole::Administrator)).refused(No::NotPermitted);
        given([bob()]).when(suspend_by(actor.clone(), None)).refused(No::NotPermitted);
        given([bob(), SUSPENDED]).when(reinstate_by(actor.clone())).refused(No::NotPermitted);
        // And they learn nothing about who has an account.
        given([]).when(grant_by(actor.clone(), PlatformRole::Member)).refused(No::NotPermitted);
        given([]).when(suspend_by(actor.clone(), None)).refused(No::NotPermitted);
        given([]).when(reinstate_by(actor)).refused(No::NotPermitted);
    }
}

#[test]
fn nobody_does_it_to_themselves() {
    let (actor, role) = (administrator(), PlatformRole::Member);
    let grant = Do::GrantPlatformRole { account: ADA, role, by: ADA, actor: actor.clone() };
    given([registered("Ada")]).when(grant).refused(No::Yourself);
    let suspend = Do::Suspend { account: ADA, by: ADA, actor, reason: None };
    given([registered("Ada")]).when(suspend).refused(No::Yourself);
}

#[test]
fn a_reason_is_bounded_and_belongs_to_whom_it_is_about() {
    let because = |reason: &str| Did::Suspended { by: ADA, reason: Some(named(BOB, reason)) };
    let longest = "é".repeat(REASON_CHARS_MAX);
    given([bob()]).when(suspend(Some(" two\nlines\n"))).then([because("two\nlines")]);
    given([bob()]).when(suspend(Some(" "))).then([SUSPENDED]);
    given([bob()]).when(suspend(Some(&longest))).then([because(&longest)]);
    for bad in [&format!("{longest}x"), "a\u{0}b", "a\tb"] {
        given([bob()]).when(suspend(Some(bad))).refused(No::Reason);
    }
}

#[test]
fn an_account_remembers_what_happened() {
    let guest = Account::fold(&[admitted("Bob"), renamed("Ada L.")]);
    let expected = AccountState {
        role: Some(PlatformRole::Guest),
        name: named(ADA, "Ada L."),
        suspended: false,
        password_generation: 0,
        identities: [].into(),
    };
    assert_eq!(guest, expected);
    let suspended = Account::fold(&accounts()[..7]);
    assert!(suspended.suspended && !suspended.administers());
    let reinstated = Account::fold(&accounts());
    assert!(!reinstated.suspended && reinstated.administers());
    assert_eq!(reinstated.password_generation, 2);
}

fn roles() -> impl Strategy<Value = PlatformRole> {
    select(vec![PlatformRole::Administrator, PlatformRole::Member, PlatformRole::Guest])
}

fn own_commands() -> impl Strategy<Value = Do> {
    let name = || select(vec!["Ada", " Ada ", "Bob", "", "A\u{0}"]).prop_map(str::to_owned);
    let account = || select(vec![ADA, BOB]);
    prop_oneof![
        (account(), name()).prop_map(|(account, name)| Do::Upgrade { account, name }),
        (account(), name(), roles()).prop_map(|(account, name, role)| Do::Register { account, name, role }),
        (account(), name()).prop_map(|(account, name)| Do::AdmitGuest { account, name }),
        (account(), name()).prop_map(|(account, name)| Do::ChangeDisplayName { account, name }),
        (prop_oneof![4 => 0_u32..5, 1 => any::<u32>()], option::of(account()))
            .prop_map(|(generation, by)| Do::NotePasswordChange { generation, by }),
    ]
}

fn commands() -> impl Strategy<Value = Do> {
    let actor = || prop_oneof![2 => Just(administrator()), 1 => select(others().to_vec())];
    let by = || select(vec![ADA, EVE]);
    let account = || select(vec![ADA, BOB]);
    let reason = option::of(select(vec!["spam", " ", "\u{0}"]).prop_map(str::to_owned));
    prop_oneof![
        3 => own_commands(),
        1 => (account(), roles(), by(), actor())
            .prop_map(|(account, role, by, actor)| Do::GrantPlatformRole { account, role, by, actor }),
        1 => (account(), by(), actor(), reason)
            .prop_map(|(account, by, actor, reason)| Do::Suspend { account, by, actor, reason }),
        1 => (by(), actor()).prop_map(|(by, actor)| Do::Reinstate { by, actor }),
        2 => crate::identity::commands(),
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
