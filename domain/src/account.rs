//! One person: registered or a guest. Credentials are not here; they live in a table of their own.

mod identity;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use identity::{IDENTITIES_MAX, ISSUER_CHARS_MAX, NewIdentity, SUBJECT_CHARS_MAX};

use crate::{
    Aggregate, Personal, event_names,
    ids::{AccountId, IdentityId},
};

/// A name is 1 to this many characters after trimming.
pub const NAME_CHARS_MAX: usize = 40;
/// A reason given for a suspension has at most this many characters.
pub const REASON_CHARS_MAX: usize = 500;

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
    Registered {
        name: Personal<String>,
        role: PlatformRole,
    },
    GuestAdmitted {
        name: Personal<String>,
    },
    /// A guest has registered: the same account, from now on with a password, as a member.
    Upgraded {
        name: Personal<String>,
    },
    DisplayNameChanged {
        name: Personal<String>,
    },
    /// The hash is not here: credentials live in a table of their own, which counts its `generation`s. `by`: whose
    /// link was used, if not the account's own password.
    PasswordChanged {
        generation: u32,
        by: Option<AccountId>,
    },
    PlatformRoleGranted {
        role: PlatformRole,
        by: AccountId,
    },
    /// No session, no command, anywhere.
    Suspended {
        by: AccountId,
        reason: Option<Personal<String>>,
    },
    Reinstated {
        by: AccountId,
    },
    /// Whoever this provider says is this subject is the account's owner.
    IdentityLinked {
        identity: IdentityId,
        /// The provider, as it names itself (OpenID Connect Core 1.0, section 2, `iss`).
        issuer: String,
        /// Whom the provider means, for ever and for nobody else (`sub`).
        subject: Personal<String>,
    },
    IdentityUnlinked {
        identity: IdentityId,
    },
}
event_names!(AccountEvent {
    Registered,
    GuestAdmitted,
    Upgraded,
    DisplayNameChanged,
    PasswordChanged,
    PlatformRoleGranted,
    Suspended,
    Reinstated,
    IdentityLinked,
    IdentityUnlinked,
});

#[derive(Debug, Clone, PartialEq)]
pub enum AccountCommand {
    Register {
        account: AccountId,
        name: String,
        role: PlatformRole,
    },
    AdmitGuest {
        account: AccountId,
        name: String,
    },
    /// A guest registers and stays who they are.
    Upgrade {
        account: AccountId,
        name: String,
    },
    ChangeDisplayName {
        account: AccountId,
        name: String,
    },
    /// Somebody registers by an identity instead of a password; a guest stays who they are.
    RegisterByIdentity {
        account: AccountId,
        name: String,
        identity: NewIdentity,
    },
    /// One more way into an account that there is.
    LinkIdentity {
        account: AccountId,
        identity: NewIdentity,
    },
    UnlinkIdentity {
        identity: IdentityId,
        /// As looked up; a password that was set is never taken away.
        has_password: bool,
    },
    /// The new hash is stored by the caller. `by`: whose link was used, if not their own password.
    NotePasswordChange {
        generation: u32,
        by: Option<AccountId>,
    },
    /// By an administrator; `actor` is theirs as looked up (guarded at the append).
    GrantPlatformRole {
        account: AccountId,
        role: PlatformRole,
        by: AccountId,
        actor: AccountState,
    },
    Suspend {
        account: AccountId,
        by: AccountId,
        actor: AccountState,
        reason: Option<String>,
    },
    Reinstate {
        by: AccountId,
        actor: AccountState,
    },
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
    #[error("only an administrator may do this")]
    NotPermitted,
    #[error("nobody does this to themselves: ask another administrator")]
    Yourself,
    #[error("guests have no platform role but their own: ask them to register")]
    Guest,
    #[error("a reason has at most {REASON_CHARS_MAX} characters")]
    Reason,
    #[error("this account is suspended")]
    Suspended,
    #[error("guests register first")]
    Unregistered,
    #[error("an identity has an issuer and a subject of at most {SUBJECT_CHARS_MAX} characters")]
    Identity,
    #[error("an account has at most {IDENTITIES_MAX} identities: unlink one first")]
    TooManyIdentities,
    #[error("this is the only way into this account: set a password first")]
    LastWayIn,
}

/// The folded account; `role` is `None` while the stream is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccountState {
    pub role: Option<PlatformRole>,
    pub name: Personal<String>,
    pub suspended: bool,
    /// How often the password was changed.
    pub password_generation: u32,
    /// What else than a password opens it.
    pub identities: BTreeSet<IdentityId>,
}

