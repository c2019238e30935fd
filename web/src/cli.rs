//! The command line: what `lockstep` can be asked to do.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    config::{Config, Environment, Source, unknown_variables},
    log,
    role::Roles,
};

/// Watch your own videos together, on the same frame.
#[derive(Parser)]
#[command(name = "lockstep", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts the server.
    Serve {
        /// What this process does: `all`, or some of `api`, `hub`, `transcoder` and `projector` by commas. Others do the rest.
        #[arg(long = "role", value_name = "ROLES", default_value_t = Roles::ALL)]
        roles: Roles,
    },
    /// Brings the database up to date.
    Migrate,
    /// Reads and checks the event log.
    Events {
        #[command(subcommand)]
        command: EventsCommand,
    },
    /// Lists and rebuilds read models.
    Projections {
        #[command(subcommand)]
        command: ProjectionsCommand,
    },
    /// Checks everything Lockstep depends on and says what is wrong.
    Doctor,
}

#[derive(Subcommand)]
pub enum EventsCommand {
    /// Prints events as JSON lines, then follows the log.
    Tail {
        /// Start after this position.
        #[arg(long, default_value = "0")]
        after: String,
        /// Stop at the end of the log.
        #[arg(long)]
        no_follow: bool,
    },
    /// Recomputes the hash chain from the first event.
    Verify,
}

#[derive(Subcommand)]
pub enum ProjectionsCommand {
    /// Shows each read model with its position and lag.
    List,
    /// Drops a read model's rows and folds them again from the log.
    Rebuild { name: String },
}

/// Runs the program; what went wrong is one line on stderr.
pub fn main() -> ExitCode {
    let outcome = run(Cli::parse());
    log::finish();
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lockstep: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A request to the API is one deep future: every noun of the schema adds a level to it, and a command under it more.
/// The default of 2 MiB did not hold it without optimisation.
const WORKER_STACK_BYTES: usize = 8 * 1024 * 1024;

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = Config::read(&Environment)?;
    log::start(Environment.get("LOG_LEVEL").as_deref(), config.operations.spans_to.as_deref())?;
    for name in unknown_variables() {
        tracing::warn!(%name, "this setting is not known and does nothing");
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(WORKER_STACK_BYTES).build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve { roles } => crate::serve::serve(config, roles).await,
            Command::Migrate => crate::backend::migrate_only(&config).await,
            Command::Events { command } => crate::events_cli::run(&config, command).await,
            Command::Projections { command } => crate::projections_cli::run(&config, command).await,
            Command::Doctor => Ok(crate::doctor::run(&config).await),
        }
    })
}
