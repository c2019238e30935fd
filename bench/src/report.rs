//! One line of a benchmark's outcome.

use serde::Serialize;

/// `ours` and `peer` are in `unit`; `ratio` is ours / peer, better when larger.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    pub name: &'a str,
    pub ours: f64,
    pub peer: f64,
    pub peer_name: &'a str,
    pub ratio: f64,
    pub unit: &'a str,
    pub conditions: String,
}

impl Line<'_> {
    pub fn print(&self) -> anyhow::Result<()> {
        println!("{}", serde_json::to_string(self)?);
        Ok(())
    }
}

/// Processors and load, for the conditions of a run.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("{cores} cores, load {}", load.split(' ').next().unwrap_or("?"))
}
