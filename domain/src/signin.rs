//! A try at a password: that it succeeded, or that it failed and as far as is known for whom. For those who answer for the
//! installation; nothing is decided on it.
//!
//! Each try is a stream of its own: tries commute, and nobody reads them but the audit.

use serde::{Deserialize, Serialize};

use crate::{Aggregate, event_names, ids::AccountId};

/// Digits of a session's hash that name it here; far from enough to be it.
pub const MARK_DIGITS: usize = 16;

/// Why a try failed. Nothing that was typed is here: people type passwords into the wrong field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failing {
    /// The name is nobody's, or the password is not theirs.
    WrongCredentials,
    /// The password was right.
    Suspended,
    /// Somebody who is signed in was asked for the password again.
    WrongPassword,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SignInEvent {
    /// `session`: the first digits of its hash, as the list of sessions is kept by.
    SignedIn { account: AccountId, session: String },
    /// `account`: whose name was given, if it is somebody's.
    SignInFailed { account: Option<AccountId>, why: Failing },
}
event_names!(SignInEvent { SignedIn, SignInFailed });

/// What came of a try.
#[derive(Debug, Clone, PartialEq)]
pub enum SignInCommand {
    /// `session_hash`: hexadecimal, of any length.
    NoteSuccess {
        account: AccountId,
        session_hash: String,
    },
    NoteFailure {
        account: Option<AccountId>,
        why: Failing,
    },
}

/// Notes are taken as they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {}

/// Whether the try was noted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignInState {
    pub noted: bool,
}

pub struct SignIn;

impl Aggregate for SignIn {
    const KIND: &'static str = "signin";
    type State = SignInState;
    type Command = SignInCommand;
    type Event = SignInEvent;
    type Error = SignInError;

    fn decide(state: &SignInState, command: &SignInCommand) -> Result<Vec<SignInEvent>, SignInError> {
        if state.noted {
            return Ok(vec![]);
        }
        Ok(vec![match command {
            SignInCommand::NoteSuccess { account, session_hash } => {
                SignInEvent::SignedIn { account: *account, session: session_hash.chars().take(MARK_DIGITS).collect() }
            }
            SignInCommand::NoteFailure { account, why } => SignInEvent::SignInFailed { account: *account, why: *why },
        }])
    }

    fn evolve(state: &mut SignInState, event: &SignInEvent) {
        match event {
            SignInEvent::SignedIn { .. } | SignInEvent::SignInFailed { .. } => state.noted = true,
        }
    }
}
