//! Sessions: a 256-bit token in the browser, only its SHA-256 here.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use lockstep_domain::{
    account::{Account, PlatformRole},
    ids::{AccountId, StreamId},
};
use sha2::{Digest, Sha256};

use crate::{CommandError, LoadError, Services};

/// A session not used for this long is over.
pub const IDLE_DAYS: i32 = 14;
/// A session is over after this long whatever happens.
pub const ABSOLUTE_DAYS: i32 = 90;

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub account: AccountId,
    pub name: String,
    pub role: PlatformRole,
    /// Hex SHA-256 of the session token: names the session without being it.
    pub session_hash: String,
}

/// The secret the browser keeps; never shown.
pub struct SessionToken(String);

impl SessionToken {
    /// For the cookie, nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionToken(..)")
    }
}

/// Starts a session: the token for the browser and its hash.
pub(crate) async fn issue<E>(
    services: &Services,
    account: AccountId,
) -> Result<(SessionToken, String), CommandError<E>> {
    let token = URL_SAFE_NO_PAD.encode(services.ids.secret());
    let hash = Sha256::digest(token.as_bytes());
    sqlx::query(
        "INSERT INTO sessions (token_sha256, account_id, created_at, last_seen_at, expires_at)
         VALUES ($1, $2, now(), now(), now() + make_interval(days => $3))",
    )
    .bind(hash.as_slice())
    .bind(account.0)
    .bind(ABSOLUTE_DAYS)
    .execute(&services.pool)
    .await
    .map_err(|error| CommandError::Unavailable(error.to_string()))?;
    Ok((SessionToken(token), hex::encode(hash)))
}

/// Who this token belongs to, if the session is alive. Touches `last_seen_at` at most once a minute.
pub async fn authenticate(services: &Services, token: &str) -> Result<Option<Principal>, LoadError> {
    let hash = Sha256::digest(token.as_bytes());
    let unavailable = |error: sqlx::Error| LoadError::Unavailable(error.to_string());
    let row: Option<(uuid::Uuid, bool)> = sqlx::query_as(
        "SELECT account_id, last_seen_at < now() - interval '1 minute' FROM sessions
         WHERE token_sha256 = $1 AND revoked_at IS NULL AND expires_at > now()
           AND last_seen_at > now() - make_interval(days => $2)",
    )
    .bind(hash.as_slice())
    .bind(IDLE_DAYS)
    .fetch_optional(&services.pool)
    .await
    .map_err(unavailable)?;
    let Some((account, stale)) = row else { return Ok(None) };
    if stale {
        sqlx::query("UPDATE sessions SET last_seen_at = now() WHERE token_sha256 = $1")
            .bind(hash.as_slice())
            .execute(&services.pool)
            .await
            .map_err(unavailable)?;
    }
    let account = AccountId(account);
    let held = services.dispatcher.load::<Account>(&StreamId::account(account)).await?;
    Ok(held.state.role.map(|role| Principal {
        account,
        name: held.state.name.value().cloned().unwrap_or_default(),
        role,
        session_hash: hex::encode(hash),
    }))
}

/// Ends the session with this hash.
pub async fn revoke(services: &Services, session_hash: &str) -> Result<(), LoadError> {
    let Ok(hash) = hex::decode(session_hash) else { return Ok(()) };
    sqlx::query("UPDATE sessions SET revoked_at = now() WHERE token_sha256 = $1 AND revoked_at IS NULL")
        .bind(hash)
        .execute(&services.pool)
        .await
        .map_err(|error| LoadError::Unavailable(error.to_string()))?;
    Ok(())
}

/// Whether somebody administers this installation; if not, set-up is open to the holder of the link.
pub async fn administrator_exists(services: &Services) -> Result<bool, LoadError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM credentials WHERE administrator)")
        .fetch_one(&services.pool)
        .await
        .map_err(|error| LoadError::Unavailable(error.to_string()))
}
