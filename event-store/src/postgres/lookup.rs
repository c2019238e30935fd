//! Small reads that every command makes (has it run before, what is in its stream), many in one round trip.

use std::{collections::HashMap, io, time::Duration};

use lockstep_domain::ids::{CommandId, Position, StreamId};
use sqlx::{FromRow, PgConnection, Row, postgres::PgRow};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use uuid::Uuid;

use super::{connect::Connector, rows::EventRow, sql, time::PgTime};
use crate::{EVENTS_PER_COMMAND_MAX, ReadError, Receipt, leaf::event_id};

/// Questions that wait; beyond that callers wait to ask.
const QUEUE_MAX: usize = 4_096;
/// Questions in one round trip.
const ROUND_MAX: usize = 256;
/// A round trip takes no longer, connecting included: these are look-ups by an index. Whoever does not answer in it is asked
/// once more by a new connection, for the one at hand may be dead without a word.
const ANSWER_MAX: Duration = Duration::from_secs(3);
const LATE_ATTEMPTS_MAX: usize = 2;
/// Attempts when the connection turns out to be lost.
const ATTEMPTS_MAX: usize = 3;

/// Asks; cheap to share.
pub struct Lookup {
    questions: mpsc::Sender<Question>,
}

enum Question {
    /// The row of this event, if there is one.
    Event {
        id: Uuid,
        reply: Answer<Option<FirstRow>>,
    },
    Stream {
        stream: StreamId,
        after: i64,
        limit: i64,
        reply: Answer<Vec<EventRow>>,
    },
    /// The events of a stream from this sequence on, for the rest of a found command.
    Rest {
        first: FirstRow,
        reply: Answer<Vec<RestRow>>,
    },
}

type Answer<T> = oneshot::Sender<Result<T, ReadError>>;

#[derive(Clone, FromRow)]
struct FirstRow {
    event_id: Uuid,
    aggregate_type: String,
    aggregate_id: String,
    sequence: i64,
    global_position: i64,
    recorded_at: PgTime,
}

#[derive(FromRow)]
struct RestRow {
    event_id: Uuid,
    sequence: i64,
    global_position: i64,
}

impl Lookup {
    /// The asking side, and the task that answers until every asking side is gone.
    pub fn new(connector: Connector) -> (Self, impl Future<Output = ()> + Send) {
        let (questions, asked) = mpsc::channel(QUEUE_MAX);
        (Self { questions }, run(connector, asked))
    }

