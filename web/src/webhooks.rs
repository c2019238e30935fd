//! Sends webhooks what they are to be told: signed, to public addresses only, again until they answer or the attempts are
//! used up.

mod address;
mod client;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use hmac::{Hmac, KeyInit, Mac};
use lockstep_commands::{
    LoadError, Services, encoder,
    webhook::{self, Delivery, Due},
};
use lockstep_domain::ids::WebhookId;
use serde_json::json;
use sha2::Sha256;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

pub use client::{Client, Lookup, system_lookup};

use crate::{
    config::Config,
    data_folder::DataFolder,
    routes::rest::{SharedSecret, moment},
};

/// How often deliveries that are due are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often what ended long ago is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// Deliveries under way at once.
const AT_ONCE: usize = 8;
/// Deliveries taken at a time: all of them are sent well before anybody else may take them.
const TAKEN_MAX: i64 = 16;

/// Makes each webhook's secret: kept nowhere, the same whenever it is asked for.
#[derive(Clone)]
pub struct WebhookKeys([u8; 32]);

impl WebhookKeys {
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// From the master key where nodes share one, else from a file of its own.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        Ok(Self(match config.data.master_key {
            Some(master) => crate::routes::derived(&master, b"lockstep webhooks"),
            None => DataFolder::open(&config.data.folder)?.secret("webhooks.key")?,
        }))
    }

    /// What this webhook's deliveries are signed with.
    pub fn of(&self, webhook: WebhookId) -> SharedSecret {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(webhook.0.as_bytes());
        SharedSecret::new(&mac.finalize().into_bytes())
    }
}

impl lockstep_graphql::WebhookSecrets for WebhookKeys {
    fn secret(&self, webhook: WebhookId) -> String {
        self.of(webhook).expose()
    }
}

/// What sends.
#[derive(Clone)]
pub struct Sender {
    pub services: Services,
    pub keys: WebhookKeys,
    pub client: Client,
}

impl Sender {
    /// Notes and sends until the shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        let noting = webhook::follow(self.services.clone());
        tokio::select! {
            () = noting => {}
            () = self.send() => {}
            () = shutdown.cancelled() => {}
        }
    }

    async fn send(&self) {
        let mut look = interval(LOOK_EVERY);
        let mut sweep = interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                _ = look.tick() => {
                    if let Err(error) = self.send_due().await {
                        tracing::warn!(%error, "webhooks were not sent; it is tried again");
                    }
                }
                _ = sweep.tick() => {
                    if let Err(error) = self.sweep().await {
                        tracing::warn!(%error, "old deliveries could not be removed");
                    }
                }
            }
        }
    }

    async fn sweep(&self) -> Result<(), LoadError> {
        webhook::sweep(&self.services).await?;
        encoder::sweep(&self.services).await.map(|_| ())
    }

    /// Sends everything that is due now; how many deliveries that were.
    pub async fn send_due(&self) -> Result<usize, LoadError> {
        let mut sent = 0;
        loop {
            let due = webhook::take(&self.services, TAKEN_MAX).await?;
            if due.is_empty() {
                return Ok(sent);
            }
            sent += due.len();
            let each = due.into_iter().map(|due| {
                let sender = self.clone();
                async move { sender.attempt(&due).await }
            });
            let done: Vec<Result<(), LoadError>> = stream::iter(each).buffer_unordered(AT_ONCE).collect().await;
            done.into_iter().collect::<Result<(), LoadError>>()?;
        }
    }

    async fn attempt(&self, due: &Due) -> Result<(), LoadError> {
        let delivery = &due.delivery;
        let now_s = self.services.clock.now().as_micros() / 1_000_000;
        let (id, body) = (delivery.id.to_string(), body(delivery));
        let signature = self.keys.of(delivery.webhook).sign(&id, now_s, body.as_bytes());
        let attempt = self.client.post(&due.url, &id, now_s, &signature, body).await;
        let [high, low, ..] = self.services.ids.secret();
        let spread = u32::from(u16::from_be_bytes([high, low])) % 1_001;
        webhook::settle(&self.services, delivery, &attempt, spread).await
    }
}

fn interval(every: Duration) -> tokio::time::Interval {
    let mut due = tokio::time::interval(every);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    due
}

/// The same for every attempt. Names nobody: what a film is called is asked of the API.
fn body(delivery: &Delivery) -> String {
    json!({
        "type": delivery.topic.word(),
        "timestamp": moment(delivery.happened_at),
        "data": { "videoId": delivery.video.0, "ownerId": delivery.owner.0 },
    })
    .to_string()
}

/// The sender of this process.
pub fn sender(config: &Config, services: &Services) -> anyhow::Result<Sender> {
    let client = Client::new(config.integrations.webhooks_local, Arc::new(system_lookup))?;
    Ok(Sender { services: services.clone(), keys: WebhookKeys::open(config)?, client })
}
