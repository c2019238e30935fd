//! Durable commands per second: our dispatcher and log against stock cqrs-es + postgres-es, in the same run, on the
//! same kind of cluster (fsync on), the same aggregate, streams of 100 events, payloads of about 250 bytes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use cqrs_es::{CqrsFramework, persist::PersistedEventStore};
use lockstep_commands::{Actor, Context, Dispatcher, cqrs::Folded};
use lockstep_domain::{
    Aggregate, event_names,
    ids::{CommandId, StreamId},
    time::Timestamp,
};
use lockstep_event_store::{Append, EventStore, Expected, MasterKey, Metadata, NewEvent, PostgresStore};
use lockstep_migrations::cluster::{Cluster, ClusterOptions};
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

use crate::report::{Line, machine};

/// Producers tried; each side is quoted at its best.
const PRODUCERS: [usize; 3] = [16, 64, 256];
/// Streams, each of this many events before the clock starts.
const STREAMS: usize = 1_024;
const EVENTS_PER_STREAM: usize = 100;
/// How long each cell runs.
const CELL: Duration = Duration::from_secs(8);
/// Rounds; sides take turns, the median round is quoted.
const ROUNDS: usize = 3;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum NoteEvent {
    Noted { number: u64, text: String },
}
event_names!(NoteEvent { Noted });

#[derive(Debug, Clone, Default)]
struct NoteState {
    count: u64,
}

#[derive(Debug, Clone)]
struct Write;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("never refused")]
struct Never;

/// A small aggregate: one event per command, decided from its state.
struct Note;

impl Aggregate for Note {
    const KIND: &'static str = "note";
    type State = NoteState;
    type Command = Write;
    type Event = NoteEvent;
    type Error = Never;
    fn decide(state: &NoteState, _: &Write) -> Result<Vec<NoteEvent>, Never> {
        Ok(vec![note(state.count + 1)])
    }
    fn evolve(state: &mut NoteState, event: &NoteEvent) {
        match event {
            NoteEvent::Noted { number, .. } => state.count = *number,
        }
    }
}

fn note(number: u64) -> NoteEvent {
    NoteEvent::Noted { number, text: format!("{number:0>210}") }
}

pub async fn run() -> anyhow::Result<()> {
    let folder = tempfile_folder()?;
    let cluster = tokio::task::spawn_blocking({
        let folder = folder.clone();
        move || Cluster::start(ClusterOptions { connections_max: 400, ..ClusterOptions::new(folder) })
    })
    .await??;
    let outcome = compare(&cluster).await;
    tokio::task::spawn_blocking(move || cluster.stop()).await?;
    std::fs::remove_dir_all(&folder).ok();
    outcome
}

async fn compare(cluster: &Cluster) -> anyhow::Result<()> {
    let ours = Ours::prepare(cluster).await.context("our log")?;
    let stock = Stock::prepare(cluster).await.context("the peer's tables")?;
    let mut best = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (mut our_best, mut peer_best) = ((0.0, 0), (0.0, 0));
        for producers in PRODUCERS {
            our_best = better(our_best, (ours.rate(producers).await?, producers));
            peer_best = better(peer_best, (stock.rate(producers).await?, producers));
        }
        best.0.push(our_best);
        best.1.push(peer_best);
    }
    let (ours, ours_at) = median(&mut best.0);
    let (peer, peer_at) = median(&mut best.1);
    Line {
        name: "append",
        ours,
        peer,
        peer_name: "postgres-es 0.5.0 execute()",
        ratio: ours / peer,
        unit: "commands/s",
        conditions: format!(
            "fsync on, {EVENTS_PER_STREAM}-event streams, ~250-byte payloads, one durable ack per command, best of \
             {PRODUCERS:?} producers (ours {ours_at}, peer {peer_at}), median of {ROUNDS} interleaved rounds of {} s, {}",
            CELL.as_secs(),
            machine()
        ),
    }
    .print()
}

fn better(a: (f64, usize), b: (f64, usize)) -> (f64, usize) {
    if b.0 > a.0 { b } else { a }
}

fn median(values: &mut [(f64, usize)]) -> (f64, usize) {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    values[values.len() / 2]
}

/// Runs `command(stream number)` from `producers` tasks for one cell; commands acknowledged per second.
async fn measure<F, Fut>(producers: usize, command: F) -> anyhow::Result<f64>
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for producer in 0..producers {
        let command = command.clone();
        tasks.spawn(async move {
            let mut done = 0u64;
            let mut stream = producer;
            while started.elapsed() < CELL {
                command(stream).await?;
                done += 1;
                // Each producer walks over streams of its own, so that none grows far beyond its 100 events.
                stream = (stream + producers) % STREAMS;
            }
            anyhow::Ok(done)
        });
    }
    let mut total = 0;
    while let Some(done) = tasks.join_next().await {
        total += done??;
    }
    Ok(total as f64 / started.elapsed().as_secs_f64())
}

