//! What administrators do to accounts and to the installation. Their own account is guarded at each append, so two who
//! demote each other at once cannot both succeed: somebody always administers.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use lockstep_domain::{
    account::{Account, AccountCommand, AccountError, AccountState, PlatformRole},
    ids::{AccountId, RegistrationLinkId, StreamId},
    installation::{Installation, InstallationCommand, InstallationError, Registration, link_fits},
    time::Timestamp,
};
use lockstep_event_store::Guard;

use crate::{CommandError, Context, Outcome, Services, channel::derived_id, registration, session};

/// An administrator's command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdministrationRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error("this account has no password: it is a guest's")]
    NoPassword,
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Installation(#[from] InstallationError),
}

type Answer = Result<Outcome, CommandError<AdministrationRefusal>>;

/// Gives `account` another platform role. Its sessions end: the next one has the new rights, and no token from before.
pub async fn grant_role(services: &Services, context: &Context, account: AccountId, role: PlatformRole) -> Answer {
    let outcome = on_account(services, context, account, |by, actor| AccountCommand::GrantPlatformRole {
        account,
        role,
        by,
        actor,
    })
    .await?;
    if outcome.changed {
        session::revoke_all(&services.pool, account, None).await?;
    }
    Ok(outcome)
}

/// Suspends `account`: no session, no command, anywhere. Reasons are for administrators.
pub async fn suspend(services: &Services, context: &Context, account: AccountId, reason: Option<String>) -> Answer {
    let outcome = on_account(services, context, account, |by, actor| AccountCommand::Suspend {
        account,
        by,
        actor,
        reason: reason.clone(),
    })
    .await?;
    session::revoke_all(&services.pool, account, None).await?;
    Ok(outcome)
}

/// Lets a suspended account in again; it signs in anew.
pub async fn reinstate(services: &Services, context: &Context, account: AccountId) -> Answer {
    on_account(services, context, account, |by, actor| AccountCommand::Reinstate { by, actor }).await
}

async fn on_account(
    services: &Services,
    context: &Context,
    account: AccountId,
    command: impl Fn(AccountId, AccountState) -> AccountCommand,
) -> Answer {
    let by = context.account().ok_or(CommandError::Refused(AdministrationRefusal::SignedOut))?;
    let (stream, command) = (StreamId::account(by), &command);
    let own = &stream;
    services
        .dispatcher
        .execute_with::<Account, _, _>(StreamId::account(account), None, context, |facts| async move {
            let actor = facts.load::<Account>(own).await?;
            let guard = Guard { stream: own.clone(), version: actor.version };
            Ok((command(by, actor.state), vec![guard]))
        })
        .await
        .map_err(|error| error.map(AdministrationRefusal::Account))
}

/// Changes who may register.
pub async fn change_registration(services: &Services, context: &Context, registration: Registration) -> Answer {
    on_installation(services, context, |by, actor| InstallationCommand::ChangeRegistration { registration, by, actor })
        .await
}

/// A link that lets people register.
#[derive(Debug)]
pub struct IssuedLink {
    pub link: RegistrationLinkId,
    /// The secret in its address; answered once, stored nowhere.
    pub token: String,
    pub outcome: Outcome,
}

/// Issues a registration link that lasts until `expires_at` and admits up to `uses_max` people. The same operation again
/// gives the same link a new secret: the earlier answer may have been lost on its way.
pub async fn issue_link(
    services: &Services,
    context: &Context,
    expires_at: Timestamp,
    uses_max: u32,
) -> Result<IssuedLink, CommandError<AdministrationRefusal>> {
    let link = RegistrationLinkId(derived_id(context, "registration link"));
    let at = context.now;
    // Also when an operation of another kind had this id, and nothing is decided any more.
    link_fits(expires_at, uses_max, at).map_err(|error| CommandError::Refused(error.into()))?;
    let outcome = on_installation(services, context, |by, actor| InstallationCommand::IssueRegistrationLink {
        link,
        by,
        actor,
        expires_at,
        uses_max,
        at,
    })
    .await?;
    let token = URL_SAFE_NO_PAD.encode(services.ids.secret());
    registration::keep_link(services, link, &token, expires_at, uses_max).await?;
    Ok(IssuedLink { link, token, outcome })
}

/// Takes a registration link back; who registered with it stays.
pub async fn revoke_link(services: &Services, context: &Context, link: RegistrationLinkId) -> Answer {
    let outcome =
        on_installation(services, context, |by, actor| InstallationCommand::RevokeRegistrationLink { link, by, actor })
            .await?;
    registration::drop_link(services, link).await?;
    Ok(outcome)
}

async fn on_installation(
    services: &Services,
    context: &Context,
    command: impl Fn(AccountId, AccountState) -> InstallationCommand,
) -> Answer {
    let by = context.account().ok_or(CommandError::Refused(AdministrationRefusal::SignedOut))?;
    let (stream, command) = (StreamId::account(by), &command);
    let own = &stream;
    services
        .dispatcher
        .execute_with::<Installation, _, _>(StreamId::installation(), None, context, |facts| async move {
            let actor = facts.load::<Account>(own).await?;
            let guard = Guard { stream: own.clone(), version: actor.version };
            Ok((command(by, actor.state), vec![guard]))
        })
        .await
        .map_err(|error| error.map(AdministrationRefusal::Installation))
}