    pub async fn stream(&self, stream: &StreamId, after: u64, limit: usize) -> Result<Vec<EventRow>, ReadError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let stream = stream.clone();
        self.ask(|reply| Question::Stream { stream, after, limit, reply }).await
    }

    /// The receipt of a command that stored events.
    pub async fn command(
        &self,
        actor: &str,
        stream: &StreamId,
        command: CommandId,
    ) -> Result<Option<Receipt>, ReadError> {
        let id = event_id(actor, stream, command, 0);
        let Some(first) = self.ask(|reply| Question::Event { id, reply }).await? else { return Ok(None) };
        let recorded_at = first.recorded_at.into();
        let first_position = Position::from_i64(first.global_position);
        let rest = self.ask(|reply| Question::Rest { first, reply }).await?;
        // A command's events are neighbours in its stream; their ids say where the next command begins.
        let own = |(n, row): &(usize, &RestRow)| row.event_id == event_id(actor, stream, command, *n);
        let last = rest.iter().enumerate().take_while(own).last().map(|(_, row)| row);
        Ok(last.map(|last| Receipt {
            first_position,
            position: Position::from_i64(last.global_position),
            version: u64::try_from(last.sequence).unwrap_or_default(),
            recorded_at,
            duplicate: true,
        }))
    }

    async fn ask<T>(&self, question: impl FnOnce(Answer<T>) -> Question) -> Result<T, ReadError> {
        let closed = || ReadError::Unavailable("the store is closed".to_owned());
        let (reply, answer) = oneshot::channel();
        self.questions.send(question(reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

async fn run(connector: Connector, mut asked: mpsc::Receiver<Question>) {
    let mut connection: Option<PgConnection> = None;
    let mut round = Vec::with_capacity(ROUND_MAX);
    while asked.recv_many(&mut round, ROUND_MAX).await > 0 {
        let mut result = Ok(Answers::default());
        let mut late = 0;
        for _ in 0..ATTEMPTS_MAX {
            let answered = timeout(ANSWER_MAX, answer(&connector, &mut connection, &round)).await;
            late += usize::from(answered.is_err());
            result = answered.unwrap_or_else(|_| Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())));
            match &result {
                Ok(_) => break,
                Err(_) => connection = None,
            }
            if late == LATE_ATTEMPTS_MAX {
                break;
            }
        }
        match result {
            Ok(answers) => answers.hand_out(round.drain(..)),
            Err(error) => {
                let error = super::unavailable(error);
                round.drain(..).for_each(|question| question.fail(error.clone()));
            }
        }
    }
}

#[derive(Default)]
struct Answers {
    events: HashMap<Uuid, FirstRow>,
    /// By the question's number in its round.
    streams: HashMap<usize, Vec<EventRow>>,
    rests: HashMap<usize, Vec<RestRow>>,
}

async fn answer(
    connector: &Connector,
    connection: &mut Option<PgConnection>,
    round: &[Question],
) -> Result<Answers, sqlx::Error> {
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(connector.dedicated().await?),
    };
    let mut answers = Answers::default();
    let mut ids = Vec::new();
    let (mut numbers, mut kinds, mut names, mut afters, mut limits) = (vec![], vec![], vec![], vec![], vec![]);
    for (n, question) in round.iter().enumerate() {
        match question {
            Question::Event { id, .. } => ids.push(*id),
            Question::Stream { stream, after, limit, .. } => {
                numbers.push(n);
                kinds.push(stream.kind());
                names.push(stream.id());
                afters.push(*after);
                limits.push(*limit);
            }
            Question::Rest { first, .. } => drop(answers.rests.insert(n, rest(connection, first).await?)),
        }
    }
    if !ids.is_empty() {
        let found: Vec<FirstRow> = sqlx::query_as(sql::FIND_EVENTS).bind(ids).fetch_all(&mut *connection).await?;
        answers.events = found.into_iter().map(|row| (row.event_id, row)).collect();
    }
    if !numbers.is_empty() {
        let query = sqlx::query(sql::READ_STREAMS).bind(kinds).bind(names).bind(afters).bind(limits);
        for row in query.fetch_all(connection).await? {
            let asked = usize::try_from(row.try_get::<i64, _>("asked")? - 1).unwrap_or(usize::MAX);
            let number = *numbers.get(asked).ok_or(sqlx::Error::RowNotFound)?;
            answers.streams.entry(number).or_default().push(event_row(&row)?);
        }
    }
    Ok(answers)
}

fn event_row(row: &PgRow) -> Result<EventRow, sqlx::Error> {
    EventRow::from_row(row)
}

async fn rest(connection: &mut PgConnection, first: &FirstRow) -> Result<Vec<RestRow>, sqlx::Error> {
    sqlx::query_as(sql::EVENTS_FROM)
        .bind(&first.aggregate_type)
        .bind(&first.aggregate_id)
        .bind(first.sequence)
        .bind(EVENTS_PER_COMMAND_MAX as i64)
        .fetch_all(connection)
        .await
}

impl Answers {
    fn hand_out(mut self, round: impl Iterator<Item = Question>) {
        for (n, question) in round.enumerate() {
            match question {
                Question::Event { id, reply } => drop(reply.send(Ok(self.events.get(&id).cloned()))),
                Question::Stream { reply, .. } => drop(reply.send(Ok(self.streams.remove(&n).unwrap_or_default()))),
                Question::Rest { reply, .. } => drop(reply.send(Ok(self.rests.remove(&n).unwrap_or_default()))),
            }
        }
    }
}

impl Question {
    fn fail(self, error: ReadError) {
        match self {
            Self::Event { reply, .. } => drop(reply.send(Err(error))),
            Self::Stream { reply, .. } => drop(reply.send(Err(error))),
            Self::Rest { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}
