//! A browser on its way to the provider and back: what it wants, for ten minutes, once. Its secret stays in its cookie;
//! here is only the secret's SHA-256.

use lockstep_domain::ids::AccountId;
use lockstep_event_store::answered;
use sha2::{Digest, Sha256};

use crate::{LoadError, Principal, Services, registration::LinkHash};

/// An attempt ends after this long.
pub const LIFE_MINUTES: i32 = 10;
/// Attempts under way at once, over all processes; one more is told to come back.
pub const PENDING_MAX: i64 = 10_000;
/// Characters of a place to go on to.
pub const RETURN_CHARS_MAX: usize = 512;

/// In which session somebody asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    pub account: AccountId,
    pub session_hash: String,
}

impl Asker {
    /// Whether it is the same session that comes back.
    pub fn is(&self, principal: &Principal) -> bool {
        self.account == principal.account && self.session_hash == principal.session_hash
    }
}

impl From<&Principal> for Asker {
    fn from(principal: &Principal) -> Self {
        Self { account: principal.account, session_hash: principal.session_hash.clone() }
    }
}

/// What the browser wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// To sign in, or to register, perhaps by a link.
    SignIn { link: Option<LinkHash> },
    /// Another way into an account.
    Link(Asker),
    /// To show that it is still the owner who sits there.
    Confirm(Asker),
    /// To choose a name: the provider has said whom.
    Name { link: Option<LinkHash>, issuer: String, subject: String },
}

impl Purpose {
    fn word(&self) -> &'static str {
        match self {
            Self::SignIn { .. } => "sign_in",
            Self::Link(_) => "link",
            Self::Confirm(_) => "confirm",
            Self::Name { .. } => "name",
        }
    }
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub purpose: Purpose,
    /// A path of this site.
    pub return_to: String,
}

/// Keeps an attempt under this secret, in the place of an earlier one; whether there was room.
pub async fn begin(services: &Services, secret: &str, attempt: &Attempt) -> Result<bool, LoadError> {
    sweep(services).await?;
    let asker = match &attempt.purpose {
        Purpose::Link(asker) | Purpose::Confirm(asker) => Some(asker),
        Purpose::SignIn { .. } | Purpose::Name { .. } => None,
    };
    let link = match &attempt.purpose {
        Purpose::SignIn { link } | Purpose::Name { link, .. } => link.as_ref(),
        Purpose::Link(_) | Purpose::Confirm(_) => None,
    };
    let named = match &attempt.purpose {
        Purpose::Name { issuer, subject, .. } => Some((issuer, subject)),
        Purpose::SignIn { .. } | Purpose::Link(_) | Purpose::Confirm(_) => None,
    };
    let kept = sqlx::query(
        "INSERT INTO sign_in_attempts
             (secret_sha256, purpose, account_id, session_sha256, link_sha256, return_to, issuer, subject, expires_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(mins => $9)
         WHERE (SELECT count(*) FROM sign_in_attempts) < $10",
    )
    .bind(hash(secret))
    .bind(attempt.purpose.word())
    .bind(asker.map(|asker| asker.account.0))
    .bind(asker.map(|asker| hex::decode(&asker.session_hash).unwrap_or_default()))
    .bind(link.map(|link| link.0.as_slice()))
    .bind(&attempt.return_to)
    .bind(named.map(|(issuer, _)| issuer))
    .bind(named.map(|(_, subject)| subject))
    .bind(LIFE_MINUTES)
    .bind(PENDING_MAX)
    .execute(&services.pool)
    .await
    .map_err(unavailable)?;
    Ok(kept.rows_affected() == 1)
}

/// The attempt with this secret, which ends with this; `None` when it ended before.
pub async fn take(services: &Services, secret: &str) -> Result<Option<Attempt>, LoadError> {
    let row: Option<Row> = sqlx::query_as(
        "DELETE FROM sign_in_attempts WHERE secret_sha256 = $1 AND expires_at > now()
         RETURNING purpose, account_id, session_sha256, link_sha256, return_to, issuer, subject",
    )
    .bind(hash(secret))
    .fetch_optional(&services.pool)
    .await
    .map_err(unavailable)?;
    Ok(row.and_then(Row::read))
}

/// Removes what ended.
pub async fn sweep(services: &Services) -> Result<u64, LoadError> {
    let ended = sqlx::query("DELETE FROM sign_in_attempts WHERE expires_at <= now()");
    let done = answered(ended.execute(&services.pool)).await;
    done.map(|done| done.rows_affected()).map_err(unavailable)
}

#[derive(sqlx::FromRow)]
struct Row {
    purpose: String,
    account_id: Option<uuid::Uuid>,
    session_sha256: Option<Vec<u8>>,
    link_sha256: Option<Vec<u8>>,
    return_to: String,
    issuer: Option<String>,
    subject: Option<String>,
}

impl Row {
    fn read(self) -> Option<Attempt> {
        let asker = self
            .account_id
            .zip(self.session_sha256)
            .map(|(account, session)| Asker { account: AccountId(account), session_hash: hex::encode(session) });
        let link = self.link_sha256.and_then(|hash| hash.try_into().ok()).map(LinkHash);
        let purpose = match self.purpose.as_str() {
            "sign_in" => Purpose::SignIn { link },
            "link" => Purpose::Link(asker?),
            "confirm" => Purpose::Confirm(asker?),
            "name" => Purpose::Name { link, issuer: self.issuer?, subject: self.subject? },
            _ => return None,
        };
        Some(Attempt { purpose, return_to: self.return_to })
    }
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

fn unavailable(error: sqlx::Error) -> LoadError {
    LoadError::Unavailable(error.to_string())
}
