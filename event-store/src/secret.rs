//! Keys: the master key that wraps every subject's key, and the sealing itself (XChaCha20-Poly1305).

use std::fmt;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::RngCore;

/// Bytes of a nonce; it is stored in front of the ciphertext.
const NONCE_BYTES: usize = 24;

/// The key that wraps the keys of all subjects. Whoever has it and the database reads everything.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// A new one from the system's randomness.
    pub fn generate() -> Self {
        Self(random())
    }
    /// For writing it to its file, and nothing else.
    pub const fn to_bytes(&self) -> [u8; 32] {
        self.0
    }
    pub(crate) fn seal(&self, plain: &[u8], bound_to: &[u8]) -> Vec<u8> {
        seal(&self.0, plain, bound_to)
    }
    pub(crate) fn open(&self, sealed: &[u8], bound_to: &[u8]) -> Option<Vec<u8>> {
        open(&self.0, sealed, bound_to)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// Bytes nobody can guess.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// Nonce and ciphertext; opens only with the same key and the same `bound_to`.
pub fn seal(key: &[u8; 32], plain: &[u8], bound_to: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE_BYTES] = random();
    let cipher = XChaCha20Poly1305::new(&(*key).into());
    let payload = Payload { msg: plain, aad: bound_to };
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload).expect("a field is far below the cipher's 256 GiB");
    [nonce.as_slice(), &sealed].concat()
}

/// The plain bytes, unless the key, the binding or a single bit differs.
pub fn open(key: &[u8; 32], sealed: &[u8], bound_to: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let cipher = XChaCha20Poly1305::new(&(*key).into());
    cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: bound_to }).ok()
}
