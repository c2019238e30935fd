//! API tokens: a 256-bit secret with its owner, only its SHA-256 here; what it is for and when it ends is in the log.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use lockstep_domain::{
    account::Account,
    ids::{AccountId, StreamId, TokenId},
    time::Timestamp,
    token::{Scope, Token, TokenCommand, TokenError, TokenState},
};
use lockstep_event_store::Guard;
use sha2::{Digest, Sha256};

use crate::{
    CommandError, Context, LoadError, Outcome, Principal, Services, account::AccountRefusal, channel::derived_id,
    entry::Entry,
};

/// What every token begins with: leaked ones are found by it.
pub const PREFIX: &str = "lsk_";
/// Characters of a token that are kept to tell it by.
pub const SHOWN_CHARS: usize = 10;
/// A token has at most this many characters; longer texts are not looked up.
pub const TOKEN_CHARS_MAX: usize = 100;
/// Tokens listed: all that work, and lately expired ones.
const LISTED_MAX: i64 = 100;

/// A token command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    #[error("sign in first")]
    SignedOut,
    /// A session left open is not enough to make a token.
    #[error(transparent)]
    Account(#[from] AccountRefusal),
    #[error(transparent)]
    Rule(#[from] TokenError),
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub name: &'a str,
    pub scopes: BTreeSet<Scope>,
    pub expires_at: Timestamp,
    /// The account's present password.
    pub password: &'a str,
}

/// A token, answered once.
pub struct IssuedToken {
    pub id: TokenId,
    secret: String,
    pub outcome: Outcome,
}

impl IssuedToken {
    /// For its owner, nowhere else.
    pub fn expose(&self) -> &str {
        &self.secret
    }
}

impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedToken").field("id", &self.id).finish_non_exhaustive()
    }
}

/// One of an account's tokens, as its owner sees it.
#[derive(Debug, Clone)]
pub struct TokenRow {
    pub id: TokenId,
    pub state: TokenState,
    /// What the token begins with.
    pub prefix: String,
    pub issued_at: Timestamp,
    /// To the minute.
    pub last_used_at: Option<Timestamp>,
}

type Refused = CommandError<TokenRefusal>;

/// Makes a token for the acting account, which gives its password once more. The same operation again gives the same token
/// another secret: whoever asks again has not got the one before.
pub async fn issue(
    services: &Services,
    entry: &Entry,
    context: &Context,
    principal: &Principal,
    wanted: Wanted<'_>,
) -> Result<IssuedToken, Refused> {
    let owner = context.account().ok_or(CommandError::Refused(TokenRefusal::SignedOut))?;
    let confirmed = entry.confirm(services, context, principal, wanted.password).await;
    confirmed.map_err(|error| error.map(TokenRefusal::Account))?;
    let id = TokenId(derived_id(context, "token"));
    let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(services.ids.secret()));
    // One after the other: two at once would not count each other.
    let _turn = turn(services, owner).await?;
    let live = live(services, owner, id).await?;
    let wanted = &wanted;
    let outcome = services
        .dispatcher
        .execute_with::<Token, _, _>(StreamId::token(id), None, context, |facts| async move {
            let stream = StreamId::account(owner);
            let held = facts.load::<Account>(&stream).await?;
            let command = TokenCommand::Issue {
                owner,
                account: held.state.clone(),
                name: wanted.name.to_owned(),
                scopes: wanted.scopes.clone(),
                expires_at: wanted.expires_at,
                live,
                at: context.now,
            };
            Ok((command, vec![Guard { stream, version: held.version }]))
        })
        .await
        .map_err(|error| error.map(TokenRefusal::Rule))?;
    // After its event: a secret without one would open nothing, and a crash in between is asked again.
    keep(services, owner, id, &secret).await?;
    Ok(IssuedToken { id, secret, outcome })
}

/// The account's turn to be given a token, until it is dropped.
async fn turn(services: &Services, owner: AccountId) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, LoadError> {
    let mut turn = services.pool.begin().await.map_err(unavailable)?;
    let key = i64::from_be_bytes(owner.0.as_bytes()[..8].try_into().unwrap_or_default());
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(key).execute(&mut *turn).await.map_err(unavailable)?;
    Ok(turn)
}

/// How many of the account's other tokens work. Where the list is nearly full, those that have expired leave it: none that
/// works is ever pushed out of it.
async fn live(services: &Services, owner: AccountId, except: TokenId) -> Result<usize, LoadError> {
    let (rows, now) = (list(services, owner).await?, services.clock.now());
    let (live, expired): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.state.works(now).is_ok());
    if i64::try_from(rows.len()).is_ok_and(|listed| listed + 1 >= LISTED_MAX) {
        let expired: Vec<uuid::Uuid> = expired.iter().map(|row| row.id.0).collect();
        sqlx::query("UPDATE api_tokens SET ended_at = now() WHERE token_id = ANY($1) AND ended_at IS NULL")
            .bind(expired)
            .execute(&services.pool)
            .await
            .map_err(unavailable)?;
    }
    Ok(live.iter().filter(|row| row.id != except).count())
}

