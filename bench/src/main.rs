//! Benchmarks side by side with the named peer in the same run: JSON lines, never a figure without its peer.
#![allow(clippy::disallowed_methods, reason = "benchmarks read clocks and draw ids")]

mod append;
mod library;
mod report;

use anyhow::bail;

/// Every benchmark with what it measures.
const BENCHMARKS: &[(&str, &str)] = &[
    ("append", "durable commands per second through the dispatcher, against stock postgres-es execute()"),
    ("library", "pages and searches of 100,000 films, against OFFSET and ILIKE over the same rows"),
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        None | Some("--list") => {
            for (name, what) in BENCHMARKS {
                println!("{name:<12} {what}");
            }
            Ok(())
        }
        Some("append") => append::run().await,
        Some("library") => library::run().await,
        Some(other) => bail!("there is no benchmark {other:?}; run without a name to list them"),
    }
}
