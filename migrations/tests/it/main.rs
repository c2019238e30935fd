//! The private cluster and the test databases, against the real PostgreSQL of this machine.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and draw ids")]

mod cluster;
mod databases;
