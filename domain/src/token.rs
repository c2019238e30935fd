//! An API token: lets a program act for one account, within scopes, until it ends. The secret is not here; only its hash is
//! kept, in a table of its own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, Personal,
    account::{AccountState, PlatformRole},
    event_names,
    ids::AccountId,
    time::Timestamp,
};

/// A token's name is 1 to this many characters after trimming.
pub const NAME_CHARS_MAX: usize = 60;
/// A token lasts at most this long, microseconds: 366 days.
pub const LIFE_US_MAX: i64 = 366 * 24 * 3_600 * 1_000_000;
/// Live tokens of one account.
pub const LIVE_MAX: usize = 20;

/// What a token may be used for. Never more than its owner may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Finding and watching films.
    #[serde(rename = "videos:read")]
    VideosRead,
    /// Editing and deleting films.
    #[serde(rename = "videos:write")]
    VideosWrite,
    #[serde(rename = "upload")]
    Upload,
    #[serde(rename = "notifications:read")]
    NotificationsRead,
    #[serde(rename = "webhooks:read")]
    WebhooksRead,
}

impl Scope {
    pub const ALL: [Self; 5] =
        [Self::VideosRead, Self::VideosWrite, Self::Upload, Self::NotificationsRead, Self::WebhooksRead];

    /// As it is stored and shown.
    pub const fn word(self) -> &'static str {
        match self {
            Self::VideosRead => "videos:read",
            Self::VideosWrite => "videos:write",
            Self::Upload => "upload",
            Self::NotificationsRead => "notifications:read",
            Self::WebhooksRead => "webhooks:read",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum TokenEvent {
    Issued { owner: AccountId, name: Personal<String>, scopes: BTreeSet<Scope>, expires_at_us: Timestamp },
    Revoked { by: AccountId },
}
event_names!(TokenEvent { Issued, Revoked });

#[derive(Debug, Clone, PartialEq)]
pub enum TokenCommand {
    /// `account` is the owner's as looked up (guarded at the append); `live`: how many tokens they have that work.
    Issue {
        owner: AccountId,
        account: AccountState,
        name: String,
        scopes: BTreeSet<Scope>,
        expires_at: Timestamp,
        live: usize,
        at: Timestamp,
    },
    Revoke {
        by: AccountId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("there is no such token")]
    Unknown,
    #[error("this token exists already")]
    Exists,
    #[error("a token's name has 1 to {NAME_CHARS_MAX} characters, none of them a control character")]
    Name,
    #[error("choose at least one scope")]
    NoScope,
    #[error("a token lasts up to 366 days from now")]
    Life,
    #[error("you have {LIVE_MAX} tokens that work: revoke one first")]
    TooMany,
    #[error("guests have no tokens: register first")]
    Guest,
    #[error("this account is suspended")]
    Suspended,
    #[error("this token has ended")]
    Ended,
}

/// What a token was issued as.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    pub owner: AccountId,
    pub name: Personal<String>,
    pub scopes: BTreeSet<Scope>,
    pub expires_at: Timestamp,
}

/// The folded token; `terms` is `None` while the stream is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TokenState {
    pub terms: Option<Terms>,
    pub revoked: bool,
}

impl TokenState {
    /// Its terms, if it works at this time.
    ///
    /// # Errors
    /// [`TokenError`]: unknown, or ended.
    pub fn works(&self, at: Timestamp) -> Result<&Terms, TokenError> {
        let terms = self.terms.as_ref().ok_or(TokenError::Unknown)?;
        if self.revoked || at >= terms.expires_at { Err(TokenError::Ended) } else { Ok(terms) }
    }
}

pub struct Token;

impl Aggregate for Token {
    const KIND: &'static str = "token";
    type State = TokenState;
    type Command = TokenCommand;
    type Event = TokenEvent;
    type Error = TokenError;

    fn decide(state: &TokenState, command: &TokenCommand) -> Result<Vec<TokenEvent>, TokenError> {
        match command {
            TokenCommand::Issue { owner, account, name, scopes, expires_at, live, at } => {
                may_hold(account)?;
                let name = checked_name(*owner, name)?;
                let terms = Terms { owner: *owner, name, scopes: scopes.clone(), expires_at: *expires_at };
                if let Some(held) = &state.terms {
                    return if *held == terms && !state.revoked { Ok(vec![]) } else { Err(TokenError::Exists) };
                }
                if scopes.is_empty() {
                    return Err(TokenError::NoScope);
                }
                if expires_at <= at || expires_at.0.saturating_sub(at.0) > LIFE_US_MAX {
                    return Err(TokenError::Life);
                }
                if *live >= LIVE_MAX {
                    return Err(TokenError::TooMany);
                }
                let Terms { owner, name, scopes, expires_at } = terms;
                Ok(vec![TokenEvent::Issued { owner, name, scopes, expires_at_us: expires_at }])
            }
            // Somebody else's token looks like none.
            TokenCommand::Revoke { by } => match &state.terms {
                Some(terms) if terms.owner == *by && state.revoked => Ok(vec![]),
                Some(terms) if terms.owner == *by => Ok(vec![TokenEvent::Revoked { by: *by }]),
                Some(_) | None => Err(TokenError::Unknown),
            },
        }
    }

    fn evolve(state: &mut TokenState, event: &TokenEvent) {
        match event {
            TokenEvent::Issued { owner, name, scopes, expires_at_us } => {
                state.revoked = false;
                state.terms = Some(Terms {
                    owner: *owner,
                    name: name.clone(),
                    scopes: scopes.clone(),
                    expires_at: *expires_at_us,
                });
            }
            TokenEvent::Revoked { .. } => state.revoked = true,
        }
    }
}

fn may_hold(account: &AccountState) -> Result<(), TokenError> {
    match account.role {
        Some(_) if account.suspended => Err(TokenError::Suspended),
        Some(PlatformRole::Administrator | PlatformRole::Member) => Ok(()),
        Some(PlatformRole::Guest) | None => Err(TokenError::Guest),
    }
}

fn checked_name(owner: AccountId, name: &str) -> Result<Personal<String>, TokenError> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control);
    if fits { Ok(Personal::new(owner, name.to_owned())) } else { Err(TokenError::Name) }
}
