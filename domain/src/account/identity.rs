//! Identities: what a provider of sign-ins says about somebody opens their account, with or without a password.

use super::{AccountError, AccountEvent, AccountState, PlatformRole};
use crate::{
    Personal,
    ids::{AccountId, IdentityId},
};

/// Identities of one account.
pub const IDENTITIES_MAX: usize = 5;
/// Characters of a provider's name for itself.
pub const ISSUER_CHARS_MAX: usize = 255;
/// Characters of a provider's name for somebody (OpenID Connect Core 1.0, section 2, `sub`).
pub const SUBJECT_CHARS_MAX: usize = 255;

/// An identity as its provider has just shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIdentity {
    pub id: IdentityId,
    pub issuer: String,
    pub subject: String,
}

pub(super) fn register(
    state: &AccountState,
    account: AccountId,
    name: Personal<String>,
    identity: &NewIdentity,
) -> Result<Vec<AccountEvent>, AccountError> {
    let linked = linked(account, identity)?;
    match state.role {
        None => Ok(vec![AccountEvent::Registered { name, role: PlatformRole::Member }, linked]),
        Some(PlatformRole::Guest) if state.suspended => Err(AccountError::Suspended),
        Some(PlatformRole::Guest) => Ok(vec![AccountEvent::Upgraded { name }, linked]),
        Some(_) if state.identities.contains(&identity.id) => Ok(vec![]),
        Some(PlatformRole::Member | PlatformRole::Administrator) => Err(AccountError::Exists),
    }
}

pub(super) fn link(
    state: &AccountState,
    account: AccountId,
    identity: &NewIdentity,
) -> Result<Vec<AccountEvent>, AccountError> {
    let linked = linked(account, identity)?;
    match state.role {
        None => Err(AccountError::Unknown),
        Some(_) if state.identities.contains(&identity.id) => Ok(vec![]),
        Some(_) if state.suspended => Err(AccountError::Suspended),
        Some(PlatformRole::Guest) => Err(AccountError::Unregistered),
        Some(_) if state.identities.len() >= IDENTITIES_MAX => Err(AccountError::TooManyIdentities),
        Some(PlatformRole::Member | PlatformRole::Administrator) => Ok(vec![linked]),
    }
}

pub(super) fn unlink(
    state: &AccountState,
    identity: IdentityId,
    has_password: bool,
) -> Result<Vec<AccountEvent>, AccountError> {
    if state.role.is_none() {
        return Err(AccountError::Unknown);
    }
    if !state.identities.contains(&identity) {
        return Ok(vec![]);
    }
    if state.suspended {
        return Err(AccountError::Suspended);
    }
    if !has_password && state.identities.len() == 1 {
        return Err(AccountError::LastWayIn);
    }
    Ok(vec![AccountEvent::IdentityUnlinked { identity }])
}

fn linked(account: AccountId, identity: &NewIdentity) -> Result<AccountEvent, AccountError> {
    let NewIdentity { id, issuer, subject } = identity;
    let fits =
        |text: &str, max: usize| !text.is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control);
    if !fits(issuer, ISSUER_CHARS_MAX) || !fits(subject, SUBJECT_CHARS_MAX) {
        return Err(AccountError::Identity);
    }
    Ok(AccountEvent::IdentityLinked {
        identity: *id,
        issuer: issuer.clone(),
        subject: Personal::new(account, subject.clone()),
    })
}
