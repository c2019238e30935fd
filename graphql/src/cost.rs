//! What a request costs (its fields, those in lists counted as often as the list may be long), charged to whoever asks
//! before it runs.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use async_graphql::{
    ErrorExtensionValues, ServerError, ValidationResult,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation},
};
use lockstep_commands::{
    budget::{Budget, Caller},
    window::Exhausted,
};
use lockstep_domain::time::Timestamp;

use crate::{
    context::{RequestContext, SchemaDeps},
    limits::COMPLEXITY_MAX,
};

/// The code of an error that says to wait.
pub const RATE_LIMITED: &str = "rate_limited";

/// What a request cost and where the asker's budget stands, once it has been charged. Cheap to clone: a transport keeps
/// one and reads it after the request has run.
#[derive(Debug, Clone, Default)]
pub struct Bill(Arc<OnceLock<Charged>>);

/// One charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charged {
    pub cost: u32,
    pub budget: Budget,
    pub at: Timestamp,
}

impl Bill {
    pub fn charged(&self) -> Option<Charged> {
        self.0.get().copied()
    }
}

/// Charges every request once it is known to be valid.
pub(crate) struct Charging;

impl ExtensionFactory for Charging {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Charging {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await?;
        charge(ctx.data_unchecked(), ctx.data_unchecked(), result.complexity).await.map_err(|error| vec![error])?;
        Ok(result)
    }
}

async fn charge(deps: &SchemaDeps, request: &RequestContext, complexity: usize) -> Result<(), ServerError> {
    // Introspection has no limit of its own and would be dearer than any budget.
    let cost = u32::try_from(complexity.clamp(1, COMPLEXITY_MAX)).unwrap_or(u32::MAX);
    let account = request.principal.as_ref().map(|principal| principal.account);
    // Somebody at this machine without a session is not counted, nor is this process itself.
    let Some(caller) = Caller::of(account, request.remote_ip.filter(|address| !is_here(*address))) else {
        return Ok(());
    };
    let at = deps.services.clock.now();
    match deps.costs.charge(&caller, cost, at).await {
        Ok(budget) => {
            // One request is charged once; if the set is there, this is a second operation of a stream.
            let _ = request.bill.0.set(Charged { cost, budget, at });
            Ok(())
        }
        Err(exhausted) => {
            let _ = request.bill.0.set(Charged { cost: 0, budget: exhausted.level, at });
            Err(refused(cost, exhausted))
        }
    }
}

fn is_here(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn refused(cost: u32, exhausted: Exhausted) -> ServerError {
    let message = format!("this costs {cost} points and {exhausted}: wait {} seconds", exhausted.after_s());
    let mut error = ServerError::new(message, None);
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", RATE_LIMITED);
    extensions.set("retryAfterS", exhausted.after_s());
    error
}
