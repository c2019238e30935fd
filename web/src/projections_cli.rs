//! `lockstep projections`: list and rebuild read models.

use std::{process::ExitCode, sync::Arc};

use lockstep_event_store::EventStore;
use lockstep_projections::{Reader, checksum, rebuild};

use crate::{
    backend::{self, Database},
    cli::ProjectionsCommand,
    config::Config,
};

pub async fn run(config: &Config, command: ProjectionsCommand) -> anyhow::Result<ExitCode> {
    let database = Database::open(config).await?;
    backend::migrate(&database.url).await?;
    let done = with_database(config, &database, command).await;
    database.close().await;
    done
}

async fn with_database(config: &Config, database: &Database, command: ProjectionsCommand) -> anyhow::Result<ExitCode> {
    let store: Arc<dyn EventStore> =
        lockstep_event_store::PostgresStore::connect(&database.url, backend::master_key(config)?, backend::node_name())
            .await?;
    let pool = backend::pool(&database.url, 4).await?;
    match command {
        ProjectionsCommand::List => {
            for status in Reader::new(Arc::clone(&store), pool.clone()).statuses().await? {
                println!("{:<12} position {:>10}  behind {:>6}", status.name, status.position, status.lag_positions);
            }
        }
        ProjectionsCommand::Rebuild { name } => {
            let before = checksum(&pool, &name).await?;
            let rebuilt = rebuild(&pool, &store, &name).await?;
            let after = checksum(&pool, &name).await?;
            println!("{name}: {} events folded, rows at position {}", rebuilt.events, rebuilt.position);
            println!("checksum before {before}, after {after}: {}", if before == after { "equal" } else { "changed" });
        }
    }
    pool.close().await;
    Ok(ExitCode::SUCCESS)
}
