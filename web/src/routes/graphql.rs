//! `/graphql`: our own transport over the schema (GraphQL over HTTP, and graphql-transport-ws in `socket`).
//!
//! Only `POST` with `application/json` executes anything, so no other site's form, image or link can; a foreign
//! `Origin` is refused as well. Who asks is found out from the session cookie by [`Authenticate`].

mod negotiate;
mod socket;
#[cfg(test)]
mod tests;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_graphql::{Request as GraphqlRequest, Response as GraphqlResponse};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, FromRequestParts, Request, State, WebSocketUpgrade},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use lockstep_commands::Principal;
use lockstep_graphql::{AppSchema, RequestContext, is_request_error};
use negotiate::Media;
use serde_json::{Value, json};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::request_id::RequestId;
use uuid::Uuid;

use crate::{address, gate::Gate};

/// A request's body has at most this many bytes: a caption file of 2 MiB, escaped, fits.
pub const BODY_BYTES_MAX: usize = 3 * 1024 * 1024;

/// Who asks cannot be found out now.
#[derive(Debug, thiserror::Error)]
#[error("the session cannot be looked up: {0}")]
pub struct AuthenticateError(pub String);

/// Finds out who asks.
#[async_trait::async_trait]
pub trait Authenticate: Send + Sync + 'static {
    /// The principal of the session cookie among these headers; `None` without a live session.
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Principal>, AuthenticateError>;
    /// Returns when the principal's session has ended.
    async fn ended(&self, principal: &Principal);
}

/// What the transport needs.
#[derive(Clone)]
pub struct GraphqlState {
    pub schema: AppSchema,
    pub authenticate: Arc<dyn Authenticate>,
    /// Exactly these values of `Origin` are ours, for example `https://watch.example.org`.
    pub allowed_origins: Arc<[String]>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Arc<[IpAddr]>,
    /// Every socket is a task of it.
    pub tracker: TaskTracker,
    /// Counts open sockets.
    pub gate: Gate,
    /// Cancelled: sockets close with 1012, and clients come back elsewhere.
    pub shutdown: CancellationToken,
}

/// The routes of `/graphql`.
pub fn router(state: GraphqlState) -> Router {
    Router::new().route("/graphql", post(execute).get(upgrade)).with_state(state)
}

impl GraphqlState {
    fn is_ours(&self, origin: &HeaderValue) -> bool {
        self.allowed_origins.iter().any(|ours| ours.as_bytes() == origin.as_bytes())
    }

    /// Whether a browser sent this on behalf of another site.
    fn is_foreign(&self, headers: &HeaderMap) -> bool {
        match headers.get(header::ORIGIN) {
            Some(origin) => !self.is_ours(origin),
            None => headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site"),
        }
    }
}

/// A refusal of the transport, before the schema saw anything.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
}

const fn refusal(status: StatusCode, code: &'static str, message: &'static str) -> Refusal {
    Refusal { status, code, message }
}

async fn execute(State(state): State<GraphqlState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = request_id(&parts);
    // Errors before the format is agreed on are plain JSON.
    let media = negotiate::media(&parts.headers).unwrap_or(Media::Json);
    match answer(&state, &parts, body, &request_id).await {
        Ok(response) => respond(media, response),
        Err(refusal) => refuse(media, &refusal, &request_id),
    }
}

async fn answer(
    state: &GraphqlState,
    parts: &http::request::Parts,
    body: Body,
    request_id: &str,
) -> Result<GraphqlResponse, Refusal> {
    if state.is_foreign(&parts.headers) {
        return Err(refusal(StatusCode::FORBIDDEN, "origin", "this request comes from another site"));
    }
    if negotiate::media(&parts.headers).is_none() {
        let message = "answers are application/graphql-response+json or application/json";
        return Err(refusal(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message));
    }
    if !negotiate::is_json(&parts.headers) {
        let message = "send application/json in UTF-8";
        return Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type", message));
    }
    let request = read(body).await?;
    let principal = state.authenticate.authenticate(&parts.headers).await.map_err(|error| {
        tracing::error!(request_id, %error, "a request was not answered");
        refusal(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "this cannot be answered now, try again")
    })?;
    Ok(state.schema.execute(request, context(state, parts, principal, request_id)).await)
}

