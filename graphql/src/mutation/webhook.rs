//! Registering and removing webhooks, and sending again.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::webhook::{self, Wanted};
use lockstep_domain::{ids::WebhookId, webhook::OLD_HOURS};
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Changed, Refused, change, payload},
    context::Shared,
    object::webhook::{WebhookPayload, WebhookRegistered, WebhookSecretPayload, WebhookSecretRotated, WebhookTopic},
    problem::{Nullable, nullable},
    scalar::{DateTime, Position},
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

/// What `rotateWebhookSecret` is given.
#[derive(InputObject)]
struct RotateWebhookSecretInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The webhook.
    webhook: Uuid,
    /// How long messages are signed with the older secrets too: 0 to 72 hours, 24 if it is left out. 0 ends them at once,
    /// for a secret that leaked.
    old_hours: Option<u32>,
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
                let secret = ctx.deps().webhooks.secret(id, 0);
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

    /// Signs what one of the asker's webhooks is told with a new secret, and for a while with the older ones too.
    async fn rotate_webhook_secret(
        &self,
        ctx: &Context<'_>,
        input: RotateWebhookSecretInput,
    ) -> Nullable<WebhookSecretPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (id, old_hours) = (WebhookId(input.webhook), input.old_hours.unwrap_or(OLD_HOURS));
            payload(webhook::rotate(ctx.services(), &command, id, old_hours).await, |rotated| {
                WebhookSecretRotated {
                    id: id.0,
                    secret: ctx.deps().webhooks.secret(id, rotated.generation),
                    old_secrets_until: rotated.old_until.map(DateTime),
                    position: Position(rotated.outcome.position),
                }
                .into()
            })
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
