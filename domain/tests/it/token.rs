//! API tokens: issued within bounds, revoked by their owner alone.

use std::collections::BTreeSet;

use lockstep_domain::{
    account::{AccountState, PlatformRole},
    time::Timestamp,
    token::{
        LIFE_US_MAX, LIVE_MAX, NAME_CHARS_MAX, Scope, Token, TokenCommand as Do, TokenError as No, TokenEvent as Did,
        TokenState,
    },
};
use proptest::{prelude::*, sample::select};

use crate::{
    check::{Given, repeats, total},
    sample::{ADA, EVE, named, tokens, wall},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Token> {
    crate::check::given(history)
}

fn account(role: PlatformRole) -> AccountState {
    AccountState { role: Some(role), ..AccountState::default() }
}

/// For reading films, for an hour, at second 0.
fn issue_as(account: AccountState, name: &str, scopes: &[Scope], expires_at: Timestamp, live: usize) -> Do {
    let scopes: BTreeSet<Scope> = scopes.iter().copied().collect();
    Do::Issue { owner: ADA, account, name: name.to_owned(), scopes, expires_at, live, at: wall(0) }
}

fn issue(name: &str) -> Do {
    issue_as(account(PlatformRole::Member), name, &[Scope::VideosRead], wall(3_600), 0)
}

fn issued(name: &str) -> Did {
    let scopes = BTreeSet::from([Scope::VideosRead]);
    Did::Issued { owner: ADA, name: named(ADA, name), scopes, expires_at_us: wall(3_600) }
}

#[test]
fn members_and_administrators_have_tokens_and_nobody_else() {
    given([]).when(issue(" script ")).then([issued("script")]);
    let by = |account| issue_as(account, "script", &[Scope::VideosRead], wall(3_600), 0);
    given([]).when(by(account(PlatformRole::Administrator))).then([issued("script")]);
    given([]).when(by(account(PlatformRole::Guest))).refused(No::Guest);
    given([]).when(by(AccountState::default())).refused(No::Guest);
    let suspended = AccountState { suspended: true, ..account(PlatformRole::Member) };
    given([]).when(by(suspended)).refused(No::Suspended);
}

#[test]
fn names_scopes_lives_and_numbers_have_bounds() {
    given([]).when(issue(&"n".repeat(NAME_CHARS_MAX))).then([issued(&"n".repeat(NAME_CHARS_MAX))]);
    for name in ["", "  ", "a\u{7}b", &"n".repeat(NAME_CHARS_MAX + 1)] {
        given([]).when(issue(name)).refused(No::Name);
    }
    let member = || account(PlatformRole::Member);
    given([]).when(issue_as(member(), "x", &[], wall(60), 0)).refused(No::NoScope);
    let longest = Timestamp(wall(0).0 + LIFE_US_MAX);
    let scopes = BTreeSet::from([Scope::Upload]);
    let lasting = Did::Issued { owner: ADA, name: named(ADA, "x"), scopes, expires_at_us: longest };
    given([]).when(issue_as(member(), "x", &[Scope::Upload], longest, LIVE_MAX - 1)).then([lasting]);
    for wrong in [wall(0), wall(-1), Timestamp(longest.0 + 1), Timestamp(i64::MAX), Timestamp(i64::MIN)] {
        given([]).when(issue_as(member(), "x", &[Scope::Upload], wrong, 0)).refused(No::Life);
    }
    given([]).when(issue_as(member(), "x", &[Scope::Upload], wall(60), LIVE_MAX)).refused(No::TooMany);
}

#[test]
fn the_same_token_is_issued_once() {
    given([issued("script")]).when(issue("script")).then([]);
    given([issued("script")]).when(issue("other")).refused(No::Exists);
    given([issued("script"), Did::Revoked { by: ADA }]).when(issue("script")).refused(No::Exists);
}

#[test]
fn only_its_owner_revokes_a_token_and_once() {
    given([issued("script")]).when(Do::Revoke { by: ADA }).then([Did::Revoked { by: ADA }]);
    given([issued("script"), Did::Revoked { by: ADA }]).when(Do::Revoke { by: ADA }).then([]);
    given([issued("script")]).when(Do::Revoke { by: EVE }).refused(No::Unknown);
    given([]).when(Do::Revoke { by: ADA }).refused(No::Unknown);
}

#[test]
fn a_token_works_until_it_ends() {
    let fold = |events: &[Did]| {
        let mut state = TokenState::default();
        events.iter().for_each(|event| <Token as lockstep_domain::Aggregate>::evolve(&mut state, event));
        state
    };
    assert_eq!(fold(&[]).works(wall(0)).err(), Some(No::Unknown));
    let held = fold(&[issued("script")]);
    assert_eq!(held.works(wall(3_599)).map(|terms| terms.owner), Ok(ADA));
    assert_eq!(held.works(wall(3_600)).err(), Some(No::Ended));
    assert_eq!(fold(&[issued("script"), Did::Revoked { by: ADA }]).works(wall(1)).err(), Some(No::Ended));
}

#[test]
fn scopes_are_stored_as_they_are_shown() {
    for scope in Scope::ALL {
        assert_eq!(serde_json::to_value(scope).unwrap(), scope.word());
    }
}

fn commands() -> impl Strategy<Value = Do> {
    let names = select(vec!["script", "other", ""]);
    prop_oneof![
        (names, select(vec![0_i64, 60, 3_600]), 0..=LIVE_MAX).prop_map(|(name, ends, live)| issue_as(
            account(PlatformRole::Member),
            name,
            &[Scope::VideosRead],
            wall(ends),
            live
        )),
        select(vec![ADA, EVE]).prop_map(|by| Do::Revoke { by }),
    ]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Token>(Did::TYPES, select(tokens()), commands());
}

#[test]
fn any_history_folds() {
    total::<Token>(select(tokens()), commands());
}
