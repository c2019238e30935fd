//! `lockstep events`: read and check the log.

use std::{io::Write, process::ExitCode, sync::Arc};

use anyhow::Context;
use lockstep_domain::ids::Position;
use lockstep_event_store::{EventStore, PostgresStore, RecordedEvent};
use serde_json::json;

use crate::{
    backend::{Database, master_key, node_name, pool},
    cli::EventsCommand,
    config::Config,
};

/// Events printed per read.
const PAGE_EVENTS: usize = 500;

pub async fn run(config: &Config, command: EventsCommand) -> anyhow::Result<ExitCode> {
    let database = Database::open(config).await?;
    crate::backend::migrate(&database.url).await?;
    let done = match command {
        EventsCommand::Tail { after, no_follow } => tail(config, &database.url, &after, !no_follow).await,
        EventsCommand::Verify => verify(&database.url).await,
    };
    database.close().await;
    done
}

async fn tail(config: &Config, url: &str, after: &str, follow: bool) -> anyhow::Result<ExitCode> {
    let mut position: Position = after.parse().context("--after takes a position")?;
    let store: Arc<dyn EventStore> = PostgresStore::connect(url, master_key(config)?, node_name()).await?;
    let stop = tokio::signal::ctrl_c();
    tokio::pin!(stop);
    loop {
        let page = store.read_after(position, PAGE_EVENTS).await?;
        let mut out = std::io::stdout().lock();
        for event in &page {
            // A closed pipe (`| head`) is how people end this.
            if writeln!(out, "{}", line(event)).is_err() {
                return Ok(ExitCode::SUCCESS);
            }
            position = event.position;
        }
        drop(out);
        if page.is_empty() {
            if !follow {
                return Ok(ExitCode::SUCCESS);
            }
            tokio::select! {
                () = store.wait_past(position) => {}
                _ = &mut stop => return Ok(ExitCode::SUCCESS),
            }
        }
    }
}

fn line(event: &RecordedEvent) -> serde_json::Value {
    json!({
        "position": event.position.to_string(),
        "stream": event.stream.to_string(),
        "version": event.version,
        "type": event.event_type,
        "event_id": event.event_id,
        "recorded_at_us": event.recorded_at.as_micros(),
        "metadata": event.metadata,
        "payload": event.payload,
    })
}

async fn verify(url: &str) -> anyhow::Result<ExitCode> {
    let pool = pool(url, 2).await?;
    let report = lockstep_event_store::verify(&pool).await?;
    println!("{} events in {} commits checked", report.events, report.commits);
    match report.first_bad {
        None => {
            println!("the chain is whole");
            Ok(ExitCode::SUCCESS)
        }
        Some(bad) => {
            println!("the chain is broken: {bad:?}");
            Ok(ExitCode::FAILURE)
        }
    }
}
