//! Login names and password hashes: a table of their own, never events.
//!
//! argon2id with m = 19 MiB, t = 2, p = 1 (OWASP password storage cheat sheet), under a semaphore: each hash holds
//! 19 MiB, so an unbounded flood of sign-ins would be a way to take all memory.

use std::sync::LazyLock;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use lockstep_domain::ids::AccountId;
use tokio::sync::Semaphore;

use crate::Services;

/// Passwords have at least this many characters.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Passwords have at most this many characters.
pub const PASSWORD_CHARS_MAX: usize = 128;
/// Hashes computed at once.
const HASHES_MAX: usize = 2;
/// Sign-ins waiting for a hash; one more is told to try again.
const WAITING_MAX: usize = 64;

static HASHING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(HASHES_MAX));
static WAITING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(WAITING_MAX));

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
        if COMMON.contains(&text.to_lowercase().as_str()) {
            return Err(PasswordError::Common);
        }
        Ok(Self(text.to_owned()))
    }
}

/// The passwords people try first, of eight characters and more.
const COMMON: [&str; 24] = [
    "password",
    "password1",
    "password123",
    "12345678",
    "123456789",
    "1234567890",
    "qwertyuiop",
    "qwerty123",
    "11111111",
    "00000000",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "trustno1",
    "letmein1",
    "welcome1",
    "admin123",
    "adminadmin",
    "abcd1234",
    "1q2w3e4r",
    "lockstep",
];

/// Stores the login name and the password's hash, unless the name is taken.
pub async fn reserve(
    services: &Services,
    account: AccountId,
    name: &str,
    password: &Password,
) -> Result<(), CredentialError> {
    let text = password.0.clone();
    let phc = hashing(move || hash(&text)).await?;
    let phc = phc.ok_or_else(|| CredentialError::Unavailable("the password could not be hashed".to_owned()))?;
    let done = sqlx::query(
        "INSERT INTO credentials (account_id, login_name, password_phc) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(account.0)
    .bind(name)
    .bind(phc)
    .execute(&services.pool)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(CredentialError::NameTaken) }
}

/// Gives a reserved name back after its account could not be made.
pub(crate) async fn release(services: &Services, account: AccountId) {
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

/// The account with this name and password. An unknown name costs the same time as a wrong password.
pub async fn verify(services: &Services, name: &str, password: &str) -> Result<Option<AccountId>, CredentialError> {
    let row: Option<(uuid::Uuid, String)> =
        sqlx::query_as("SELECT account_id, password_phc FROM credentials WHERE lower(login_name) = lower($1)")
            .bind(name)
            .fetch_optional(&services.pool)
            .await?;
    let too_long = password.chars().count() > PASSWORD_CHARS_MAX;
    let (account, phc) = match row {
        Some((account, phc)) => (Some(AccountId(account)), phc),
        None => (None, NOBODY.clone()),
    };
    let text = password.to_owned();
    let right = hashing(move || !too_long && matches(&text, &phc)).await?;
    Ok(account.filter(|_| right))
}

static NOBODY: LazyLock<String> = LazyLock::new(|| hash("nobody has this password").unwrap_or_default());

async fn hashing<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CredentialError> {
    let _waiting = WAITING.try_acquire().map_err(|_| CredentialError::Busy)?;
    let _hashing = HASHING.acquire().await.map_err(|_| CredentialError::Busy)?;
    tokio::task::spawn_blocking(work).await.map_err(|error| CredentialError::Unavailable(error.to_string()))
}

fn argon() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(text: &str) -> Option<String> {
    argon().hash_password(text.as_bytes()).ok().map(|hash| hash.to_string())
}

fn matches(text: &str, phc: &str) -> bool {
    PasswordHash::new(phc).is_ok_and(|hash| argon().verify_password(text.as_bytes(), &hash).is_ok())
}
