//! The hub's tests: scripted, one rule each, and a seeded simulation in virtual time.

mod commands;
mod feeding;
mod joining;
mod limits;
mod protocol;
mod rig;
mod rights;
mod simulation;
mod timeline;
