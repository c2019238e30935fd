//! The one secret of an attempt, in the browser's cookie: state, nonce and PKCE verifier follow from it, so that none of
//! them is kept here, and what comes back is bound to the browser that set out.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// 256 random bits as 43 characters of base64url; never shown.
#[derive(Clone)]
pub struct AttemptSecret(String);

impl std::fmt::Debug for AttemptSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AttemptSecret(..)")
    }
}

impl AttemptSecret {
    pub fn new(bits: [u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bits))
    }

    /// From a cookie; `None` for what no attempt can have.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).is_ok_and(|bits| bits.len() == 32).then(|| Self(text.to_owned()))
    }

    /// For the cookie, nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Ties the answer to this browser (RFC 6749, section 10.12).
    pub fn state(&self) -> String {
        self.derived(b"state")
    }

    /// Ties the ID token to this attempt (OpenID Connect Core 1.0, section 3.1.2.1).
    pub fn nonce(&self) -> String {
        self.derived(b"nonce")
    }

    /// Ties the code to this attempt (RFC 7636, section 4.1): 43 characters.
    pub fn verifier(&self) -> String {
        self.derived(b"verifier")
    }

    /// Whether an answer's state is this attempt's, in a time that tells nothing.
    pub fn is_state(&self, said: &str) -> bool {
        let said = URL_SAFE_NO_PAD.decode(said).unwrap_or_default();
        self.mac(b"state").verify_slice(&said).is_ok()
    }

    fn derived(&self, purpose: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(purpose).finalize().into_bytes())
    }

    fn mac(&self, purpose: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("HMAC takes a key of any length");
        mac.update(purpose);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_a_secret_is_its_own_and_tells_nothing_of_the_rest() {
        let (one, two) = (AttemptSecret::new([1; 32]), AttemptSecret::new([2; 32]));
        let all = [one.state(), one.nonce(), one.verifier(), two.state(), two.nonce(), two.verifier()];
        for (index, text) in all.iter().enumerate() {
            assert_eq!(text.len(), 43, "as RFC 7636 wants a verifier");
            assert!(all[index + 1..].iter().all(|other| other != text));
        }
        assert!(one.is_state(&one.state()) && !one.is_state(&two.state()));
        for wrong in ["", "x", &one.nonce(), &one.state()[..42], &format!("{}A", one.state())] {
            assert!(!one.is_state(wrong), "{wrong}");
        }
        assert_eq!(AttemptSecret::parse(one.expose()).map(|read| read.state()), Some(one.state()));
        assert!(AttemptSecret::parse("short").is_none() && !format!("{one:?}").contains(one.expose()));
    }
}
