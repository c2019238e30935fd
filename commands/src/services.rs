//! What commands need from outside: the log, the database for what is not an event, the object stores, time and ids.

use std::sync::Arc;

use lockstep_domain::time::Timestamp;
use lockstep_event_store::EventStore;
use lockstep_object_store::Buckets;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{Dispatcher, upload::Uploads};

/// Wall time, passed in so that tests own it.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}

/// Fresh ids and secrets, passed in so that tests own them.
pub trait Ids: Send + Sync + 'static {
    /// A new UUIDv7.
    fn uuid(&self) -> Uuid;
    /// 256 bits from the system's random generator.
    fn secret(&self) -> [u8; 32];
}

/// Everything a command may use. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    pub dispatcher: Dispatcher,
    pub store: Arc<dyn EventStore>,
    /// Sessions, credentials and leases: facts that are not events.
    pub pool: PgPool,
    pub objects: Buckets,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    /// What one account may upload.
    pub uploads: Uploads,
}
