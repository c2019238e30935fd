//! Another password: by who knows the present one, or by an administrator's one-time link.
//!
//! Both end every session of the account, in the transaction that stores the hash. The event of the change follows;
//! a crash between the two leaves it to be noted at the next sign-in.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use lockstep_domain::{
    account::{Account, AccountCommand, AccountError, AccountState},
    ids::{AccountId, StreamId},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    Actor, CommandError, Context, LoadError, Outcome, Principal, Services,
    account::{AccountRefusal, Answer, acting, fault, start},
    administration::AdministrationRefusal,
    credentials::{self, CredentialError, Password},
    session,
};

/// A link for a new password is good for this long.
pub const RESET_LIFE_HOURS: i32 = 24;

type Refused = CommandError<AccountRefusal>;

/// Stores another password for whoever knows the present one, and starts the one session that goes on. The first one of
/// an account without any is stored for whoever the provider has just confirmed.
pub async fn change(
    services: &Services,
    context: &Context,
    principal: &Principal,
    current: &str,
    next: &str,
) -> Answer {
    let account = principal.account;
    confirm(services, principal, current).await?;
    let phc = hashed(next).await?;
    let generation = store(services, account, &phc, None).await?;
    let outcome = note(services, context, account, generation, None).await?;
    start(services, account, &principal.name, principal.role, Some(outcome)).await
}

/// Refuses who does not know the account's password; without one, whoever the provider has not confirmed lately.
pub(crate) async fn confirm(services: &Services, principal: &Principal, password: &str) -> Result<(), Refused> {
    let account = principal.account;
    match credentials::has_password(services, account).await.map_err(fault)? {
        None => Err(CommandError::Refused(AccountRefusal::NoPassword)),
        Some(false) => match session::confirmed_until(services, &principal.session_hash).await? {
            Some(_) => Ok(()),
            None => Err(CommandError::Refused(AccountRefusal::ConfirmFirst)),
        },
        Some(true) => match credentials::confirm(services, account, password).await.map_err(fault)? {
            true => Ok(()),
            false => Err(CommandError::Refused(AccountRefusal::WrongPassword)),
        },
    }
}

/// Makes a link that lets `account` set a new password, once, within [`RESET_LIFE_HOURS`]; earlier ones die. The token
/// is answered once and stored nowhere.
pub async fn issue_reset(
    services: &Services,
    context: &Context,
    account: AccountId,
) -> Result<String, CommandError<AdministrationRefusal>> {
    let by = context.account().ok_or(CommandError::Refused(AdministrationRefusal::SignedOut))?;
    let refuse = |error| Err(CommandError::Refused(AdministrationRefusal::Account(error)));
    if !services.dispatcher.load::<Account>(&StreamId::account(by)).await?.state.administers() {
        return refuse(AccountError::NotPermitted);
    }
    if by == account {
        return refuse(AccountError::Yourself);
    }
    let held = services.dispatcher.load::<Account>(&StreamId::account(account)).await?.state;
    match held.role {
        None => return refuse(AccountError::Unknown),
        Some(_) if held.suspended => return refuse(AccountError::Suspended),
        Some(_) => {}
    }
    if credentials::generation(services, account).await.map_err(|error| unavailable(&error))?.is_none() {
        return Err(CommandError::Refused(AdministrationRefusal::NoPassword));
    }
    let token = URL_SAFE_NO_PAD.encode(services.ids.secret());
    keep_reset(services, account, by, &token).await.map_err(|error| unavailable(&error))?;
    Ok(token)
}

