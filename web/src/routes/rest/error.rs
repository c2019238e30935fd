//! What a client sees when it gets no answer: one shape, a stable word, and the request's id to find the rest in the log.

use std::{any::Any, borrow::Cow, panic::AssertUnwindSafe};

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use lockstep_commands::{CommandError, LoadError, refusal::Coded};
use lockstep_projections::{QueryError, ReadError, WaitError, is_out_of_reach};
use serde::Serialize;
use tower_http::request_id::RequestId;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::limits::TooMany;

/// The request's id, for whatever it causes.
#[derive(Debug, Clone)]
pub struct RequestName(pub String);

/// Why there is no answer. What only the log may say is in `secret`.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    secret: Option<String>,
    retry_after_s: Option<u64>,
}

/// The body of every answer that is not what was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    pub error: ProblemDetail,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemDetail {
    /// A stable word to branch on.
    #[schema(example = "not_found")]
    pub code: String,
    /// A sentence for a person.
    pub message: String,
    /// Names this request in the server's log.
    pub request_id: String,
}

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), secret: None, retry_after_s: None }
    }
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing, or you may not see it")
    }
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }
    /// The database or the store is out of reach.
    pub fn unavailable(secret: impl ToString) -> Self {
        let message = "this cannot be answered now; repeat it with the same Idempotency-Key, it has one effect";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self { secret: Some(secret.to_string()), retry_after_s: Some(1), ..Self::new(status, "unavailable", message) }
    }
    fn fault(secret: String) -> Self {
        let message = "something went wrong on our side";
        Self { secret: Some(secret), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message) }
    }
    /// What a refused command tells its caller.
    pub fn refused(refusal: &impl Coded) -> Self {
        let code = refusal.code();
        if code == "not_found" {
            // The same for every way of not being there.
            return Self::not_found();
        }
        let retry_after_s = refusal.retry_after_ms().map(|ms| ms.div_ceil(1_000));
        Self { retry_after_s, ..Self::new(status_of(code), code, refusal.to_string()) }
    }
}

/// The status of a refusal's word; what is not here breaks a rule about what was sent.
fn status_of(code: &str) -> StatusCode {
    match code {
        "signed_out" => StatusCode::UNAUTHORIZED,
        "guest" | "not_permitted" | "suspended" | "scope" => StatusCode::FORBIDDEN,
        "quota_bytes" | "quota_films" | "quota_uploads" => StatusCode::FORBIDDEN,
        "not_found" => StatusCode::NOT_FOUND,
        "exists" | "reused" | "duplicate" | "wrong_status" | "not_arrived" | "in_trash" | "not_in_trash"
        | "contended" => StatusCode::CONFLICT,
        "too_large" => StatusCode::PAYLOAD_TOO_LARGE,
        "rate_limited" | "throttled" | "busy" => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl<E: Coded> From<CommandError<E>> for ApiError {
    fn from(error: CommandError<E>) -> Self {
        match error {
            CommandError::Refused(refusal) => Self::refused(&refusal),
            CommandError::Contended => {
                Self::new(StatusCode::CONFLICT, "contended", "others changed this at the same time; try again")
            }
            CommandError::Invalid(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "this text or number cannot be stored")
            }
            CommandError::Unavailable(text) => Self::unavailable(text),
        }
    }
}

impl From<LoadError> for ApiError {
    fn from(error: LoadError) -> Self {
        Self::unavailable(error)
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        Self::unavailable(error)
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        if is_out_of_reach(&error) { Self::unavailable(error) } else { Self::fault(error.to_string()) }
    }
}

impl From<WaitError> for ApiError {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Behind { .. } => Self {
                retry_after_s: Some(1),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "behind", "it is done, and does not show yet; ask again")
            },
            WaitError::Database(error) => error.into(),
            other @ WaitError::Unknown(_) => Self::fault(other.to_string()),
        }
    }
}

/// [`finish`] writes the body: it knows the request's id.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

pub async fn no_such_address() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "not_found", "the API has no such address; see /api/openapi.json")
}

pub async fn method_not_allowed() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this address is not asked in this way")
}

/// Names the request, contains a panic, writes the body of every refusal, and logs a fault once.
#[allow(clippy::disallowed_methods)] // An id for the log: nothing is decided by it.
pub async fn finish(mut request: Request, next: Next) -> Response {
    let given = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    let name = given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestName(name.clone()));
    let mut response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => ApiError::fault(format!("a panic: {}", text_of(&*panic))).into_response(),
    };
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        response = written(error, &name, response);
    } else if let Some(TooMany { after_s }) = response.extensions_mut().remove() {
        let message = format!("too many requests: wait {after_s} seconds");
        let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message);
        response = written(error, &name, response);
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("")
}

fn written(error: ApiError, request_id: &str, bare: Response) -> Response {
    if let Some(secret) = &error.secret {
        tracing::error!(request_id, code = error.code, error = %secret, "a request was not answered");
    }
    let detail = ProblemDetail {
        code: error.code.to_owned(),
        message: error.message.into_owned(),
        request_id: request_id.to_owned(),
    };
    let mut response = (error.status, Json(Problem { error: detail })).into_response();
    let headers = response.headers_mut();
    // What the limits and the router say goes on; the body is another one.
    let said =
        bare.headers().iter().filter(|(name, _)| **name != header::CONTENT_LENGTH && **name != header::CONTENT_TYPE);
    headers.extend(said.map(|(name, value)| (name.clone(), value.clone())));
    if let Some(seconds) = error.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
