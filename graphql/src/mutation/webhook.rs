//! Registering and removing webhooks, and sending again.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::webhook::{self, Wanted};
use lockstep_domain::ids::WebhookId;
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Changed, Refused, change, payload},
    context::Shared,
    object::webhook::{WebhookPayload, WebhookRegistered, WebhookTopic},
    problem::{Nullable, nullable},
    scalar::Position,
};

/// What `registerWebhook` is given.
#[derive(InputObject)]
struct RegisterWebhookInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// `https://…`; addresses of private networks are not reached.
    url: String,
    /// What it is told.
    topics: Vec<WebhookTopic>,
    /// Of everybody's films: for administrators.
    everybody: Option<bool>,
}

/// What `webhook` is given.
#[derive(InputObject)]
struct WebhookInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The webhook.
    webhook: Uuid,
}

/// What `sendAgain` is given.
#[derive(InputObject)]
struct SendAgainInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The delivery.
    delivery: Uuid,
}

#[derive(Default)]
pub(crate) struct Webhooks;

#[Object(name = "WebhookMutations")]
impl Webhooks {
    /// Registers an address that is told what happens to films.
    async fn register_webhook(&self, ctx: &Context<'_>, input: RegisterWebhookInput) -> Nullable<WebhookPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let topics = input.topics.into_iter().map(Into::into).collect();
            let wanted = Wanted { url: input.url, topics, everybody: input.everybody.unwrap_or(false) };
            payload(webhook::register(ctx.services(), &command, wanted).await, |(id, outcome)| {
                let secret = ctx.deps().webhooks.secret(id);
                WebhookRegistered { id: id.0, secret, position: Position(outcome.position) }.into()
            })
        })
        .await
    }

    /// Tells one of the asker's webhooks nothing more, for ever.
    async fn remove_webhook(&self, ctx: &Context<'_>, input: WebhookInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(webhook::remove(ctx.services(), &command, WebhookId(input.webhook)).await)
        })
        .await
    }

    /// Goes on with one of the asker's webhooks that was disabled.
    async fn enable_webhook(&self, ctx: &Context<'_>, input: WebhookInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(webhook::enable(ctx.services(), &command, WebhookId(input.webhook)).await)
        })
        .await
    }

    /// Sends one delivery again, now, whatever became of it.
    async fn send_webhook_again(&self, ctx: &Context<'_>, input: SendAgainInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let sent = webhook::send_again(ctx.services(), &command, input.delivery).await;
            let position = Position(ctx.services().store.head().await?);
            payload(sent, |()| Changed { position, version: 0, changed: true }.into())
        })
        .await
    }
}
