//! Sessions: a 256-bit token in the browser, only its SHA-256 here.

use std::{collections::BTreeSet, net::IpAddr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use lockstep_domain::{
    account::{Account, PlatformRole},
    ids::{AccountId, StreamId},
    time::Timestamp,
    token::Scope,
};
use lockstep_event_store::answered;
use sha2::{Digest, Sha256};
use sqlx::PgExecutor;

use crate::{CommandError, LoadError, Services};

/// A session not used for this long is over.
pub const IDLE_DAYS: i32 = 14;
/// A session is over after this long whatever happens.
pub const ABSOLUTE_DAYS: i32 = 90;
/// Live sessions of one account; the one not used for longest ends when one more begins.
pub const PER_ACCOUNT_MAX: i64 = 50;
/// What a browser says about itself is kept up to this many characters.
pub const USER_AGENT_CHARS_MAX: usize = 200;
/// What a provider has confirmed anew counts for this long.
pub const CONFIRMED_MINUTES: i32 = 5;
/// Rows of sessions that ended are kept this long.
const ENDED_DAYS: i32 = 30;

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub account: AccountId,
    pub name: String,
    pub role: PlatformRole,
    /// Hex SHA-256 of the session token: names the session without being it.
    pub session_hash: String,
    /// What an API token may be used for; `None` for a session, which may do all that its account may.
    pub scopes: Option<BTreeSet<Scope>>,
}

impl Principal {
    /// Whether what it was recognised by may be used for this.
    pub fn within(&self, scope: Scope) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope))
    }
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
    bound(services, account).await?;
    Ok((SessionToken(token), hex::encode(hash)))
}

/// Ends what is beyond [`PER_ACCOUNT_MAX`].
async fn bound(services: &Services, account: AccountId) -> Result<(), LoadError> {
    sqlx::query(
        "UPDATE sessions SET revoked_at = now() WHERE token_sha256 IN
             (SELECT token_sha256 FROM sessions WHERE account_id = $1 AND revoked_at IS NULL
              ORDER BY last_seen_at DESC, created_at DESC OFFSET $2)",
    )
    .bind(account.0)
    .bind(PER_ACCOUNT_MAX)
    .execute(&services.pool)
    .await
    .map(|_| ())
    .map_err(unavailable)
}

/// Who this token belongs to, if the session is alive. Touches `last_seen_at` at most once a minute.
pub async fn authenticate(services: &Services, token: &str) -> Result<Option<Principal>, LoadError> {
    let hash = Sha256::digest(token.as_bytes());
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
    Ok(held.state.role.filter(|_| !held.state.suspended).map(|role| Principal {
        account,
        name: held.state.name.value().cloned().unwrap_or_default(),
        role,
        session_hash: hex::encode(hash),
        scopes: None,
    }))
}

/// Ends the session with this hash.
pub async fn revoke(services: &Services, session_hash: &str) -> Result<(), LoadError> {
    let Ok(hash) = hex::decode(session_hash) else { return Ok(()) };
    sqlx::query("UPDATE sessions SET revoked_at = now() WHERE token_sha256 = $1 AND revoked_at IS NULL")
        .bind(hash)
        .execute(&services.pool)
        .await
        .map_err(unavailable)?;
    Ok(())
}

/// Whether a session that was alive still is: neither revoked nor idle nor too old, and its account not suspended.
/// Being asked is no use of the session: an open socket alone keeps none alive.
pub async fn is_alive(services: &Services, principal: &Principal) -> Result<bool, LoadError> {
    let Ok(hash) = hex::decode(&principal.session_hash) else { return Ok(false) };
    let alive: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sessions WHERE token_sha256 = $1 AND revoked_at IS NULL AND expires_at > now()
             AND last_seen_at > now() - make_interval(days => $2))",
    )
    .bind(hash)
    .bind(IDLE_DAYS)
    .fetch_one(&services.pool)
    .await
    .map_err(unavailable)?;
    let held = services.dispatcher.load::<Account>(&StreamId::account(principal.account)).await?;
    Ok(alive && held.state.role == Some(principal.role) && !held.state.suspended)
}

