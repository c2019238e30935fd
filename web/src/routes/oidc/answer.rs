//! What goes wrong here, once as a word for a page of ours and once as an answer to its request.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use lockstep_commands::{CommandError, LoadError, account::AccountRefusal, refusal::Coded};
use serde_json::json;

use crate::{oidc::ProviderError, vitals};

/// Why nobody was signed in.
#[derive(Debug)]
pub enum Problem {
    /// Whoever asks is not one of our pages, or asks for nothing that there is.
    Request(StatusCode, &'static str, &'static str),
    /// They turned back at the provider.
    Cancelled,
    Provider(ProviderError),
    Refused(AccountRefusal),
    /// The rest of us is away: for the log, and nobody else.
    Unavailable(String),
}

impl Problem {
    /// The word for it, kept for ever.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Request(_, code, _) => code,
            Self::Cancelled => "cancelled",
            Self::Provider(ProviderError::Away { .. }) => "provider_away",
            Self::Provider(ProviderError::Refused(_)) => "provider_refused",
            Self::Provider(ProviderError::NotFresh) => "not_fresh",
            Self::Refused(refusal) => refusal.code(),
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Says it in the log, once; never what a token held.
    pub fn note(&self) {
        match self {
            Self::Provider(error) => tracing::warn!(%error, "nobody was signed in by the provider"),
            Self::Unavailable(error) => tracing::error!(error, "a sign-in by the provider failed"),
            Self::Request(..) | Self::Cancelled | Self::Refused(_) => {
                tracing::info!(code = self.code(), "nobody was signed in by the provider");
            }
        }
        metrics::counter!("lockstep_oidc_refusals_total", "code" => self.code()).increment(1);
    }

    fn message(&self) -> String {
        match self {
            Self::Request(_, _, message) => (*message).to_owned(),
            Self::Cancelled => "the sign-in was cancelled".to_owned(),
            Self::Provider(ProviderError::Away { .. }) => "your provider does not answer now: try again".to_owned(),
            Self::Provider(ProviderError::Refused(_)) => "what your provider said was not accepted".to_owned(),
            Self::Provider(error @ ProviderError::NotFresh) => error.to_string(),
            Self::Refused(refusal) => refusal.to_string(),
            Self::Unavailable(_) => "this cannot be answered now, try again".to_owned(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.note();
        let after_s = match &self {
            Self::Provider(ProviderError::Away { after_s, .. }) => Some(*after_s),
            Self::Refused(refusal) => refusal.retry_after_ms().map(|ms| ms.div_ceil(1_000)),
            Self::Unavailable(_) => Some(vitals::RETRY_AFTER_S),
            Self::Request(..) | Self::Cancelled | Self::Provider(_) => None,
        };
        let status = match &self {
            Self::Request(status, ..) => *status,
            Self::Provider(ProviderError::Away { .. }) | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(AccountRefusal::Throttled(_)) => StatusCode::TOO_MANY_REQUESTS,
            Self::Refused(AccountRefusal::Busy) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(AccountRefusal::SignedOut) => StatusCode::UNAUTHORIZED,
            Self::Cancelled | Self::Provider(_) | Self::Refused(_) => StatusCode::CONFLICT,
        };
        let body = json!({ "code": self.code(), "message": self.message() });
        let mut answer = unkept((status, Json(body)).into_response());
        if let Some(after_s) = after_s {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after_s));
        }
        answer
    }
}

impl From<ProviderError> for Problem {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error)
    }
}

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<AccountRefusal> for Problem {
    fn from(refusal: AccountRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<CommandError<AccountRefusal>> for Problem {
    fn from(error: CommandError<AccountRefusal>) -> Self {
        match error {
            CommandError::Refused(refusal) => Self::Refused(refusal),
            CommandError::Contended => Self::Refused(AccountRefusal::Busy),
            CommandError::Invalid(text) => Self::Provider(ProviderError::Refused(text)),
            CommandError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}

/// Nobody keeps an answer that is about one sign-in.
pub fn unkept(mut answer: Response) -> Response {
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The same with these cookies.
pub fn with_cookies<const N: usize>(mut answer: Response, cookies: [String; N]) -> Response {
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    answer
}
