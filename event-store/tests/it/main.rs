//! The log: one contract suite for every backend, then what only PostgreSQL can show.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and draw ids")]

mod append_only;
mod canonical;
mod contract;
mod crash;
mod feed;
mod fixture;
mod flat_cost;
mod guard_race;
mod one_batch;
mod personal;
mod postgres_es;
mod readers;
mod restart;
mod verify;
