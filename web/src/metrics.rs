//! Numbers for operators, in the text format of Prometheus. Counters are counted where things happen; what has a level
//! (lag, open sockets, films in work) is looked up when somebody asks.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use lockstep_object_store::breaker::State;
use lockstep_projections::Reader;
use metrics::{Counter, counter, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;

use crate::{edges::Edges, hub::HubHandle, vitals::Standing};

/// Bounds of times, seconds.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Bounds of batches, commands.
const COMMANDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
/// Bounds of costs, points.
const POINTS: &[f64] = &[1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0];
/// How long one look-up may take.
const LOOK_UP_MAX: Duration = Duration::from_secs(2);

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// The one recorder of this process; nothing is kept before the first call.
pub fn recorder() -> &'static PrometheusHandle {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_commands".to_owned()), COMMANDS))
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_cost".to_owned()), POINTS))
            .expect("the bounds are not empty");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::error!("another recorder of metrics is there: this one shows nothing");
        }
        Collector::default().describe();
        handle
    })
}

/// Counts of the hub's fan-out, held because looking one up for every frame would cost more than the count.
pub(crate) struct FanOut {
    frames: Counter,
    bytes: Counter,
    slow: Counter,
}

impl Default for FanOut {
    fn default() -> Self {
        Self {
            frames: counter!("lockstep_hub_frames_total"),
            bytes: counter!("lockstep_hub_frame_bytes_total"),
            slow: counter!("lockstep_hub_slow_consumers_total"),
        }
    }
}

impl FanOut {
    pub(crate) fn frame(&self, bytes: usize) {
        self.frames.increment(1);
        self.bytes.increment(bytes as u64);
    }
    pub(crate) fn slow_consumer(&self) {
        self.slow.increment(1);
    }
}

/// What is looked at when somebody asks.
#[derive(Clone)]
pub struct Levels {
    pub reader: Reader,
    /// Empty where there is no hub, or not yet.
    pub hub: Arc<OnceLock<HubHandle>>,
    pub edges: Edges,
}

impl Levels {
    /// Everything, as of now. What cannot be looked up keeps its last value and is counted.
    pub async fn text(&self) -> String {
        let recorder = recorder();
        Collector::default().collect();
        self.edges();
        tokio::join!(
            looked("projections", self.projections()),
            looked("films", self.films()),
            looked("hub", async {
                self.hub().await;
                Ok(())
            })
        );
        recorder.run_upkeep();
        recorder.render()
    }

    async fn projections(&self) -> Result<(), String> {
        for status in self.reader.statuses().await.map_err(|error| error.to_string())? {
            gauge!("lockstep_projection_lag_events", "projection" => status.name.clone())
                .set(status.lag_positions as f64);
            gauge!("lockstep_projection_faulted", "projection" => status.name).set(f64::from(u8::from(status.faulted)));
        }
        Ok(())
    }

    async fn films(&self) -> Result<(), String> {
        let counts = lockstep_projections::videos::in_work(self.reader.pool()).await;
        let counts = counts.map_err(|error| error.to_string())?;
        gauge!("lockstep_films_waiting").set(counts.waiting as f64);
        gauge!("lockstep_films_processing").set(counts.processing as f64);
        Ok(())
    }

    fn edges(&self) {
        gauge!("lockstep_database_there").set(f64::from(u8::from(self.edges.database.standing() == Standing::There)));
        for (name, now) in self.edges.breakers() {
            for state in [State::Closed, State::HalfOpen, State::Open] {
                let is_it = f64::from(u8::from(state == now));
                gauge!("lockstep_breaker", "part" => name, "state" => state.name()).set(is_it);
            }
        }
        for (state, count) in self.edges.webhooks.count() {
            gauge!("lockstep_webhook_breakers", "state" => state).set(count as f64);
        }
    }

    async fn hub(&self) {
        let Some(hub) = self.hub.get() else { return };
        if let Some((sessions, rooms)) = hub.ask(lockstep_sync_hub::Hub::size).await {
            gauge!("lockstep_hub_sessions").set(sessions as f64);
            gauge!("lockstep_hub_rooms").set(rooms as f64);
        }
        // Hubs whose clock is not known yet are as good as not there.
        let timed = |hub: &lockstep_sync_hub::Hub| hub.peers().iter().filter(|(_, clock)| clock.is_some()).count();
        if let Some(peers) = hub.ask(timed).await {
            gauge!("lockstep_hub_peers").set(peers as f64);
        }
    }
}

async fn looked(what: &'static str, look: impl Future<Output = Result<(), String>>) {
    let error = match tokio::time::timeout(LOOK_UP_MAX, look).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error,
        Err(_) => "no answer in time".to_owned(),
    };
    tracing::debug!(what, error, "a level was not looked up");
    counter!("lockstep_look_ups_failed_total", "what" => what).increment(1);
}
