//! The log on stderr, and spans to a collector where one is named.

use std::{io::IsTerminal, sync::OnceLock, time::Duration};

use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::ConfigError;

/// `LOG_LEVEL` when it is unset.
const LEVEL: &str = "info,sqlx=error,s3s=off,aws_smithy_runtime=warn";
/// What is never exported: the exporter's own work would make spans of spans.
const NOT_EXPORTED: &str =
    "info,hyper=off,reqwest=off,h2=off,opentelemetry=off,sqlx=off,s3s=off,aws_smithy_runtime=off";
/// One batch of spans may take so long; later ones wait, and the oldest of more than the SDK's queue are dropped.
const EXPORT_MAX: Duration = Duration::from_secs(5);

static SPANS: OnceLock<SdkTracerProvider> = OnceLock::new();

/// `level` in the syntax of tracing's filters; JSON lines where stderr is not a terminal. Spans go to `spans_to`.
///
/// # Errors
/// The collector's address cannot be used.
pub fn start(level: Option<&str>, spans_to: Option<&str>) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(level.unwrap_or(LEVEL)).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if std::io::stderr().is_terminal() { lines.boxed() } else { lines.json().boxed() };
    let spans = spans_to.map(exporting).transpose()?.map(|provider| {
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("lockstep"));
        let _ = SPANS.set(provider);
        layer.with_filter(EnvFilter::new(NOT_EXPORTED))
    });
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).init();
    Ok(())
}

/// Sends the spans that wait. They are lost if the collector does not take them now.
pub fn finish() {
    if let Some(provider) = SPANS.get()
        && let Err(error) = provider.shutdown()
    {
        tracing::warn!(%error, "the last spans were not sent");
    }
}

fn exporting(endpoint: &str) -> Result<SdkTracerProvider, ConfigError> {
    let wrong = |error: String| ConfigError::new("OTEL_EXPORTER_OTLP_ENDPOINT", format!("cannot be used: {error}"));
    let client = reqwest::blocking::Client::builder().timeout(EXPORT_MAX).build();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client(client.map_err(|error| wrong(error.to_string()))?))
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    let resource = Resource::builder().with_service_name("lockstep").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// The exporter has a thread of its own: it may wait.
#[derive(Debug)]
struct Client(reqwest::blocking::Client);

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.0.execute(request.try_into()?)?.error_for_status()?;
        let mut response = Response::builder().status(answer.status()).body(Bytes::new())?;
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = answer.bytes()?;
        Ok(response)
    }
}
