//! The bus: what the hubs of one installation say to each other. It carries frames and does not know what they mean; a
//! frame may get lost. What must not get lost is in the log.

mod in_process;
mod key;
mod listeners;
mod redis;

use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use lockstep_commands::Services;
use lockstep_object_store::breaker::Breaker;
use tokio::sync::mpsc;

pub use self::{
    in_process::{Exchange, InProcessBus},
    key::BusKey,
    listeners::HEARD_EVENTS_MAX,
    redis::{RedisBus, WAITING_FRAMES_MAX},
};
use crate::{backend, config::Config, serve::Running, vitals};

/// Bytes of one frame; a larger one is not taken.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;

/// What hubs say to each other: at most [`FRAME_BYTES_MAX`] each, lossy, in order per sender and in none between senders.
pub trait Bus: Send + Sync {
    /// Hands a frame on to all other nodes. Never waits for the network: false when it could not be handed on, because
    /// it is too large, too many wait, or the others are out of reach.
    fn publish(&self, frame: Bytes) -> bool;

    /// Frames of the other nodes, never one's own, and what the bus itself has to say. It begins as if it were
    /// [`BusEvent::Down`]; who reads slower than frames come misses the oldest.
    fn subscribe(&self) -> mpsc::Receiver<BusEvent>;
}

/// Something heard on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusEvent {
    /// Another node said this.
    Frame(Bytes),
    /// The other nodes can be heard.
    Up,
    /// The other nodes cannot be heard.
    Down,
}

/// What this installation has for itself in a Redis that serves others too: its database's number tells it from one of the
/// same name in another server. None without Redis.
pub(crate) async fn key(config: &Config, services: &Services) -> anyhow::Result<Option<BusKey>> {
    if config.tiers.redis.is_none() {
        return Ok(None);
    }
    let (database,): (String,) =
        sqlx::query_as("SELECT datname || '/' || oid FROM pg_database WHERE datname = current_database()")
            .fetch_one(&services.pool)
            .await
            .context("the database does not say its name")?;
    Ok(Some(BusKey::new(&backend::master_key(config)?.to_bytes(), &database)))
}

/// The bus of this process, running until the shutdown. None without Redis, and none without a given database: nobody else
/// can be on the log of an embedded one.
pub(crate) fn start(
    config: &Config,
    services: &Services,
    running: &Running,
    key: Option<BusKey>,
) -> anyhow::Result<Option<Arc<RedisBus>>> {
    let (Some(url), Some(key), Some(_)) = (&config.tiers.redis, key, &config.database.url) else { return Ok(None) };
    let breaker = Breaker::new("the bus", vitals::elapsed());
    let (bus, run) =
        RedisBus::new(url, key, services.ids.uuid(), breaker).context("REDIS_URL cannot be used for the bus")?;
    let stop = running.shutdown.clone();
    running.tracker.spawn(async move {
        tokio::select! { () = run => {}, () = stop.cancelled() => {} }
    });
    Ok(Some(Arc::new(bus)))
}
