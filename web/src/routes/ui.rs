//! The web application's files, embedded: hashed names for ever, the page itself never cached.

use std::{borrow::Cow, collections::BTreeMap};

use anyhow::{Context, bail};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use lockstep_graphql::TrustedDocuments;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

/// What the build of the pages wrote: the SHA-256 of each document the pages send, and its text.
const DOCUMENTS: &str = "documents.json";

#[derive(RustEmbed)]
#[folder = "ui/dist"]
#[allow_missing = true]
struct Files;

/// The documents that the pages send, as the build of the pages wrote them down; none where it was left out.
///
/// # Errors
/// The list cannot be read, or a hash in it is not of its text.
pub fn documents() -> anyhow::Result<TrustedDocuments> {
    let Some(file) = Files::get(DOCUMENTS) else { return Ok(TrustedDocuments::default()) };
    let texts: BTreeMap<String, String> = serde_json::from_slice(&file.data).context(DOCUMENTS)?;
    for (hash, text) in &texts {
        if hex::encode(Sha256::digest(text)) != *hash {
            bail!("{DOCUMENTS}: {hash} is not the hash of its text");
        }
    }
    Ok(TrustedDocuments::of(texts.into_values()))
}

/// Serves files; unknown paths that ask for a page get the application, which shows its own 404.
pub fn router() -> Router {
    Router::new().fallback(answer)
}

async fn answer(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let wanted = if path.is_empty() { "index.html" } else { path };
    if let Some(response) = file(wanted, request.headers()) {
        return response;
    }
    let is_page = !wanted.rsplit('/').next().unwrap_or_default().contains('.');
    match file("index.html", request.headers()) {
        Some(page) if is_page => page,
        Some(_) => StatusCode::NOT_FOUND.into_response(),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The web application was not built into this program: run `make run`, or `npm run build` in web/ui.\n",
        )
            .into_response(),
    }
}

/// The file in the smallest encoding the browser takes.
fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes =
        |coding: &str| accepted.split(',').any(|part| part.split(';').next().unwrap_or_default().trim() == coding);
    let plain = Files::get(path)?;
    let (bytes, coding): (Cow<'static, [u8]>, _) = match () {
        () if takes("br") && Files::get(&format!("{path}.br")).is_some() => {
            (Files::get(&format!("{path}.br"))?.data, Some("br"))
        }
        () if takes("gzip") && Files::get(&format!("{path}.gz")).is_some() => {
            (Files::get(&format!("{path}.gz"))?.data, Some("gzip"))
        }
        () => (plain.data, None),
    };
    let mut response = Response::new(Body::from(bytes.into_owned()));
    let out = response.headers_mut();
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    if let Ok(kind) = HeaderValue::from_str(kind.essence_str()) {
        out.insert(header::CONTENT_TYPE, kind);
    }
    if let Some(coding) = coding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    out.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    // Vite puts a hash of the content into every name below assets/.
    let caching = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    Some(response)
}
