//! One person: registered or a guest. Credentials are not here; they live in a table of their own.

use serde::{Deserialize, Serialize};

use crate::{Aggregate, Personal, event_names, ids::AccountId};

/// A name is 1 to this many characters after trimming.
pub const NAME_CHARS_MAX: usize = 40;

/// What an account may do on the whole platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlatformRole {
    Administrator,
    Member,
    Guest,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AccountEvent {
    Registered { name: Personal<String>, role: PlatformRole },
    GuestAdmitted { name: Personal<String> },
    DisplayNameChanged { name: Personal<String> },
}
event_names!(AccountEvent { Registered, GuestAdmitted, DisplayNameChanged });

#[derive(Debug, Clone, PartialEq)]
pub enum AccountCommand {
    Register { account: AccountId, name: String, role: PlatformRole },
    AdmitGuest { account: AccountId, name: String },
    ChangeDisplayName { account: AccountId, name: String },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    #[error("a name has 1 to {NAME_CHARS_MAX} characters")]
    NameLength,
    #[error("a name has no control characters")]
    NameCharacters,
    #[error("this account exists already")]
    Exists,
    #[error("there is no such account")]
    Unknown,
}

/// The folded account; `role` is `None` while the stream is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccountState {
    pub role: Option<PlatformRole>,
    pub name: Personal<String>,
}

pub struct Account;

impl Aggregate for Account {
    const KIND: &'static str = "account";
    type State = AccountState;
    type Command = AccountCommand;
    type Event = AccountEvent;
    type Error = AccountError;

    fn decide(state: &AccountState, command: &AccountCommand) -> Result<Vec<AccountEvent>, AccountError> {
        match command {
            AccountCommand::Register { account, name, role } => {
                let name = checked_name(*account, name)?;
                match state.role {
                    None => Ok(vec![AccountEvent::Registered { name, role: *role }]),
                    Some(held) if held == *role && state.name == name => Ok(vec![]),
                    Some(_) => Err(AccountError::Exists),
                }
            }
            AccountCommand::AdmitGuest { account, name } => {
                let name = checked_name(*account, name)?;
                match state.role {
                    None => Ok(vec![AccountEvent::GuestAdmitted { name }]),
                    Some(PlatformRole::Guest) if state.name == name => Ok(vec![]),
                    Some(_) => Err(AccountError::Exists),
                }
            }
            AccountCommand::ChangeDisplayName { account, name } => {
                let name = checked_name(*account, name)?;
                match state.role {
                    None => Err(AccountError::Unknown),
                    Some(_) if state.name == name => Ok(vec![]),
                    Some(_) => Ok(vec![AccountEvent::DisplayNameChanged { name }]),
                }
            }
        }
    }

    fn evolve(state: &mut AccountState, event: &AccountEvent) {
        match event {
            AccountEvent::Registered { name, role } => {
                state.role = Some(*role);
                state.name = name.clone();
            }
            AccountEvent::GuestAdmitted { name } => {
                state.role = Some(PlatformRole::Guest);
                state.name = name.clone();
            }
            AccountEvent::DisplayNameChanged { name } => state.name = name.clone(),
        }
    }
}

fn checked_name(account: AccountId, name: &str) -> Result<Personal<String>, AccountError> {
    let name = name.trim();
    if name.chars().any(char::is_control) {
        return Err(AccountError::NameCharacters);
    }
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(AccountError::NameLength);
    }
    Ok(Personal::new(account, name.to_owned()))
}
