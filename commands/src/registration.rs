//! Registering: who may, and with which link. A guest who registers keeps the account.

use lockstep_domain::{
    account::{Account, AccountCommand, AccountError, PlatformRole, named},
    ids::{AccountId, RegistrationLinkId, StreamId},
    installation::{Installation, Registration},
    time::Timestamp,
};
use sha2::{Digest, Sha256};

use crate::{
    CommandError, Context, LoadError, Principal, Services,
    account::{AccountRefusal, Answer, acting, fault, start},
    credentials::{self, Password},
    session,
};

/// Links shown to administrators.
const SHOWN_MAX: i64 = 100;

/// What somebody who registers sends.
#[derive(Debug, Clone, Copy)]
pub struct Application<'a> {
    pub name: &'a str,
    pub password: &'a str,
    /// The secret of a registration link.
    pub token: Option<&'a str>,
}

/// SHA-256 of a registration link's secret: finds the link and opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkHash(pub(crate) [u8; 32]);

impl LinkHash {
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

/// Who may register, as the log says.
pub async fn stored(services: &Services) -> Result<Registration, LoadError> {
    let held = services.dispatcher.load::<Installation>(&StreamId::installation()).await?;
    Ok(held.state.registration)
}

/// Makes a member and signs them in; `guest` stays who they are.
pub async fn register(
    services: &Services,
    context: &Context,
    registration: Registration,
    asker: Option<&Principal>,
    application: Application<'_>,
) -> Answer {
    let refuse = |refusal| Err(CommandError::Refused(refusal));
    let link = needed(registration, application.token.map(LinkHash::of))?;
    let guest = match asker {
        Some(principal) if principal.role != PlatformRole::Guest => return refuse(AccountError::Exists.into()),
        asker => asker,
    };
    let password = Password::new(application.password).map_err(|error| CommandError::Refused(error.into()))?;
    with_use(services, context, link, admit(services, context, guest, application.name, &password)).await
}

/// The link that registering uses up, if it needs one.
pub(crate) fn needed(
    registration: Registration,
    link: Option<LinkHash>,
) -> Result<Option<LinkHash>, CommandError<AccountRefusal>> {
    match (registration, link) {
        (Registration::Open, _) => Ok(None),
        (Registration::InviteOnly, Some(link)) => Ok(Some(link)),
        (Registration::InviteOnly, None) => Err(CommandError::Refused(AccountRefusal::RegistrationLink)),
        (Registration::Closed, _) => Err(CommandError::Refused(AccountRefusal::RegistrationClosed)),
    }
}

/// Takes a use of the link, makes somebody, and gives the use back if certainly nobody was made.
pub(crate) async fn with_use<T>(
    services: &Services,
    context: &Context,
    link: Option<LinkHash>,
    make: impl Future<Output = Result<T, CommandError<AccountRefusal>>>,
) -> Result<T, CommandError<AccountRefusal>> {
    // A use is taken before anything is made: a crash may lose one, and never admits one too many.
    if let Some(link) = &link
        && !take_use(services, link, context.now).await?
    {
        return Err(CommandError::Refused(AccountRefusal::RegistrationLink));
    }
    let made = make.await;
    if let (Err(error), Some(link)) = (&made, &link)
        && error.is_without_effect()
    {
        give_back(services, link).await;
    }
    made
}

async fn admit(
    services: &Services,
    context: &Context,
    guest: Option<&Principal>,
    name: &str,
    password: &Password,
) -> Answer {
    let account = guest.map_or_else(|| AccountId(services.ids.uuid()), |guest| guest.account);
    let name = named(name).map_err(|error| CommandError::Refused(error.into()))?;
    credentials::reserve(services, account, name, password).await.map_err(fault)?;
    let command = match guest {
        Some(_) => AccountCommand::Upgrade { account, name: name.to_owned() },
        None => AccountCommand::Register { account, name: name.to_owned(), role: PlatformRole::Member },
    };
    let own = acting(context, account);
    let made = services.dispatcher.execute::<Account>(StreamId::account(account), None, &own, command).await;
    let outcome = match made {
        Ok(outcome) => outcome,
        Err(error) => {
            credentials::undo(services, account, &error).await;
            return Err(error.map(AccountRefusal::Rule));
        }
    };
    // What a guest's token opened is less than what the new one does.
    session::revoke_all(&services.pool, account, None).await?;
    start(services, account, name, PlatformRole::Member, Some(outcome)).await
}

/// Whether this token's link would admit somebody now.
pub async fn link_is_open(services: &Services, token: &str) -> Result<bool, LoadError> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM registration_links WHERE token_sha256 = $1 AND revoked_at IS NULL
             AND expires_at > to_timestamp($2::double precision / 1000000) AND uses < uses_max)",
    )
    .bind(Sha256::digest(token.as_bytes()).as_slice())
    .bind(services.clock.now().0)
    .fetch_one(&services.pool)
    .await
    .map_err(unavailable)
}

