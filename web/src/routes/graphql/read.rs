//! From a body or a query string to a request: every parameter of its type, or a refusal that says what is wrong.

use async_graphql::Request as GraphqlRequest;
use axum::{body::Body, extract::Query};
use http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::reply::{Refusal, refusal};
use crate::routes::arriving::{self, Missing};

/// A request's body has at most this many bytes: a caption file of 2 MiB, escaped, fits.
pub const BODY_BYTES_MAX: usize = 3 * 1024 * 1024;
/// That of somebody who is not signed in.
pub const STRANGER_BYTES_MAX: usize = 64 * 1024;

const fn bad(message: &'static str) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, "bad_request", message)
}

/// The request in a body (GraphQL over HTTP, section 6.1).
pub(super) async fn body(body: Body, is_known: bool) -> Result<GraphqlRequest, Refusal> {
    let (bytes_max, too_long) = match is_known {
        true => (BODY_BYTES_MAX, "a request has at most 3 MiB"),
        false => (STRANGER_BYTES_MAX, "a request has at most 64 KiB before you are signed in"),
    };
    let body = arriving::whole(body, bytes_max).await.map_err(|missing| match missing {
        Missing::TooLong => refusal(StatusCode::PAYLOAD_TOO_LARGE, "too_large", too_long),
        Missing::Late => refusal(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not arrive in a minute"),
        Missing::Broken => bad("the body did not arrive"),
    })?;
    let value = serde_json::from_slice(&body).map_err(|_| bad("the body is not JSON"))?;
    operation(value).map_err(bad)
}

/// The parameters as a query string has them: the maps are JSON inside.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// The request in a query string (GraphQL over HTTP, section 6.2).
pub(super) fn parameters(uri: &Uri) -> Result<GraphqlRequest, Refusal> {
    let Query(given): Query<Parameters> =
        Query::try_from_uri(uri).map_err(|_| bad("a parameter cannot be read or is there twice"))?;
    let mut fields = Map::new();
    for (name, text) in [("query", given.query), ("operationName", given.operation_name)] {
        fields.extend(text.filter(|text| !text.is_empty()).map(|text| (name.to_owned(), Value::String(text))));
    }
    for (name, text) in [("variables", given.variables), ("extensions", given.extensions)] {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            fields.insert(name.to_owned(), serde_json::from_str(&text).map_err(|_| bad("a parameter is not JSON"))?);
        }
    }
    operation(Value::Object(fields)).map_err(bad)
}

/// The request's parameters, each of its type or absent. The document may be left out when its hash is there.
pub(super) fn operation(value: Value) -> Result<GraphqlRequest, &'static str> {
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
            Some(value) if !fits(value) => return Err("a parameter is not of its type"),
            Some(Value::Null) => drop(fields.remove(name)),
            Some(_) | None => {}
        }
    }
    let by_hash = fields.get("extensions").is_some_and(|extensions| extensions.get("persistedQuery").is_some());
    if !fields.contains_key("query") {
        if !by_hash {
            return Err("there is no query");
        }
        fields.insert("query".to_owned(), Value::String(String::new()));
    }
    serde_json::from_value(Value::Object(fields)).map_err(|_| "a parameter is not of its type")
}
