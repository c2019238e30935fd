//! From an uploaded film to a stream: probe, plan, encode, package, publish.
//!
//! The plan, the CMAF boxes and the manifests are pure functions; everything that touches libav lives in
//! the child program `lockstep-media` and talks to this library over two pipes. This library links no libav.

pub mod child;
pub mod cmaf;
pub mod keys;
pub mod limits;
pub mod manifest;
pub mod plan;
pub mod protocol;
mod service;
pub mod storyboard;

pub use service::{Transcoder, TranscoderOptions};
