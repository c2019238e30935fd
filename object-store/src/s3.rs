//! Configured S3 clients: endpoint, credentials, time-outs and retries. No operation lives here.

use std::{fmt, time::Duration};

use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Builder, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
        SharedHttpClient, StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// Tries per request, the first included.
const ATTEMPTS_MAX: u32 = 3;
/// Three tries of this and the pauses between them stay below 3 s: so long takes a PUT to an absent host at most.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(800);
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_millis(250);

/// Where an S3 service is and how to sign for it.
#[derive(Clone)]
pub struct S3Settings {
    /// Address the server uses, `http` or `https`, without bucket.
    pub endpoint_url: String,
    /// Address browsers use in presigned uploads, when it differs from `endpoint_url`.
    pub public_url: Option<String>,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
    /// `endpoint/bucket/key` (true) or `bucket.endpoint/key` (false).
    pub path_style: bool,
    pub interim: String,
    pub media: String,
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Settings")
            .field("endpoint_url", &self.endpoint_url)
            .field("public_url", &self.public_url)
            .field("region", &self.region)
            .field("path_style", &self.path_style)
            .field("interim", &self.interim)
            .field("media", &self.media)
            .finish_non_exhaustive()
    }
}

/// One client for the server's own requests, one that only signs addresses for browsers.
#[derive(Clone)]
pub(crate) struct Clients {
    pub requests: Client,
    pub presigner: Client,
}

pub(crate) fn clients(settings: &S3Settings) -> Clients {
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let keys = Credentials::new(&settings.access_key, &settings.secret_key, None, None, "lockstep");
    let base = config(keys, &settings.region).force_path_style(settings.path_style).http_client(http);
    let public_url = settings.public_url.as_ref().unwrap_or(&settings.endpoint_url);
    Clients {
        requests: Client::from_conf(base.clone().endpoint_url(&settings.endpoint_url).build()),
        presigner: Client::from_conf(base.endpoint_url(public_url).build()),
    }
}

/// Clients for the embedded store: requests go through `local` in this process, addresses are signed for `public_url`.
pub(crate) fn embedded_clients(
    access_key: &str,
    secret_key: &str,
    local: SharedHttpClient,
    public_url: &str,
) -> Clients {
    let keys = Credentials::new(access_key, secret_key, None, None, "lockstep");
    let base = config(keys, EMBEDDED_REGION).force_path_style(true).http_client(local);
    Clients {
        requests: Client::from_conf(
            base.clone()
                .endpoint_url(EMBEDDED_ENDPOINT)
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .build(),
        ),
        presigner: Client::from_conf(base.endpoint_url(public_url).build()),
    }
}

/// Region named in the embedded store's signatures; any would do.
const EMBEDDED_REGION: &str = "us-east-1";
/// Never resolved: the client's connector calls the service directly.
const EMBEDDED_ENDPOINT: &str = "http://embedded.invalid";

fn config(keys: Credentials, region: &str) -> Builder {
    // Downloads are read at the viewer's pace, which must not count as a stalled store; `ObjectBody` bounds the waits.
    let stalls = StalledStreamProtectionConfig::enabled().download_enabled(false).build();
    Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(keys)
        .stalled_stream_protection(stalls)
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).build())
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(ATTEMPTS_MAX)
                .with_initial_backoff(BACKOFF_FIRST)
                .with_max_backoff(BACKOFF_MAX),
        )
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
}