async fn keep(services: &Services, owner: AccountId, id: TokenId, secret: &str) -> Result<(), LoadError> {
    sqlx::query(
        "INSERT INTO api_tokens (token_sha256, token_id, account_id, prefix) VALUES ($1, $2, $3, $4)
         ON CONFLICT (token_id) DO UPDATE SET token_sha256 = excluded.token_sha256, prefix = excluded.prefix",
    )
    .bind(Sha256::digest(secret.as_bytes()).as_slice())
    .bind(id.0)
    .bind(owner.0)
    .bind(secret.chars().take(SHOWN_CHARS).collect::<String>())
    .execute(&services.pool)
    .await
    .map(|_| ())
    .map_err(unavailable)
}

/// Ends one of the acting account's tokens, at once.
pub async fn revoke(services: &Services, context: &Context, id: TokenId) -> Result<Outcome, Refused> {
    let by = context.account().ok_or(CommandError::Refused(TokenRefusal::SignedOut))?;
    let command = TokenCommand::Revoke { by };
    let outcome = services
        .dispatcher
        .execute::<Token>(StreamId::token(id), None, context, command)
        .await
        .map_err(|error| error.map(TokenRefusal::Rule))?;
    // The log has ended it already; this only keeps it out of lists.
    sqlx::query("UPDATE api_tokens SET ended_at = now() WHERE token_id = $1 AND ended_at IS NULL")
        .bind(id.0)
        .execute(&services.pool)
        .await
        .map_err(unavailable)?;
    Ok(outcome)
}

/// Who this token acts for and within which scopes, if it works. Touches `last_used_at` at most once a minute.
pub async fn authenticate(services: &Services, token: &str) -> Result<Option<Principal>, LoadError> {
    if !token.starts_with(PREFIX) || token.len() > TOKEN_CHARS_MAX {
        return Ok(None);
    }
    let hash = Sha256::digest(token.as_bytes());
    let row: Option<(uuid::Uuid, bool)> = sqlx::query_as(
        "SELECT token_id, coalesce(last_used_at < now() - interval '1 minute', true) FROM api_tokens
         WHERE token_sha256 = $1",
    )
    .bind(hash.as_slice())
    .fetch_optional(&services.pool)
    .await
    .map_err(unavailable)?;
    let Some((id, stale)) = row else { return Ok(None) };
    let held = services.dispatcher.load::<Token>(&StreamId::token(TokenId(id))).await?;
    let Ok(terms) = held.state.works(services.clock.now()) else { return Ok(None) };
    let account = services.dispatcher.load::<Account>(&StreamId::account(terms.owner)).await?.state;
    let Some(role) = account.role.filter(|_| !account.suspended) else { return Ok(None) };
    if stale {
        sqlx::query("UPDATE api_tokens SET last_used_at = now() WHERE token_sha256 = $1")
            .bind(hash.as_slice())
            .execute(&services.pool)
            .await
            .map_err(unavailable)?;
    }
    Ok(Some(Principal {
        account: terms.owner,
        name: account.name.value().cloned().unwrap_or_default(),
        role,
        session_hash: hex::encode(hash),
        scopes: Some(terms.scopes.clone()),
    }))
}

/// The account's tokens that were not revoked, the newest first; expired ones among them.
pub async fn list(services: &Services, owner: AccountId) -> Result<Vec<TokenRow>, LoadError> {
    type Row = (uuid::Uuid, String, i64, Option<i64>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT token_id, prefix, (extract(epoch FROM issued_at) * 1000000)::bigint,
                (extract(epoch FROM last_used_at) * 1000000)::bigint
         FROM api_tokens WHERE account_id = $1 AND ended_at IS NULL ORDER BY issued_at DESC, token_id LIMIT $2",
    )
    .bind(owner.0)
    .bind(LISTED_MAX)
    .fetch_all(&services.pool)
    .await
    .map_err(unavailable)?;
    let mut tokens = Vec::with_capacity(rows.len());
    for (id, prefix, issued, used) in rows {
        let id = TokenId(id);
        let state = services.dispatcher.load::<Token>(&StreamId::token(id)).await?.state;
        if state.terms.is_some() && !state.revoked {
            let (issued_at, last_used_at) = (Timestamp(issued), used.map(Timestamp));
            tokens.push(TokenRow { id, state, prefix, issued_at, last_used_at });
        }
    }
    Ok(tokens)
}

fn unavailable(error: sqlx::Error) -> LoadError {
    LoadError::Unavailable(error.to_string())
}
