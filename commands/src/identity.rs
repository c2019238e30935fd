//! Sign-in by a provider: the account that an identity opens, found by issuer and subject and by nothing else.
//!
//! An identity is in the log with its account; the table `identities` only finds it. A row is made before its event, so
//! that two accounts never get the same identity, and means nothing without it: a crash in between leaves a row that the
//! next sign-in clears away.

pub mod attempt;
mod index;

use lockstep_domain::{
    account::{Account, AccountCommand, AccountError, AccountState, NewIdentity, PlatformRole, named},
    ids::{AccountId, IdentityId, StreamId},
    installation::Registration,
    time::Timestamp,
};
use sha2::{Digest, Sha256};

use crate::{
    CommandError, Context, LoadError, Outcome, Principal, Services,
    account::{AccountRefusal, Answer, acting, fault, start},
    credentials,
    entry::Entry,
    registration::{self, LinkHash},
    session, signin,
};

type Refused = CommandError<AccountRefusal>;

/// What a provider has said about somebody, checked by whoever asked it.
#[derive(Clone, PartialEq, Eq)]
pub struct Claimed {
    pub issuer: String,
    pub subject: String,
    /// What the provider calls them, if it says so: a proposal, never who they are.
    pub name: Option<String>,
    /// Whether the provider asked them within the last minutes.
    pub fresh: bool,
}

impl std::fmt::Debug for Claimed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claimed").field("issuer", &self.issuer).field("fresh", &self.fresh).finish_non_exhaustive()
    }
}

impl Claimed {
    fn key(&self) -> [u8; 32] {
        let length = (self.issuer.len() as u64).to_be_bytes();
        Sha256::new().chain_update(length).chain_update(&self.issuer).chain_update(&self.subject).finalize().into()
    }

    fn identity(&self, id: IdentityId) -> NewIdentity {
        NewIdentity { id, issuer: self.issuer.clone(), subject: self.subject.clone() }
    }
}

/// Somebody comes from their provider.
#[derive(Debug)]
pub struct Arrival<'a> {
    pub claimed: &'a Claimed,
    /// The name they chose here, once they were asked.
    pub chosen: Option<&'a str>,
    /// The registration link they came by.
    pub link: Option<LinkHash>,
}

/// An identity of an account, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityRow {
    pub id: IdentityId,
    pub issuer: String,
    pub linked_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// Signs in the account that this identity opens; without one, registers a member as `registration` permits. A guest who
/// asks keeps the account.
pub(crate) async fn sign_in(
    services: &Services,
    context: &Context,
    registration: Registration,
    asker: Option<&Principal>,
    arrival: Arrival<'_>,
) -> Answer {
    let claimed = arrival.claimed;
    let started = match opened(services, claimed).await? {
        Some(found) => {
            let account = found.account;
            let answer = enter(services, claimed, found).await;
            signin::by_provider(services, context, account, answer).await?
        }
        None => arrive(services, context, registration, asker, arrival).await?,
    };
    index::used(services, &claimed.key()).await?;
    if claimed.fresh {
        session::confirm(services, &started.principal.session_hash).await?;
    }
    Ok(started)
}

/// One more way into the acting person's account.
pub async fn link(
    services: &Services,
    context: &Context,
    principal: &Principal,
    claimed: &Claimed,
) -> Result<(), Refused> {
    let account = principal.account;
    match opened(services, claimed).await? {
        Some(found) if found.account == account => return Ok(()),
        Some(_) => return Err(CommandError::Refused(AccountRefusal::IdentityTaken)),
        None => {}
    }
    let id = IdentityId(services.ids.uuid());
    index::reserve(services, claimed, id, account, None).await?;
    let command = AccountCommand::LinkIdentity { account, identity: claimed.identity(id) };
    let linked = services.dispatcher.execute::<Account>(StreamId::account(account), None, context, command).await;
    match linked {
        Ok(_) => Ok(()),
        Err(error) => Err(undone(services, id, error).await),
    }
}

/// Which identity is to open the account no longer.
#[derive(Debug, Clone, Copy)]
pub struct Unlinked<'a> {
    pub id: IdentityId,
    /// The account's present password.
    pub password: &'a str,
}

/// Takes one way into the acting person's account away, unless it is the only one. Asks for the password once more.
pub async fn unlink(
    services: &Services,
    entry: &Entry,
    context: &Context,
    principal: &Principal,
    Unlinked { id, password }: Unlinked<'_>,
) -> Result<Outcome, Refused> {
    entry.confirm(services, context, principal, password).await?;
    let account = principal.account;
    let has_password = credentials::has_password(services, account).await.map_err(fault)? == Some(true);
    let command = AccountCommand::UnlinkIdentity { identity: id, has_password };
    let outcome = services
        .dispatcher
        .execute::<Account>(StreamId::account(account), None, context, command)
        .await
        .map_err(|error| error.map(AccountRefusal::Rule))?;
    index::drop(services, account, id).await?;
    Ok(outcome)
}

