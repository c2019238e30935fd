//! What one account may upload, counted from the log. Requests of one account take turns from counting to appending,
//! within the process by a lock and between processes by one in the database: no number of them at once gets past a limit.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
};

use lockstep_domain::{
    ids::{AccountId, VideoId},
    time::Timestamp,
};
use sqlx::{PgConnection, PgPool};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::UNFINISHED_SHOWN_MAX;
use crate::{CommandError, video::VideoRefusal};

/// What one account may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all its films as uploaded; 200 GB.
    pub bytes_max: u64,
    /// Films, unfinished uploads among them; 1 000.
    pub films_max: u64,
    /// Unfinished uploads; 20.
    pub unfinished_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: 200_000_000_000, films_max: 1_000, unfinished_max: 20 }
    }
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaKind {
    Bytes,
    Films,
    Unfinished,
}

impl fmt::Display for QuotaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "bytes of films",
            Self::Films => "films",
            Self::Unfinished => "unfinished uploads",
        })
    }
}

/// What an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    pub bytes: u64,
    pub films: u64,
    pub unfinished: u64,
}

/// The limits, and whose turn it is. Cheap to clone; clones share the turns.
#[derive(Clone, Debug, Default)]
pub struct Uploads {
    pub limits: Limits,
    turns: Arc<Mutex<HashMap<Uuid, Arc<tokio::sync::Mutex<()>>>>>,
}

impl Uploads {
    pub fn new(limits: Limits) -> Self {
        Self { limits, turns: Arc::default() }
    }

    /// Waits for the turn of this account or film; nobody else in this process has it until the guard is dropped.
    pub(crate) async fn turn(&self, of: Uuid) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // Only the map still holds those nobody waits for.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(of).or_default())
        };
        turn.lock_owned().await
    }
}

const USAGE: &str = "
    SELECT coalesce(sum((r.payload -> 'UploadRequested' ->> 'size_bytes')::bigint), 0)::bigint, count(*),
           count(*) FILTER (WHERE NOT EXISTS (
               SELECT 1 FROM events c WHERE c.aggregate_type = 'video' AND c.event_type = 'UploadCompleted'
               AND c.aggregate_id = r.aggregate_id))
    FROM events r
    WHERE r.event_type = 'UploadRequested' AND r.aggregate_type = 'video'
      AND r.payload -> 'UploadRequested' ->> 'owner' = $1
      AND NOT EXISTS (
          SELECT 1 FROM events e WHERE e.aggregate_type = 'video' AND e.aggregate_id = r.aggregate_id
          AND e.event_type IN ('UploadRejected', 'UploadAborted', 'Purged'))";

/// What the account has now.
pub async fn usage(pool: &PgPool, account: AccountId) -> Result<Usage, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    counted(&mut connection, account).await
}

async fn counted(connection: &mut PgConnection, account: AccountId) -> Result<Usage, sqlx::Error> {
    let counts: (i64, i64, i64) = sqlx::query_as(USAGE).bind(account.0.to_string()).fetch_one(connection).await?;
    let whole = |count: i64| u64::try_from(count).unwrap_or(0);
    Ok(Usage { bytes: whole(counts.0), films: whole(counts.1), unfinished: whole(counts.2) })
}

/// Holds the account's turn in the database while it lives; dropping it gives the turn back.
pub(crate) struct Admitted(
    #[allow(dead_code, reason = "held for its lock")] sqlx::Transaction<'static, sqlx::Postgres>,
);

/// What a new upload is held against.
pub(crate) struct Asked<'a> {
    pub account: AccountId,
    pub bytes: u64,
    /// As stored; with it the same file is looked for.
    pub fingerprint: Option<&'a str>,
}

/// Takes the account's turn and checks its limits and whether the file is there already. Append before dropping the
/// answer.
pub(crate) async fn admit(
    pool: &PgPool,
    limits: Limits,
    asked: &Asked<'_>,
) -> Result<Result<Admitted, VideoRefusal>, sqlx::Error> {
    let mut turn = pool.begin().await?;
    // Two accounts with the same first half only wait for each other.
    let key = i64::from_be_bytes(asked.account.0.as_bytes()[8..].try_into().unwrap_or_default());
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(key).execute(&mut *turn).await?;
    if let Some(fingerprint) = asked.fingerprint
        && let Some(video) = same_file(&mut turn, fingerprint).await?
    {
        return Ok(Err(VideoRefusal::Duplicate(video)));
    }
    let used = counted(&mut turn, asked.account).await?;
    Ok(within(limits, used, asked.bytes).map(|()| Admitted(turn)))
}

fn within(limits: Limits, used: Usage, bytes: u64) -> Result<(), VideoRefusal> {
    let checks = [
        (QuotaKind::Unfinished, used.unfinished, 1, limits.unfinished_max),
        (QuotaKind::Films, used.films, 1, limits.films_max),
        (QuotaKind::Bytes, used.bytes, bytes, limits.bytes_max),
    ];
    let over = checks.into_iter().find(|(_, used, more, allowed)| used.saturating_add(*more) > *allowed);
    over.map_or(Ok(()), |(kind, used, _, allowed)| Err(VideoRefusal::Quota { kind, used, allowed }))
}

/// The newest upload of this fingerprint that was not given up.
async fn same_file(connection: &mut PgConnection, fingerprint: &str) -> Result<Option<VideoId>, sqlx::Error> {
    let found: Option<(String,)> = sqlx::query_as(
        "SELECT f.aggregate_id FROM events f
         WHERE f.event_type = 'UploadFingerprinted' AND f.aggregate_type = 'video'
           AND f.payload -> 'UploadFingerprinted' ->> 'fingerprint' = $1
           AND NOT EXISTS (
               SELECT 1 FROM events e WHERE e.aggregate_type = 'video' AND e.aggregate_id = f.aggregate_id
               AND e.event_type IN ('UploadRejected', 'UploadAborted', 'Purged'))
         ORDER BY f.global_position DESC LIMIT 1",
    )
    .bind(fingerprint)
    .fetch_optional(connection)
    .await?;
    Ok(found.and_then(|(id,)| id.parse().ok()))
}

/// The account's uploads without an end, newest first.
pub(super) async fn unfinished(pool: &PgPool, account: AccountId) -> Result<Vec<(VideoId, Timestamp)>, sqlx::Error> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT r.aggregate_id, (extract(epoch FROM r.recorded_at) * 1000000)::bigint FROM events r
         WHERE r.event_type = 'UploadRequested' AND r.aggregate_type = 'video'
           AND r.payload -> 'UploadRequested' ->> 'owner' = $1
           AND NOT EXISTS (
               SELECT 1 FROM events e WHERE e.aggregate_type = 'video' AND e.aggregate_id = r.aggregate_id
               AND e.event_type IN ('UploadCompleted', 'UploadRejected', 'UploadAborted', 'Purged'))
         ORDER BY r.global_position DESC LIMIT $2",
    )
    .bind(account.0.to_string())
    .bind(UNFINISHED_SHOWN_MAX)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().filter_map(|(id, at)| Some((id.parse().ok()?, Timestamp(at)))).collect())
}

pub(crate) fn database(error: &sqlx::Error) -> CommandError<VideoRefusal> {
    CommandError::Unavailable(format!("the database: {error}"))
}
