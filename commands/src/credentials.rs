//! Login names and password hashes: a table of their own, never events.
//!
//! argon2id with m = 19 MiB, t = 2, p = 1 (OWASP password storage cheat sheet), computed by [`crate::hashing`], which
//! bounds how many are computed at once.

use std::sync::LazyLock;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use lockstep_domain::{
    account::{Account, PlatformRole},
    ids::{AccountId, StreamId},
};
use sqlx::PgConnection;

use crate::{CommandError, Services, hashing};

/// Passwords have at least this many characters.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Passwords have at most this many characters.
pub const PASSWORD_CHARS_MAX: usize = 128;
/// A password that a guesser who knows the common ones finds within this many guesses is refused. The ranked list
/// behind it has the 30 000 most common passwords, so its 3 000 most common are refused with every variant in case.
const GUESSES_MIN: u64 = 30_000;
/// A row (a name, an identity) without its event in the log is of somebody who is just being made; after this long it is what
/// was left behind.
pub(crate) const YOUNG_SECONDS: i32 = 60;
/// What argon2id costs: memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// A password breaks the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters")]
    Length,
    #[error("this password is among the most common ones: choose another")]
    Common,
}

/// A credential could not be stored or checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    #[error("this name is taken")]
    NameTaken,
    #[error("too many sign-ins at once")]
    Busy,
    #[error("the database is out of reach: {0}")]
    Unavailable(String),
}

impl From<sqlx::Error> for CredentialError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// A password that keeps the rule; never shown.
pub struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Password {
    pub fn new(text: &str) -> Result<Self, PasswordError> {
        if !(PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&text.chars().count()) {
            return Err(PasswordError::Length);
        }
        if zxcvbn::zxcvbn(text, &["lockstep"]).guesses() <= GUESSES_MIN {
            return Err(PasswordError::Common);
        }
        Ok(Self(text.to_owned()))
    }

    /// The hash to store, under the limit on hashes at once.
    pub(crate) async fn phc(&self) -> Result<String, CredentialError> {
        let text = self.0.clone();
        let phc = hashing::run(move || hash(&text)).await?;
        phc.ok_or_else(|| CredentialError::Unavailable("the password could not be hashed".to_owned()))
    }
}

/// Stores the login name and the password's hash, unless the name is taken.
pub async fn reserve(
    services: &Services,
    account: AccountId,
    name: &str,
    password: &Password,
) -> Result<(), CredentialError> {
    let phc = password.phc().await?;
    if insert(services, account, name, &phc).await? {
        return Ok(());
    }
    let is_free = clear(services, account, name).await? && insert(services, account, name, &phc).await?;
    if is_free { Ok(()) } else { Err(CredentialError::NameTaken) }
}

