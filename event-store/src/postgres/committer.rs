//! The one task that appends: it takes whatever waits, sends it as one statement, and answers every command.
//! No lingering: while one batch commits, the next one gathers.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use lockstep_domain::ids::{Position, StreamId};
use sqlx::PgConnection;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{sleep, timeout},
};

use super::{
    batch::{Arrays, BATCH_COMMANDS_MAX, select},
    connect::{ANSWER_MAX, Connector, RESTED, is_alive},
    measure,
    prepare::Command,
    sql,
    time::PgTime,
    wake::Seen,
};
use crate::{AppendError, Expected, Receipt};

/// Commands taken from the queue and not yet sent, because of their stream or guards.
const PENDING_MAX: usize = 2_048;
/// Attempts for a command that expects any version, when other processes append to the same stream.
const ANY_ATTEMPTS_MAX: u8 = 8;
/// Attempts for a batch while the database is away, and the pauses between them: about six seconds in all.
const BATCH_ATTEMPTS_MAX: u32 = 10;
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// A command on its way, and where its answer goes.
#[derive(Debug)]
pub struct Queued {
    pub command: Command,
    /// The least version its stream is known to have.
    pub known: Option<u64>,
    attempts: u8,
    reply: oneshot::Sender<Reply>,
}

impl Queued {
    pub fn new(command: Command, reply: oneshot::Sender<Reply>) -> Self {
        Self { command, known: None, attempts: 0, reply }
    }

    fn refuse(self, error: AppendError) {
        let _ = self.reply.send(Reply::Refused(error)); // nobody waits any more: nobody to tell
    }
}

/// What became of a command.
#[derive(Debug)]
pub enum Reply {
    Appended(Receipt),
    Refused(AppendError),
    /// Stored before, by this attempt or an earlier one: its receipt is in the log.
    Duplicate,
}

/// Owns the connection that appends.
pub struct Committer {
    connector: Connector,
    connection: Option<PgConnection>,
    /// Nothing was asked of it for a while.
    rested: bool,
    node: String,
    seen: Seen,
    own: watch::Sender<i64>,
}

/// Why a batch has no outcome.
enum Trouble {
    /// The outcome is unknown: ask again. `es_append` finds what was stored, under the lock that orders appends.
    Lost(String),
    /// The database is well and refuses the batch: one of its commands cannot be stored.
    Refused { text: String, permanent: bool },
}

/// The row `es_append` answers with.
type Outcome = (PgTime, i64, Vec<String>, Vec<i64>, Vec<Option<i32>>, Vec<i64>);

impl Committer {
    pub fn new(connector: Connector, node: String, seen: Seen, own: watch::Sender<i64>) -> Self {
        Self { connector, connection: None, rested: false, node, seen, own }
    }

