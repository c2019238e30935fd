//! Coming back from the provider. Whatever happens, the browser ends at a page of ours.

use axum::{
    extract::{Query, Request, State, rejection::QueryRejection},
    response::{IntoResponse, Redirect, Response},
};
use lockstep_commands::{
    Actor, CommandError, Principal,
    account::AccountRefusal,
    identity::{
        self, Arrival, Claimed,
        attempt::{self, Asker, Attempt, Purpose},
    },
    registration::LinkHash,
};
use serde::Deserialize;

use super::{
    Asked, OidcState,
    answer::{Problem, unkept, with_cookies},
    place,
};
use crate::oidc::{AttemptSecret, CODE_CHARS_MAX, ProviderError};

/// What the provider says (RFC 6749, section 4.1.2; RFC 9207). Said twice is not understood.
#[derive(Deserialize)]
pub(super) struct Said {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// Where the browser goes on to, and the session that it goes on in.
struct Done {
    to: String,
    session: Option<String>,
    /// It goes on with the attempt.
    unfinished: bool,
}

pub(super) async fn callback(
    State(state): State<OidcState>,
    said: Result<Query<Said>, QueryRejection>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let asked = state.asked(&parts);
    let ended = || Problem::from(AccountRefusal::AttemptEnded);
    let (Ok(Query(said)), Some(secret)) = (said, state.secret(&asked)) else {
        return failed(&state, None, &ended());
    };
    // An answer to another browser's attempt ends nothing here.
    if !said.state.as_deref().is_some_and(|said| secret.is_state(said)) {
        return failed(&state, None, &ended());
    }
    let attempt = match attempt::take(&state.services, secret.expose()).await {
        Ok(Some(attempt)) => attempt,
        Ok(None) => return failed(&state, None, &ended()),
        Err(error) => return failed(&state, None, &error.into()),
    };
    let back = Back { state: &state, asked: &asked, secret: &secret, attempt: &attempt };
    match back.settle(said).await {
        Ok(done) => finished(&state, done),
        Err(problem) => failed(&state, Some(&attempt), &problem),
    }
}

/// A browser that is back with the attempt it set out with.
struct Back<'a> {
    state: &'a OidcState,
    asked: &'a Asked,
    secret: &'a AttemptSecret,
    attempt: &'a Attempt,
}

impl Back<'_> {
    async fn settle(&self, said: Said) -> Result<Done, Problem> {
        let Self { state, asked, attempt, .. } = *self;
        state.provider.check_issuer(said.iss.as_deref()).await?;
        let code = code(said)?;
        let again = matches!(attempt.purpose, Purpose::Confirm(_));
        let claimed = state.provider.claimed(self.secret, code, again).await?;
        let here = state.principal(asked).await?;
        match &attempt.purpose {
            Purpose::SignIn { link } => return self.sign_in(here, link.clone(), claimed).await,
            Purpose::Link(asker) => {
                let here = same(here, asker)?;
                let context = state.context(asked, Actor::Account(here.account));
                identity::link(&state.services, &context, &here, &claimed).await?;
            }
            Purpose::Confirm(asker) => identity::confirm(&state.services, &same(here, asker)?, &claimed).await?,
            Purpose::Name { .. } => return Err(AccountRefusal::AttemptEnded.into()),
        }
        Ok(returning(attempt))
    }

    async fn sign_in(
        &self,
        here: Option<Principal>,
        link: Option<LinkHash>,
        claimed: Claimed,
    ) -> Result<Done, Problem> {
        let Self { state, asked, attempt, .. } = *self;
        let context = state.context(asked, Actor::System);
        let arrival = Arrival { claimed: &claimed, chosen: None, link: link.clone() };
        match state.entry.sign_in_by_identity(&state.services, &context, here.as_ref(), arrival).await {
            Ok(started) => {
                let session = state.begin(asked, here.as_ref(), &started).await?;
                Ok(Done { session: Some(session), ..returning(attempt) })
            }
            Err(CommandError::Refused(AccountRefusal::NameNeeded)) => self.ask_for_name(link, claimed).await,
            Err(error) => Err(error.into()),
        }
    }

    /// The attempt goes on with whom the provider has named.
    async fn ask_for_name(&self, link: Option<LinkHash>, claimed: Claimed) -> Result<Done, Problem> {
        let Claimed { issuer, subject, name, .. } = claimed;
        let return_to = self.attempt.return_to.clone();
        let named = Attempt { purpose: Purpose::Name { link, issuer, subject }, return_to };
        if !attempt::begin(&self.state.services, self.secret.expose(), &named).await? {
            return Err(AccountRefusal::Busy.into());
        }
        Ok(Done { to: place::choose_name(name.as_deref()), session: None, unfinished: true })
    }
}

fn code(said: Said) -> Result<String, Problem> {
    match (said.error.as_deref(), said.code) {
        (None, Some(code)) if !code.is_empty() && code.len() <= CODE_CHARS_MAX => Ok(code),
        (Some("access_denied"), _) => Err(Problem::Cancelled),
        // What else it says stands in the address, where anybody may have written it.
        (Some(_), _) => Err(ProviderError::Refused("the provider refused".to_owned()).into()),
        (None, _) => Err(ProviderError::Refused("there is no code".to_owned()).into()),
    }
}

/// Whoever comes back, if it is in the session that set out.
fn same(here: Option<Principal>, asker: &Asker) -> Result<Principal, Problem> {
    here.filter(|here| asker.is(here)).ok_or_else(|| AccountRefusal::AttemptEnded.into())
}

fn returning(attempt: &Attempt) -> Done {
    Done { to: attempt.return_to.clone(), session: None, unfinished: false }
}

fn finished(state: &OidcState, done: Done) -> Response {
    let answer = unkept(Redirect::to(&done.to).into_response());
    let answer = match done.session {
        Some(session) => with_cookies(answer, [session]),
        None => answer,
    };
    if done.unfinished { answer } else { with_cookies(answer, [state.keep(None)]) }
}

/// Says it where the attempt began. An answer that belongs to no attempt leaves this browser's alone.
fn failed(state: &OidcState, attempt: Option<&Attempt>, problem: &Problem) -> Response {
    problem.note();
    let code = problem.code();
    let to = match attempt.map(|attempt| (&attempt.purpose, &attempt.return_to)) {
        Some((Purpose::Link(_) | Purpose::Confirm(_), place)) => place::with_problem(place, code),
        Some((Purpose::SignIn { .. } | Purpose::Name { .. }, place)) => place::sign_in(place, code),
        None => place::sign_in("/", code),
    };
    let answer = unkept(Redirect::to(&to).into_response());
    if attempt.is_some() { with_cookies(answer, [state.keep(None)]) } else { answer }
}