/// Where a session is used from, as far as a browser and an address tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    pub user_agent: Option<String>,
    pub address: Option<IpAddr>,
}

/// Notes where a session was started, for its owner to recognise it by.
pub async fn describe(services: &Services, session_hash: &str, device: &Device) -> Result<(), LoadError> {
    let Ok(hash) = hex::decode(session_hash) else { return Ok(()) };
    let shown = |c: &char| !c.is_control();
    let agent = device.user_agent.as_deref().unwrap_or_default();
    let agent: String = agent.chars().filter(shown).take(USER_AGENT_CHARS_MAX).collect();
    sqlx::query("UPDATE sessions SET user_agent = $2, address = $3 WHERE token_sha256 = $1")
        .bind(hash)
        .bind(agent)
        .bind(device.address.map(|address| address.to_string()).unwrap_or_default())
        .execute(&services.pool)
        .await
        .map(|_| ())
        .map_err(unavailable)
}

/// Notes that a provider has just said anew who sits there.
pub(crate) async fn confirm(services: &Services, session_hash: &str) -> Result<(), LoadError> {
    let Ok(hash) = hex::decode(session_hash) else { return Ok(()) };
    sqlx::query("UPDATE sessions SET confirmed_at = now() WHERE token_sha256 = $1")
        .bind(hash)
        .execute(&services.pool)
        .await
        .map(|_| ())
        .map_err(unavailable)
}

/// Until when what a provider confirmed counts in this session; `None` when it does not, or not any more.
pub async fn confirmed_until(services: &Services, session_hash: &str) -> Result<Option<Timestamp>, LoadError> {
    let Ok(hash) = hex::decode(session_hash) else { return Ok(None) };
    let until: Option<i64> = sqlx::query_scalar(
        "SELECT (extract(epoch FROM confirmed_at + make_interval(mins => $2)) * 1000000)::bigint FROM sessions
         WHERE token_sha256 = $1 AND confirmed_at > now() - make_interval(mins => $2)",
    )
    .bind(hash)
    .bind(CONFIRMED_MINUTES)
    .fetch_optional(&services.pool)
    .await
    .map_err(unavailable)?;
    Ok(until.map(Timestamp))
}

/// One live session, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Hex SHA-256 of its token.
    pub session_hash: String,
    pub created_at: Timestamp,
    /// To the minute.
    pub last_seen_at: Timestamp,
    pub user_agent: String,
    pub address: String,
}

