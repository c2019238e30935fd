//! Every request has an id of ours, a span that its log lines stand in, and is counted. The path is logged as its route:
//! what stands in its place may be a secret (a delivery token, a set-up link).

use std::time::Instant;

use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::{self, Next},
    response::Response,
};
use metrics::{counter, histogram};
use opentelemetry::propagation::Extractor;
use tower_http::request_id::RequestId;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The router, observed.
pub fn observed(router: Router) -> Router {
    router.layer(middleware::from_fn(observe))
}

#[allow(clippy::disallowed_methods)] // An id for the log and a stopwatch: nothing is decided by them.
async fn observe(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = HeaderValue::from_str(&Uuid::now_v7().to_string()).expect("a UUID is visible ASCII");
    request.extensions_mut().insert(RequestId::new(id.clone()));
    let route = request.extensions().get::<MatchedPath>().map_or("page", MatchedPath::as_str).to_owned();
    let method = method(&request);
    let request_id = id.to_str().unwrap_or_default();
    let span = tracing::info_span!("request", request_id, method, route, status = tracing::field::Empty);
    let parent =
        opentelemetry::global::get_text_map_propagator(|propagator| propagator.extract(&Carried(request.headers())));
    let _ = span.set_parent(parent);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("status", status.as_u16());
    let seconds = began.elapsed().as_secs_f64();
    counter!("lockstep_http_requests_total", "route" => route.clone(), "method" => method, "status" => status.as_str().to_owned())
        .increment(1);
    histogram!("lockstep_http_seconds", "route" => route).record(seconds);
    span.in_scope(|| match status.is_server_error() {
        true => tracing::warn!(seconds, "a request was answered with a fault"),
        false => tracing::debug!(seconds, "answered"),
    });
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// One of a few words: a client may send any.
fn method(request: &Request) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// The headers that say which trace a request belongs to (W3C Trace Context).
struct Carried<'a>(&'a HeaderMap);

impl Extractor for Carried<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }
    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
