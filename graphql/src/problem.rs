//! What goes wrong besides refusals, and what of it a client may see.

use std::error::Error;

use async_graphql::{ErrorExtensionValues, PathSegment, Response, ServerError, Value};
use futures::future::BoxFuture;
use lockstep_commands::{LoadError, credentials::CredentialError};
use lockstep_projections::{QueryError, ReadError, StatusError, WaitError, is_out_of_reach};

/// The code of an error that says that a part is out of reach.
pub(crate) const UNAVAILABLE: &str = "unavailable";
/// When to ask again then, seconds.
pub const RETRY_AFTER_S: u32 = 1;

/// A query or mutation has no answer. What it displays is what the client sees.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Problem {
    #[error("sign in first")]
    SignedOut,
    #[error("you are not permitted to see this")]
    NotPermitted,
    #[error("there is no such thing, or you may not see it")]
    NotFound,
    #[error("{0}")]
    Invalid(String),
    #[error("the read model is {lag_positions} events behind the position asked for; try again")]
    Behind { lag_positions: i64 },
    #[error("this cannot be answered now; try again: a change with the same operation id has one effect")]
    Unavailable(String),
    #[error("something went wrong on our side")]
    Fault(String),
}

impl Problem {
    /// Masks a fault; its text and causes go to the log only.
    pub(crate) fn fault(error: &(dyn Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::Fault(text)
    }

    fn code(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::NotPermitted => "not_permitted",
            Self::NotFound => "not_found",
            Self::Invalid(_) => "invalid",
            Self::Behind { .. } => "behind",
            Self::Unavailable(_) => UNAVAILABLE,
            Self::Fault(_) => "internal",
        }
    }

    /// What only the log may say.
    fn secret(&self) -> Option<&str> {
        match self {
            Self::Unavailable(text) | Self::Fault(text) => Some(text),
            Self::SignedOut | Self::NotPermitted | Self::NotFound | Self::Invalid(_) | Self::Behind { .. } => None,
        }
    }
}

impl From<&QueryError> for Problem {
    fn from(error: &QueryError) -> Self {
        if is_out_of_reach(error) { Self::Unavailable(error.to_string()) } else { Self::fault(error) }
    }
}

impl From<&ReadError> for Problem {
    fn from(error: &ReadError) -> Self {
        match error {
            ReadError::Unavailable(_) => Self::Unavailable(error.to_string()),
            ReadError::Unreadable { .. } => Self::fault(error),
        }
    }
}

impl From<&LoadError> for Problem {
    fn from(error: &LoadError) -> Self {
        match error {
            LoadError::Unavailable(_) => Self::Unavailable(error.to_string()),
            LoadError::Undecodable { .. } => Self::fault(error),
        }
    }
}

impl From<&CredentialError> for Problem {
    fn from(error: &CredentialError) -> Self {
        match error {
            CredentialError::Unavailable(_) => Self::Unavailable(error.to_string()),
            CredentialError::NameTaken | CredentialError::Busy => Self::fault(error),
        }
    }
}

impl From<&StatusError> for Problem {
    fn from(error: &StatusError) -> Self {
        match error {
            StatusError::Log(error) => error.into(),
            StatusError::Database(error) => error.into(),
        }
    }
}

impl From<&WaitError> for Problem {
    fn from(error: &WaitError) -> Self {
        match error {
            WaitError::Behind { lag_positions, .. } => Self::Behind { lag_positions: *lag_positions },
            WaitError::Database(error) => error.into(),
            WaitError::Unknown(_) => Self::fault(error),
        }
    }
}

macro_rules! by_value {
    ($($error:ty),+) => {
        $(impl From<$error> for Problem {
            fn from(error: $error) -> Self { Self::from(&error) }
        })+
    };
}
by_value!(QueryError, ReadError, StatusError, LoadError, CredentialError, WaitError);

impl From<std::sync::Arc<QueryError>> for Problem {
    fn from(error: std::sync::Arc<QueryError>) -> Self {
        Self::from(error.as_ref())
    }
}

impl From<std::sync::Arc<ReadError>> for Problem {
    fn from(error: std::sync::Arc<ReadError>) -> Self {
        Self::from(error.as_ref())
    }
}

/// A field that is null when it fails. async-graphql 7.2.1 leaves a field out when its resolver returns `Err`; an
/// `Err` inside an `Option` becomes the null that the specification asks for.
pub(crate) type Nullable<T> = Option<Result<T, Problem>>;

/// Lets a resolver of a nullable field use `?`. The work is boxed: a request is one future with a level for every noun
/// of the schema, and each holds what is under it.
pub(crate) fn nullable<'a, T: 'a>(
    work: impl Future<Output = Result<Option<T>, Problem>> + Send + 'a,
) -> BoxFuture<'a, Nullable<T>> {
    Box::pin(async move { work.await.transpose() })
}

/// Gives every error a code and the request's id, masks what is not meant for clients, and logs that once.
pub(crate) fn finish(mut response: Response, request_id: &str) -> Response {
    for error in &mut response.errors {
        mask(error, request_id);
    }
    if response.errors.iter().any(|error| is_left_out(&response.data, &error.path)) {
        response.data = Value::Null;
    }
    response
}

/// Whether the field at this path is missing: it failed and may not be null, so neither may what it is in.
fn is_left_out(data: &Value, path: &[PathSegment]) -> bool {
    match (path, data) {
        ([PathSegment::Field(name), rest @ ..], Value::Object(fields)) => {
            fields.get(name.as_str()).is_none_or(|value| is_left_out(value, rest))
        }
        ([PathSegment::Index(index), rest @ ..], Value::List(items)) => {
            items.get(*index).is_none_or(|value| is_left_out(value, rest))
        }
        _ => false,
    }
}

fn mask(error: &mut ServerError, request_id: &str) {
    let problem = match (error.source::<Problem>(), &error.source) {
        (Some(problem), _) => Some(problem.clone()),
        // From a resolver, but not one of ours: its text was never meant to leave.
        (None, Some(_)) => Some(Problem::Fault(error.message.clone())),
        (None, None) => None,
    };
    let code = problem.as_ref().map_or("bad_request", Problem::code);
    if let Some(secret) = problem.as_ref().and_then(Problem::secret) {
        tracing::error!(request_id, path = ?error.path, error = secret, "a request failed");
    }
    if let Some(problem) = problem {
        error.message = problem.to_string();
    }
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_none() {
        extensions.set("code", code);
    }
    if code == UNAVAILABLE {
        extensions.set("retryAfterS", RETRY_AFTER_S);
    }
    extensions.set("requestId", request_id);
}

/// The answer to a request whose resolver panicked.
pub(crate) fn panicked(request_id: &str) -> Response {
    let mut error = ServerError::new(String::new(), None);
    error.source = Some(std::sync::Arc::new(Problem::Fault("a resolver panicked".to_owned())));
    finish(Response::from_errors(vec![error]), request_id)
}
