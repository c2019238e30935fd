//! The real program as a process: crashes, roles, what it links, what `doctor` says.
#![allow(clippy::disallowed_methods)]

mod api;
mod crash;
mod doctor;
mod linkage;
mod load;
mod operations;
mod process;
mod roles;
mod tamper;
