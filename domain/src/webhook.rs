//! A webhook: an address of somebody's that is told what happens to films. The secret that signs is not here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, Personal,
    account::{AccountState, PlatformRole},
    event_names,
    ids::AccountId,
    time::Timestamp,
};

/// An address has at most this many characters.
pub const URL_CHARS_MAX: usize = 500;
/// Webhooks of one account.
pub const LIVE_MAX: usize = 10;
/// Old secrets that messages are signed with beside the new one: receivers look at five signatures.
pub const OLD_SECRETS_MAX: usize = 4;
/// How long old secrets may be kept at most, hours.
pub const OLD_HOURS_MAX: u32 = 72;
/// How long they are kept if nothing else is asked for, hours.
pub const OLD_HOURS: u32 = 24;
const HOUR_US: i64 = 3_600_000_000;

/// What a webhook can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// The file arrived.
    #[serde(rename = "video.uploaded")]
    VideoUploaded,
    #[serde(rename = "video.ready")]
    VideoReady,
    #[serde(rename = "video.failed")]
    VideoFailed,
    /// Into the trash.
    #[serde(rename = "video.deleted")]
    VideoDeleted,
}

impl Topic {
    pub const ALL: [Self; 4] = [Self::VideoUploaded, Self::VideoReady, Self::VideoFailed, Self::VideoDeleted];

    /// As it is stored and sent.
    pub const fn word(self) -> &'static str {
        match self {
            Self::VideoUploaded => "video.uploaded",
            Self::VideoReady => "video.ready",
            Self::VideoFailed => "video.failed",
            Self::VideoDeleted => "video.deleted",
        }
    }

    /// The topic of a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.word() == word)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum WebhookEvent {
    /// `everybody`: of all films, for as long as its owner is an administrator; else of the owner's own.
    Registered {
        owner: AccountId,
        url: Personal<String>,
        topics: BTreeSet<Topic>,
        everybody: bool,
    },
    /// Nobody answered for too long.
    Disabled {
        owner: AccountId,
    },
    Enabled {
        by: AccountId,
    },
    Removed {
        by: AccountId,
    },
    /// Messages are signed with the secret of this generation from here on, and until `old_until_us` with those before it
    /// as well. No secret is here: it follows from the webhook, the generation and a key of the installation.
    SecretRotated {
        by: AccountId,
        generation: u32,
        old_until_us: Timestamp,
    },
}
event_names!(WebhookEvent { Registered, Disabled, Enabled, Removed, SecretRotated });

#[derive(Debug, Clone, PartialEq)]
pub enum WebhookCommand {
    /// `account` is the owner's as looked up (guarded at the append); `live`: how many webhooks they have.
    Register {
        owner: AccountId,
        account: AccountState,
        url: String,
        topics: BTreeSet<Topic>,
        everybody: bool,
        live: usize,
    },
    /// By the program, after the last attempt.
    Disable,
    Enable {
        by: AccountId,
    },
    Remove {
        by: AccountId,
    },
    /// `generation` is the one after the present one, as looked up: the same command again changes nothing.
    RotateSecret {
        by: AccountId,
        generation: u32,
        now: Timestamp,
        /// How long the secrets before it are still signed with, hours.
        old_hours: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    #[error("there is no such webhook")]
    Unknown,
    #[error("this webhook exists already")]
    Exists,
    #[error("an address is https://… with at most {URL_CHARS_MAX} characters, without a name or password in it")]
    Url,
    #[error("choose at least one topic")]
    NoTopic,
    #[error("you have {LIVE_MAX} webhooks: remove one first")]
    TooMany,
    #[error("guests have no webhooks: register first")]
    Guest,
    #[error("only an administrator is told of everybody's films")]
    NotPermitted,
    #[error("this account is suspended")]
    Suspended,
    #[error("old secrets are kept for at most {OLD_HOURS_MAX} hours")]
    OldHours,
    #[error("{OLD_SECRETS_MAX} old secrets are still in use: wait until one of them ends, or end them at once")]
    TooManySecrets,
}

/// What a webhook was registered as.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    pub owner: AccountId,
    pub url: Personal<String>,
    pub topics: BTreeSet<Topic>,
    pub everybody: bool,
}

/// The folded webhook; `terms` is `None` while the stream is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WebhookState {
    pub terms: Option<Terms>,
    pub disabled: bool,
    pub removed: bool,
    /// Of the secret that messages are signed with; 0 until it is rotated.
    pub generation: u32,
    /// Older generations and until when they are signed with too, the newest last; at most [`OLD_SECRETS_MAX`].
    pub old: Vec<(u32, Timestamp)>,
}

