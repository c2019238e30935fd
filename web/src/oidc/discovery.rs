//! What the provider says about itself (OpenID Connect Discovery 1.0) and its keys: read when first needed and kept for
//! an hour; the keys anew when a token names one that is not among them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockstep_commands::Clock;
use lockstep_domain::time::Timestamp;
use openidconnect::{
    AdditionalProviderMetadata, DiscoveryError, IssuerUrl, JsonWebKeySet, ProviderMetadata,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
        CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};

use super::http::{HttpError, ProviderHttp};

const SECOND: i64 = 1_000_000;
/// How long what the provider said is not asked again.
const LIFE_US: i64 = 3_600 * SECOND;
/// How long it is used while the provider does not answer.
const STALE_MAX_US: i64 = 24 * 3_600 * SECOND;
/// Unknown keys make us ask at most this often: anybody may name one.
pub(super) const KEYS_AGAIN_US: i64 = 60 * SECOND;

/// What RFC 9207 adds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Extra {
    authorization_response_iss_parameter_supported: Option<bool>,
}

impl AdditionalProviderMetadata for Extra {}

pub type Metadata = ProviderMetadata<
    Extra,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// Whether the provider names itself in every answer.
pub fn says_issuer(metadata: &Metadata) -> bool {
    metadata.additional_metadata().authorization_response_iss_parameter_supported == Some(true)
}

struct Held {
    metadata: Arc<Metadata>,
    read_at: Timestamp,
    keys_at: Timestamp,
}

pub struct Discovery {
    issuer: IssuerUrl,
    clock: Arc<dyn Clock>,
    held: Mutex<Option<Held>>,
}

impl Discovery {
    pub fn new(issuer: IssuerUrl, clock: Arc<dyn Clock>) -> Self {
        Self { issuer, clock, held: Mutex::default() }
    }

    /// What the provider says about itself. The error is for the log.
    pub async fn metadata(&self, http: &ProviderHttp) -> Result<Arc<Metadata>, String> {
        let now = self.clock.now();
        if let Some(fresh) = self.younger_than(LIFE_US, now) {
            return Ok(fresh);
        }
        match Metadata::discover_async(self.issuer.clone(), http).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *self.held() = Some(Held { metadata: Arc::clone(&metadata), read_at: now, keys_at: now });
                Ok(metadata)
            }
            Err(error) => self.younger_than(STALE_MAX_US, now).ok_or_else(|| told(&error)),
        }
    }

    /// The same with the keys of now; `None` when they were asked for just before.
    pub async fn newer_keys(
        &self,
        http: &ProviderHttp,
        metadata: &Arc<Metadata>,
    ) -> Result<Option<Arc<Metadata>>, String> {
        let now = self.clock.now();
        match &mut *self.held() {
            // Somebody else has just got newer ones.
            Some(held) if !Arc::ptr_eq(&held.metadata, metadata) => return Ok(Some(Arc::clone(&held.metadata))),
            Some(held) if now.0 - held.keys_at.0 >= KEYS_AGAIN_US => held.keys_at = now,
            Some(_) | None => return Ok(None),
        }
        let keys = JsonWebKeySet::fetch_async(metadata.jwks_uri(), http).await.map_err(|error| told(&error))?;
        let newer = Arc::new(Metadata::clone(metadata).set_jwks(keys));
        if let Some(held) = &mut *self.held() {
            held.metadata = Arc::clone(&newer);
        }
        Ok(Some(newer))
    }

    fn younger_than(&self, age_us: i64, now: Timestamp) -> Option<Arc<Metadata>> {
        let held = self.held();
        held.as_ref().filter(|held| now.0 - held.read_at.0 < age_us).map(|held| Arc::clone(&held.metadata))
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(error: &DiscoveryError<HttpError>) -> String {
    match error {
        DiscoveryError::Request(error) => error.to_string(),
        DiscoveryError::Response(status, ..) => format!("what it says about itself is answered with {status}"),
        DiscoveryError::Parse(error) => format!("what it says about itself cannot be read: {error}"),
        other => other.to_string(),
    }
}
