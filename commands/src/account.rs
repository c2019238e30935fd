//! Becoming somebody: the first administrator, a registered member, a guest by name.

use lockstep_domain::{
    account::{Account, AccountCommand, AccountError, PlatformRole, named},
    ids::{AccountId, StreamId},
};

use crate::{
    Actor, CommandError, Context, Outcome, Principal, Services,
    credentials::{self, CredentialError, Password},
    password,
    session::{self, SessionToken},
    setup::SetupLink,
    throttle::Throttled,
};

/// Somebody could not sign up or in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error("this set-up link is not valid any more: restart Lockstep to get a new one")]
    SetupLink,
    #[error("the name or the password is not right")]
    WrongCredentials,
    #[error("this name is taken: choose another")]
    NameTaken,
    #[error("many people are signing in right now: try again in a moment")]
    Busy,
    #[error("the current password is not right")]
    WrongPassword,
    #[error("guests have no password: register first")]
    NoPassword,
    #[error("this account has no password: confirm with your provider that it is you")]
    ConfirmFirst,
    #[error("your provider has not asked you anew who you are: sign in there once more")]
    NotFresh,
    #[error("choose the name that you want to have here")]
    NameNeeded,
    #[error("this sign-in took too long or was used already: begin again")]
    AttemptEnded,
    #[error("this identity opens another account")]
    IdentityTaken,
    #[error("this identity is not linked to your account")]
    NotYourIdentity,
    #[error("nobody can register here now: ask an administrator")]
    RegistrationClosed,
    #[error("this registration link is not valid any more: ask an administrator for a new one")]
    RegistrationLink,
    #[error("this link for a new password is not valid any more: ask an administrator for a new one")]
    ResetLink,
    #[error(transparent)]
    Throttled(#[from] Throttled),
    #[error(transparent)]
    Password(#[from] credentials::PasswordError),
    #[error(transparent)]
    Rule(#[from] AccountError),
}

/// A new session, with what the browser must keep.
#[derive(Debug)]
pub struct SignedIn {
    pub principal: Principal,
    pub token: SessionToken,
    /// Position of the event that made the account, if this call made one.
    pub outcome: Option<Outcome>,
}

pub(crate) type Answer = Result<SignedIn, CommandError<AccountRefusal>>;

/// Uses up the one-time set-up link and makes the first administrator.
pub async fn set_up(
    services: &Services,
    context: &Context,
    link: &SetupLink,
    token: &str,
    name: &str,
    password: &str,
) -> Answer {
    if !link.matches(token, context.now) || session::administrator_exists(services).await? {
        return Err(CommandError::Refused(AccountRefusal::SetupLink));
    }
    let answer = register(services, context, name, password, PlatformRole::Administrator).await?;
    link.use_up();
    Ok(answer)
}

/// Makes an account with a password and signs it in.
pub async fn register(
    services: &Services,
    context: &Context,
    name: &str,
    password: &str,
    role: PlatformRole,
) -> Answer {
    let password = Password::new(password).map_err(|error| CommandError::Refused(error.into()))?;
    let account = AccountId(services.ids.uuid());
    let name = named(name).map_err(|error| CommandError::Refused(error.into()))?;
    credentials::reserve(services, account, name, &password).await.map_err(fault)?;
    let own = acting(context, account);
    let command = AccountCommand::Register { account, name: name.to_owned(), role };
    let made = services.dispatcher.execute::<Account>(StreamId::account(account), None, &own, command).await;
    let outcome = match made {
        Ok(outcome) => outcome,
        Err(error) => {
            credentials::undo(services, account, &error).await;
            return Err(error.map(AccountRefusal::Rule));
        }
    };
    credentials::mark_administrator(services, account, role == PlatformRole::Administrator).await.map_err(fault)?;
    start(services, account, name, role, Some(outcome)).await
}

/// Makes a guest by name: no password, gone with its session.
pub async fn admit_guest(services: &Services, context: &Context, name: &str) -> Answer {
    let account = AccountId(services.ids.uuid());
    let own = acting(context, account);
    let command = AccountCommand::AdmitGuest { account, name: name.to_owned() };
    let outcome = services
        .dispatcher
        .execute::<Account>(StreamId::account(account), None, &own, command)
        .await
        .map_err(|error| error.map(AccountRefusal::Rule))?;
    start(services, account, name.trim(), PlatformRole::Guest, Some(outcome)).await
}

/// Changes the name that others see. The name to sign in with stays.
pub async fn rename(
    services: &Services,
    context: &Context,
    name: &str,
) -> Result<Outcome, CommandError<AccountRefusal>> {
    let account = context.account().ok_or(CommandError::Refused(AccountRefusal::SignedOut))?;
    let command = AccountCommand::ChangeDisplayName { account, name: name.to_owned() };
    services
        .dispatcher
        .execute::<Account>(StreamId::account(account), None, context, command)
        .await
        .map_err(|error| error.map(AccountRefusal::Rule))
}

/// Checks name and password and starts a session. Whoever is suspended gets none, and is told so only with the right
/// password.
pub async fn sign_in(services: &Services, name: &str, password: &str) -> Answer {
    let account = credentials::verify(services, name.trim(), password).await.map_err(fault)?;
    let Some((account, generation)) = account else {
        return Err(CommandError::Refused(AccountRefusal::WrongCredentials));
    };
    let held = services.dispatcher.load::<Account>(&StreamId::account(account)).await?;
    let Some(role) = held.state.role else {
        return Err(CommandError::Refused(AccountRefusal::WrongCredentials));
    };
    if held.state.suspended {
        return Err(CommandError::Refused(AccountRefusal::Rule(AccountError::Suspended)));
    }
    password::catch_up(services, account, &held.state).await?;
    let shown = held.state.name.value().cloned().unwrap_or_default();
    let started = start(services, account, &shown, role, None).await?;
    // A change of the password ends the sessions that were there: not the one that the old password starts meanwhile.
    if !credentials::is_current(services, account, generation).await.map_err(fault)? {
        session::revoke(services, &started.principal.session_hash).await?;
        return Err(CommandError::Refused(AccountRefusal::WrongCredentials));
    }
    Ok(started)
}

pub(crate) async fn start(
    services: &Services,
    account: AccountId,
    name: &str,
    role: PlatformRole,
    outcome: Option<Outcome>,
) -> Answer {
    let (token, session_hash) = session::issue(services, account).await?;
    let principal = Principal { account, name: name.to_owned(), role, session_hash, scopes: None };
    Ok(SignedIn { principal, token, outcome })
}

pub(crate) fn acting(context: &Context, account: AccountId) -> Context {
    Context { actor: Actor::Account(account), ..context.clone() }
}

pub(crate) fn fault(error: CredentialError) -> CommandError<AccountRefusal> {
    match error {
        CredentialError::NameTaken => CommandError::Refused(AccountRefusal::NameTaken),
        CredentialError::Busy => CommandError::Refused(AccountRefusal::Busy),
        CredentialError::Unavailable(text) => CommandError::Unavailable(text),
    }
}
