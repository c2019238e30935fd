//! The real program as a process: crashes, roles, what it links, what `doctor` says.
#![allow(clippy::disallowed_methods)]

mod api;
mod assets;
mod audited;
mod bus;
mod cdn;
mod combinations;
mod corpus;
mod crash;
mod doctor;
mod flood;
mod guarded;
mod limits;
mod linkage;
mod load;
mod nodes;
mod operations;
mod outage;
mod process;
mod proxy;
mod redis;
mod roles;
mod silent;
mod store;
mod tamper;
