//! The schema over real commands, read models and a real log.

mod access;
mod app;
mod captions;
mod channels;
mod chat;
mod cost;
mod faults;
mod fields;
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