async fn keep_reset(services: &Services, account: AccountId, by: AccountId, token: &str) -> Result<(), sqlx::Error> {
    let mut tx = services.pool.begin().await?;
    sqlx::query("DELETE FROM password_resets WHERE account_id = $1").bind(account.0).execute(&mut *tx).await?;
    sqlx::query(
        "INSERT INTO password_resets (token_sha256, account_id, issued_by, expires_at)
         VALUES ($1, $2, $3, now() + make_interval(hours => $4))",
    )
    .bind(Sha256::digest(token.as_bytes()).as_slice())
    .bind(account.0)
    .bind(by.0)
    .bind(RESET_LIFE_HOURS)
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// Uses up a link: stores the new password, ends every session, starts one.
pub async fn reset(services: &Services, context: &Context, token: &str, next: &str) -> Answer {
    let hash = Sha256::digest(token.as_bytes());
    let found: Option<(Uuid, Uuid)> = sqlx::query_as(
        "SELECT account_id, issued_by FROM password_resets
         WHERE token_sha256 = $1 AND used_at IS NULL AND expires_at > now()",
    )
    .bind(hash.as_slice())
    .fetch_optional(&services.pool)
    .await
    .map_err(|error| unavailable(&error))?;
    let Some((account, by)) = found else { return Err(CommandError::Refused(AccountRefusal::ResetLink)) };
    let (account, by) = (AccountId(account), AccountId(by));
    let held = services.dispatcher.load::<Account>(&StreamId::account(account)).await?.state;
    let Some(role) = held.role.filter(|_| !held.suspended) else {
        return Err(CommandError::Refused(AccountRefusal::Rule(AccountError::Suspended)));
    };
    let phc = hashed(next).await?;
    let generation = store(services, account, &phc, Some(hash.as_slice())).await?;
    let outcome = note(services, &acting(context, account), account, generation, Some(by)).await?;
    let name = held.name.value().cloned().unwrap_or_default();
    start(services, account, &name, role, Some(outcome)).await
}

async fn hashed(password: &str) -> Result<String, Refused> {
    let password = Password::new(password).map_err(|error| CommandError::Refused(error.into()))?;
    password.phc().await.map_err(fault)
}

/// In one transaction: the link is used up if there is one, the hash stored, every session ended.
async fn store(services: &Services, account: AccountId, phc: &str, link: Option<&[u8]>) -> Result<u32, Refused> {
    let mut tx = services.pool.begin().await.map_err(|error| unavailable(&error))?;
    if let Some(link) = link {
        let used = sqlx::query(
            "UPDATE password_resets SET used_at = now()
             WHERE token_sha256 = $1 AND used_at IS NULL AND expires_at > now()",
        )
        .bind(link)
        .execute(&mut *tx)
        .await
        .map_err(|error| unavailable(&error))?;
        if used.rows_affected() != 1 {
            return Err(CommandError::Refused(AccountRefusal::ResetLink));
        }
    }
    let generation = credentials::replace(&mut tx, account, phc).await.map_err(fault)?;
    let generation = generation.ok_or(CommandError::Refused(AccountRefusal::NoPassword))?;
    session::revoke_all(&mut *tx, account, None).await?;
    tx.commit().await.map_err(|error| unavailable(&error))?;
    Ok(generation)
}

async fn note(
    services: &Services,
    context: &Context,
    account: AccountId,
    generation: u32,
    by: Option<AccountId>,
) -> Result<Outcome, Refused> {
    let command = AccountCommand::NotePasswordChange { generation, by };
    services
        .dispatcher
        .execute::<Account>(StreamId::account(account), None, context, command)
        .await
        .map_err(|error| error.map(AccountRefusal::Rule))
}

/// Notes a change whose event a crash kept out of the log.
pub(crate) async fn catch_up(services: &Services, account: AccountId, held: &AccountState) -> Result<(), Refused> {
    let Some(generation) = credentials::generation(services, account).await.map_err(fault)? else { return Ok(()) };
    if generation <= held.password_generation {
        return Ok(());
    }
    let id = services.ids.uuid();
    let context = Context {
        actor: Actor::System,
        command_id: id.into(),
        correlation_id: id.to_string(),
        causation_id: None,
        now: services.clock.now(),
    };
    note(services, &context, account, generation, None).await.map(|_| ())
}

fn unavailable<E>(error: &(impl std::fmt::Display + ?Sized)) -> CommandError<E> {
    LoadError::Unavailable(error.to_string()).into()
}

impl From<CredentialError> for LoadError {
    fn from(error: CredentialError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
