//! The provider of sign-ins, and identities that open the asker's account.

use async_graphql::SimpleObject;
use lockstep_commands::identity::IdentityRow;
use uuid::Uuid;

use crate::scalar::DateTime;

/// Where people may sign in besides here.
#[derive(SimpleObject)]
pub(crate) struct IdentityProvider {
    /// What people know it by.
    pub name: String,
}

/// Somebody at a provider who opens the asker's account.
#[derive(SimpleObject)]
pub(crate) struct Identity {
    /// Its id.
    pub id: Uuid,
    /// The provider, as it names itself.
    pub issuer: String,
    /// Whether it is of the provider that people may sign in with now.
    pub current: bool,
    /// When it was linked.
    pub linked_at: DateTime,
    /// When somebody signed in by it last; null for never.
    pub last_used_at: Option<DateTime>,
}

impl Identity {
    pub(crate) fn new(row: IdentityRow, issuer: Option<&str>) -> Self {
        Self {
            id: row.id.0,
            current: issuer == Some(row.issuer.as_str()),
            issuer: row.issuer,
            linked_at: DateTime(row.linked_at),
            last_used_at: row.last_used_at.map(DateTime),
        }
    }
}
