//! The transcoder: goldens of plan and manifests, a few real encodes, hostile files, and the service on a real log.
#![allow(clippy::disallowed_methods)]

mod chapters;
mod clips;
mod encodes;
mod golden;
mod hostile;
mod leases;
mod media;
mod rig;
mod service;
mod world;