async fn insert(services: &Services, account: AccountId, name: &str, phc: &str) -> Result<bool, CredentialError> {
    let done = sqlx::query(
        "INSERT INTO credentials (account_id, login_name, password_phc) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(account.0)
    .bind(name)
    .bind(phc)
    .execute(&services.pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes what a crash or a lost answer left behind of this name or this account: rows whose account registered nowhere in
/// the log. Whether there was any.
pub(crate) async fn clear(services: &Services, account: AccountId, name: &str) -> Result<bool, CredentialError> {
    let rows: Vec<(uuid::Uuid,)> = sqlx::query_as(
        "SELECT account_id FROM credentials WHERE (account_id = $1 OR lower(login_name) = lower($2))
         AND reserved_at < now() - make_interval(secs => $3)",
    )
    .bind(account.0)
    .bind(name)
    .bind(f64::from(YOUNG_SECONDS))
    .fetch_all(&services.pool)
    .await?;
    let mut is_cleared = false;
    for (id,) in rows {
        let held = services.dispatcher.load::<Account>(&StreamId::account(AccountId(id))).await;
        let role = held.map_err(|error| CredentialError::Unavailable(error.to_string()))?.state.role;
        if is_registered(role) {
            continue;
        }
        sqlx::query(
            "DELETE FROM credentials WHERE account_id = $1 AND reserved_at < now() - make_interval(secs => $2)",
        )
        .bind(id)
        .bind(f64::from(YOUNG_SECONDS))
        .execute(&services.pool)
        .await?;
        is_cleared = true;
    }
    Ok(is_cleared)
}

/// Whether the log says that this account signs in by a name of its own: guests do not.
pub(crate) fn is_registered(role: Option<PlatformRole>) -> bool {
    role.is_some_and(|role| role != PlatformRole::Guest)
}

/// Reserves a name for an account that is entered by a provider, with what else its transaction does; whether it was
/// free.
pub(crate) async fn reserve_name(
    tx: &mut PgConnection,
    account: AccountId,
    name: &str,
) -> Result<bool, CredentialError> {
    let done = sqlx::query("INSERT INTO credentials (account_id, login_name) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(account.0)
        .bind(name)
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a reserved name back after its account was certainly not made. Where nobody knows whether it was, the row stays: it
/// means what the log says.
pub(crate) async fn undo<E>(services: &Services, account: AccountId, error: &CommandError<E>) {
    if !error.is_without_effect() {
        return;
    }
    let released =
        sqlx::query("DELETE FROM credentials WHERE account_id = $1").bind(account.0).execute(&services.pool).await;
    if let Err(error) = released {
        tracing::warn!(%error, %account, "a login name stays reserved for an account that was not made");
    }
}

/// Notes who administers, so that set-up is offered exactly once even while read models lag.
pub(crate) async fn mark_administrator(
    services: &Services,
    account: AccountId,
    administrator: bool,
) -> Result<(), CredentialError> {
    sqlx::query("UPDATE credentials SET administrator = $2 WHERE account_id = $1")
        .bind(account.0)
        .bind(administrator)
        .execute(&services.pool)
        .await?;
    Ok(())
}

/// The account with this name and password, and how often that password had been changed by then. An unknown name costs
/// the same time as a wrong password, and so do a name without a password and a password too long to be anybody's.
pub async fn verify(
    services: &Services,
    name: &str,
    password: &str,
) -> Result<Option<(AccountId, u32)>, CredentialError> {
    let row: Option<(uuid::Uuid, Option<String>, i32)> = sqlx::query_as(
        "SELECT account_id, password_phc, generation FROM credentials WHERE lower(login_name) = lower($1)",
    )
    .bind(name)
    .fetch_optional(&services.pool)
    .await?;
    let generation = row.as_ref().map_or(0, |(.., generation)| generation.unsigned_abs());
    let row = row.and_then(|(account, phc, _)| phc.map(|phc| (account, phc)));
    Ok(check(services, row, password).await?.map(|account| (account, generation)))
}

/// Whether this is the account's password; not for an account without one.
pub async fn confirm(services: &Services, account: AccountId, password: &str) -> Result<bool, CredentialError> {
    let row: Option<(uuid::Uuid, String)> = sqlx::query_as(
        "SELECT account_id, password_phc FROM credentials WHERE account_id = $1 AND password_phc IS NOT NULL",
    )
    .bind(account.0)
    .fetch_optional(&services.pool)
    .await?;
    Ok(check(services, row, password).await?.is_some())
}

/// Whose login name this is.
pub(crate) async fn named(services: &Services, name: &str) -> Result<Option<AccountId>, CredentialError> {
    let found: Option<uuid::Uuid> =
        sqlx::query_scalar("SELECT account_id FROM credentials WHERE lower(login_name) = lower($1)")
            .bind(name)
            .fetch_optional(&services.pool)
            .await?;
    Ok(found.map(AccountId))
}

async fn check(
    services: &Services,
    row: Option<(uuid::Uuid, String)>,
    password: &str,
) -> Result<Option<AccountId>, CredentialError> {
    let (account, phc) = match row {
        Some((account, phc)) => (Some(AccountId(account)), phc),
        None => (None, NOBODY.clone()),
    };
    let text: String = password.chars().take(PASSWORD_CHARS_MAX + 1).collect();
    let too_long = text.chars().count() > PASSWORD_CHARS_MAX;
    let held = phc.clone();
    let (right, newer) = hashing::run(move || {
        let right = matches(&text, &held) && !too_long;
        // Hashed as of an earlier version of this program, and only now is the password here to hash it anew.
        let newer = if right && is_dated(&held) { hash(&text) } else { None };
        (right, newer)
    })
    .await?;
    let Some(account) = account.filter(|_| right) else { return Ok(None) };
    if let Some(newer) = newer {
        sqlx::query("UPDATE credentials SET password_phc = $3 WHERE account_id = $1 AND password_phc = $2")
            .bind(account.0)
            .bind(phc)
            .bind(newer)
            .execute(&services.pool)
            .await?;
    }
    Ok(Some(account))
}

/// Stores another hash, with what else its transaction does; the generation that the change is.
pub(crate) async fn replace(
    tx: &mut PgConnection,
    account: AccountId,
    phc: &str,
) -> Result<Option<u32>, CredentialError> {
    let generation: Option<i32> = sqlx::query_scalar(
        "UPDATE credentials SET password_phc = $2, generation = generation + 1 WHERE account_id = $1
         RETURNING generation",
    )
    .bind(account.0)
    .bind(phc)
    .fetch_optional(tx)
    .await?;
    Ok(generation.map(i32::unsigned_abs))
}

/// Whether the account has a password; `None` for who has not even a name to sign in with.
pub(crate) async fn has_password(services: &Services, account: AccountId) -> Result<Option<bool>, CredentialError> {
    sqlx::query_scalar("SELECT password_phc IS NOT NULL FROM credentials WHERE account_id = $1")
        .bind(account.0)
        .fetch_optional(&services.pool)
        .await
        .map_err(CredentialError::from)
}

/// How often the password was changed, as far as this table knows; `None` for guests.
pub(crate) async fn generation(services: &Services, account: AccountId) -> Result<Option<u32>, CredentialError> {
    let generation: Option<i32> = sqlx::query_scalar("SELECT generation FROM credentials WHERE account_id = $1")
        .bind(account.0)
        .fetch_optional(&services.pool)
        .await?;
    Ok(generation.map(i32::unsigned_abs))
}

/// Whether the password is still the one of this generation; waits for a change that is under way.
pub(crate) async fn is_current(
    services: &Services,
    account: AccountId,
    generation: u32,
) -> Result<bool, CredentialError> {
    let held: Option<i32> = sqlx::query_scalar("SELECT generation FROM credentials WHERE account_id = $1 FOR SHARE")
        .bind(account.0)
        .fetch_optional(&services.pool)
        .await?;
    Ok(held.is_some_and(|held| held.unsigned_abs() == generation))
}

/// The names that these accounts sign in with; those without a password are absent.
pub async fn login_names(
    services: &Services,
    accounts: &[AccountId],
) -> Result<Vec<(AccountId, String)>, CredentialError> {
    let ids: Vec<uuid::Uuid> = accounts.iter().map(|account| account.0).collect();
    let rows: Vec<(uuid::Uuid, String)> = sqlx::query_as(
        "SELECT account_id, login_name FROM credentials WHERE account_id = ANY($1) AND password_phc IS NOT NULL",
    )
    .bind(ids)
    .fetch_all(&services.pool)
    .await?;
    Ok(rows.into_iter().map(|(account, name)| (AccountId(account), name)).collect())
}

static NOBODY: LazyLock<String> = LazyLock::new(|| hash("nobody has this password").unwrap_or_default());

fn argon() -> Argon2<'static> {
    let (memory_kib, passes, lanes) = COST;
    let params = Params::new(memory_kib, passes, lanes, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(text: &str) -> Option<String> {
    argon().hash_password(text.as_bytes()).ok().map(|hash| hash.to_string())
}

fn matches(text: &str, phc: &str) -> bool {
    PasswordHash::new(phc).is_ok_and(|hash| argon().verify_password(text.as_bytes(), &hash).is_ok())
}

/// Whether a hash was made with other than today's algorithm or cost.
fn is_dated(phc: &str) -> bool {
    let (memory_kib, passes, lanes) = COST;
    !phc.starts_with(&format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}$"))
}
