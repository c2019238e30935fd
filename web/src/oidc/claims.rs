//! From an ID token to whom it names, after every check of OpenID Connect Core 1.0, section 3.1.3.7.

use chrono::{DateTime, Utc};
use lockstep_commands::identity::Claimed;
use lockstep_domain::{account::SUBJECT_CHARS_MAX, time::Timestamp};
use openidconnect::{
    ClaimsVerificationError, ClientId, Nonce, SignatureVerificationError,
    core::{CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm},
};

use super::discovery::Metadata;

/// How far the provider's clock may be from ours, seconds.
pub(super) const LEEWAY_S: i64 = 60;
/// A token is believed for this long after it was issued: an attempt takes no longer.
pub(super) const AGE_S_MAX: i64 = 600;
/// A provider asked somebody anew if it did so within this.
const FRESH_S: i64 = 300;
/// What we take: the two that providers sign with, neither of which a secret or no key can make.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 2] =
    [CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, CoreJwsSigningAlgorithm::EcdsaP256Sha256];

/// A token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// It may be a new one.
    #[error("signed with an unknown key")]
    UnknownKey,
    #[error("the provider signs with nothing that is taken here")]
    NoAlgorithm,
    #[error("{0}")]
    Claim(String),
    #[error("meant for another client")]
    AuthorizedParty,
    #[error("it names nobody, or by a name that is too long")]
    Subject,
    #[error("the provider has not asked anew")]
    NotFresh,
}

/// What the token must say.
pub struct Expected<'a> {
    pub client_id: &'a str,
    pub nonce: &'a Nonce,
    pub now: Timestamp,
    /// Whether whoever sits there was to be asked anew.
    pub again: bool,
    /// Whether a provider that does not say when it asked is believed to have done so.
    pub without_auth_time: bool,
}

/// Whom the token names.
pub fn verify(metadata: &Metadata, token: &CoreIdToken, expected: &Expected<'_>) -> Result<Claimed, Unverified> {
    let now_s = expected.now.0 / 1_000_000;
    let said = metadata.id_token_signing_alg_values_supported();
    let algorithms: Vec<_> = ALGORITHMS.into_iter().filter(|algorithm| said.contains(algorithm)).collect();
    if algorithms.is_empty() {
        return Err(Unverified::NoAlgorithm);
    }
    // Without the client's secret: a token signed with it is one that its holder could make.
    let client = ClientId::new(expected.client_id.to_owned());
    let verifier = CoreIdTokenVerifier::new_public_client(client, metadata.issuer().clone(), metadata.jwks().clone())
        .set_allowed_algs(algorithms)
        .set_time_fn(move || moment(now_s - LEEWAY_S))
        .set_issue_time_verifier_fn(move |issued| match issued.timestamp() {
            issued if issued > now_s + LEEWAY_S => Err("it was issued in the future".to_owned()),
            issued if issued < now_s - AGE_S_MAX - LEEWAY_S => Err("it was issued long ago".to_owned()),
            _ => Ok(()),
        });
    let claims = token.claims(&verifier, expected.nonce).map_err(|error| match error {
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
            Unverified::UnknownKey
        }
        other => Unverified::Claim(other.to_string()),
    })?;
    // The library takes no other audience but ours, and leaves this one to us.
    if claims.authorized_party().is_some_and(|party| party.as_str() != expected.client_id) {
        return Err(Unverified::AuthorizedParty);
    }
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX || subject.chars().any(char::is_control) {
        return Err(Unverified::Subject);
    }
    let asked_at = claims.auth_time().map(|at| at.timestamp());
    let recent = asked_at.map(|at| (now_s - FRESH_S - LEEWAY_S..=now_s + LEEWAY_S).contains(&at));
    // Asked for anew it must say when (OpenID Connect Core, section 2): that it was told to was said by way of the browser,
    // whose user can leave it out.
    let fresh = recent.unwrap_or(expected.again && expected.without_auth_time);
    if expected.again && !fresh {
        return Err(Unverified::NotFresh);
    }
    Ok(Claimed { issuer: metadata.issuer().to_string(), subject: subject.to_owned(), name: name(claims), fresh })
}

fn name(claims: &CoreIdTokenClaims) -> Option<String> {
    let full = claims.name().and_then(|name| name.get(None)).map(|name| name.to_string());
    let short = claims.preferred_username().map(|name| name.to_string());
    [full, short].into_iter().flatten().find(|name| !name.trim().is_empty())
}

fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
