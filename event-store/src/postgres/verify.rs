//! Proof that the log is what was appended: every leaf and every commit is computed again from the stored rows.

use std::collections::VecDeque;

use lockstep_domain::{ids::Position, time::Timestamp};
use sqlx::{FromRow, PgPool};

use super::{rows::EventRow, time::PgTime};
use crate::{
    VerifyError,
    canonical::{self, NotCanonical},
    leaf::{GENESIS, Hash, Leaf, Link},
};

/// Rows fetched at a time.
const PAGE: i64 = 1_000;

/// What a verification saw.
#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Events and commits that are as they were appended.
    pub events: u64,
    pub commits: u64,
    /// Where that ends, if it ends before the head.
    pub first_bad: Option<Damage>,
}

/// The first place where the log is not what was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    pub commit_no: i64,
    /// The event, when the damage is at one.
    pub position: Option<Position>,
    pub kind: DamageKind,
}

/// What is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DamageKind {
    #[error("the commit is missing")]
    CommitMissing,
    #[error("the commit does not follow the one before it")]
    NotLinked,
    #[error("the event is missing")]
    EventMissing,
    #[error("the event is in no commit")]
    NotCommitted,
    #[error("the event's time is not its commit's")]
    TimeChanged,
    #[error("the event is not what was appended")]
    EventChanged,
    #[error("order, times or events of the commit are not what was appended")]
    CommitChanged,
    #[error("the head does not stand after the last commit")]
    HeadChanged,
}

#[derive(FromRow)]
struct HeadRow {
    last_position: i64,
    commit_no: i64,
    last_hash: Vec<u8>,
}

#[derive(FromRow)]
struct CommitRow {
    commit_no: i64,
    first_position: i64,
    last_position: i64,
    recorded_at: PgTime,
    previous_hash: Vec<u8>,
    hash: Vec<u8>,
}

#[derive(FromRow)]
struct LeafRow {
    leaf_hash: Option<Vec<u8>>,
    #[sqlx(flatten)]
    event: EventRow,
}

/// Walks the log from its first commit to the head it had at the start.
pub async fn verify(pool: &PgPool) -> Result<VerifyReport, VerifyError> {
    let head: HeadRow =
        sqlx::query_as("SELECT last_position, commit_no, last_hash FROM es_head WHERE id = 0").fetch_one(pool).await?;
    let mut walk = Walk { pool, events: VecDeque::new(), read_to: 0, report: VerifyReport::default() };
    let mut previous: Hash = GENESIS;
    let mut position = 0;
    while walk.report.commits < u64::try_from(head.commit_no).unwrap_or_default() {
        let after = walk.report.commits as i64;
        let commits: Vec<CommitRow> = sqlx::query_as(
            "SELECT commit_no, first_position, last_position, recorded_at, previous_hash, hash FROM es_commits \
             WHERE commit_no > $1 AND commit_no <= $2 ORDER BY commit_no LIMIT $3",
        )
        .bind(after)
        .bind(head.commit_no)
        .bind(PAGE)
        .fetch_all(pool)
        .await?;
        if commits.is_empty() {
            return Ok(walk.ends_at(after + 1, None, DamageKind::CommitMissing));
        }
        for commit in commits {
            if let Err((at, kind)) = walk.commit(&commit, previous, position).await? {
                return Ok(walk.ends_at(walk.report.commits as i64 + 1, at, kind));
            }
            previous = commit.hash.try_into().expect("a checked commit's hash is one");
            position = commit.last_position;
        }
    }
    if let Some(event) = walk.peek().await?
        && event.event.global_position <= head.last_position
    {
        let at = Some(Position::from_i64(event.event.global_position));
        return Ok(walk.ends_at(head.commit_no, at, DamageKind::NotCommitted));
    }
    if head.last_position != position || head.last_hash != previous {
        return Ok(walk.ends_at(head.commit_no, None, DamageKind::HeadChanged));
    }
    Ok(walk.report)
}

/// Where a commit is wrong.
type Wrong = (Option<Position>, DamageKind);

struct Walk<'a> {
    pool: &'a PgPool,
    events: VecDeque<LeafRow>,
    read_to: i64,
    report: VerifyReport,
}

impl Walk<'_> {
    fn ends_at(&self, commit_no: i64, position: Option<Position>, kind: DamageKind) -> VerifyReport {
        VerifyReport { first_bad: Some(Damage { commit_no, position, kind }), ..self.report.clone() }
    }

    async fn commit(
        &mut self,
        commit: &CommitRow,
        previous: Hash,
        position: i64,
    ) -> Result<Result<(), Wrong>, VerifyError> {
        if commit.commit_no != self.report.commits as i64 + 1 {
            return Ok(Err((None, DamageKind::CommitMissing)));
        }
        if commit.previous_hash != previous || commit.first_position != position + 1 {
            return Ok(Err((None, DamageKind::NotLinked)));
        }
        let recorded_at: Timestamp = commit.recorded_at.into();
        let mut link = Link::new(&previous, commit.commit_no, commit.first_position, recorded_at);
        for expected in commit.first_position..=commit.last_position {
            let at = Some(Position::from_i64(expected));
            match self.peek().await? {
                Some(row) if row.event.global_position < expected => return Ok(Err((at, DamageKind::NotCommitted))),
                Some(row) if row.event.global_position == expected => {
                    if row.event.recorded_at.0 != commit.recorded_at.0 {
                        return Ok(Err((at, DamageKind::TimeChanged)));
                    }
                    match leaf(&row.event) {
                        Ok(leaf) if row.leaf_hash.as_deref() == Some(leaf.as_slice()) => link.leaf(&leaf),
                        _ => return Ok(Err((at, DamageKind::EventChanged))),
                    }
                }
                _ => return Ok(Err((at, DamageKind::EventMissing))),
            }
            self.events.pop_front();
        }
        if commit.hash != link.finish() {
            return Ok(Err((None, DamageKind::CommitChanged)));
        }
        self.report.commits += 1;
        self.report.events += (commit.last_position - commit.first_position + 1) as u64;
        Ok(Ok(()))
    }

    /// The next event by position; the next page when there is none in hand.
    async fn peek(&mut self) -> Result<Option<&LeafRow>, VerifyError> {
        if self.events.is_empty() {
            let page: Vec<LeafRow> = sqlx::query_as(
                "SELECT global_position, aggregate_type, aggregate_id, sequence, event_id, event_type, event_version, \
                        payload, metadata, occurred_at, recorded_at, leaf_hash \
                 FROM events WHERE global_position > $1 ORDER BY global_position LIMIT $2",
            )
            .bind(self.read_to)
            .bind(PAGE)
            .fetch_all(self.pool)
            .await?;
            self.read_to = page.last().map_or(self.read_to, |last| last.event.global_position);
            self.events = page.into();
        }
        Ok(self.events.front())
    }
}

/// The leaf of a row as it is stored now.
fn leaf(row: &EventRow) -> Result<Hash, NotCanonical> {
    let (mut payload, mut metadata) = (String::new(), String::new());
    canonical::write(&row.payload, &mut payload)?;
    canonical::write(&row.metadata, &mut metadata)?;
    let leaf = Leaf {
        event_id: row.event_id,
        event_type: &row.event_type,
        event_version: &row.event_version,
        metadata: &metadata,
        occurred_at: row.occurred_at.into(),
        payload: &payload,
        sequence: row.sequence.unsigned_abs(),
        stream_type: &row.aggregate_type,
        stream_id: &row.aggregate_id,
    };
    leaf.hash()
}
