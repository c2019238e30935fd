//! Who asks, and what they may be let do: the scopes of a token, a member's rights, and where a cookie may change things from.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, StatusCode, request::Parts},
};
use lockstep_commands::{Actor, Context, Principal};
use lockstep_domain::{account::PlatformRole, token::Scope};
use lockstep_projections::videos::Asker;
use uuid::Uuid;

use super::{
    RestState,
    error::{ApiError, RequestName},
};
use crate::auth::{CallerError, is_bearer, same_origin};

/// Names the wish: the same one again has one effect.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Somebody, recognised by a token or a cookie.
#[derive(Debug, Clone)]
pub struct Caller {
    pub principal: Principal,
    request_id: String,
    operation: Option<Uuid>,
}

impl FromRequestParts<RestState> for Caller {
    type Rejection = ApiError;

    #[allow(clippy::disallowed_methods)] // An id for the log: nothing is decided by it.
    async fn from_request_parts(parts: &mut Parts, state: &RestState) -> Result<Self, ApiError> {
        let principal = state.authenticator.caller(&parts.headers).await.map_err(|error| match error {
            CallerError::Token => {
                ApiError::new(StatusCode::UNAUTHORIZED, "token", "this token does not work, or not any more")
            }
            CallerError::Unavailable(error) => ApiError::from(error),
        })?;
        let Some(principal) = principal else {
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, "signed_out", "sign in, or send an API token"));
        };
        let changes = !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
        // A browser sends the cookie along whoever asked it to; nobody sends a token by accident.
        if changes && !is_bearer(&parts.headers) && !same_origin(&parts.headers, &state.public_url) {
            return Err(ApiError::new(StatusCode::FORBIDDEN, "origin", "this request comes from another site"));
        }
        let named = parts.extensions.get::<RequestName>();
        let request_id = named.map_or_else(|| Uuid::now_v7().to_string(), |name| name.0.clone());
        Ok(Self { principal, request_id, operation: operation(&parts.headers)? })
    }
}

fn operation(headers: &HeaderMap) -> Result<Option<Uuid>, ApiError> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = key.to_str().ok().and_then(|text| Uuid::parse_str(text).ok());
    key.map(Some).ok_or_else(|| ApiError::bad_request("an Idempotency-Key is a UUID"))
}

impl Caller {
    /// # Errors
    /// A token without this scope.
    pub fn within(&self, scope: Scope) -> Result<(), ApiError> {
        if self.principal.within(scope) {
            return Ok(());
        }
        let message = format!("this token may not be used for {}", scope.word());
        Err(ApiError::new(StatusCode::FORBIDDEN, "scope", message))
    }

    /// # Errors
    /// A guest.
    pub fn member(&self) -> Result<(), ApiError> {
        match self.is_member() {
            true => Ok(()),
            false => Err(ApiError::new(StatusCode::FORBIDDEN, "not_permitted", "you are not permitted to see this")),
        }
    }

    pub fn is_member(&self) -> bool {
        self.principal.role != PlatformRole::Guest
    }

    /// Who looks at films.
    pub fn viewer(&self) -> Asker {
        let administers = self.principal.role == PlatformRole::Administrator;
        Asker { account: Some(self.principal.account), administers }
    }

    /// The circumstances of a command by the caller.
    pub fn acting(&self, state: &RestState) -> Context {
        let operation = self.operation.unwrap_or_else(|| state.services.ids.uuid());
        Context {
            actor: Actor::Account(self.principal.account),
            command_id: operation.into(),
            correlation_id: self.request_id.clone(),
            causation_id: None,
            now: state.services.clock.now(),
        }
    }
}
