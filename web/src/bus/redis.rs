//! The bus over Redis: one topic for all nodes of an installation, one connection (RESP3) that publishes and hears. A lost
//! connection is made again for ever; what is said meanwhile is not kept, because it would be old.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use lockstep_object_store::breaker::Breaker;
use metrics::counter;
use rand::Rng;
use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind, RedisResult, Value,
    aio::MultiplexedConnection,
};
use tokio::{
    sync::{Notify, mpsc},
    time::sleep,
};
use uuid::Uuid;

use super::{Bus, BusEvent, FRAME_BYTES_MAX, key::BusKey, listeners::Listeners};

/// Frames waiting to be published; together at most 16 MiB.
pub const WAITING_FRAMES_MAX: usize = 256;
/// Frames published in one round trip.
const PIPELINED_FRAMES_MAX: usize = 64;
/// A connection or an answer that takes longer is lost. Well below the five seconds after which nodes miss each other.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// How often a connection on which nobody speaks is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(1);
/// Pause before a lost connection is made again; it doubles up to the second, and half of it is left to chance, so that not
/// all nodes come at once.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A node's end of the bus over Redis.
pub struct RedisBus {
    outgoing: mpsc::Sender<Bytes>,
    listeners: Arc<Listeners>,
    breaker: Breaker,
}

impl RedisBus {
    /// Of this node; it connects while the future runs, which ends with the bus.
    ///
    /// # Errors
    /// When the address is not one of Redis.
    pub fn new(
        url: &str,
        key: BusKey,
        node: Uuid,
        breaker: Breaker,
    ) -> RedisResult<(Self, impl Future<Output = ()> + Send + 'static)> {
        let info = url.into_connection_info()?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        let (outgoing, waiting) = mpsc::channel(WAITING_FRAMES_MAX);
        let listeners = Arc::new(Listeners::new(false));
        let (ears, own) = (Arc::clone(&listeners), breaker.clone());
        let line = Line { client, topic: key.topic(), key, node, waiting, listeners: ears, breaker: own };
        Ok((Self { outgoing, listeners, breaker }, line.run()))
    }

    /// The breaker in front of it: how often it was lost, and whether it is away now.
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Whether the other nodes can be heard.
    pub fn is_up(&self) -> bool {
        self.listeners.is_up()
    }

    /// Events that slow listeners of this node missed, ever.
    pub fn missed(&self) -> u64 {
        self.listeners.missed()
    }
}

impl Bus for RedisBus {
    fn publish(&self, frame: Bytes) -> bool {
        let why = match () {
            () if frame.len() > FRAME_BYTES_MAX => "too_large",
            () if !self.listeners.is_up() => "away",
            () if self.outgoing.try_send(frame).is_err() => "queue_full",
            () => return true,
        };
        counter!("lockstep_bus_frames_lost_total", "why" => why).increment(1);
        false
    }

    fn subscribe(&self) -> mpsc::Receiver<BusEvent> {
        self.listeners.subscribe()
    }
}

fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.5..1.0))
}

/// The task behind a bus.
struct Line {
    client: Client,
    topic: String,
    key: BusKey,
    node: Uuid,
    waiting: mpsc::Receiver<Bytes>,
    listeners: Arc<Listeners>,
    breaker: Breaker,
}

/// Why a connection is not used any more.
enum End {
    /// The bus was dropped.
    Dropped,
    Lost(String),
}

impl Line {
    async fn run(mut self) {
        let mut pause = PAUSE_MIN;
        let mut is_known_lost = false;
        loop {
            let end = match self.connect().await {
                Ok((connection, gone)) => {
                    pause = PAUSE_MIN;
                    // What waited since before is old.
                    while self.waiting.try_recv().is_ok() {}
                    self.breaker.close();
                    self.listeners.set_up(true);
                    is_known_lost = false;
                    tracing::info!("the bus is there: nodes hear each other");
                    let end = self.carry(connection, &gone).await;
                    self.listeners.set_up(false);
                    end
                }
                Err(error) => End::Lost(error.to_string()),
            };
            match end {
                End::Dropped => return,
                End::Lost(error) => {
                    if !std::mem::replace(&mut is_known_lost, true) {
                        tracing::warn!(%error, "the bus is away: this node goes on alone");
                    }
                    // One that is open refuses: the line is tried all the same, only not counted.
                    if let Ok(permit) = self.breaker.admit() {
                        permit.fault();
                    }
                }
            }
            sleep(jittered(pause)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// A connection that hears the others, and what says that it is gone.
    async fn connect(&self) -> RedisResult<(MultiplexedConnection, Arc<Notify>)> {
        let gone = Arc::new(Notify::new());
        let (key, node, listeners, told) = (self.key.clone(), self.node, Arc::clone(&self.listeners), gone.clone());
        // Runs on the connection's task: it only opens and puts into rings.
        let hear = move |push: PushInfo| {
            match (&push.kind, push.data.as_slice()) {
                (PushKind::Disconnection, _) => told.notify_one(),
                (PushKind::Message, [_, Value::BulkString(wire)]) => {
                    if let Some(frame) = key.open(node, wire) {
                        counter!("lockstep_bus_frames_total", "way" => "heard").increment(1);
                        listeners.tell(BusEvent::Frame(frame.into()));
                    }
                }
                _ => {}
            }
            Ok::<_, std::convert::Infallible>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_MAX))
            .set_response_timeout(Some(ANSWER_MAX))
            .set_push_sender(hear);
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        connection.subscribe(&self.topic).await?;
        Ok((connection, gone))
    }

    /// Publishes what is said until the connection is lost.
    async fn carry(&mut self, mut connection: MultiplexedConnection, gone: &Notify) -> End {
        let mut frames = Vec::with_capacity(PIPELINED_FRAMES_MAX);
        loop {
            tokio::select! {
                count = self.waiting.recv_many(&mut frames, PIPELINED_FRAMES_MAX) => {
                    if count == 0 { return End::Dropped }
                }
                () = gone.notified() => return End::Lost("the connection was closed".to_owned()),
                () = sleep(PING_EVERY) => {}
            }
            let mut pipe = redis::pipe();
            if frames.is_empty() {
                pipe.cmd("PING").ignore();
            }
            counter!("lockstep_bus_frames_total", "way" => "said").increment(frames.len() as u64);
            for frame in frames.drain(..) {
                pipe.cmd("PUBLISH").arg(&self.topic).arg(self.key.seal(self.node, &frame)).ignore();
            }
            if let Err(error) = pipe.query_async::<()>(&mut connection).await {
                return End::Lost(error.to_string());
            }
        }
    }
}
