//! The transcoder: goldens of plan and manifests, a few real encodes, hostile files, and the service on a real log.
#![allow(clippy::disallowed_methods)]

mod bombs;
mod chapters;
mod clips;
mod encodes;
mod golden;
mod hostile;
mod leases;
#[path = "../../../commands/tests/it/listing.rs"]
mod listing;
mod media;
mod rig;
mod service;
#[path = "../../../object-store/tests/stand_in/mod.rs"]
mod stand_in;
mod store_dies;
mod world;
