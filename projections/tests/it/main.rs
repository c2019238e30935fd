//! The read models against a real log in a real database.

mod fixture;
mod rebuilding;
mod read_models;
mod running;
mod tailing;
