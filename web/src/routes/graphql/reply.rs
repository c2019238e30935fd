//! Answers and refusals as HTTP responses, in the format agreed on.

use async_graphql::{Response as GraphqlResponse, Value};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use lockstep_commands::window::Share;
use lockstep_graphql::{Charged, RATE_LIMITED, RETRY_AFTER_S, is_request_error, is_unavailable};
use serde_json::json;

use super::negotiate::Media;
use crate::limits::{self, Allowance, Tier};

/// A refusal of the transport, before the schema saw anything.
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
}

pub(super) const fn refusal(status: StatusCode, code: &'static str, message: &'static str) -> Refusal {
    Refusal { status, code, message }
}

pub(super) const FOREIGN: Refusal = refusal(StatusCode::FORBIDDEN, "origin", "this request comes from another site");
pub(super) const UNAVAILABLE: Refusal =
    refusal(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "this cannot be answered now, try again");
pub(super) const TOO_MANY_STREAMS: Refusal =
    refusal(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too many sockets and streams are open, close one first");

/// How long who has too much open waits before the next try, seconds.
const TOO_MANY_WAIT_S: u32 = 5;

/// The answer; `charged` is what it cost and what the asker has left of which share.
pub(super) fn respond(media: Media, mut response: GraphqlResponse, charged: Option<(Charged, Share)>) -> Response {
    let refused = is_request_error(&response);
    let headers = std::mem::take(&mut response.http_headers);
    // Before anything ran there is no data to speak of; the older format answers 200 all the same.
    let budget_wait_s = wait_s(&response);
    let away = is_unavailable(&response);
    let status = match budget_wait_s {
        Some(_) => StatusCode::TOO_MANY_REQUESTS,
        // Also in the older format: nothing was answered, and whoever stands in between is to know it.
        None if away => StatusCode::SERVICE_UNAVAILABLE,
        None if refused && media == Media::GraphqlResponse => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    let body = if refused { json!({ "errors": response.errors }) } else { json!(response) };
    let mut answer = (status, [(header::CONTENT_TYPE, media.of_one_answer())], body.to_string()).into_response();
    answer.headers_mut().extend(headers);
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let wait_s = budget_wait_s.or(away.then_some(RETRY_AFTER_S));
    answer.headers_mut().extend(wait_s.map(|wait_s| (header::RETRY_AFTER, HeaderValue::from(wait_s))));
    if budget_wait_s.is_some() {
        limits::counted_refusal(Tier::Graphql.name());
    }
    if let Some((charged, share)) = charged {
        let standing = Allowance { name: Tier::Graphql.name(), share, level: charged.budget };
        limits::write(answer.headers_mut(), &standing, charged.at);
    }
    answer
}

/// How long the asker is to wait, if the budget did not hold the request's cost.
fn wait_s(response: &GraphqlResponse) -> Option<u32> {
    let extensions = response.errors.iter().find_map(|error| error.extensions.as_ref())?;
    if extensions.get("code") != Some(&RATE_LIMITED.into()) {
        return None;
    }
    match extensions.get("retryAfterS") {
        Some(Value::Number(wait_s)) => wait_s.as_u64().and_then(|wait_s| u32::try_from(wait_s).ok()),
        _ => None,
    }
}

pub(super) fn refuse(media: Media, refusal: &Refusal, request_id: &str) -> Response {
    let error = json!({
        "message": refusal.message,
        "extensions": { "code": refusal.code, "requestId": request_id },
    });
    let body = json!({ "errors": [error] }).to_string();
    let mut answer = (refusal.status, [(header::CONTENT_TYPE, media.of_one_answer())], body).into_response();
    let more = match refusal.status {
        StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, HeaderValue::from_static("POST"))),
        StatusCode::TOO_MANY_REQUESTS => Some((header::RETRY_AFTER, HeaderValue::from(TOO_MANY_WAIT_S))),
        StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S))),
        _ => None,
    };
    answer.headers_mut().extend(more);
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
