//! The house rules that a compiler does not know, read from the repository itself.
//!
//! Each check is a function from what was read to a list of complaints. Beside the test that wants that list empty
//! stands one that shows the check complaining.

mod arrows;
mod dependencies;
mod docs;
mod features;
mod links;
mod pure;
mod repository;
mod size;
mod sql;
mod tidy;
mod unsafety;
mod words;
