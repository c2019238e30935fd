//! `GET /v/{token}/{path}`: a video's playlists, segments and pictures for whoever holds a valid delivery token.
//!
//! The token is the only right looked at: it was handed out to somebody who had it. Bytes stream from the media bucket.

mod withdrawn;

use std::{
    fmt,
    ops::{Range, RangeInclusive},
    sync::Arc,
};

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
    delivery::{DeliveryKeys, TokenError},
};
use uuid::Uuid;

pub use withdrawn::Withdrawn;

use crate::vitals::RETRY_AFTER_S;

/// Segments, init segments and pictures never change under their key. `private`: the address carries a person's right,
/// so no shared cache may keep the answer.
const CACHE_FOR_EVER: &str = "private, max-age=86400, immutable";
/// Playlists and manifests grow while a film is being transcoded.
const CACHE_CHECKED: &str = "private, no-cache";
/// Longest rendition name in a path, in bytes.
const RENDITION_BYTES_MAX: usize = 16;
/// Longest id of captions in a path, in bytes.
const CAPTIONS_BYTES_MAX: usize = 40;
/// Digits of a chosen picture's name.
const PICTURE_DIGITS: usize = 32;
/// For who opens a file by itself, as a page: nothing in it runs, loads or is framed.
const ALONE: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";
/// Digits of a segment's number.
const SEGMENT_DIGITS: usize = 5;

/// What delivery needs.
#[derive(Clone)]
pub struct DeliveryState {
    pub media: Bucket,
    pub keys: DeliveryKeys,
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

/// How one kind of file is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    content_type: &'static str,
    cache: &'static str,
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
    let key = format!("v/{video}/{path}");
    let conditional = headers.contains_key(header::IF_NONE_MATCH) || headers.contains_key(header::RANGE);
    if *method == Method::GET && !conditional {
        let object = state.media.get(&key).await?.ok_or(Refusal::NotFound)?;
        let body = Body::from_stream(object.body);
        return Ok(response(StatusCode::OK, kind, &object.etag, object.bytes, body));
    }
    let head = state.media.head(&key).await?.ok_or(Refusal::NotFound)?;
    if headers.get_all(header::IF_NONE_MATCH).iter().any(|tags| names_tag(tags, &head.etag)) {
        let mut unchanged = response(StatusCode::NOT_MODIFIED, kind, &head.etag, 0, Body::empty());
        unchanged.headers_mut().remove(header::CONTENT_LENGTH);
        return Ok(unchanged);
    }
    // RFC 9110: a range means something for GET only.
    let range = if *method == Method::GET { wanted_range(headers, head.bytes, &head.etag)? } else { None };
    let Some(range) = range else {
        let body = match *method {
            Method::GET => Body::from_stream(state.media.get(&key).await?.ok_or(Refusal::NotFound)?.body),
            _ => Body::empty(),
        };
        return Ok(response(StatusCode::OK, kind, &head.etag, head.bytes, body));
    };
    let part = state.media.get_stream(&key, Some(range.clone())).await?.ok_or(Refusal::NotFound)?;
    let mut partial = response(StatusCode::PARTIAL_CONTENT, kind, &head.etag, part.bytes, Body::from_stream(part.body));
    let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, head.bytes);
    insert(partial.headers_mut(), header::CONTENT_RANGE, &content_range);
    Ok(partial)
}

/// The files a video has, by shape: nothing else in the bucket can be named, whatever its key.
fn kind(path: &str) -> Option<Kind> {
    let checked = |content_type| Some(Kind { content_type, cache: CACHE_CHECKED });
    let for_ever = |content_type| Some(Kind { content_type, cache: CACHE_FOR_EVER });
    match path.split_once('/') {
        None => match path {
            "master.m3u8" => checked("application/vnd.apple.mpegurl"),
            "manifest.mpd" => checked("application/dash+xml"),
            "thumb.jpg" => for_ever("image/jpeg"),
            "storyboard.vtt" => for_ever("text/vtt; charset=utf-8"),
            _ => None,
        },
        Some(("text", file)) if is_named(file, ".vtt", 1..=CAPTIONS_BYTES_MAX) => for_ever("text/vtt; charset=utf-8"),
        Some(("tiles", file)) if is_named(file, ".jpg", SEGMENT_DIGITS..=SEGMENT_DIGITS) => for_ever("image/jpeg"),
        Some(("poster", file)) => match file.rsplit_once('.') {
            Some((name, "jpg")) if is_picture(name) => for_ever("image/jpeg"),
            Some((name, "png")) if is_picture(name) => for_ever("image/png"),
            Some((name, "webp")) if is_picture(name) => for_ever("image/webp"),
            _ => None,
        },
        Some((rendition, file)) if is_rendition(rendition) => match file {
            "playlist.m3u8" => checked("application/vnd.apple.mpegurl"),
            "init.mp4" => for_ever("video/mp4"),
            _ if is_segment(file) => for_ever("video/iso.segment"),
            _ => None,
        },
        Some(_) => None,
    }
}

/// A chosen picture is named by 32 hexadecimal digits.
fn is_picture(name: &str) -> bool {
    name.len() == PICTURE_DIGITS && name.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_rendition(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    plain && (1..=RENDITION_BYTES_MAX).contains(&name.len())
}

/// A file of lower-case letters and digits with this ending.
fn is_named(file: &str, ending: &str, length: RangeInclusive<usize>) -> bool {
    let name = file.strip_suffix(ending).unwrap_or_default();
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    plain && length.contains(&name.len())
}

fn is_segment(file: &str) -> bool {
    let number = file.strip_suffix(".m4s");
    number.is_some_and(|number| number.len() == SEGMENT_DIGITS && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn response(status: StatusCode, kind: Kind, etag: &str, bytes: u64, body: Body) -> Response {
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
    insert(headers, header::ETAG, etag);
    response
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

/// Whether a list of tags (`If-None-Match`, compared weakly) holds `etag` or `*`.
fn names_tag(tags: &HeaderValue, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    tags.to_str().is_ok_and(|tags| tags.split(',').any(|tag| tag.trim() == "*" || bare(tag) == bare(etag)))
}

/// The one range to answer with; `None` answers whole: no range, several, one not understood, or of an older version.
fn wanted_range(headers: &HeaderMap, bytes: u64, etag: &str) -> Result<Option<Range<u64>>, Refusal> {
    if headers.get(header::IF_RANGE).is_some_and(|tag| tag.as_bytes() != etag.as_bytes()) {
        return Ok(None);
    }
    let text = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let spec = text.and_then(|text| text.trim().strip_prefix("bytes="));
    let Some((first, last)) = spec.and_then(|spec| spec.split_once('-')) else { return Ok(None) };
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let range = match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => first..bytes,
        (Some(first), Some(last)) if first <= last => first..bytes.min(u64::saturating_add(last, 1)),
        (None, Some(suffix)) if first.is_empty() => bytes.saturating_sub(suffix)..bytes,
        _ => return Ok(None),
    };
    if range.is_empty() { Err(Refusal::RangeNotSatisfiable { bytes }) } else { Ok(Some(range)) }
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