async fn read(body: Body) -> Result<GraphqlRequest, Refusal> {
    let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|error| match too_long(&error) {
        true => refusal(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "a request has at most 1 MiB"),
        false => refusal(StatusCode::BAD_REQUEST, "bad_request", "the body did not arrive"),
    })?;
    let value = serde_json::from_slice(&body)
        .map_err(|_| refusal(StatusCode::BAD_REQUEST, "bad_request", "the body is not JSON"))?;
    operation(value).map_err(|message| refusal(StatusCode::BAD_REQUEST, "bad_request", message))
}

fn too_long(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
}

/// The request's parameters, each of its type or absent (GraphQL over HTTP, section 6.1).
fn operation(value: Value) -> Result<GraphqlRequest, &'static str> {
    let Value::Object(mut fields) = value else {
        return Err("the body is one JSON object; batches are not answered");
    };
    for (name, fits) in [
        ("query", Value::is_string as fn(&Value) -> bool),
        ("operationName", |value| value.is_string() || value.is_null()),
        ("variables", |value| value.is_object() || value.is_null()),
        ("extensions", |value| value.is_object() || value.is_null()),
    ] {
        match fields.get(name) {
            None if name == "query" => return Err("there is no query"),
            Some(value) if !fits(value) => return Err("a parameter is not of its type"),
            Some(Value::Null) => drop(fields.remove(name)),
            Some(_) | None => {}
        }
    }
    serde_json::from_value(Value::Object(fields)).map_err(|_| "a parameter is not of its type")
}

fn respond(media: Media, mut response: GraphqlResponse) -> Response {
    let refused = is_request_error(&response);
    let headers = std::mem::take(&mut response.http_headers);
    // Before anything ran there is no data to speak of; the older format answers 200 all the same.
    let status = if refused && media == Media::GraphqlResponse { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let body = if refused { json!({ "errors": response.errors }) } else { json!(response) };
    let mut answer = (status, [(header::CONTENT_TYPE, media.content_type())], body.to_string()).into_response();
    answer.headers_mut().extend(headers);
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn refuse(media: Media, refusal: &Refusal, request_id: &str) -> Response {
    let error = json!({
        "message": refusal.message,
        "extensions": { "code": refusal.code, "requestId": request_id },
    });
    let body = json!({ "errors": [error] }).to_string();
    (refusal.status, [(header::CONTENT_TYPE, media.content_type())], body).into_response()
}

/// `GET` is for sockets only.
async fn upgrade(State(state): State<GraphqlState>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let request_id = request_id(&parts);
    let Ok(socket) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await else {
        let refusal = refusal(StatusCode::METHOD_NOT_ALLOWED, "method", "use POST");
        let mut response = refuse(Media::Json, &refusal, &request_id);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    };
    // A socket carries the cookie whoever opened it: without an Origin of ours there is none.
    if !parts.headers.get(header::ORIGIN).is_some_and(|origin| state.is_ours(origin)) {
        let refusal = refusal(StatusCode::FORBIDDEN, "origin", "this request comes from another site");
        return refuse(Media::Json, &refusal, &request_id);
    }
    let Some(pass) = state.gate.address(state.gate.caller(&parts.extensions, &parts.headers)) else {
        let message = "too many sockets are open from this address";
        let refusal = refusal(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message);
        let mut response = refuse(Media::Json, &refusal, &request_id);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        return response;
    };
    match state.authenticate.authenticate(&parts.headers).await {
        Ok(principal) => {
            let context = context(&state, &parts, principal, &request_id);
            socket::upgrade(socket, state, context, pass)
        }
        Err(error) => {
            tracing::error!(request_id, %error, "a socket was not opened");
            let message = "this cannot be answered now, try again";
            refuse(Media::Json, &refusal(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message), &request_id)
        }
    }
}

fn context(
    state: &GraphqlState,
    parts: &http::request::Parts,
    principal: Option<Principal>,
    request_id: &str,
) -> RequestContext {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let remote_ip = peer.map(|peer| address::client(peer.0.ip(), &parts.headers, &state.trusted_proxies));
    RequestContext { principal, request_id: request_id.to_owned(), remote_ip, user_agent }
}

/// The id that the request-id layer gave, or one of our own.
fn request_id(parts: &http::request::Parts) -> String {
    let given = parts.extensions.get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}
