//! Manifests as pure functions of what was published: the same ledger gives the same bytes.

pub mod dash;
pub mod hls;
pub mod ledger;

pub use ledger::{Ledger, LedgerError, Track};