/// The account's live sessions, the one used last first; at most [`PER_ACCOUNT_MAX`].
pub async fn list(services: &Services, account: AccountId) -> Result<Vec<SessionRow>, LoadError> {
    type Row = (Vec<u8>, i64, i64, String, String);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT token_sha256, (extract(epoch FROM created_at) * 1000000)::bigint,
                (extract(epoch FROM last_seen_at) * 1000000)::bigint, user_agent, address
         FROM sessions WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > now()
           AND last_seen_at > now() - make_interval(days => $2)
         ORDER BY last_seen_at DESC, created_at DESC LIMIT $3",
    )
    .bind(account.0)
    .bind(IDLE_DAYS)
    .bind(PER_ACCOUNT_MAX)
    .fetch_all(&services.pool)
    .await
    .map_err(unavailable)?;
    let shown = |(hash, created, seen, user_agent, address): Row| SessionRow {
        session_hash: hex::encode(hash),
        created_at: Timestamp(created),
        last_seen_at: Timestamp(seen),
        user_agent,
        address,
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// When each of these accounts was last seen; who has no session left is absent.
pub async fn last_seen(services: &Services, accounts: &[AccountId]) -> Result<Vec<(AccountId, Timestamp)>, LoadError> {
    let ids: Vec<uuid::Uuid> = accounts.iter().map(|account| account.0).collect();
    let rows: Vec<(uuid::Uuid, i64)> = sqlx::query_as(
        "SELECT account_id, (extract(epoch FROM max(last_seen_at)) * 1000000)::bigint FROM sessions
         WHERE account_id = ANY($1) GROUP BY account_id",
    )
    .bind(ids)
    .fetch_all(&services.pool)
    .await
    .map_err(unavailable)?;
    Ok(rows.into_iter().map(|(account, seen)| (AccountId(account), Timestamp(seen))).collect())
}

/// Ends one session of this account; whether there was one to end.
pub async fn revoke_own(services: &Services, account: AccountId, session_hash: &str) -> Result<bool, LoadError> {
    let Ok(hash) = hex::decode(session_hash) else { return Ok(false) };
    let done = sqlx::query(
        "UPDATE sessions SET revoked_at = now() WHERE token_sha256 = $1 AND account_id = $2 AND revoked_at IS NULL",
    )
    .bind(hash)
    .bind(account.0)
    .execute(&services.pool)
    .await
    .map_err(unavailable)?;
    Ok(done.rows_affected() == 1)
}

/// Ends every session of the account but the one with the hash `except`; how many.
pub async fn revoke_others(services: &Services, account: AccountId, except: &str) -> Result<u64, LoadError> {
    let done = sqlx::query(
        "UPDATE sessions SET revoked_at = now() WHERE account_id = $1 AND revoked_at IS NULL AND token_sha256 <> $2",
    )
    .bind(account.0)
    .bind(hex::decode(except).unwrap_or_default())
    .execute(&services.pool)
    .await
    .map_err(unavailable)?;
    Ok(done.rows_affected())
}

/// Ends every session of the account; with `until`, those that had begun by then on the database's clock.
pub(crate) async fn revoke_all(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    until: Option<Timestamp>,
) -> Result<(), LoadError> {
    sqlx::query(
        "UPDATE sessions SET revoked_at = now() WHERE account_id = $1 AND revoked_at IS NULL
           AND ($2::bigint IS NULL OR created_at <= to_timestamp($2::double precision / 1000000))",
    )
    .bind(account.0)
    .bind(until.map(|until| until.0))
    .execute(executor)
    .await
    .map(|_| ())
    .map_err(unavailable)
}

/// The hashes of sessions revoked within the last `within_s` seconds of the database's clock.
pub async fn revoked_lately(services: &Services, within_s: f64) -> Result<Vec<String>, LoadError> {
    let lately = sqlx::query_scalar(
        "SELECT encode(token_sha256, 'hex') FROM sessions WHERE revoked_at > now() - make_interval(secs => $1)",
    );
    answered(lately.bind(within_s).fetch_all(&services.pool)).await.map_err(unavailable)
}

/// Removes the rows of sessions that ended long ago.
pub async fn sweep(services: &Services) -> Result<u64, LoadError> {
    let ended = sqlx::query(
        "DELETE FROM sessions WHERE least(coalesce(revoked_at, expires_at), expires_at) < now() - make_interval(days => $1)",
    );
    let done = answered(ended.bind(ENDED_DAYS).execute(&services.pool)).await.map_err(unavailable)?;
    Ok(done.rows_affected())
}

/// Whether somebody administers this installation; if not, set-up is open to the holder of the link. Where no row says so the
/// log is asked, which is short then: a crash between the two must not let a second one in.
pub async fn administrator_exists(services: &Services) -> Result<bool, LoadError> {
    let sql = "
        SELECT CASE WHEN EXISTS (SELECT 1 FROM credentials WHERE administrator) THEN true ELSE EXISTS (
            SELECT 1 FROM events WHERE aggregate_type = 'account' AND event_type = 'Registered'
            AND payload -> 'Registered' ->> 'role' = 'administrator') END";
    sqlx::query_scalar(sql).fetch_one(&services.pool).await.map_err(unavailable)
}

fn unavailable(error: sqlx::Error) -> LoadError {
    LoadError::Unavailable(error.to_string())
}