impl WebhookState {
    /// The generations of the secrets that a message of this moment is signed with, the present one first.
    pub fn signing(&self, now: Timestamp) -> Vec<u32> {
        let old = self.old.iter().rev().filter(|(_, until)| now < *until).map(|(generation, _)| *generation);
        std::iter::once(self.generation).chain(old).collect()
    }
    /// Until when an older secret is signed with too; `None` when none is.
    pub fn old_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.old.iter().map(|(_, until)| *until).filter(|until| now < *until).max()
    }
    /// Its terms, while it is to be told anything.
    pub fn live(&self) -> Option<&Terms> {
        self.terms.as_ref().filter(|_| !self.disabled && !self.removed)
    }
    /// Its terms, if this account's and not removed.
    ///
    /// # Errors
    /// [`WebhookError::Unknown`], also for somebody else's.
    pub fn own(&self, by: AccountId) -> Result<&Terms, WebhookError> {
        self.terms.as_ref().filter(|terms| terms.owner == by && !self.removed).ok_or(WebhookError::Unknown)
    }
}

pub struct Webhook;

impl Aggregate for Webhook {
    const KIND: &'static str = "webhook";
    type State = WebhookState;
    type Command = WebhookCommand;
    type Event = WebhookEvent;
    type Error = WebhookError;

    fn decide(state: &WebhookState, command: &WebhookCommand) -> Result<Vec<WebhookEvent>, WebhookError> {
        match command {
            WebhookCommand::Register { owner, account, url, topics, everybody, live } => {
                may_have(account, *everybody)?;
                let url = Personal::new(*owner, checked_url(url)?);
                let terms = Terms { owner: *owner, url, topics: topics.clone(), everybody: *everybody };
                if let Some(held) = &state.terms {
                    return if *held == terms && !state.removed { Ok(vec![]) } else { Err(WebhookError::Exists) };
                }
                if topics.is_empty() {
                    return Err(WebhookError::NoTopic);
                }
                if *live >= LIVE_MAX {
                    return Err(WebhookError::TooMany);
                }
                let Terms { owner, url, topics, everybody } = terms;
                Ok(vec![WebhookEvent::Registered { owner, url, topics, everybody }])
            }
            WebhookCommand::Disable => Ok(match state.live() {
                Some(terms) => vec![WebhookEvent::Disabled { owner: terms.owner }],
                None => vec![],
            }),
            WebhookCommand::Enable { by } => {
                state.own(*by)?;
                Ok(if state.disabled { vec![WebhookEvent::Enabled { by: *by }] } else { vec![] })
            }
            WebhookCommand::Remove { by } => match &state.terms {
                Some(terms) if terms.owner == *by && state.removed => Ok(vec![]),
                _ => state.own(*by).map(|_| vec![WebhookEvent::Removed { by: *by }]),
            },
            WebhookCommand::RotateSecret { by, generation, now, old_hours } => {
                state.own(*by)?;
                if *generation <= state.generation {
                    return Ok(vec![]);
                }
                if *old_hours > OLD_HOURS_MAX {
                    return Err(WebhookError::OldHours);
                }
                // With no hours every older one ends, so there is room.
                if *old_hours > 0 && state.signing(*now).len() > OLD_SECRETS_MAX {
                    return Err(WebhookError::TooManySecrets);
                }
                let old_until_us = Timestamp::from_micros(now.as_micros() + i64::from(*old_hours) * HOUR_US);
                Ok(vec![WebhookEvent::SecretRotated { by: *by, generation: *generation, old_until_us }])
            }
        }
    }

    fn evolve(state: &mut WebhookState, event: &WebhookEvent) {
        match event {
            WebhookEvent::Registered { owner, url, topics, everybody } => {
                (state.disabled, state.removed) = (false, false);
                state.terms =
                    Some(Terms { owner: *owner, url: url.clone(), topics: topics.clone(), everybody: *everybody });
            }
            WebhookEvent::Disabled { .. } => state.disabled = true,
            WebhookEvent::Enabled { .. } => state.disabled = false,
            WebhookEvent::Removed { .. } => state.removed = true,
            WebhookEvent::SecretRotated { generation, old_until_us, .. } => {
                // None outlives the one it was followed by: ending the last at once ends all.
                state.old.iter_mut().for_each(|(_, until)| *until = (*until).min(*old_until_us));
                state.old.push((state.generation, *old_until_us));
                let over = state.old.len().saturating_sub(OLD_SECRETS_MAX);
                state.old.drain(..over);
                state.generation = *generation;
            }
        }
    }
}

fn may_have(account: &AccountState, everybody: bool) -> Result<(), WebhookError> {
    match account.role {
        Some(_) if account.suspended => Err(WebhookError::Suspended),
        Some(PlatformRole::Administrator) => Ok(()),
        Some(PlatformRole::Member) if everybody => Err(WebhookError::NotPermitted),
        Some(PlatformRole::Member) => Ok(()),
        Some(PlatformRole::Guest) | None => Err(WebhookError::Guest),
    }
}

/// The shape only; where it leads is checked whenever something is sent. Plain http is for addresses of this machine,
/// which an operator must permit.
fn checked_url(url: &str) -> Result<String, WebhookError> {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://").ok_or(WebhookError::Url)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let plain = !url.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    let fits = url.chars().count() <= URL_CHARS_MAX && !authority.is_empty() && !authority.contains('@');
    let known = scheme == "https" || (scheme == "http" && local);
    if plain && fits && known && !rest.contains('#') { Ok(url.to_owned()) } else { Err(WebhookError::Url) }
}
