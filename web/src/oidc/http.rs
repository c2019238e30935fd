//! HTTP to the provider: behind a breaker, without redirects, with a limit on time and size.

use std::time::Duration;

use futures::{FutureExt, future::BoxFuture};
use http::StatusCode;
use lockstep_object_store::breaker::{Breaker, CallError, Refused};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// From the lookup of the name to the end of the answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);
/// An answer has at most this many bytes: key sets are the largest, of a few thousand.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Connections kept for the next request.
const IDLE_MAX: usize = 2;

/// The provider gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no answer ({0})")]
    NoAnswer(&'static str),
    #[error("it answered {0}")]
    Status(StatusCode),
    #[error("its answer has more than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
    #[error("an address of it is not https")]
    Plain,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct ProviderHttp {
    client: reqwest::Client,
    breaker: Breaker,
    local: bool,
}

impl ProviderHttp {
    /// `local` permits plain http: the provider is this machine.
    pub fn new(breaker: Breaker, local: bool) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .pool_max_idle_per_host(IDLE_MAX)
            .user_agent(concat!("Lockstep/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, breaker, local })
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !self.local && request.uri().scheme() != Some(&http::uri::Scheme::HTTPS) {
            return Err(HttpError::Plain);
        }
        let request = reqwest::Request::try_from(request).map_err(|error| HttpError::NoAnswer(why(&error)))?;
        let mut answer = self.client.execute(request).await.map_err(|error| HttpError::NoAnswer(why(&error)))?;
        if answer.status().is_server_error() {
            return Err(HttpError::Status(answer.status()));
        }
        let mut read = HttpResponse::new(Vec::new());
        *read.status_mut() = answer.status();
        *read.headers_mut() = std::mem::take(answer.headers_mut());
        while let Some(chunk) = answer.chunk().await.map_err(|error| HttpError::NoAnswer(why(&error)))? {
            if read.body().len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(HttpError::TooLarge);
            }
            read.body_mut().extend_from_slice(&chunk);
        }
        Ok(read)
    }
}

impl<'c> AsyncHttpClient<'c> for ProviderHttp {
    type Error = HttpError;
    type Future = BoxFuture<'c, Result<HttpResponse, HttpError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        async move {
            let asked = self.breaker.call(self.ask(request), |error| !matches!(error, HttpError::Plain)).await;
            asked.map_err(|error| match error {
                CallError::Refused(refused) => HttpError::Refused(refused),
                CallError::Failed(error) => error,
            })
        }
        .boxed()
    }
}

/// In words without an address: it may hold a secret.
fn why(error: &reqwest::Error) -> &'static str {
    match error {
        error if error.is_timeout() => "not in time",
        error if error.is_connect() => "no connection",
        error if error.is_builder() => "an address that cannot be asked",
        _ => "the connection broke",
    }
}
