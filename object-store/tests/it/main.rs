//! The object store over real HTTP: the embedded store on a free port, its public door, and the server's own way in.
#![allow(clippy::disallowed_methods, reason = "tests may read clocks")]

mod buckets;
mod invalidation;
mod killed;
mod multipart;
mod public;
mod remote;
#[path = "../child/sequence.rs"]
mod sequence;
mod support;