fn stream_id(number: usize) -> String {
    Uuid::from_u128(number as u128 + 1).to_string()
}

struct Ours {
    dispatcher: Dispatcher,
}

impl Ours {
    async fn prepare(cluster: &Cluster) -> anyhow::Result<Self> {
        cluster.ensure_database("ours").await?;
        let url = cluster.url("ours");
        lockstep_migrations::migrate(&PgPool::connect(&url).await?).await?;
        let store = PostgresStore::connect(&url, MasterKey::from_bytes([7; 32]), "bench".to_owned()).await?;
        for stream in 0..STREAMS {
            fill(&*store, stream).await?;
        }
        let log: Arc<dyn EventStore> = store;
        Ok(Self { dispatcher: Dispatcher::new(log) })
    }

    async fn rate(&self, producers: usize) -> anyhow::Result<f64> {
        let dispatcher = self.dispatcher.clone();
        measure(producers, move |stream| {
            let dispatcher = dispatcher.clone();
            async move {
                let id = Uuid::new_v4();
                let context = Context {
                    actor: Actor::System,
                    command_id: CommandId(id),
                    correlation_id: id.to_string(),
                    causation_id: None,
                    now: Timestamp(0),
                };
                let stream = StreamId::new("note", stream_id(stream));
                dispatcher.execute::<Note>(stream, None, &context, Write).await?;
                Ok(())
            }
        })
        .await
    }
}

/// Gives one stream its first events, in commands of fifty.
async fn fill(store: &dyn EventStore, stream: usize) -> anyhow::Result<()> {
    let numbers: Vec<u64> = (1..=EVENTS_PER_STREAM as u64).collect();
    for part in numbers.chunks(50) {
        let events = part
            .iter()
            .map(|number| {
                Ok(NewEvent {
                    event_type: "Noted".to_owned(),
                    event_version: "1".to_owned(),
                    payload: serde_json::to_value(note(*number))?,
                })
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let append = Append {
            stream: StreamId::new("note", stream_id(stream)),
            expected: Expected::Version(part[0] - 1),
            guards: vec![],
            command_id: CommandId(Uuid::new_v4()),
            metadata: Metadata { actor: "bench".to_owned(), ..Metadata::default() },
            occurred_at: Timestamp(0),
            events,
        };
        store.append(append).await?;
    }
    Ok(())
}

type StockFramework = CqrsFramework<Folded<Note>, PersistedEventStore<PostgresEventRepository, Folded<Note>>>;

struct Stock {
    framework: Arc<StockFramework>,
}

impl Stock {
    async fn prepare(cluster: &Cluster) -> anyhow::Result<Self> {
        cluster.ensure_database("stock").await?;
        let pool = PgPoolOptions::new().max_connections(64).connect(&cluster.url("stock")).await?;
        // The table of postgres-es' own db/init.sql.
        sqlx::query(
            "CREATE TABLE events (aggregate_type text NOT NULL, aggregate_id text NOT NULL,
             sequence bigint CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL, event_version text NOT NULL,
             payload json NOT NULL, metadata json NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence))",
        )
        .execute(&pool)
        .await?;
        for stream in 0..STREAMS {
            let payloads = (1..=EVENTS_PER_STREAM as u64)
                .map(|number| Ok(serde_json::to_value(note(number))?))
                .collect::<anyhow::Result<Vec<_>>>()?;
            sqlx::query(
                "INSERT INTO events SELECT 'note', $1, n, 'Noted', '1', p::json, '{}'::json
                 FROM unnest($2::jsonb[]) WITH ORDINALITY AS e(p, n)",
            )
            .bind(stream_id(stream))
            .bind(payloads)
            .execute(&pool)
            .await?;
        }
        sqlx::query("ANALYZE events").execute(&pool).await?;
        let framework = postgres_es::postgres_cqrs::<Folded<Note>>(pool, vec![], ());
        Ok(Self { framework: Arc::new(framework) })
    }

    async fn rate(&self, producers: usize) -> anyhow::Result<f64> {
        let framework = Arc::clone(&self.framework);
        measure(producers, move |stream| {
            let framework = Arc::clone(&framework);
            async move {
                framework.execute(&stream_id(stream), Write).await?;
                Ok(())
            }
        })
        .await
    }
}

/// A folder the database's own user may enter.
pub(crate) fn tempfile_folder() -> anyhow::Result<std::path::PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("lockstep-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o711))?;
    Ok(folder)
}