impl AccountState {
    /// Whether this account administers the installation now.
    pub fn administers(&self) -> bool {
        self.role == Some(PlatformRole::Administrator) && !self.suspended
    }
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
            AccountCommand::Upgrade { account, name } => {
                let name = checked_name(*account, name)?;
                match state.role {
                    None => Err(AccountError::Unknown),
                    Some(PlatformRole::Guest) if state.suspended => Err(AccountError::Suspended),
                    Some(PlatformRole::Guest) => Ok(vec![AccountEvent::Upgraded { name }]),
                    Some(PlatformRole::Member) if state.name == name => Ok(vec![]),
                    Some(PlatformRole::Member | PlatformRole::Administrator) => Err(AccountError::Exists),
                }
            }
            AccountCommand::ChangeDisplayName { account, name } => {
                let name = checked_name(*account, name)?;
                match state.role {
                    None => Err(AccountError::Unknown),
                    Some(_) if state.name == name => Ok(vec![]),
                    Some(_) if state.suspended => Err(AccountError::Suspended),
                    Some(_) => Ok(vec![AccountEvent::DisplayNameChanged { name }]),
                }
            }
            AccountCommand::RegisterByIdentity { account, name, identity } => {
                identity::register(state, *account, checked_name(*account, name)?, identity)
            }
            AccountCommand::LinkIdentity { account, identity } => identity::link(state, *account, identity),
            AccountCommand::UnlinkIdentity { identity, has_password } => {
                identity::unlink(state, *identity, *has_password)
            }
            AccountCommand::NotePasswordChange { .. }
            | AccountCommand::GrantPlatformRole { .. }
            | AccountCommand::Suspend { .. }
            | AccountCommand::Reinstate { .. } => administered(state, command),
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
            AccountEvent::Upgraded { name } => {
                state.role = Some(PlatformRole::Member);
                state.name = name.clone();
            }
            AccountEvent::DisplayNameChanged { name } => state.name = name.clone(),
            AccountEvent::PasswordChanged { generation, .. } => state.password_generation = *generation,
            AccountEvent::PlatformRoleGranted { role, .. } => state.role = Some(*role),
            AccountEvent::Suspended { .. } => state.suspended = true,
            AccountEvent::Reinstated { .. } => state.suspended = false,
            AccountEvent::IdentityLinked { identity, .. } => {
                state.identities.insert(*identity);
            }
            AccountEvent::IdentityUnlinked { identity } => {
                state.identities.remove(identity);
            }
        }
    }
}

/// What is done to an account that exists, by its owner's link or by an administrator.
fn administered(state: &AccountState, command: &AccountCommand) -> Result<Vec<AccountEvent>, AccountError> {
    let actor = match command {
        AccountCommand::GrantPlatformRole { actor, .. }
        | AccountCommand::Suspend { actor, .. }
        | AccountCommand::Reinstate { actor, .. } => Some(actor),
        AccountCommand::NotePasswordChange { .. }
        | AccountCommand::Register { .. }
        | AccountCommand::AdmitGuest { .. }
        | AccountCommand::Upgrade { .. }
        | AccountCommand::ChangeDisplayName { .. }
        | AccountCommand::RegisterByIdentity { .. }
        | AccountCommand::LinkIdentity { .. }
        | AccountCommand::UnlinkIdentity { .. } => None,
    };
    // First of all: whoever may not do this is told the same about accounts that do not exist.
    if actor.is_some_and(|actor| !actor.administers()) {
        return Err(AccountError::NotPermitted);
    }
    let held = state.role.ok_or(AccountError::Unknown)?;
    Ok(match command {
        AccountCommand::NotePasswordChange { generation, .. } if *generation <= state.password_generation => vec![],
        AccountCommand::NotePasswordChange { generation, by } => {
            vec![AccountEvent::PasswordChanged { generation: *generation, by: *by }]
        }
        AccountCommand::GrantPlatformRole { role, by, account, .. } => {
            if account == by {
                return Err(AccountError::Yourself);
            }
            if (held == PlatformRole::Guest) != (*role == PlatformRole::Guest) {
                return Err(AccountError::Guest);
            }
            if held == *role { vec![] } else { vec![AccountEvent::PlatformRoleGranted { role: *role, by: *by }] }
        }
        AccountCommand::Suspend { account, by, reason, .. } => {
            if account == by {
                return Err(AccountError::Yourself);
            }
            let reason = checked_reason(*account, reason.as_deref())?;
            if state.suspended { vec![] } else { vec![AccountEvent::Suspended { by: *by, reason }] }
        }
        AccountCommand::Reinstate { by, .. } => {
            if state.suspended {
                vec![AccountEvent::Reinstated { by: *by }]
            } else {
                vec![]
            }
        }
        AccountCommand::Register { .. }
        | AccountCommand::AdmitGuest { .. }
        | AccountCommand::Upgrade { .. }
        | AccountCommand::ChangeDisplayName { .. }
        | AccountCommand::RegisterByIdentity { .. }
        | AccountCommand::LinkIdentity { .. }
        | AccountCommand::UnlinkIdentity { .. } => vec![],
    })
}

/// A reason is about the person it concerns: it is theirs to have erased.
fn checked_reason(account: AccountId, reason: Option<&str>) -> Result<Option<Personal<String>>, AccountError> {
    let Some(reason) = reason.map(str::trim).filter(|reason| !reason.is_empty()) else { return Ok(None) };
    let fits = reason.chars().count() <= REASON_CHARS_MAX && !reason.chars().any(|c| c.is_control() && c != '\n');
    if fits { Ok(Some(Personal::new(account, reason.to_owned()))) } else { Err(AccountError::Reason) }
}

/// The name as it is taken, without the spaces around it.
///
/// # Errors
/// [`AccountError::NameCharacters`] for control characters, [`AccountError::NameLength`] for none or too many.
pub fn named(name: &str) -> Result<&str, AccountError> {
    let name = name.trim();
    if name.chars().any(char::is_control) {
        return Err(AccountError::NameCharacters);
    }
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(AccountError::NameLength);
    }
    Ok(name)
}

fn checked_name(account: AccountId, name: &str) -> Result<Personal<String>, AccountError> {
    Ok(Personal::new(account, named(name)?.to_owned()))
}
