//! What is sent along: bounded, of its type, and nothing that was not asked for.

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::error::ApiError;
use crate::routes::arriving::{self, Missing};

/// A request's body has at most this many bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// A JSON body.
#[derive(Debug)]
pub struct Sent<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            let message = "send application/json in UTF-8";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type", message));
        }
        parsed(&bounded(request).await?).map(Self)
    }
}

/// The body, at most [`BODY_BYTES_MAX`] of it.
pub async fn bounded(request: Request) -> Result<Bytes, ApiError> {
    arriving::whole(request.into_body(), BODY_BYTES_MAX).await.map_err(|missing| match missing {
        Missing::TooLong => ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "a request has at most 64 KiB"),
        Missing::Late => ApiError::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not arrive in a minute"),
        Missing::Broken => ApiError::bad_request("the body did not arrive"),
    })
}

/// What a JSON text says.
pub fn parsed<T: DeserializeOwned>(text: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(text).map_err(|error| {
        let text = error.to_string();
        // Names of fields are public; names of our types are not.
        let fields = ["unknown field", "missing field", "duplicate field"];
        match fields.iter().any(|begin| text.starts_with(begin)) && !text.contains("struct ") {
            true => ApiError::bad_request(text),
            false => ApiError::bad_request("the body is not JSON of the documented shape"),
        }
    })
}

/// `application/json`, in UTF-8 if it says what it is in.
pub fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    json && parts.all(|part| {
        let charset = part.to_ascii_lowercase();
        !charset.starts_with("charset=") || charset.trim_start_matches("charset=").trim_matches('"') == "utf-8"
    })
}

/// The query of an address.
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        let Query(asked) = query.map_err(|_| ApiError::bad_request("the query is not of the documented shape"))?;
        Ok(Self(asked))
    }
}

/// The id in an address. What is no id names nothing.
#[derive(Debug)]
pub struct Named<T>(pub T);

impl<T: From<Uuid>, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<std::collections::HashMap<String, String>>::from_request_parts(parts, state).await;
        let id = path.ok().and_then(|Path(path)| Uuid::parse_str(path.get("id")?).ok());
        id.map(|id| Self(T::from(id))).ok_or_else(ApiError::not_found)
    }
}
