//! The log: one contract suite for every backend, then what only PostgreSQL can show.

mod append_only;
mod canonical;
mod contract;
mod crash;
mod feed;
mod flat_cost;
mod fixture;
mod guard_race;
mod one_batch;
mod personal;
mod postgres_es;
mod readers;
mod restart;
mod verify;
