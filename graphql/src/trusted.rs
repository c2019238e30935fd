//! Trusted documents: what is run for somebody without an account of their own. They are the documents of our own pages,
//! known when the program was built; everything else is refused before it is checked against the schema.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{ErrorExtensionValues, Request, ServerError};
use lockstep_commands::Principal;
use lockstep_domain::account::PlatformRole;
use sha2::{Digest, Sha256};

use crate::limits::Kind;

/// The code of a refused document.
pub const DOCUMENT_NOT_TRUSTED: &str = "DOCUMENT_NOT_TRUSTED";

/// SHA-256 of a document's text.
pub(crate) type Hash = [u8; 32];

/// What is run for those without an account: nobody, and guests, for whom a name is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Anonymous {
    /// Any document within the limits. For development.
    Open,
    /// Trusted documents only.
    #[default]
    Trusted,
}

/// The documents of our own pages, by their hash. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct TrustedDocuments(Arc<HashMap<Hash, Arc<str>>>);

impl TrustedDocuments {
    /// Those of these texts.
    pub fn of(texts: impl IntoIterator<Item = String>) -> Self {
        let known = texts.into_iter().map(|text| (hash_of(&text), Arc::from(text)));
        Self(Arc::new(known.collect()))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Each one's text, in no order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(AsRef::as_ref)
    }

    pub(crate) fn get(&self, hash: &Hash) -> Option<Arc<str>> {
        self.0.get(hash).cloned()
    }

    /// Refuses what is not one of them, where only they are run. What asks about the schema alone is run: probes ask for
    /// `__typename`, and the schema says no more than that to those without an account.
    pub(crate) fn check(
        &self,
        anonymous: Anonymous,
        principal: Option<&Principal>,
        request: &mut Request,
        kind: Kind,
    ) -> Result<(), ServerError> {
        let has_account = principal.is_some_and(|principal| principal.role != PlatformRole::Guest);
        if anonymous == Anonymous::Open || has_account {
            return Ok(());
        }
        // A fragment that is nowhere spread would be checked against the types it names, and tell what there is.
        if kind == Kind::Introspection && request.parsed_query()?.fragments.is_empty() {
            return Ok(());
        }
        // By its text and not by what was asked for by hash: what somebody else had remembered is not trusted.
        if self.0.contains_key(&hash_of(&request.query)) {
            return Ok(());
        }
        let message = "without an account only the documents of the pages are run; nothing was done: sign in as a member, \
                       or send an API token";
        let mut error = ServerError::new(message, None);
        error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", DOCUMENT_NOT_TRUSTED);
        Err(error)
    }
}

pub(crate) fn hash_of(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}
