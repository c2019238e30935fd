//! Conditions and ranges of requests (RFC 9110, 13 and 14).

use std::{
    ops::Range,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, HeaderValue, header};

use super::Refusal;

/// What tells one version of an object from another.
#[derive(Debug, Clone)]
pub(super) struct Version {
    /// With its quotes.
    pub etag: String,
    /// Unix seconds, where the store tells.
    pub modified_s: Option<i64>,
}

impl Version {
    /// When it was written, as `Last-Modified` says it.
    pub fn last_modified(&self) -> Option<String> {
        let since = Duration::from_secs(self.modified_s?.try_into().ok()?);
        Some(httpdate::fmt_http_date(UNIX_EPOCH.checked_add(since)?))
    }
}

/// Whether the asker has this version already: by its tag, or by its date where no tag is named (13.2.2).
pub(super) fn is_unchanged(headers: &HeaderMap, version: &Version) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        return headers.get_all(header::IF_NONE_MATCH).iter().any(|tags| names_tag(tags, &version.etag));
    }
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(seconds);
    since.is_some_and(|since_s| version.modified_s.is_some_and(|modified_s| modified_s <= since_s))
}

/// Whether anything in the request makes its answer depend on the object's version.
pub(super) fn is_conditional(headers: &HeaderMap) -> bool {
    [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::RANGE].iter().any(|name| headers.contains_key(name))
}

fn seconds(date: &HeaderValue) -> Option<i64> {
    let at: SystemTime = httpdate::parse_http_date(date.to_str().ok()?).ok()?;
    at.duration_since(UNIX_EPOCH).ok()?.as_secs().try_into().ok()
}

/// Whether a list of tags (`If-None-Match`, compared weakly) holds `etag` or `*`.
fn names_tag(tags: &HeaderValue, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    tags.to_str().is_ok_and(|tags| tags.split(',').any(|tag| tag.trim() == "*" || bare(tag) == bare(etag)))
}

/// The one range to answer with; `None` answers whole: no range, several, one not understood, or of an older version.
pub(super) fn wanted_range(headers: &HeaderMap, bytes: u64, version: &Version) -> Result<Option<Range<u64>>, Refusal> {
    if headers.get(header::IF_RANGE).is_some_and(|named| !is_of(named, version)) {
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

/// Whether `If-Range` names this version: its tag, or exactly its date (13.1.5).
fn is_of(named: &HeaderValue, version: &Version) -> bool {
    let date = || seconds(named).is_some_and(|named_s| version.modified_s == Some(named_s));
    named.as_bytes() == version.etag.as_bytes() || date()
}