/// Notes that the provider has just asked who sits in this session, and that it is its owner.
pub async fn confirm(services: &Services, principal: &Principal, claimed: &Claimed) -> Result<(), Refused> {
    let found = opened(services, claimed).await?;
    if found.is_none_or(|found| found.account != principal.account) {
        return Err(CommandError::Refused(AccountRefusal::NotYourIdentity));
    }
    if !claimed.fresh {
        return Err(CommandError::Refused(AccountRefusal::NotFresh));
    }
    session::confirm(services, &principal.session_hash).await?;
    Ok(())
}

/// The account's identities, the one linked first first.
pub async fn list(services: &Services, account: AccountId) -> Result<Vec<IdentityRow>, LoadError> {
    let held = services.dispatcher.load::<Account>(&StreamId::account(account)).await?.state;
    let mut rows = index::of(services, account).await?;
    rows.retain(|row| held.identities.contains(&row.id));
    Ok(rows)
}

struct Opened {
    account: AccountId,
    id: IdentityId,
    state: AccountState,
}

/// The account that this identity opens, as the log says.
async fn opened(services: &Services, claimed: &Claimed) -> Result<Option<Opened>, Refused> {
    let Some(row) = index::find(services, &claimed.key()).await? else { return Ok(None) };
    let state = services.dispatcher.load::<Account>(&StreamId::account(row.account)).await?.state;
    if state.identities.contains(&row.id) {
        return Ok(Some(Opened { account: row.account, id: row.id, state }));
    }
    if row.young {
        return Err(CommandError::Refused(AccountRefusal::Busy));
    }
    index::clear(services, row.account, row.id, !credentials::is_registered(state.role)).await?;
    Ok(None)
}

async fn enter(services: &Services, claimed: &Claimed, found: Opened) -> Answer {
    let Opened { account, id, state } = found;
    let Some(role) = state.role.filter(|_| !state.suspended) else {
        return Err(CommandError::Refused(AccountRefusal::Rule(AccountError::Suspended)));
    };
    let name = state.name.value().cloned().unwrap_or_default();
    let started = start(services, account, &name, role, None).await?;
    // Unlinked meanwhile: this session is not of those that its owner saw and left alone.
    let still = opened(services, claimed).await?;
    if still.is_none_or(|still| still.id != id) {
        session::revoke(services, &started.principal.session_hash).await?;
        return Err(CommandError::Refused(AccountRefusal::AttemptEnded));
    }
    Ok(started)
}

async fn arrive(
    services: &Services,
    context: &Context,
    registration: Registration,
    asker: Option<&Principal>,
    arrival: Arrival<'_>,
) -> Answer {
    let Arrival { claimed, chosen, link } = arrival;
    let guest = match asker {
        Some(principal) if principal.role != PlatformRole::Guest => {
            return Err(CommandError::Refused(AccountError::Exists.into()));
        }
        asker => asker.map(|principal| principal.account),
    };
    let link = registration::needed(registration, link)?;
    let name = chosen.or(claimed.name.as_deref()).unwrap_or_default().trim();
    let made = registration::with_use(services, context, link, admit(services, context, guest, claimed, name)).await;
    made.map_err(|error| if chosen.is_none() { asked_for(error) } else { error })
}

/// What the provider calls somebody may not do here: they choose.
fn asked_for(error: Refused) -> Refused {
    match error {
        CommandError::Refused(
            AccountRefusal::NameTaken | AccountRefusal::Rule(AccountError::NameLength | AccountError::NameCharacters),
        ) => CommandError::Refused(AccountRefusal::NameNeeded),
        other => other,
    }
}

async fn admit(
    services: &Services,
    context: &Context,
    guest: Option<AccountId>,
    claimed: &Claimed,
    name: &str,
) -> Answer {
    let account = guest.unwrap_or_else(|| AccountId(services.ids.uuid()));
    let id = IdentityId(services.ids.uuid());
    let name = named(name).map_err(|error| CommandError::Refused(error.into()))?;
    credentials::clear(services, account, name).await.map_err(fault)?;
    index::reserve(services, claimed, id, account, Some(name)).await?;
    let identity = claimed.identity(id);
    let command = AccountCommand::RegisterByIdentity { account, name: name.to_owned(), identity };
    let own = acting(context, account);
    let made = services.dispatcher.execute::<Account>(StreamId::account(account), None, &own, command).await;
    let outcome = match made {
        Ok(outcome) => outcome,
        Err(error) => {
            credentials::undo(services, account, &error).await;
            return Err(undone(services, id, error).await);
        }
    };
    // What a guest's token opened is less than what the new one does.
    session::revoke_all(&services.pool, account, None).await?;
    start(services, account, name, PlatformRole::Member, Some(outcome)).await
}

/// Gives a reserved row back if its event was certainly not stored. Where nobody knows, the row stays: it means what the log
/// says.
async fn undone(services: &Services, id: IdentityId, error: CommandError<AccountError>) -> Refused {
    if error.is_without_effect() {
        index::release(services, id).await;
    }
    error.map(AccountRefusal::Rule)
}
