//! `/graphql`: our own transport over the schema (GraphQL over HTTP; graphql-transport-ws in `socket`, GraphQL over
//! server-sent events in `events`).
//!
//! What changes something is executed for a `POST` with `application/json` only, so no other site's form, image or link
//! can; a `GET` that names one of our formats in `Accept` is answered when it only reads. A foreign `Origin` is refused as
//! well. Who asks is found out from the session cookie by [`Authenticate`].

mod events;
mod negotiate;
mod read;
mod reply;
mod socket;
#[cfg(test)]
mod tests;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_graphql::Request as GraphqlRequest;
use axum::{
    Router,
    extract::{ConnectInfo, FromRequestParts, Request, State, WebSocketUpgrade},
    response::Response,
    routing::post,
};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use lockstep_commands::{Principal, window::Share};
use lockstep_graphql::{AppSchema, Bill, RequestContext};
use negotiate::Media;
use reply::{Refusal, refusal, refuse, respond};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::request_id::RequestId;
use uuid::Uuid;

use crate::{address, gate::Gate};
pub use read::{BODY_BYTES_MAX, STRANGER_BYTES_MAX};

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
    /// Cost points of one caller.
    pub cost_share: Share,
    /// Every socket is a task of it.
    pub tracker: TaskTracker,
    /// Counts open sockets.
    pub gate: Gate,
    /// Cancelled: sockets close with 1012, and clients come back elsewhere.
    pub shutdown: CancellationToken,
}

/// The routes of `/graphql`.
pub fn router(state: GraphqlState) -> Router {
    Router::new().route("/graphql", post(execute).get(read_or_upgrade)).with_state(state)
}

impl GraphqlState {
    fn is_ours(&self, origin: &HeaderValue) -> bool {
        self.allowed_origins.iter().any(|ours| ours.as_bytes() == origin.as_bytes())
    }

    /// Refuses what a browser sent on behalf of another site.
    fn not_foreign(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let foreign = match headers.get(header::ORIGIN) {
            Some(origin) => !self.is_ours(origin),
            None => headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site"),
        };
        if foreign { Err(reply::FOREIGN) } else { Ok(()) }
    }
}

async fn execute(State(state): State<GraphqlState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match acceptable(&state, &parts) {
        Ok(()) => answer(&state, &parts, async |is_known| read::body(body, is_known).await).await,
        Err(refusal) => refused(&parts, &refusal),
    }
}

/// Whether a `POST` is ours to answer.
fn acceptable(state: &GraphqlState, parts: &Parts) -> Result<(), Refusal> {
    state.not_foreign(&parts.headers)?;
    if negotiate::media(&parts.headers).is_none() {
        let message = "answers are application/graphql-response+json, application/json or text/event-stream";
        return Err(refusal(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message));
    }
    if !negotiate::is_json(&parts.headers) {
        let message = "send application/json in UTF-8";
        return Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type", message));
    }
    Ok(())
}

/// What a `GET` asks, when it only reads and a program asked on purpose: it names one of our formats, or it is a
/// `fetch`, which another site cannot send without its `Origin`. A link, an image or a form does neither.
fn gotten(state: &GraphqlState, parts: &Parts) -> Result<GraphqlRequest, Refusal> {
    state.not_foreign(&parts.headers)?;
    let fetched = parts.headers.get("sec-fetch-mode").is_some_and(|mode| mode == "cors" || mode == "same-origin");
    if !negotiate::media(&parts.headers).is_some_and(|chosen| chosen.named || fetched) {
        let message =
            "name application/graphql-response+json, application/json or text/event-stream in Accept, or use POST";
        return Err(refusal(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message));
    }
    let mut request = read::parameters(&parts.uri)?;
    if state.schema.is_mutation(&mut request) {
        return Err(refusal(StatusCode::METHOD_NOT_ALLOWED, "method", "a mutation is sent by POST"));
    }
    Ok(request)
}

/// The format agreed on. Errors before one is are plain JSON.
fn agreed(parts: &Parts) -> Media {
    negotiate::media(&parts.headers).map_or(Media::Json, |chosen| chosen.media)
}

fn refused(parts: &Parts, refusal: &Refusal) -> Response {
    refuse(agreed(parts), refusal, &request_id(parts))
}

/// Runs what is asked and answers in the format agreed on. `read` reads it, once it is known whether somebody is signed in:
/// more is taken from them.
async fn answer(
    state: &GraphqlState,
    parts: &Parts,
    read: impl AsyncFnOnce(bool) -> Result<GraphqlRequest, Refusal>,
) -> Response {
    let request_id = request_id(parts);
    let media = agreed(parts);
    let principal = match state.authenticate.authenticate(&parts.headers).await {
        Ok(principal) => principal,
        Err(error) => {
            tracing::error!(request_id, %error, "a request was not answered");
            return refuse(media, &reply::UNAVAILABLE, &request_id);
        }
    };
    let request = match read(principal.is_some()).await {
        Ok(request) => request,
        Err(refusal) => return refuse(media, &refusal, &request_id),
    };
    let context = context(state, parts, principal, &request_id);
    match media {
        Media::EventStream => match events::Places::take(state, parts, &context) {
            Some(places) => events::stream(state, request, context, places),
            None => refuse(media, &reply::TOO_MANY_STREAMS, &request_id),
        },
        Media::GraphqlResponse | Media::Json => {
            let bill = context.bill.clone();
            let response = state.schema.execute(request, context).await;
            respond(media, response, bill.charged().map(|charged| (charged, state.cost_share)))
        }
    }
}

/// `GET` is for sockets and for what only reads.
async fn read_or_upgrade(State(state): State<GraphqlState>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let Ok(socket) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await else {
        return match gotten(&state, &parts) {
            Ok(request) => answer(&state, &parts, async |_| Ok(request)).await,
            Err(refusal) => refused(&parts, &refusal),
        };
    };
    let request_id = request_id(&parts);
    // A socket carries the cookie whoever opened it: without an Origin of ours there is none.
    if !parts.headers.get(header::ORIGIN).is_some_and(|origin| state.is_ours(origin)) {
        return refuse(Media::Json, &reply::FOREIGN, &request_id);
    }
    let Some(pass) = state.gate.address(state.gate.caller(&parts.extensions, &parts.headers)) else {
        return refuse(Media::Json, &reply::TOO_MANY_STREAMS, &request_id);
    };
    match state.authenticate.authenticate(&parts.headers).await {
        Ok(principal) => {
            let context = context(&state, &parts, principal, &request_id);
            socket::upgrade(socket, state, context, pass)
        }
        Err(error) => {
            tracing::error!(request_id, %error, "a socket was not opened");
            refuse(Media::Json, &reply::UNAVAILABLE, &request_id)
        }
    }
}

fn context(state: &GraphqlState, parts: &Parts, principal: Option<Principal>, request_id: &str) -> RequestContext {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let remote_ip = peer.map(|peer| address::client(peer.0.ip(), &parts.headers, &state.trusted_proxies));
    RequestContext { principal, request_id: request_id.to_owned(), remote_ip, user_agent, bill: Bill::default() }
}

/// The id that the request-id layer gave, or one of our own.
#[allow(clippy::disallowed_methods)] // An id for the log: nothing is decided by it.
fn request_id(parts: &Parts) -> String {
    let given = parts.extensions.get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}
