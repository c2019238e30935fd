//! GraphQL over server-sent events: one operation, one stream (the "distinct connections mode" of the npm package
//! `graphql-sse`, its PROTOCOL.md). A query or mutation is one `next`, a subscription one for each event; then `complete`.
//! Its data is `null`: browsers leave out an event without any.
//!
//! Nothing is queued: the operation is polled when the connection has taken what came before.

use std::{convert::Infallible, time::Duration};

use async_graphql::{Request as GraphqlRequest, Response as GraphqlResponse};
use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use futures::{StreamExt, future, stream};
use http::{HeaderName, HeaderValue, header, request::Parts};
use lockstep_commands::Principal;
use lockstep_graphql::{RequestContext, is_request_error};
use serde_json::json;

use super::GraphqlState;
use crate::gate::Pass;

/// A comment goes out this often, so that nobody on the way takes a quiet stream for a dead one.
const ALIVE_EVERY: Duration = if cfg!(test) { Duration::from_millis(300) } else { Duration::from_secs(15) };

/// The places a stream takes among the sockets of its account and of its address.
pub(super) struct Places {
    _address: Pass,
    _account: Option<Pass>,
}

impl Places {
    /// `None` when the address or the account has as many streams and sockets as it may.
    pub(super) fn take(state: &GraphqlState, parts: &Parts, context: &RequestContext) -> Option<Self> {
        let address = state.gate.address(state.gate.caller(&parts.extensions, &parts.headers))?;
        let account = match &context.principal {
            Some(principal) => Some(state.gate.account(principal.account)?),
            None => None,
        };
        Some(Self { _address: address, _account: account })
    }
}

/// Runs the operation; the stream ends with it, with the session and with the program.
pub(super) fn stream(
    state: &GraphqlState,
    request: GraphqlRequest,
    context: RequestContext,
    places: Places,
) -> Response {
    let until = ended(state.clone(), context.principal.clone());
    let responses = state.schema.execute_stream(request, context).map(|response| next(&response));
    let events = responses
        .chain(stream::once(future::ready(Event::default().event("complete").data("null"))))
        .take_until(Box::pin(until))
        .map(move |event| {
            let _held = &places;
            Ok::<_, Infallible>(event)
        });
    let mut answer = Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE_EVERY)).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would gather a stream.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    answer
}

fn next(response: &GraphqlResponse) -> Event {
    let result = if is_request_error(response) { json!({ "errors": response.errors }) } else { json!(response) };
    Event::default().event("next").data(result.to_string())
}

async fn ended(state: GraphqlState, principal: Option<Principal>) {
    let session = async {
        match &principal {
            // A token has no session, and within its scopes nothing that lasts.
            Some(principal) if principal.scopes.is_none() => state.authenticate.ended(principal).await,
            Some(_) | None => future::pending().await,
        }
    };
    tokio::select! { () = state.shutdown.cancelled() => {}, () = session => {} }
}
