//! Sends webhooks what they are to be told: signed, to public addresses only, again until they answer or the attempts are
//! used up.

mod address;
mod breakers;
mod client;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use hmac::{Hmac, KeyInit, Mac};
use lockstep_commands::{
    LoadError, Services, encoder,
    webhook::{self, Delivery, Due},
};
use lockstep_domain::ids::WebhookId;
use lockstep_object_store::breaker::Refused;
use metrics::counter;
use serde_json::json;
use sha2::Sha256;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

pub use breakers::WebhookBreakers;
pub use client::{Client, Lookup, system_lookup};

use crate::{
    config::Config,
    data_folder::DataFolder,
    routes::rest::{SharedSecret, moment},
};

/// How often deliveries that are due are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What a breaker kept back is sent within this time after its end, not all at once.
const HOLD_SPREAD: Duration = Duration::from_secs(5);
/// How often what ended long ago is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// Deliveries under way at once, each to another webhook.
const AT_ONCE: usize = 32;

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

    /// What this webhook's deliveries are signed with, for each generation of its secret.
    pub fn of(&self, webhook: WebhookId, generation: u32) -> SharedSecret {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(webhook.0.as_bytes());
        // The first one has none: such secrets are in use.
        if generation > 0 {
            mac.update(&generation.to_be_bytes());
        }
        SharedSecret::new(&mac.finalize().into_bytes())
    }
}

impl lockstep_graphql::WebhookSecrets for WebhookKeys {
    fn secret(&self, webhook: WebhookId, generation: u32) -> String {
        self.of(webhook, generation).expose()
    }
}

/// What sends.
#[derive(Clone)]
pub struct Sender {
    pub services: Services,
    pub keys: WebhookKeys,
    pub client: Client,
    pub breakers: WebhookBreakers,
}

impl Sender {
    /// Notes and sends until the shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        let noting = webhook::follow(self.services.clone());
        tokio::select! {
            () = noting => {}
            () = self.send() => {}
            () = self.sweep() => {}
            () = shutdown.cancelled() => {}
        }
    }

    async fn send(&self) {
        let mut look = interval(LOOK_EVERY);
        loop {
            look.tick().await;
            if let Err(error) = self.send_due().await {
                tracing::warn!(%error, "webhooks were not sent; it is tried again");
            }
        }
    }

    async fn sweep(&self) {
        let mut due = interval(SWEEP_EVERY);
        loop {
            due.tick().await;
            let swept = async {
                webhook::sweep(&self.services).await?;
                encoder::sweep(&self.services).await
            };
            if let Err(error) = swept.await {
                tracing::warn!(%error, "old deliveries could not be removed");
            }
        }
    }

    /// Sends everything that is due, one of each webhook at a time, until there is nothing more; how many deliveries that
    /// were. What a breaker keeps back is not among them.
    pub async fn send_due(&self) -> Result<usize, LoadError> {
        let (mut sent, mut fault) = (0, None);
        let mut told: Vec<WebhookId> = Vec::new();
        let mut under_way = FuturesUnordered::new();
        loop {
            let free = i64::try_from(AT_ONCE - told.len()).unwrap_or(0);
            if free > 0 && fault.is_none() {
                match webhook::take(&self.services, free, &told).await {
                    Ok(taken) => {
                        for due in taken {
                            told.push(due.delivery.webhook);
                            under_way.push(async move { (due.delivery.webhook, self.attempt(&due).await) });
                        }
                    }
                    // What is under way comes to its end all the same.
                    Err(error) => fault = Some(error),
                }
            }
            let ended = tokio::select! {
                ended = under_way.next() => ended,
                // Others may have something to be told while these are slow to answer.
                () = tokio::time::sleep(LOOK_EVERY) => continue,
            };
            let Some((webhook, attempted)) = ended else { return fault.map_or(Ok(sent), Err) };
            told.retain(|other| *other != webhook);
            match attempted {
                Ok(was_sent) => sent += usize::from(was_sent),
                Err(error) => fault = Some(error),
            }
        }
    }

    /// Whether it was sent, however that went.
    async fn attempt(&self, due: &Due) -> Result<bool, LoadError> {
        let delivery = &due.delivery;
        let now_s = self.services.clock.now().as_micros() / 1_000_000;
        let (id, body) = (delivery.id.to_string(), body(delivery));
        let attempt = match self.breakers.of(delivery.webhook).admit() {
            Ok(permit) => {
                let signatures = self.signatures(due, &id, now_s, body.as_bytes());
                let attempt = self.client.post(&due.url, &id, now_s, &signatures, body).await;
                if breakers::is_fault(&attempt) {
                    permit.fault()
                } else {
                    permit.success()
                }
                attempt
            }
            Err(Refused { .. }) => return self.hold(delivery).await,
        };
        webhook::settle(&self.services, delivery, &attempt, self.spread()).await?;
        Ok(true)
    }

    /// One signature for each secret it is signed with, as Standard Webhooks separates them.
    fn signatures(&self, due: &Due, id: &str, now_s: i64, body: &[u8]) -> String {
        let secrets = due.signing.iter().map(|generation| self.keys.of(due.delivery.webhook, *generation));
        secrets.map(|secret| secret.sign(id, now_s, body)).collect::<Vec<_>>().join(" ")
    }

    /// Keeps a delivery until its webhook is tried again: that costs it no attempt.
    async fn hold(&self, delivery: &Delivery) -> Result<bool, LoadError> {
        counter!("lockstep_webhook_deliveries_held_total").increment(1);
        let spread = HOLD_SPREAD.mul_f64(f64::from(self.spread()) / 1_000.0);
        let wait = self.breakers.of(delivery.webhook).wait() + spread;
        webhook::put_back(&self.services, delivery, wait).await?;
        Ok(false)
    }

    /// 0 to 1000.
    fn spread(&self) -> u32 {
        let [high, low, ..] = self.services.ids.secret();
        u32::from(u16::from_be_bytes([high, low])) % 1_001
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
pub fn sender(config: &Config, services: &Services, breakers: WebhookBreakers) -> anyhow::Result<Sender> {
    let client = Client::new(config.integrations.webhooks_local, Arc::new(system_lookup))?;
    Ok(Sender { services: services.clone(), keys: WebhookKeys::open(config)?, client, breakers })
}
