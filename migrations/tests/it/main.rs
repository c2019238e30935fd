//! The private cluster and the test databases, against the real PostgreSQL of this machine.

mod cluster;
mod databases;
