//! The bus: what the hubs of one installation say to each other. It carries frames and does not know what they mean; a
//! frame may get lost. What must not get lost is in the log.

use bytes::Bytes;
use tokio::sync::mpsc;

/// Bytes of one frame; a larger one is not taken.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;

/// What hubs say to each other: at most [`FRAME_BYTES_MAX`] each, lossy, in order per sender and in none between senders.
pub trait Bus: Send + Sync {
    /// Hands a frame on to all other nodes. Never waits for the network: false when it could not be handed on, because
    /// it is too large, too many wait, or the others are out of reach.
    fn publish(&self, frame: Bytes) -> bool;

    /// Frames of the other nodes, never one's own, and what the bus itself has to say. It begins as if it were
    /// [`BusEvent::Down`]; who reads slower than frames come misses the oldest.
    fn subscribe(&self) -> mpsc::Receiver<BusEvent>;
}

/// Something heard on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusEvent {
    /// Another node said this.
    Frame(Bytes),
    /// The other nodes can be heard.
    Up,
    /// The other nodes cannot be heard.
    Down,
}
