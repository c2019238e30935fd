//! The worker service: follows the log, claims work items, runs children, publishes and packages.
//!
//! Any number of these processes may run on one log. Each keeps its own board of unfinished films, folded from
//! the feed; what it believes only steers what it tries, the log decides what happens.

mod board;
mod item;
mod package;
mod probe;
mod progress;
mod publish;
mod schedule;
mod shared;

use std::{path::PathBuf, sync::Arc};

use lockstep_commands::Services;
use tokio_util::sync::CancellationToken;

use crate::child::MediaProgram;
use shared::Shared;

/// How a transcoder process works.
#[derive(Debug, Clone)]
pub struct TranscoderOptions {
    /// This process in the log; a suffix of its own is added, so two processes may have the same name.
    pub worker: String,
    /// Where the program `lockstep-media` is.
    pub media_program: PathBuf,
    /// Children at a time, at least 1.
    pub concurrency: usize,
}

/// One transcoder process.
pub struct Transcoder {
    shared: Arc<Shared>,
    concurrency: usize,
}

impl Transcoder {
    /// Prepares a transcoder; nothing happens before [`Self::run`].
    pub fn new(services: Services, options: TranscoderOptions) -> Self {
        let suffix = services.ids.uuid().simple().to_string();
        // The end of a version 7 id is its random part.
        let worker = format!("{}.{}", options.worker, &suffix[suffix.len() - 8..]);
        let program = MediaProgram::new(options.media_program);
        Self { shared: Arc::new(Shared::new(services, program, worker)), concurrency: options.concurrency.max(1) }
    }

    /// The name under which this process claims work.
    pub fn worker(&self) -> &str {
        &self.shared.worker
    }

    /// Works until told to stop; then gives its claims back, so that others go on at once.
    pub async fn run(self, shutdown: CancellationToken) {
        tracing::info!(worker = %self.shared.worker, concurrency = self.concurrency, "the transcoder is at work");
        tokio::select! {
            () = board::follow(&self.shared) => {}
            () = progress::report(&self.shared) => {}
            () = schedule::run(&self.shared, self.concurrency, shutdown) => {}
        }
    }
}
