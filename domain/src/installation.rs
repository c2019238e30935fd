//! What holds for the whole installation: who may register, and the links that administrators hand out for it. The
//! secret of a link is not here; it lives, hashed, in a table of its own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate,
    account::AccountState,
    event_names,
    ids::{AccountId, RegistrationLinkId},
    time::Timestamp,
};

/// A registration link admits at most this many people.
pub const USES_MAX: u32 = 1_000;
/// A registration link lasts at most this long, microseconds: 90 days.
pub const LIFE_US_MAX: i64 = 90 * 24 * 3_600 * 1_000_000;
/// Registration links issued and not revoked; older ones are revoked before more are issued.
pub const LINKS_MAX: usize = 1_000;

/// Who may make an account with a password.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Everybody who finds the site.
    Open,
    /// Whoever has an administrator's link.
    #[default]
    InviteOnly,
    /// Nobody, whatever they hold.
    Closed,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InstallationEvent {
    RegistrationChanged { registration: Registration, by: AccountId },
    RegistrationLinkIssued { link: RegistrationLinkId, by: AccountId, expires_at_us: Timestamp, uses_max: u32 },
    RegistrationLinkRevoked { link: RegistrationLinkId, by: AccountId },
}
event_names!(InstallationEvent { RegistrationChanged, RegistrationLinkIssued, RegistrationLinkRevoked });

/// All by an administrator; `actor` is theirs as looked up (guarded at the append).
#[derive(Debug, Clone, PartialEq)]
pub enum InstallationCommand {
    ChangeRegistration {
        registration: Registration,
        by: AccountId,
        actor: AccountState,
    },
    IssueRegistrationLink {
        link: RegistrationLinkId,
        by: AccountId,
        actor: AccountState,
        expires_at: Timestamp,
        uses_max: u32,
        at: Timestamp,
    },
    RevokeRegistrationLink {
        link: RegistrationLinkId,
        by: AccountId,
        actor: AccountState,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstallationError {
    #[error("only an administrator may do this")]
    NotPermitted,
    #[error("a registration link lasts up to 90 days from now")]
    Life,
    #[error("a registration link admits 1 to {USES_MAX} people")]
    Uses,
    #[error("there are {LINKS_MAX} registration links already: revoke some first")]
    TooMany,
    #[error("another registration link has this id")]
    Exists,
    #[error("there is no such registration link")]
    Unknown,
}

/// A link as it was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub by: AccountId,
    pub expires_at: Timestamp,
    pub uses_max: u32,
}

/// The folded installation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InstallationState {
    pub registration: Registration,
    /// Issued links; `None` once revoked.
    pub links: BTreeMap<RegistrationLinkId, Option<Terms>>,
}

pub struct Installation;

impl Aggregate for Installation {
    const KIND: &'static str = "installation";
    type State = InstallationState;
    type Command = InstallationCommand;
    type Event = InstallationEvent;
    type Error = InstallationError;

    fn decide(
        state: &InstallationState,
        command: &InstallationCommand,
    ) -> Result<Vec<InstallationEvent>, InstallationError> {
        match command {
            InstallationCommand::ChangeRegistration { registration, by, actor } => {
                permit(actor)?;
                if state.registration == *registration {
                    return Ok(vec![]);
                }
                Ok(vec![InstallationEvent::RegistrationChanged { registration: *registration, by: *by }])
            }
            InstallationCommand::IssueRegistrationLink { link, by, actor, expires_at, uses_max, at } => {
                permit(actor)?;
                issue(state, *link, Terms { by: *by, expires_at: *expires_at, uses_max: *uses_max }, *at)
            }
            InstallationCommand::RevokeRegistrationLink { link, by, actor } => {
                permit(actor)?;
                match state.links.get(link) {
                    None => Err(InstallationError::Unknown),
                    Some(None) => Ok(vec![]),
                    Some(Some(_)) => Ok(vec![InstallationEvent::RegistrationLinkRevoked { link: *link, by: *by }]),
                }
            }
        }
    }

    fn evolve(state: &mut InstallationState, event: &InstallationEvent) {
        match event {
            InstallationEvent::RegistrationChanged { registration, .. } => state.registration = *registration,
            InstallationEvent::RegistrationLinkIssued { link, by, expires_at_us, uses_max } => {
                let terms = Terms { by: *by, expires_at: *expires_at_us, uses_max: *uses_max };
                state.links.insert(*link, Some(terms));
            }
            InstallationEvent::RegistrationLinkRevoked { link, .. } => {
                state.links.insert(*link, None);
            }
        }
    }
}

fn permit(actor: &AccountState) -> Result<(), InstallationError> {
    if actor.administers() { Ok(()) } else { Err(InstallationError::NotPermitted) }
}

/// Whether a registration link may have this end and this many uses.
///
/// # Errors
/// [`InstallationError::Uses`] and [`InstallationError::Life`].
pub fn link_fits(expires_at: Timestamp, uses_max: u32, at: Timestamp) -> Result<(), InstallationError> {
    if !(1..=USES_MAX).contains(&uses_max) {
        return Err(InstallationError::Uses);
    }
    if expires_at <= at || expires_at.0.saturating_sub(at.0) > LIFE_US_MAX {
        return Err(InstallationError::Life);
    }
    Ok(())
}

fn issue(
    state: &InstallationState,
    link: RegistrationLinkId,
    terms: Terms,
    at: Timestamp,
) -> Result<Vec<InstallationEvent>, InstallationError> {
    match state.links.get(&link) {
        Some(Some(held)) if *held == terms => return Ok(vec![]),
        Some(_) => return Err(InstallationError::Exists),
        None => {}
    }
    let Terms { by, expires_at, uses_max } = terms;
    link_fits(expires_at, uses_max, at)?;
    let open = state.links.values().flatten().filter(|held| held.expires_at > at).count();
    if open >= LINKS_MAX {
        return Err(InstallationError::TooMany);
    }
    Ok(vec![InstallationEvent::RegistrationLinkIssued { link, by, expires_at_us: expires_at, uses_max }])
}
