//! Setting out to the provider, and choosing a name where the provider's is taken: requests of our own pages.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use lockstep_commands::{
    Actor, CommandError,
    account::AccountRefusal,
    identity::{
        Arrival, Claimed,
        attempt::{self, Asker, Attempt, Purpose},
    },
    registration::LinkHash,
};
use lockstep_domain::account::{AccountError, PlatformRole};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    Asked, BODY_BYTES_MAX, OidcState,
    answer::{Problem, unkept, with_cookies},
    place,
};
use crate::{
    auth::same_origin,
    oidc::AttemptSecret,
    routes::arriving::{self, Missing},
};

/// What a page wants of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wish {
    SignIn,
    Link,
    Confirm,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Start {
    purpose: Wish,
    /// A path of this site.
    return_to: String,
    /// Of a registration link.
    token: Option<String>,
    /// Asked for again before an account is linked.
    #[serde(default)]
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChooseName {
    name: String,
}

/// Answers with the provider's address for this browser.
pub(super) async fn start(State(state): State<OidcState>, request: Request) -> Result<Response, Problem> {
    let (asked, wanted) = read::<Start>(&state, request).await?;
    let return_to = place::local(&wanted.return_to, &state.public_url).ok_or(Problem::Request(
        StatusCode::BAD_REQUEST,
        "return_to",
        "returnTo is a path of this site",
    ))?;
    let purpose = purpose(&state, &asked, &wanted).await?;
    let secret = AttemptSecret::new(state.services.ids.secret());
    let address = state.provider.address(&secret, wanted.purpose == Wish::Confirm).await?;
    if !attempt::begin(&state.services, secret.expose(), &Attempt { purpose, return_to }).await? {
        return Err(AccountRefusal::Busy.into());
    }
    let answer = unkept(Json(json!({ "address": address.as_str() })).into_response());
    Ok(with_cookies(answer, [state.keep(Some(&secret))]))
}

async fn purpose(state: &OidcState, asked: &Asked, wanted: &Start) -> Result<Purpose, Problem> {
    if wanted.purpose == Wish::SignIn {
        return Ok(Purpose::SignIn { link: wanted.token.as_deref().map(LinkHash::of) });
    }
    let principal = state.principal(asked).await?.ok_or(AccountRefusal::SignedOut)?;
    if principal.role == PlatformRole::Guest {
        return Err(AccountRefusal::Rule(AccountError::Unregistered).into());
    }
    let asker = Asker::from(&principal);
    if wanted.purpose == Wish::Confirm {
        return Ok(Purpose::Confirm(asker));
    }
    let context = state.context(asked, Actor::Account(principal.account));
    state.entry.confirm(&state.services, &context, &principal, &wanted.password).await?;
    Ok(Purpose::Link(asker))
}

/// Registers whom the provider named under the name they choose.
pub(super) async fn choose_name(State(state): State<OidcState>, request: Request) -> Result<Response, Problem> {
    let (asked, ChooseName { name }) = read::<ChooseName>(&state, request).await?;
    let secret = state.secret(&asked).ok_or(AccountRefusal::AttemptEnded)?;
    let attempt = attempt::take(&state.services, secret.expose()).await?.ok_or(AccountRefusal::AttemptEnded)?;
    let Purpose::Name { link, issuer, subject } = attempt.purpose.clone() else {
        return Err(AccountRefusal::AttemptEnded.into());
    };
    let claimed = Claimed { issuer, subject, name: None, fresh: false };
    let earlier = state.principal(&asked).await?;
    let context = state.context(&asked, Actor::System);
    let arrival = Arrival { claimed: &claimed, chosen: Some(&name), link };
    let arrived = state.entry.sign_in_by_identity(&state.services, &context, earlier.as_ref(), arrival).await;
    let started = match arrived {
        Ok(started) => started,
        Err(error) => {
            // Another name may do: the attempt goes on.
            if may_choose_again(&error) {
                attempt::begin(&state.services, secret.expose(), &attempt).await?;
            }
            return Err(error.into());
        }
    };
    let cookie = state.begin(&asked, earlier.as_ref(), &started).await?;
    let answer = unkept(Json(json!({ "to": attempt.return_to })).into_response());
    Ok(with_cookies(answer, [cookie, state.keep(None)]))
}

fn may_choose_again(error: &CommandError<AccountRefusal>) -> bool {
    use AccountRefusal::{Busy, NameTaken, Rule};
    match error {
        CommandError::Refused(Busy | NameTaken) | CommandError::Contended | CommandError::Unavailable(_) => true,
        CommandError::Refused(Rule(AccountError::NameLength | AccountError::NameCharacters)) => true,
        CommandError::Refused(_) | CommandError::Invalid(_) => false,
    }
}

/// JSON of one of our own pages.
async fn read<T: DeserializeOwned>(state: &OidcState, request: Request) -> Result<(Asked, T), Problem> {
    let (parts, body) = request.into_parts();
    if !same_origin(&parts.headers, &state.public_url) {
        return Err(Problem::Request(StatusCode::FORBIDDEN, "origin", "this request comes from another site"));
    }
    let kind = parts.headers.get(axum::http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if kind != Some("application/json") {
        return Err(Problem::Request(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type", "send application/json"));
    }
    let body = arriving::whole(body, BODY_BYTES_MAX).await.map_err(|missing| match missing {
        Missing::TooLong => Problem::Request(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "this is too much"),
        Missing::Late => Problem::Request(StatusCode::REQUEST_TIMEOUT, "too_slow", "this took too long"),
        Missing::Broken => Problem::Request(StatusCode::BAD_REQUEST, "invalid", "this did not arrive"),
    })?;
    let unreadable = |_| Problem::Request(StatusCode::BAD_REQUEST, "invalid", "this is not what is asked for here");
    let read = serde_json::from_slice(&body).map_err(unreadable)?;
    Ok((state.asked(&parts), read))
}
