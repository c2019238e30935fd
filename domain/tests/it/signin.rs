//! Tries at a password: each is noted once, and as it was.

use lockstep_domain::signin::{Failing, MARK_DIGITS, SignIn, SignInCommand as Do, SignInEvent as Did};
use proptest::{prelude::*, sample::select};

use crate::{
    check::{given, repeats, total},
    sample::{ADA, BOB, sign_ins},
};

const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn a_try_is_noted_once() {
    let succeeded = || Do::NoteSuccess { account: ADA, session_hash: HASH.into() };
    let signed_in = || Did::SignedIn { account: ADA, session: HASH[..MARK_DIGITS].into() };
    given::<SignIn>([]).when(succeeded()).then([signed_in()]);
    given::<SignIn>([signed_in()]).when(succeeded()).then([]);
    for (account, why) in [(None, Failing::WrongCredentials), (Some(BOB), Failing::Suspended)] {
        let failed = Did::SignInFailed { account, why };
        given::<SignIn>([]).when(Do::NoteFailure { account, why }).then([failed.clone()]);
        given::<SignIn>([failed]).when(succeeded()).then([]);
    }
}

fn notes() -> impl Strategy<Value = Do> {
    let failing = select(vec![Failing::WrongCredentials, Failing::Suspended, Failing::WrongPassword]);
    prop_oneof![
        (select(vec![ADA, BOB]), "[0-9a-f]{64}")
            .prop_map(|(account, session_hash)| Do::NoteSuccess { account, session_hash }),
        (select(vec![None, Some(ADA)]), failing).prop_map(|(account, why)| Do::NoteFailure { account, why }),
    ]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<SignIn>(Did::TYPES, select(sign_ins()), notes());
}

#[test]
fn any_history_folds() {
    total::<SignIn>(select(sign_ins()), notes());
}
