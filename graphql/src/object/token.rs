//! API tokens as their owner sees them.

use async_graphql::{Enum, SimpleObject, Union};
use lockstep_commands::token::{IssuedToken, TokenRow};
use lockstep_domain::{time::Timestamp, token::Scope};
use uuid::Uuid;

use crate::{
    answer::Refused,
    scalar::{DateTime, Position},
};

/// What an API token may be used for; never more than its owner may do.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiScope {
    /// `videos:read`: finding and watching films.
    VideosRead,
    /// `videos:write`: editing and deleting films.
    VideosWrite,
    /// `upload`
    Upload,
    /// `notifications:read`
    NotificationsRead,
    /// `webhooks:read`
    WebhooksRead,
}

impl From<Scope> for ApiScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::VideosRead => Self::VideosRead,
            Scope::VideosWrite => Self::VideosWrite,
            Scope::Upload => Self::Upload,
            Scope::NotificationsRead => Self::NotificationsRead,
            Scope::WebhooksRead => Self::WebhooksRead,
        }
    }
}

impl From<ApiScope> for Scope {
    fn from(scope: ApiScope) -> Self {
        match scope {
            ApiScope::VideosRead => Self::VideosRead,
            ApiScope::VideosWrite => Self::VideosWrite,
            ApiScope::Upload => Self::Upload,
            ApiScope::NotificationsRead => Self::NotificationsRead,
            ApiScope::WebhooksRead => Self::WebhooksRead,
        }
    }
}

/// Lets a program act for its owner.
#[derive(SimpleObject)]
pub(crate) struct ApiToken {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<ApiScope>,
    /// What it begins with; the rest is nowhere.
    pub prefix: String,
    /// When it was made.
    pub created_at: DateTime,
    /// When it ends.
    pub expires_at: DateTime,
    /// To the minute; null while it was never used.
    pub last_used_at: Option<DateTime>,
    /// Whether it has ended.
    pub expired: bool,
}

impl ApiToken {
    pub(crate) fn of(row: TokenRow, now: Timestamp) -> Option<Self> {
        let expired = row.state.works(now).is_err();
        let terms = row.state.terms?;
        Some(Self {
            id: row.id.0,
            name: terms.name.value().cloned().unwrap_or_default(),
            scopes: terms.scopes.into_iter().map(ApiScope::from).collect(),
            prefix: row.prefix,
            created_at: DateTime(row.issued_at),
            expires_at: DateTime(terms.expires_at),
            last_used_at: row.last_used_at.map(DateTime),
            expired,
        })
    }
}

/// A token was made. It is answered once: the server keeps only its hash.
#[derive(SimpleObject)]
pub(crate) struct ApiTokenCreated {
    /// Its id.
    pub id: Uuid,
    /// For `Authorization: Bearer …`.
    pub token: String,
    /// Where the change is in the log: give it as `minPosition` to read what was written.
    pub position: Position,
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum ApiTokenPayload {
    ApiTokenCreated(ApiTokenCreated),
    Refused(Refused),
}

impl From<IssuedToken> for ApiTokenCreated {
    fn from(issued: IssuedToken) -> Self {
        Self { id: issued.id.0, token: issued.expose().to_owned(), position: Position(issued.outcome.position) }
    }
}
