//! Lets a CDN's caches forget objects: CloudFront's `CreateInvalidation` (API of 2020-05-31), signed with AWS Signature
//! Version 4, behind a breaker.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};

use crate::breaker::{Breaker, CallError};

/// Paths in one request; CloudFront has at most 15 with `*` under way at once.
pub const PATHS_MAX: usize = 15;
/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Bytes that are read of a refusal.
const REFUSAL_BYTES_MAX: usize = 4_096;
/// Characters of a refusal's code.
const CODE_CHARS_MAX: usize = 64;
/// CloudFront is everywhere; its API signs for one region.
const REGION: &str = "us-east-1";

/// A cache was not told to forget.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidationError {
    /// It is out of order, busy or not asked for now; worth a later try.
    #[error("the CDN cannot be told now: {0}")]
    Unavailable(String),
    /// It refuses: the keys may not, or there is no such distribution. Somebody has to look.
    #[error("the CDN refuses: {0}")]
    Refused(String),
}

/// A cache in front of a bucket.
#[async_trait]
pub trait Invalidations: Send + Sync + 'static {
    /// Asks it to forget what these paths name (`/v/…`, with `*` at their ends for everything below), at most [`PATHS_MAX`].
    /// `reference`: the same for the same wish, so that asking again has no further effect.
    ///
    /// # Errors
    /// [`InvalidationError`]
    async fn invalidate(&self, paths: &[String], reference: &str) -> Result<(), InvalidationError>;
}

/// Where the API is and how to sign for it.
#[derive(Clone)]
pub struct CloudFrontSettings {
    /// `https://cloudfront.amazonaws.com`, or what stands in for it.
    pub endpoint: String,
    pub distribution: String,
    pub access_key: String,
    pub secret_key: String,
}

/// CloudFront's API for one distribution.
pub struct CloudFrontApi {
    settings: CloudFrontSettings,
    client: reqwest::Client,
    breaker: Breaker,
    now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl CloudFrontApi {
    /// `now`: wall time, which signatures name.
    ///
    /// # Errors
    /// [`InvalidationError::Refused`] when there can be no client.
    pub fn new(
        settings: CloudFrontSettings,
        breaker: Breaker,
        now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    ) -> Result<Self, InvalidationError> {
        let client = reqwest::Client::builder().timeout(ANSWER_MAX).redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| InvalidationError::Refused(error.to_string()))?;
        Ok(Self { settings, client, breaker, now })
    }

    async fn send(&self, body: String) -> Result<(), InvalidationError> {
        let CloudFrontSettings { endpoint, distribution, .. } = &self.settings;
        let url = format!("{endpoint}/2020-05-31/distribution/{distribution}/invalidation");
        let mut request = self.client.post(&url).header("content-type", "text/xml");
        for (name, value) in self.signature(&url, &body)? {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await;
        let answer = answer.map_err(|error| InvalidationError::Unavailable(error.without_url().to_string()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let said = answer.bytes().await.unwrap_or_default();
        let said = String::from_utf8_lossy(&said[..said.len().min(REFUSAL_BYTES_MAX)]).into_owned();
        let code = code(&said);
        let text = format!("{} {code}", status.as_u16()).trim_end().to_owned();
        // Too many under way is a matter of time, although it is told as a mistake.
        let busy = matches!(status.as_u16(), 408 | 429 | 500..) || code == "TooManyInvalidationsInProgress";
        Err(if busy { InvalidationError::Unavailable(text) } else { InvalidationError::Refused(text) })
    }

    fn signature(&self, url: &str, body: &str) -> Result<Vec<(&'static str, String)>, InvalidationError> {
        let wrong = |error: &dyn fmt::Display| InvalidationError::Refused(error.to_string());
        let CloudFrontSettings { access_key, secret_key, .. } = &self.settings;
        let identity = Credentials::new(access_key, secret_key, None, None, "lockstep").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name("cloudfront")
            .time((self.now)())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| wrong(&error))?;
        let headers = std::iter::once(("content-type", "text/xml"));
        let request = SignableRequest::new("POST", url, headers, SignableBody::Bytes(body.as_bytes()));
        let signed = sign(request.map_err(|error| wrong(&error))?, &params.into()).map_err(|error| wrong(&error))?;
        let (headers, _) = signed.into_parts().0.into_parts();
        Ok(headers.iter().map(|header| (header.name(), header.value().to_owned())).collect())
    }
}

#[async_trait]
impl Invalidations for CloudFrontApi {
    async fn invalidate(&self, paths: &[String], reference: &str) -> Result<(), InvalidationError> {
        if paths.is_empty() || paths.len() > PATHS_MAX {
            return Err(InvalidationError::Refused(format!("an invalidation has 1 to {PATHS_MAX} paths")));
        }
        let call = self.send(batch(paths, reference));
        let is_fault = |error: &InvalidationError| matches!(error, InvalidationError::Unavailable(_));
        match self.breaker.call(call, is_fault).await {
            Ok(()) => Ok(()),
            Err(CallError::Failed(error)) => Err(error),
            Err(CallError::Refused(refused)) => Err(InvalidationError::Unavailable(refused.to_string())),
        }
    }
}

/// The keys are not printed.
impl fmt::Debug for CloudFrontApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CloudFrontSettings { endpoint, distribution, .. } = &self.settings;
        let mut shown = f.debug_struct("CloudFrontApi");
        shown.field("endpoint", endpoint).field("distribution", distribution).finish_non_exhaustive()
    }
}

fn batch(paths: &[String], reference: &str) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let items: String = paths.iter().map(|path| format!("<Path>{}</Path>", escaped(path))).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
         <CallerReference>{}</CallerReference><Paths><Items>{items}</Items><Quantity>{}</Quantity></Paths>\
         </InvalidationBatch>",
        escaped(reference),
        paths.len(),
    )
}

/// The code in an error of the API.
fn code(answer: &str) -> String {
    let code = answer.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = code.map_or("", |(code, _)| code);
    code.chars().filter(char::is_ascii_alphanumeric).take(CODE_CHARS_MAX).collect()
}
