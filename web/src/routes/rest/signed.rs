//! Signed messages as Standard Webhooks describes them: `webhook-id`, `webhook-timestamp`, and in `webhook-signature` the
//! HMAC-SHA256 over id, timestamp and body, in both directions.

use std::{fmt, sync::Arc};

use axum::http::HeaderMap;
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub const ID: &str = "webhook-id";
pub const TIMESTAMP: &str = "webhook-timestamp";
pub const SIGNATURE: &str = "webhook-signature";
/// How far the sender's clock may be from ours, seconds.
pub const SKEW_S_MAX: i64 = 300;
/// Signatures of one message that are tried: senders that change their secret send two.
const SIGNATURES_MAX: usize = 5;
/// Characters of an id.
const ID_CHARS_MAX: usize = 64;
/// What a secret begins with when it is written down.
const PREFIX: &str = "whsec_";
/// Bytes of a secret.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A message is not from whom it should be, or not from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("send {ID}, {TIMESTAMP} and {SIGNATURE}")]
    Missing,
    #[error("the signature is not right")]
    Wrong,
    #[error("the timestamp is more than 5 minutes from now")]
    Stale,
}

/// What both sides know; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedSecret(Arc<[u8]>);

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

impl SharedSecret {
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// `whsec_` and 24 to 64 bytes in base64.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text.trim().strip_prefix(PREFIX)?).ok()?;
        SECRET_BYTES.contains(&bytes.len()).then(|| Self(bytes.into()))
    }

    /// For whom it is meant, nowhere else.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", BASE64_STANDARD.encode(&self.0))
    }

    /// The signature of a message.
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let signed = self.mac(id, timestamp_s, body).finalize().into_bytes();
        format!("v1,{}", BASE64_STANDARD.encode(signed))
    }

    /// The id of a message that is signed with this and was made within [`SKEW_S_MAX`] of now.
    ///
    /// # Errors
    /// [`SignatureError`]: a stale message is told so only if it is genuine.
    pub fn verify<'h>(&self, headers: &'h HeaderMap, body: &[u8], now_s: i64) -> Result<&'h str, SignatureError> {
        let text = |name: &str| {
            let mut values = headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (Some(value), None) => value.to_str().map_err(|_| SignatureError::Missing),
                _ => Err(SignatureError::Missing),
            }
        };
        let (id, timestamp, signatures) = (text(ID)?, text(TIMESTAMP)?, text(SIGNATURE)?);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if id.is_empty() || id.len() > ID_CHARS_MAX || !id.chars().all(plain) {
            return Err(SignatureError::Missing);
        }
        let timestamp_s: i64 = timestamp.parse().map_err(|_| SignatureError::Missing)?;
        let given = signatures.split(' ').take(SIGNATURES_MAX).filter_map(|one| one.strip_prefix("v1,"));
        let right = given.filter_map(|one| BASE64_STANDARD.decode(one).ok()).any(|one| {
            // Compares in constant time.
            self.mac(id, timestamp_s, body).verify_slice(&one).is_ok()
        });
        match right {
            false => Err(SignatureError::Wrong),
            true if now_s.saturating_sub(timestamp_s).saturating_abs() > SKEW_S_MAX => Err(SignatureError::Stale),
            true => Ok(id),
        }
    }

    fn mac(&self, id: &str, timestamp_s: i64, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp_s.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification's reference libraries.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let secret = SharedSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_written_as_it_is_read_and_never_shown() {
        let secret = SharedSecret::new(&[7; 32]);
        assert_eq!(SharedSecret::parse(&secret.expose()), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), "SharedSecret(..)");
        for wrong in ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!"] {
            assert_eq!(SharedSecret::parse(wrong), None, "{wrong}");
        }
    }
}
