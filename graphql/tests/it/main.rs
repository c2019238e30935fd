//! The schema over real commands, read models and a real log.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and draw ids")]

mod access;
mod app;
mod budget;
mod captions;
mod channels;
mod chat;
mod conventions;
mod cost;
mod faults;
mod fields;
mod identities;
mod integrations;
mod journey;
mod library;
mod limits;
mod people;
mod posters;
mod queue;
mod record;
mod sdl;
mod subscribing;
mod sweep;
mod uploads;
