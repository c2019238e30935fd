//! What an answer says about a limit: the widespread `X-RateLimit-*`, and `RateLimit` and `RateLimit-Policy` of
//! draft-ietf-httpapi-ratelimit-headers; `Retry-After` (RFC 9110, section 10.2.3) where nothing was left.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use lockstep_commands::window::{Exhausted, Level, Share};
use lockstep_domain::time::Timestamp;
use serde_json::json;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const ALLOWANCE: HeaderName = HeaderName::from_static("ratelimit");

/// Where a caller stands within one named limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    pub name: &'static str,
    pub share: Share,
    pub level: Level,
}

/// Says where the caller stands. Times are rounded up: whoever waits that long finds it so.
pub fn write(headers: &mut HeaderMap, allowance: &Allowance, now: Timestamp) {
    let Allowance { name, share, level } = allowance;
    let reset_us = level.reset_at.0;
    let left_s = seconds(reset_us - now.0);
    headers.insert(LIMIT, HeaderValue::from(level.limit));
    headers.insert(REMAINING, HeaderValue::from(level.remaining));
    headers.insert(RESET, HeaderValue::from(seconds(reset_us)));
    text(headers, POLICY, &format!("\"{name}\";q={};w={}", share.units_max, share.window_s));
    text(headers, ALLOWANCE, &format!("\"{name}\";r={};t={left_s}", level.remaining));
}

/// On every [`refusal`], for whoever has a shape of their own for what goes wrong.
#[derive(Debug, Clone, Copy)]
pub struct TooMany {
    pub after_s: u32,
}

/// 429 with everything that [`write`] says and how long to wait.
pub fn refusal(name: &'static str, share: Share, exhausted: &Exhausted, now: Timestamp) -> Response {
    counted_refusal(name);
    let after_s = exhausted.after_s();
    let body = json!({ "code": "rate_limited", "message": format!("too many requests: wait {after_s} seconds") });
    let mut response = (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
    let headers = response.headers_mut();
    write(headers, &Allowance { name, share, level: exhausted.level }, now);
    headers.insert(header::RETRY_AFTER, HeaderValue::from(after_s));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.extensions_mut().insert(TooMany { after_s });
    response
}

/// Counts a refusal for operators.
pub fn counted_refusal(name: &'static str) {
    metrics::counter!("lockstep_limit_refusals_total", "tier" => name).increment(1);
}

fn seconds(us: i64) -> u64 {
    u64::try_from(us).unwrap_or_default().div_ceil(1_000_000)
}

fn text(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: Share = Share { units_max: 300, window_s: 60 };

    #[test]
    fn an_answer_says_where_the_caller_stands() {
        let mut headers = HeaderMap::new();
        let level = Level { limit: 300, remaining: 299, reset_at: Timestamp(1_700_000_060_000_001) };
        let allowance = Allowance { name: "streaming", share: SHARE, level };
        write(&mut headers, &allowance, Timestamp(1_700_000_000_500_000));
        let said = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(said("x-ratelimit-limit"), "300");
        assert_eq!(said("x-ratelimit-remaining"), "299");
        assert_eq!(said("x-ratelimit-reset"), "1700000061");
        assert_eq!(said("ratelimit-policy"), "\"streaming\";q=300;w=60");
        assert_eq!(said("ratelimit"), "\"streaming\";r=299;t=60");
    }

    #[test]
    fn a_refusal_says_how_long_to_wait() {
        let level = Level { limit: 300, remaining: 0, reset_at: Timestamp(60_000_000) };
        let answer = refusal("streaming", SHARE, &Exhausted { level, after_us: 1_000_001 }, Timestamp(0));
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()["retry-after"], "2");
        assert_eq!(answer.headers()["x-ratelimit-remaining"], "0");
        assert_eq!(answer.headers()["ratelimit"], "\"streaming\";r=0;t=60");
    }
}
