//! What an operator watches: batches, commands and events, and how long commands wait to be recorded. Counted for whoever
//! collects; if nobody does, nothing is kept.

use lockstep_domain::time::Timestamp;

/// Commands by what became of them: `appended`, `duplicate`, `guard`, `conflict`.
const COMMANDS: &str = "lockstep_append_commands_total";
const EVENTS: &str = "lockstep_append_events_total";
/// Commands in one batch.
const BATCH: &str = "lockstep_append_batch_commands";
/// From when a command says it happened, by its process's clock, to when the database recorded it, by its own; seconds.
const SECONDS: &str = "lockstep_append_seconds";
/// Commands given up because the database did not answer.
const LOST: &str = "lockstep_append_lost_total";

/// How often this process heard that another one had recorded something: `told` by a notification, or `looked` for.
const HEARD: &str = "lockstep_log_heard_total";

/// A batch has its answer.
pub(super) fn committed(commands: usize) {
    metrics::histogram!(BATCH).record(commands as f64);
}

/// One command has its answer.
pub(super) fn answered(status: &str, events: usize, occurred_at: Timestamp, recorded_at: Timestamp) {
    let outcome = match status {
        "A" => "appended",
        "D" => "duplicate",
        "G" => "guard",
        _ => "conflict",
    };
    metrics::counter!(COMMANDS, "outcome" => outcome).increment(1);
    if status == "A" {
        metrics::counter!(EVENTS).increment(events as u64);
        let waited_us = recorded_at.as_micros() - occurred_at.as_micros();
        metrics::histogram!(SECONDS).record(waited_us.max(0) as f64 / 1e6);
    }
}

/// Another process has recorded something.
pub(super) fn heard(how: &'static str) {
    metrics::counter!(HEARD, "how" => how).increment(1);
}

/// A batch was given up.
pub(super) fn lost(commands: usize) {
    metrics::counter!(LOST).increment(commands as u64);
}
