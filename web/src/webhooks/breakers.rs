//! A breaker in front of each webhook, so that one that does not answer takes no place from others and is left alone for a
//! while. One for each webhook and not for each host: many people have webhooks at the same host, and nobody's may be kept
//! back because of another's.

use std::collections::BTreeMap;

use lockstep_commands::webhook::Attempt;
use lockstep_domain::ids::WebhookId;
use lockstep_object_store::breaker::{Breaker, Elapsed, State};

/// Webhooks whose faults are remembered; beyond it those asked for least are forgotten and begin anew.
const REMEMBERED_MAX: u64 = 10_000;

/// The breakers of this process's webhooks. Cheap to clone.
#[derive(Clone)]
pub struct WebhookBreakers {
    held: moka::sync::Cache<WebhookId, Breaker>,
    elapsed: Elapsed,
}

impl WebhookBreakers {
    /// All closed.
    pub fn new(elapsed: Elapsed) -> Self {
        Self { held: moka::sync::Cache::new(REMEMBERED_MAX), elapsed }
    }

    /// The one in front of this webhook.
    pub fn of(&self, webhook: WebhookId) -> Breaker {
        self.held.get_with(webhook, || Breaker::new("a webhook", self.elapsed.clone()))
    }

    /// How many are in which state: figures without a name, however many webhooks there are.
    pub fn count(&self) -> BTreeMap<&'static str, usize> {
        let states = [State::Closed, State::HalfOpen, State::Open];
        let mut counts: BTreeMap<_, _> = states.map(|state| (state.name(), 0)).into();
        for (_, breaker) in &self.held {
            *counts.entry(breaker.state().name()).or_default() += 1;
        }
        counts
    }
}

/// Whether an attempt shows that its webhook is out of order: no answer, none in time, or one that says so. A refusal is an
/// answer.
pub(super) fn is_fault(attempt: &Attempt) -> bool {
    match attempt.status {
        None => attempt.error.is_some(),
        Some(501) => false,
        Some(status) => status == 408 || status >= 500,
    }
}
