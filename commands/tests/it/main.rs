//! The write side against a real log: dispatcher, rights races, the cqrs-es adapter, sign-in, uploads.
#![allow(clippy::disallowed_methods)]

mod accounts;
mod channels;
mod chat;
mod copies;
mod cqrs;
mod dispatcher;
mod identities;
mod in_flight;
mod library;
mod listing;
mod lost_answers;
mod multipart;
mod passwords;
mod people;
mod queue;
mod quota;
mod rights;
#[path = "../../../object-store/tests/stand_in/mod.rs"]
mod stand_in;
mod store_dies;
mod support;
mod tokens;
mod undo;
mod uploads;
