//! People as administrators see them, one's own sessions, and who may register.

use async_graphql::SimpleObject;
use lockstep_commands::{registration::LinkRow, session::SessionRow};
use uuid::Uuid;

use super::account::Account;
use crate::scalar::{DateTime, Registration};

/// Somebody with an account, for administrators.
#[derive(SimpleObject)]
pub(crate) struct Person {
    /// The account it is about.
    pub account: Account,
    /// What they sign in with; null without a password.
    pub login_name: Option<String>,
    /// When the account was made.
    pub registered_at: DateTime,
    /// Null for who has not been here for long.
    pub last_seen_at: Option<DateTime>,
    /// Whether the account is suspended.
    pub suspended: bool,
    /// Empty without one.
    pub suspended_reason: String,
}

/// Some people, by name.
#[derive(SimpleObject)]
pub(crate) struct PersonPage {
    /// The rows of this page.
    pub nodes: Vec<Person>,
    /// Whether there are more rows after this page.
    pub has_more: bool,
    /// For `after`.
    pub end_cursor: Option<Uuid>,
}

/// One browser in which the asker is signed in.
#[derive(SimpleObject)]
pub(crate) struct Session {
    /// Names the session, and opens nothing.
    pub id: String,
    /// When it was made.
    pub created_at: DateTime,
    /// To the minute.
    pub last_seen_at: DateTime,
    /// As the browser names itself; empty when it did not.
    pub user_agent: String,
    /// Empty when unknown.
    pub address: String,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl Session {
    pub(crate) fn new(row: SessionRow, current: &str) -> Self {
        Self {
            current: row.session_hash == current,
            id: row.session_hash,
            created_at: DateTime(row.created_at),
            last_seen_at: DateTime(row.last_seen_at),
            user_agent: row.user_agent,
            address: row.address,
        }
    }
}

/// Who may register.
#[derive(SimpleObject)]
pub(crate) struct RegistrationStatus {
    /// How it is set.
    pub mode: Registration,
    /// The operator has fixed it; administrators cannot change it.
    pub fixed: bool,
    /// Whether somebody with the token that was asked about, or without one, may register now.
    pub open: bool,
}

/// A registration link that still admits somebody. Its secret is not here.
#[derive(SimpleObject)]
pub(crate) struct RegistrationLink {
    /// Its id.
    pub id: Uuid,
    /// When it ends.
    pub expires_at: DateTime,
    /// How often it was used.
    pub uses: i32,
    /// How many people it lets in.
    pub uses_max: i32,
}

impl From<LinkRow> for RegistrationLink {
    fn from(row: LinkRow) -> Self {
        Self { id: row.link.0, expires_at: DateTime(row.expires_at), uses: row.uses, uses_max: row.uses_max }
    }
}
