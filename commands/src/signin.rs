//! Tries to sign in as the audit wants them: noted before they are answered, whatever came of them.

use lockstep_domain::{
    account::AccountError,
    ids::{AccountId, SignInId, StreamId},
    signin::{Failing, SignIn, SignInCommand},
};

use crate::{
    CommandError, Context, Services,
    account::{AccountRefusal, Answer, acting, fault},
    credentials, session,
};

type Noted = Result<(), CommandError<AccountRefusal>>;

/// Notes a session that somebody got by saying who they are.
pub async fn succeeded(services: &Services, context: &Context, account: AccountId, session_hash: &str) -> Noted {
    let command = SignInCommand::NoteSuccess { account, session_hash: session_hash.to_owned() };
    note(services, &acting(context, account), command).await
}

/// Notes that somebody did not get in, or did not know their own password.
pub async fn failed(services: &Services, context: &Context, account: Option<AccountId>, why: Failing) -> Noted {
    note(services, context, SignInCommand::NoteFailure { account, why }).await
}

/// Notes what came of signing in by this name. What cannot be noted has not happened: its session ends at once.
pub(crate) async fn answered(services: &Services, context: &Context, name: &str, answer: Answer) -> Answer {
    let why = match &answer {
        Ok(_) => return entered(services, context, answer).await,
        Err(CommandError::Refused(AccountRefusal::WrongCredentials)) => Failing::WrongCredentials,
        Err(error) if is_suspended(error) => Failing::Suspended,
        Err(_) => return answer,
    };
    let account = credentials::named(services, name.trim()).await.map_err(fault)?;
    failed(services, context, account, why).await?;
    answer
}

/// Notes what came of signing in as this account by a provider.
pub(crate) async fn by_provider(services: &Services, context: &Context, account: AccountId, answer: Answer) -> Answer {
    if answer.as_ref().is_err_and(is_suspended) {
        failed(services, context, Some(account), Failing::Suspended).await?;
    }
    entered(services, context, answer).await
}

fn is_suspended(error: &CommandError<AccountRefusal>) -> bool {
    matches!(error, CommandError::Refused(AccountRefusal::Rule(AccountError::Suspended)))
}

async fn entered(services: &Services, context: &Context, answer: Answer) -> Answer {
    let started = answer?;
    let (account, hash) = (started.principal.account, &started.principal.session_hash);
    if let Err(error) = succeeded(services, context, account, hash).await {
        session::revoke(services, hash).await?;
        return Err(error);
    }
    Ok(started)
}

/// Notes that somebody who is signed in did not know the password.
pub(crate) async fn confirmed<T>(
    services: &Services,
    context: &Context,
    account: AccountId,
    answer: Result<T, CommandError<AccountRefusal>>,
) -> Result<T, CommandError<AccountRefusal>> {
    if matches!(answer, Err(CommandError::Refused(AccountRefusal::WrongPassword))) {
        failed(services, context, Some(account), Failing::WrongPassword).await?;
    }
    answer
}

async fn note(services: &Services, context: &Context, command: SignInCommand) -> Noted {
    let stream = StreamId::sign_in(SignInId(services.ids.uuid()));
    match services.dispatcher.execute::<SignIn>(stream, None, context, command).await {
        Ok(_) => Ok(()),
        Err(CommandError::Refused(never)) => match never {},
        Err(error) => Err(error.map(|never| match never {})),
    }
}