    /// Works until the queue is closed and empty.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Queued>, mut close: watch::Receiver<bool>) {
        let mut pending = VecDeque::new();
        let mut incoming = Vec::with_capacity(BATCH_COMMANDS_MAX);
        loop {
            if pending.is_empty() {
                tokio::select! {
                    taken = commands.recv_many(&mut incoming, BATCH_COMMANDS_MAX) => if taken == 0 { return },
                    () = sleep(RESTED), if !self.rested => self.rested = true,
                    // Also when the store is dropped: that closes the queue just as well.
                    _ = close.wait_for(|close| *close), if !commands.is_closed() => commands.close(),
                }
            } else {
                while pending.len() + incoming.len() < PENDING_MAX
                    && let Ok(queued) = commands.try_recv()
                {
                    incoming.push(queued);
                }
            }
            // Whoever has stopped waiting is told nothing, so nothing is stored for them.
            pending.extend(incoming.drain(..).filter(|queued: &Queued| !queued.reply.is_closed()));
            let batch = select(&mut pending);
            if !batch.is_empty() {
                self.commit(batch, &mut pending).await;
            }
        }
    }

    /// Commits the batch; when the database refuses it, halves it until the guilty command stands alone.
    async fn commit(&mut self, batch: Vec<Queued>, pending: &mut VecDeque<Queued>) {
        let mut work = vec![batch];
        while let Some(mut batch) = work.pop() {
            match self.attempt(&mut batch).await {
                Ok(outcome) => {
                    measure::committed(batch.len());
                    self.answer(batch, outcome, pending);
                }
                Err(Trouble::Refused { .. }) if batch.len() > 1 => {
                    let later = batch.split_off(batch.len() / 2);
                    work.push(later);
                    work.push(batch);
                }
                Err(Trouble::Refused { text, permanent }) => {
                    let error = if permanent { AppendError::Invalid(text) } else { AppendError::Unavailable(text) };
                    batch.into_iter().for_each(|queued| queued.refuse(error.clone()));
                }
                Err(Trouble::Lost(text)) => {
                    tracing::error!(error = %text, commands = batch.len(), "appends given up");
                    let all: Vec<_> = batch.into_iter().chain(work.drain(..).flatten()).collect();
                    measure::lost(all.len());
                    all.into_iter().for_each(|queued| queued.refuse(AppendError::Unavailable(text.clone())));
                }
            }
        }
    }

    /// Sends the batch until it has an outcome. Repeating it is safe: what an earlier attempt stored is answered
    /// as a duplicate, and a transaction still under way holds the head's lock until it has ended.
    async fn attempt(&mut self, batch: &mut Vec<Queued>) -> Result<Outcome, Trouble> {
        let mut backoff = BACKOFF_FIRST;
        for attempt in 1.. {
            let lost = match timeout(ANSWER_MAX, self.send(batch)).await {
                Ok(Ok(outcome)) => return Ok(outcome),
                Ok(Err(error)) => classify(&error)?,
                Err(_) => "no answer in time".to_owned(),
            };
            self.connection = None;
            batch.retain(|queued| !queued.reply.is_closed());
            if attempt == BATCH_ATTEMPTS_MAX || batch.is_empty() {
                return Err(Trouble::Lost(lost));
            }
            tracing::warn!(error = %lost, attempt, "an append has no answer, asking again");
            sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
        unreachable!("the loop ends by returning")
    }

    async fn send(&mut self, batch: &mut [Queued]) -> Result<Outcome, sqlx::Error> {
        // Nothing is under way on it: better asked than sent a batch whose fate nobody would know.
        if self.rested
            && let Some(connection) = &mut self.connection
            && is_alive(connection).await.is_err()
        {
            self.connection = None;
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.connector.dedicated().await?),
        };
        resolve_any(connection, batch).await?;
        let a = Arrays::new(batch);
        let query = sqlx::query_as(sql::APPEND).bind(&self.node).bind(&a.s_type).bind(&a.s_id);
        let query = query.bind(&a.c_stream).bind(&a.c_expected).bind(&a.c_events).bind(&a.c_first);
        let query = query.bind(&a.g_command).bind(&a.g_stream).bind(&a.g_version);
        let query = query.bind(&a.e_command).bind(&a.e_stream_type).bind(&a.e_stream_id).bind(&a.e_sequence);
        let query = query.bind(&a.e_id).bind(&a.e_type).bind(&a.e_version).bind(&a.e_payload).bind(&a.e_metadata);
        let query = query.bind(&a.e_occurred).bind(&a.e_leaf);
        // All rows, not the first: the answer that counts is the one after the commit.
        let mut rows: Vec<Outcome> = query.fetch_all(connection).await?;
        self.rested = false;
        rows.pop().ok_or(sqlx::Error::RowNotFound)
    }

    fn answer(&self, batch: Vec<Queued>, outcome: Outcome, pending: &mut VecDeque<Queued>) {
        let (recorded_at, last_position, status, actual, guard, first) = outcome;
        self.seen.advance(last_position);
        self.own.send_replace(last_position);
        if !pending.is_empty() {
            learn(&batch, &status, &actual, pending);
        }
        let mut failed = failed_guards(&batch, &guard);
        for (n, queued) in batch.into_iter().enumerate() {
            let events = queued.command.events.len();
            let actual = version(actual[n]);
            measure::answered(&status[n], events, queued.command.occurred_at, recorded_at.into());
            match status[n].as_str() {
                "A" => {
                    let receipt = Receipt {
                        first_position: Position::from_i64(first[n]),
                        position: Position::from_i64(first[n] + events as i64 - 1),
                        version: queued.base() + events as u64,
                        recorded_at: recorded_at.into(),
                        duplicate: false,
                    };
                    let _ = queued.reply.send(Reply::Appended(receipt));
                }
                "D" => drop(queued.reply.send(Reply::Duplicate)),
                "G" => {
                    let stream = failed.remove(&n).expect("a failed guard is named");
                    queued.refuse(AppendError::GuardFailed { stream, actual });
                }
                _ => conflict(queued, actual, pending),
            }
        }
    }
}

