//! The asker's API tokens and webhooks.

use async_graphql::{Context, Object};
use lockstep_commands::{token, webhook};
use lockstep_domain::ids::WebhookId;
use uuid::Uuid;

use crate::{
    context::Shared,
    object::{
        token::ApiToken,
        webhook::{Webhook, WebhookDelivery},
    },
    problem::{Nullable, Problem, nullable},
};

#[derive(Default)]
pub(crate) struct Tokens;

#[Object(name = "TokenQueries")]
impl Tokens {
    /// The asker's tokens that were not revoked, the newest first, 100 at most; never the tokens themselves.
    #[graphql(complexity = "100 + child_complexity")]
    async fn api_tokens(&self, ctx: &Context<'_>) -> Nullable<Vec<ApiToken>> {
        nullable(async {
            let asker = ctx.asker().ok_or(Problem::SignedOut)?;
            let rows = token::list(ctx.services(), asker).await?;
            let now = ctx.services().clock.now();
            Ok(Some(rows.into_iter().filter_map(|row| ApiToken::of(row, now)).collect()))
        })
        .await
    }

    /// The asker's webhooks, the newest first, 50 at most.
    #[graphql(complexity = "50 + child_complexity")]
    async fn webhooks(&self, ctx: &Context<'_>) -> Nullable<Vec<Webhook>> {
        nullable(async {
            let asker = ctx.asker().ok_or(Problem::SignedOut)?;
            let rows = webhook::list(ctx.services(), asker).await?;
            let now = ctx.services().clock.now();
            Ok(Some(rows.into_iter().filter_map(|row| Webhook::of(row, now)).collect()))
        })
        .await
    }

    /// What one of the asker's webhooks was sent in the last days, the newest first, 50 at most.
    #[graphql(complexity = "50 + child_complexity")]
    async fn webhook_deliveries(&self, ctx: &Context<'_>, webhook: Uuid) -> Nullable<Vec<WebhookDelivery>> {
        nullable(async {
            let asker = ctx.asker().ok_or(Problem::SignedOut)?;
            let rows = webhook::deliveries(ctx.services(), asker, WebhookId(webhook)).await?;
            let rows = rows.ok_or(Problem::NotFound)?;
            Ok(Some(rows.into_iter().map(WebhookDelivery::from).collect()))
        })
        .await
    }
}
