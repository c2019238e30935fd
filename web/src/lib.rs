//! The composition root: the only room that reads the environment, opens listening sockets and spawns the
//! long-running tasks.

// A request to the API is one deep future: an optimised build computes the layout of all of it at once.
#![recursion_limit = "512"]

pub mod address;
pub mod auth;
pub mod backend;
pub mod bus;
pub mod cli;
pub mod config;
pub mod data_folder;
pub mod demo;
pub mod doctor;
pub mod edges;
pub mod events_cli;
pub mod gate;
pub mod hub;
pub mod internal;
pub mod limits;
pub mod listening;
pub mod log;
pub mod metrics;
pub mod oidc;
pub mod projections_cli;
pub mod role;
pub mod routes;
pub mod serve;
pub mod socket;
pub mod system;
pub mod transcoding;
pub mod vitals;
pub mod webhooks;
