//! The provider of sign-ins, and what opens one's own account.

use async_graphql::{Context, Object};
use lockstep_commands::{identity, session};

use crate::{
    context::Shared,
    object::identity::{Identity, IdentityProvider},
    problem::{Nullable, Problem, nullable},
    scalar::DateTime,
};

#[derive(Default)]
pub(crate) struct Identities;

#[Object(name = "IdentityQueries")]
impl Identities {
    /// Where people may sign in besides here; null where there is no such place.
    async fn identity_provider(&self, ctx: &Context<'_>) -> Option<IdentityProvider> {
        let provider = ctx.deps().provider.as_ref();
        provider.map(|provider| IdentityProvider { name: provider.name.clone() })
    }

    /// What opens the asker's account besides a password, the one linked first first, 5 at most.
    #[graphql(complexity = "5 + child_complexity")]
    async fn identities(&self, ctx: &Context<'_>) -> Nullable<Vec<Identity>> {
        nullable(async {
            let asker = ctx.asker().ok_or(Problem::SignedOut)?;
            let issuer = ctx.deps().provider.as_ref().map(|provider| provider.issuer.as_str());
            let rows = identity::list(ctx.services(), asker).await?;
            Ok(Some(rows.into_iter().map(|row| Identity::new(row, issuer)).collect()))
        })
        .await
    }

    /// Until when the provider's word counts in this session for what a password is asked for; null when it does not.
    async fn confirmed_until(&self, ctx: &Context<'_>) -> Nullable<DateTime> {
        nullable(async {
            let asker = ctx.principal().ok_or(Problem::SignedOut)?;
            let until = session::confirmed_until(ctx.services(), &asker.session_hash).await?;
            Ok(until.map(DateTime))
        })
        .await
    }
}