/// The failed guards' streams, by the number of their command in the batch.
fn failed_guards(batch: &[Queued], guard: &[Option<i32>]) -> HashMap<usize, StreamId> {
    if guard.iter().all(Option::is_none) {
        return HashMap::new();
    }
    let arrays = Arrays::new(batch); // the same as was sent: indexes count in it
    let stream = |(n, index): (usize, &Option<i32>)| {
        let index = usize::try_from((*index)? - 1).ok()?;
        Some((n, StreamId::new(arrays.s_type[index], arrays.s_id[index])))
    };
    guard.iter().enumerate().filter_map(stream).collect()
}

/// Tells the waiting commands what is now known about their streams.
fn learn(batch: &[Queued], status: &[String], actual: &[i64], pending: &mut VecDeque<Queued>) {
    let mut known = HashMap::new();
    for (n, queued) in batch.iter().enumerate() {
        match status[n].as_str() {
            "A" => drop(known.insert(&queued.command.stream, queued.base() + queued.command.events.len() as u64)),
            "C" => drop(known.entry(&queued.command.stream).or_insert(version(actual[n]))),
            _ => {}
        }
    }
    for queued in pending {
        if let Some(version) = known.get(&queued.command.stream) {
            queued.known = queued.known.max(Some(*version));
        }
    }
}

fn conflict(mut queued: Queued, actual: u64, pending: &mut VecDeque<Queued>) {
    queued.attempts += 1;
    if queued.command.expected == Expected::Any && queued.attempts < ANY_ATTEMPTS_MAX {
        queued.known = Some(actual);
        pending.push_front(queued);
        return;
    }
    let stream = queued.command.stream.clone();
    queued.refuse(AppendError::Conflict { stream, actual });
}

/// Looks up the versions that commands without an expectation are to be appended on top of.
async fn resolve_any(connection: &mut PgConnection, batch: &mut [Queued]) -> Result<(), sqlx::Error> {
    let open = |queued: &&mut Queued| queued.command.expected == Expected::Any && queued.known.is_none();
    let mut unknown: Vec<&mut Queued> = batch.iter_mut().filter(open).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let streams = unknown.iter().map(|queued| &queued.command.stream);
    let (kinds, ids): (Vec<&str>, Vec<&str>) = streams.map(|stream| (stream.kind(), stream.id())).unzip();
    let versions: Vec<i64> = sqlx::query_scalar(sql::VERSIONS).bind(kinds).bind(ids).fetch_all(connection).await?;
    for (queued, found) in unknown.iter_mut().zip(versions) {
        queued.known = Some(version(found));
    }
    Ok(())
}

fn version(actual: i64) -> u64 {
    u64::try_from(actual).expect("sequences are positive")
}

/// `Ok` is the text of an error after which the outcome is unknown or another attempt may do better.
fn classify(error: &sqlx::Error) -> Result<String, Trouble> {
    let text = error.to_string();
    let sqlx::Error::Database(database) = error else { return Ok(text) };
    let code = database.code().unwrap_or_default();
    match &code[..code.len().min(2)] {
        // Connection, shutdown or cancel (also our statement_timeout), resources, serialisation, lock timeout.
        "08" | "57" | "53" | "40" | "55" => Ok(text),
        // Data or constraint: this command, always.
        "22" | "23" => Err(Trouble::Refused { text, permanent: true }),
        _ => Err(Trouble::Refused { text, permanent: false }),
    }
}
