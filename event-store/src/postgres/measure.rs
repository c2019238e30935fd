//! What an operator watches: batches, commands and events, and how long a commit takes. Counted for whoever collects; if
//! nobody does, nothing is kept.

use std::time::Duration;

/// Commands by what became of them: `appended`, `duplicate`, `guard`, `conflict`.
const COMMANDS: &str = "lockstep_append_commands_total";
const EVENTS: &str = "lockstep_append_events_total";
/// Commands in one batch.
const BATCH: &str = "lockstep_append_batch_commands";
/// From a batch's first attempt to its answer, seconds.
const SECONDS: &str = "lockstep_append_seconds";
/// Commands given up because the database did not answer.
const LOST: &str = "lockstep_append_lost_total";

/// A stopwatch for one batch.
pub(super) struct Watch(std::time::Instant);

impl Watch {
    #[allow(clippy::disallowed_methods)] // It is told to nobody who decides anything.
    pub(super) fn start() -> Self {
        Self(std::time::Instant::now())
    }
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A batch has its answer.
pub(super) fn committed(commands: usize, watch: &Watch) {
    metrics::histogram!(BATCH).record(commands as f64);
    metrics::histogram!(SECONDS).record(watch.elapsed().as_secs_f64());
}

/// One command has its answer.
pub(super) fn answered(status: &str, events: usize) {
    let outcome = match status {
        "A" => "appended",
        "D" => "duplicate",
        "G" => "guard",
        _ => "conflict",
    };
    metrics::counter!(COMMANDS, "outcome" => outcome).increment(1);
    if status == "A" {
        metrics::counter!(EVENTS).increment(events as u64);
    }
}

/// A batch was given up.
pub(super) fn lost(commands: usize) {
    metrics::counter!(LOST).increment(commands as u64);
}
