//! Who asks, and whether anybody was here before.

use async_graphql::{Context, Object};
use lockstep_commands::session;

use crate::{context::Shared, object::account::Account, problem::Problem, scalar::Position};

#[derive(Default)]
pub(crate) struct Accounts;

#[Object(name = "AccountQueries")]
impl Accounts {
    /// The account that is signed in.
    async fn me(&self, ctx: &Context<'_>) -> Option<Account> {
        ctx.principal().map(Account::from)
    }

    /// Whether the first administrator is still to be made, with the set-up link.
    async fn set_up_needed(&self, ctx: &Context<'_>) -> Result<bool, Problem> {
        Ok(!session::administrator_exists(ctx.services()).await?)
    }

    /// The end of the event log.
    async fn position(&self, ctx: &Context<'_>) -> Result<Position, Problem> {
        Ok(Position(ctx.services().store.head().await?))
    }
}
