//! The object store over real HTTP: the embedded store on a free port, its public door, and the server's own way in.

mod buckets;
mod public;
mod remote;
mod support;