async fn take_use(services: &Services, link: &LinkHash, now: Timestamp) -> Result<bool, LoadError> {
    let taken = sqlx::query(
        "UPDATE registration_links SET uses = uses + 1 WHERE token_sha256 = $1 AND revoked_at IS NULL
           AND expires_at > to_timestamp($2::double precision / 1000000) AND uses < uses_max",
    )
    .bind(link.0.as_slice())
    .bind(now.0)
    .execute(&services.pool)
    .await
    .map_err(unavailable)?;
    Ok(taken.rows_affected() == 1)
}

async fn give_back(services: &Services, link: &LinkHash) {
    let given = sqlx::query("UPDATE registration_links SET uses = uses - 1 WHERE token_sha256 = $1 AND uses > 0")
        .bind(link.0.as_slice())
        .execute(&services.pool)
        .await;
    if let Err(error) = given {
        tracing::warn!(%error, "a registration link lost a use that nobody had");
    }
}

pub(crate) async fn keep_link(
    services: &Services,
    link: RegistrationLinkId,
    token: &str,
    expires_at: Timestamp,
    uses_max: u32,
) -> Result<(), LoadError> {
    sqlx::query(
        "INSERT INTO registration_links (token_sha256, link_id, expires_at, uses_max)
         VALUES ($1, $2, to_timestamp($3::double precision / 1000000), $4)
         ON CONFLICT (link_id) DO UPDATE SET token_sha256 = excluded.token_sha256",
    )
    .bind(Sha256::digest(token.as_bytes()).as_slice())
    .bind(link.0)
    .bind(expires_at.0)
    .bind(i32::try_from(uses_max).unwrap_or(i32::MAX))
    .execute(&services.pool)
    .await
    .map(|_| ())
    .map_err(unavailable)
}

pub(crate) async fn drop_link(services: &Services, link: RegistrationLinkId) -> Result<(), LoadError> {
    sqlx::query("UPDATE registration_links SET revoked_at = now() WHERE link_id = $1 AND revoked_at IS NULL")
        .bind(link.0)
        .execute(&services.pool)
        .await
        .map(|_| ())
        .map_err(unavailable)
}

/// A registration link as administrators see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkRow {
    pub link: RegistrationLinkId,
    pub expires_at: Timestamp,
    pub uses: i32,
    pub uses_max: i32,
}

/// The links that still admit somebody, newest first; at most 100.
pub async fn open_links(services: &Services) -> Result<Vec<LinkRow>, LoadError> {
    let rows: Vec<(uuid::Uuid, i64, i32, i32)> = sqlx::query_as(
        "SELECT link_id, (extract(epoch FROM expires_at) * 1000000)::bigint, uses, uses_max FROM registration_links
         WHERE revoked_at IS NULL AND expires_at > to_timestamp($1::double precision / 1000000) AND uses < uses_max
         ORDER BY issued_at DESC, link_id LIMIT $2",
    )
    .bind(services.clock.now().0)
    .bind(SHOWN_MAX)
    .fetch_all(&services.pool)
    .await
    .map_err(unavailable)?;
    let shown = |(link, expires, uses, uses_max)| LinkRow {
        link: RegistrationLinkId(link),
        expires_at: Timestamp(expires),
        uses,
        uses_max,
    };
    Ok(rows.into_iter().map(shown).collect())
}

fn unavailable(error: sqlx::Error) -> LoadError {
    LoadError::Unavailable(error.to_string())
}
