//! The one-time link that makes the first administrator: 15 minutes, no default password.

use std::sync::Mutex;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use lockstep_domain::time::Timestamp;
use sha2::{Digest, Sha256};

/// How long a set-up link is good.
pub const LIFE_US: i64 = 15 * 60 * 1_000_000;

/// Holds the hash of the current link's token; lives in the process that printed it.
#[derive(Default)]
pub struct SetupLink(Mutex<Option<(Vec<u8>, Timestamp)>>);

impl SetupLink {
    /// No link: set-up is closed.
    pub fn closed() -> Self {
        Self::default()
    }

    /// Makes a new link's token from 256 random bits; an earlier one dies.
    pub fn open(&self, secret: [u8; 32], now: Timestamp) -> String {
        let token = URL_SAFE_NO_PAD.encode(secret);
        let hash = Sha256::digest(token.as_bytes()).to_vec();
        *self.held() = Some((hash, Timestamp(now.0 + LIFE_US)));
        token
    }

    /// Whether this token is the current link's, in time.
    pub fn matches(&self, token: &str, now: Timestamp) -> bool {
        let hash = Sha256::digest(token.as_bytes());
        self.held().as_ref().is_some_and(|(held, until)| held.as_slice() == hash.as_slice() && now < *until)
    }

    /// The link has done its work.
    pub fn use_up(&self) {
        *self.held() = None;
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<(Vec<u8>, Timestamp)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
