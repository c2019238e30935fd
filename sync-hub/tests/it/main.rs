//! The hub's tests: scripted, one rule each, and a seeded simulation in virtual time.

mod chat;
mod commands;
mod feeding;
mod joining;
mod limits;
mod nodes;
mod presence;
mod protocol;
mod resume;
mod rig;
mod rights;
mod simulation;
mod timeline;
mod together;
