//! Headers on every answer: what a page may load, and who may frame or read it.

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
};
use tower_http::set_header::SetResponseHeaderLayer;

/// Other origins that pages talk to, where there are some.
#[derive(Clone, Copy, Default)]
pub struct Foreign<'a> {
    /// Where uploads go.
    pub uploads: Option<&'a str>,
    /// Where films come from.
    pub films: Option<&'a str>,
}

/// Adds them where a route did not set its own.
pub fn guarded(router: Router, public_url: &str, foreign: Foreign<'_>) -> Router {
    let named = |origin: Option<&str>| origin.map(|origin| format!(" {origin}")).unwrap_or_default();
    let (uploads, films) = (named(foreign.uploads), named(foreign.films));
    let policy = format!(
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{films}; \
         media-src 'self' blob:{films}; connect-src 'self'{uploads}{films}; worker-src 'self' blob:; font-src 'self'; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    );
    let mut headers = vec![
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "same-origin".to_owned()),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()".to_owned()),
        // Cross-origin isolation gives pages a clock of 5 µs instead of 100 µs.
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin".to_owned()),
        (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp".to_owned()),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin".to_owned()),
    ];
    if public_url.starts_with("https://") {
        headers.push((header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains".to_owned()));
    }
    headers.into_iter().fold(router, |router, (name, value)| match HeaderValue::from_str(&value) {
        Ok(value) => router.layer(SetResponseHeaderLayer::if_not_present(name, value)),
        Err(_) => router,
    })
}
