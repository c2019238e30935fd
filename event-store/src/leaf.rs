//! Hashes of the log: an event's id, an event's leaf, a commit's link in the chain.

use lockstep_domain::{
    ids::{CommandId, StreamId},
    time::Timestamp,
};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid, Variant};

use crate::canonical::{self, NotCanonical};

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// The previous hash of the first commit.
pub const GENESIS: Hash = [0; 32];

/// The id of a command's n-th event, a UUIDv8: the hash of (actor, stream, command, n). The first 48 bits are the
/// time of the command when its id carries one (UUIDv7), so that ids of one time are neighbours in the index.
pub fn event_id(actor: &str, stream: &StreamId, command: CommandId, index: usize) -> Uuid {
    let mut hash = Sha256::new();
    for part in [actor, stream.kind(), stream.id()] {
        // Lengths, so that no two different triples are the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(command.0.as_bytes());
    hash.update((index as u64).to_be_bytes());
    let hash: Hash = hash.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    if command.0.get_version_num() == 7 {
        bytes[..6].copy_from_slice(&command.0.as_bytes()[..6]);
    }
    Builder::from_custom_bytes(bytes).with_variant(Variant::RFC4122).into_uuid()
}

/// What a leaf covers; `payload` and `metadata` are canonical JSON already, personal fields sealed.
#[derive(Debug, Clone, Copy)]
pub struct Leaf<'a> {
    pub event_id: Uuid,
    pub event_type: &'a str,
    pub event_version: &'a str,
    pub metadata: &'a str,
    pub occurred_at: Timestamp,
    pub payload: &'a str,
    pub sequence: u64,
    pub stream_type: &'a str,
    pub stream_id: &'a str,
}

impl Leaf<'_> {
    /// SHA-256 over the canonical JSON object of these fields.
    pub fn hash(&self) -> Result<Hash, NotCanonical> {
        // The names below are in RFC 8785 order; nested values are canonical, so the whole is.
        let mut text = String::with_capacity(320 + self.metadata.len() + self.payload.len());
        text.push_str("{\"event_id\":\"");
        text.push_str(self.event_id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        text.push_str("\",\"event_type\":");
        canonical::write_string(self.event_type, &mut text)?;
        text.push_str(",\"event_version\":");
        canonical::write_string(self.event_version, &mut text)?;
        text.push_str(",\"metadata\":");
        text.push_str(self.metadata);
        text.push_str(",\"occurred_at_us\":");
        text.push_str(&self.occurred_at.as_micros().to_string());
        text.push_str(",\"payload\":");
        text.push_str(self.payload);
        text.push_str(",\"sequence\":");
        text.push_str(&self.sequence.to_string());
        text.push_str(",\"stream_id\":");
        canonical::write_string(self.stream_id, &mut text)?;
        text.push_str(",\"stream_type\":");
        canonical::write_string(self.stream_type, &mut text)?;
        text.push('}');
        Ok(Sha256::digest(text.as_bytes()).into())
    }
}

/// A commit's hash, computed leaf by leaf; `es_append` computes the same in the database.
pub struct Link(Sha256);

impl Link {
    /// H(previous, commit number, first position, recorded at in microseconds since 1970, leaves ..), integers as
    /// eight bytes, big end first.
    pub fn new(previous: &Hash, commit_no: i64, first_position: i64, recorded_at: Timestamp) -> Self {
        let mut hash = Sha256::new();
        hash.update(previous);
        hash.update(commit_no.to_be_bytes());
        hash.update(first_position.to_be_bytes());
        hash.update(recorded_at.as_micros().to_be_bytes());
        Self(hash)
    }

    pub fn leaf(&mut self, leaf: &Hash) {
        self.0.update(leaf);
    }

    pub fn finish(self) -> Hash {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests;
