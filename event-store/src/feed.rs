//! Following the log from a position on, for ever.

use std::{sync::Arc, time::Duration};

use lockstep_domain::ids::Position;

use crate::{EventStore, RecordedEvent};

/// First and longest pause between attempts to read a log that does not answer.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// One reader's place in the log.
pub struct Feed {
    store: Arc<dyn EventStore>,
    position: Position,
}

impl Feed {
    /// Follows the log after this position.
    pub fn new(store: Arc<dyn EventStore>, after: Position) -> Self {
        Self { store, position: after }
    }

    /// The position of the last event handed out.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The next events, 1 to `max` of them; waits as long as there is none. Dropping the future loses nothing.
    pub async fn next(&mut self, max: usize) -> Vec<RecordedEvent> {
        let mut backoff = BACKOFF_FIRST;
        loop {
            match self.store.read_after(self.position, max.max(1)).await {
                Ok(events) => {
                    if let Some(last) = events.last() {
                        self.position = last.position;
                        return events;
                    }
                    backoff = BACKOFF_FIRST;
                    self.store.wait_past(self.position).await;
                }
                Err(error) => {
                    if backoff == BACKOFF_FIRST {
                        tracing::warn!(%error, position = %self.position, "cannot follow the log, trying again");
                    }
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
            }
        }
    }
}
