//! What keeps installations apart that share one Redis, and what is said on it from those who only have the Redis: the topic
//! and the sealing (XChaCha20-Poly1305) come from one key. Who was heard is bound to what was said.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::RngCore;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Bytes of a nonce; it stands in front of the ciphertext.
const NONCE_BYTES: usize = 24;
/// Bytes of a node's id; it stands in front of everything.
const NODE_BYTES: usize = 16;
/// In front of every topic. The number is raised when nodes of before could not read what is said.
const TOPIC: &str = "lockstep:hub:v1";

/// The key that the nodes of one installation share.
#[derive(Clone)]
pub struct BusKey([u8; 32]);

impl BusKey {
    /// Of the installation with this master key on this database.
    pub fn new(master: &[u8; 32], database: &str) -> Self {
        Self(crate::routes::derived(master, format!("lockstep bus {database}").as_bytes()))
    }

    /// Where its nodes meet.
    pub fn topic(&self) -> String {
        format!("{TOPIC}:{}", self.name("topic"))
    }

    /// What its limits are counted under.
    pub fn limits(&self) -> String {
        self.name("limits")
    }

    /// Tells nothing of the key.
    fn name(&self, purpose: &str) -> String {
        let hash = Sha256::new().chain_update(self.0).chain_update(purpose).finalize();
        hex::encode(&hash[..16])
    }

    /// What a node says, as it goes over the wire: node, nonce, ciphertext.
    pub(super) fn seal(&self, node: Uuid, frame: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: frame, aad: node.as_bytes() };
        let sealed =
            self.cipher().encrypt(&XNonce::from(nonce), payload).expect("a frame is far below the cipher's 256 GiB");
        [node.as_bytes().as_slice(), &nonce, &sealed].concat()
    }

    /// What another node than this one said; `None` for one's own, and for what nobody with this key has sealed.
    pub(super) fn open(&self, own: Uuid, wire: &[u8]) -> Option<Vec<u8>> {
        let (node, rest) = wire.split_first_chunk::<NODE_BYTES>()?;
        if node == own.as_bytes() {
            return None;
        }
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
        self.cipher().decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: node }).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_has_the_key_hears_and_every_bit_is_bound() {
        let key = BusKey::new(&[7; 32], "one/1");
        let (ann, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let wire = key.seal(ann, b"a frame");
        assert_eq!(key.open(ben, &wire).as_deref(), Some(b"a frame".as_slice()));
        assert_eq!(key.open(ann, &wire), None, "one's own");
        assert_ne!(key.seal(ann, b"a frame"), wire, "no two are alike");
        for other in [BusKey::new(&[8; 32], "one/1"), BusKey::new(&[7; 32], "one/2")] {
            assert_eq!(other.open(ben, &wire), None, "another installation");
            assert_ne!(other.topic(), key.topic());
            assert_ne!(other.limits(), key.limits());
        }
        for index in 0..wire.len() {
            let mut changed = wire.clone();
            changed[index] ^= 1;
            assert_eq!(key.open(ben, &changed), None, "byte {index}");
            assert_eq!(key.open(ben, &wire[..index]), None, "cut at {index}");
        }
    }
}
