//! `GET /v/{token}/{path}`: a video's playlists, segments and pictures for whoever holds a valid delivery token.
//!
//! The token is the only right looked at: it was handed out to somebody who had it. Bytes stream from the media bucket, or,
//! where a CDN stands in front of it, what never changes is led there with a signature for this one file.

mod conditional;
mod kind;
mod withdrawn;

use std::{fmt, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use lockstep_object_store::{
    Bucket, ObjectError,
    cloudfront::Cdn,
    delivery::{DeliveryKeys, TokenError},
};
use uuid::Uuid;

pub use withdrawn::Withdrawn;

use crate::vitals::RETRY_AFTER_S;
use conditional::{Version, is_conditional, is_unchanged, wanted_range};
use kind::{Kind, kind};

/// For who opens a file by itself, as a page: nothing in it runs, loads or is framed.
const ALONE: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

/// What delivery needs.
#[derive(Clone)]
pub struct DeliveryState {
    pub media: Bucket,
    pub keys: DeliveryKeys,
    /// In front of the media bucket, if there is one.
    pub cdn: Option<Cdn>,
    pub withdrawn: Withdrawn,
    /// Wall time in Unix seconds.
    pub now: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl fmt::Debug for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryState").field("media", &self.media).field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// `GET` and `HEAD` of `/v/{token}/{path}`.
pub fn router(state: DeliveryState) -> Router {
    Router::new().route("/v/{token}/{*path}", get(deliver)).with_state(state)
}

async fn deliver(
    State(state): State<DeliveryState>,
    Path((token, path)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let mut response = match answer(&state, &token, &path, &method, &headers).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    };
    let fixed = response.headers_mut();
    fixed.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    fixed.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    fixed.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

/// One of a film's files, for somebody whose right was checked.
pub async fn file(state: &DeliveryState, video: Uuid, path: &str, method: &Method, headers: &HeaderMap) -> Response {
    match stored(state, video, path, method, headers).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(
    state: &DeliveryState,
    token: &str,
    path: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let video = state.keys.check(token, (state.now)())?;
    stored(state, video, path, method, headers).await
}

async fn stored(
    state: &DeliveryState,
    video: Uuid,
    path: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let kind = kind(path).ok_or(Refusal::NotFound)?;
    if state.withdrawn.has(video, (state.now)()).await {
        return Err(Refusal::NotFound);
    }
    if let Some(cdn) = state.cdn.as_ref().filter(|_| kind.is_for_ever()) {
        return Ok(led(&cdn.file(video, path, (state.now)())));
    }
    let key = format!("v/{video}/{path}");
    if *method == Method::GET && !is_conditional(headers) {
        let object = state.media.get(&key).await?.ok_or(Refusal::NotFound)?;
        let version = Version { etag: object.etag, modified_s: object.modified_s };
        return Ok(response(StatusCode::OK, kind, &version, object.bytes, Body::from_stream(object.body)));
    }
    let head = state.media.head(&key).await?.ok_or(Refusal::NotFound)?;
    let version = Version { etag: head.etag, modified_s: head.modified_s };
    if is_unchanged(headers, &version) {
        let mut unchanged = response(StatusCode::NOT_MODIFIED, kind, &version, 0, Body::empty());
        unchanged.headers_mut().remove(header::CONTENT_LENGTH);
        return Ok(unchanged);
    }
    // RFC 9110: a range means something for GET only.
    let range = if *method == Method::GET { wanted_range(headers, head.bytes, &version)? } else { None };
    let Some(range) = range else {
        let body = match *method {
            Method::GET => Body::from_stream(state.media.get(&key).await?.ok_or(Refusal::NotFound)?.body),
            _ => Body::empty(),
        };
        return Ok(response(StatusCode::OK, kind, &version, head.bytes, body));
    };
    let part = state.media.get_stream(&key, Some(range.clone())).await?.ok_or(Refusal::NotFound)?;
    let mut partial = response(StatusCode::PARTIAL_CONTENT, kind, &version, part.bytes, Body::from_stream(part.body));
    let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, head.bytes);
    insert(partial.headers_mut(), header::CONTENT_RANGE, &content_range);
    Ok(partial)
}

/// Leads to the CDN. The address is a right of its own, so nobody keeps it.
fn led(address: &str) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    insert(response.headers_mut(), header::LOCATION, address);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn response(status: StatusCode, kind: Kind, version: &Version, bytes: u64, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kind.cache));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(ALONE));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // What a browser could show by itself, and somebody's words or pictures are in, is saved instead.
    if kind.content_type.starts_with("text/") || kind.content_type.starts_with("image/") {
        headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    insert(headers, header::ETAG, &version.etag);
    insert(headers, header::LAST_MODIFIED, &version.last_modified().unwrap_or_default());
    response
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

/// Why a file is not delivered.
#[derive(Debug)]
enum Refusal {
    Token(TokenError),
    NotFound,
    RangeNotSatisfiable { bytes: u64 },
    Unavailable,
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<ObjectError> for Refusal {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Missing | ObjectError::Invalid(_) => Self::NotFound,
            error => {
                tracing::warn!(%error, "a video's file could not be read");
                Self::Unavailable
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Token(TokenError::Expired) => {
                (StatusCode::FORBIDDEN, "token_expired", "ask for a new delivery token")
            }
            Self::Token(TokenError::Forged) => (StatusCode::FORBIDDEN, "token_invalid", "not a delivery token"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "no such file"),
            Self::RangeNotSatisfiable { .. } => {
                (StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", "the range starts behind the end")
            }
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", "try again shortly"),
        };
        let mut response = (status, Json(serde_json::json!({ "code": code, "message": message }))).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
        }
        if let Self::RangeNotSatisfiable { bytes } = self {
            insert(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{bytes}"));
        }
        response
    }
}

#[cfg(test)]
mod tests;
