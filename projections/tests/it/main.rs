//! The read models against a real log in a real database.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and draw ids")]

mod chat;
mod fixture;
mod library;
mod read_models;
mod rebuilding;
mod record;
mod rights;
mod running;
mod tailing;
mod watching;
