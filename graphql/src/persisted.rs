//! Documents known by their hash: a client sends 64 characters instead of the document, and a `GET` becomes short
//! ("automatic persisted queries", version 1 of the `persistedQuery` extension that Apollo's clients speak).
//!
//! What is remembered passed the limits of every request, and passes them again each time it runs. Trusted documents are
//! known from the start.

use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, Request, ServerError, Value};

use crate::trusted::{Hash, TrustedDocuments, hash_of};

/// Bytes of all documents remembered; beyond it those asked for least are forgotten, and clients send them again.
pub const REMEMBERED_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// A longer document runs, but is not remembered.
pub const DOCUMENT_BYTES_MAX: usize = 32 * 1024;

/// The documents of this process.
#[derive(Clone)]
pub(crate) struct Persisted {
    trusted: TrustedDocuments,
    remembered: moka::sync::Cache<Hash, Arc<str>>,
}

/// A document that came with its right hash and is to be remembered once it has passed the limits.
pub(crate) struct Fresh(Hash);

impl Persisted {
    /// Nothing remembered yet.
    pub(crate) fn new(trusted: TrustedDocuments) -> Self {
        let bytes = |_: &Hash, document: &Arc<str>| u32::try_from(document.len()).unwrap_or(u32::MAX);
        Self {
            trusted,
            remembered: moka::sync::Cache::builder().max_capacity(REMEMBERED_BYTES_MAX).weigher(bytes).build(),
        }
    }

    /// Puts the document in its place when the request only names its hash.
    ///
    /// # Errors
    /// The hash is unknown (`PERSISTED_QUERY_NOT_FOUND`: send the document with it once), is not of this document, or
    /// cannot be read.
    pub(crate) fn complete(&self, request: &mut Request) -> Result<Option<Fresh>, ServerError> {
        let Some(extension) = request.extensions.get("persistedQuery") else { return Ok(None) };
        let hash = hash(extension).ok_or_else(|| {
            refused("PERSISTED_QUERY_INVALID", "persistedQuery is { version: 1, sha256Hash: 64 hexadecimal digits }")
        })?;
        if request.query.is_empty() {
            let known = self.trusted.get(&hash).or_else(|| self.remembered.get(&hash));
            let known = known.ok_or_else(|| refused("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"))?;
            request.query = known.to_string();
            return Ok(None);
        }
        if hash_of(&request.query) != hash {
            return Err(refused("PERSISTED_QUERY_MISMATCH", "sha256Hash is not the hash of this document"));
        }
        Ok((request.query.len() <= DOCUMENT_BYTES_MAX).then_some(Fresh(hash)))
    }

    pub(crate) fn remember(&self, Fresh(hash): Fresh, document: &str) {
        self.remembered.insert(hash, Arc::from(document));
    }
}

fn hash(extension: &Value) -> Option<Hash> {
    let Value::Object(fields) = extension else { return None };
    let Some(Value::Number(version)) = fields.get("version") else { return None };
    let Some(Value::String(digits)) = fields.get("sha256Hash") else { return None };
    let bytes = hex::decode(digits).ok()?;
    (version.as_u64() == Some(1)).then_some(())?;
    bytes.try_into().ok()
}

fn refused(code: &str, message: &str) -> ServerError {
    let mut error = ServerError::new(message, None);
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", code);
    error
}
