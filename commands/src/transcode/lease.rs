//! The table `work_leases`: who works on what, on the database's clock. Not events: they end by themselves.

use lockstep_domain::ids::VideoId;
use sqlx::PgPool;

use super::{Claim, LEASE_LIFE, PROGRESS_EVERY};

/// The row that rations progress events; no work item has this number.
const PROGRESS_ROW: i32 = -1;

fn row(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Gives the lease its whole life again; false when it is no longer this worker's.
pub(super) async fn extend(pool: &PgPool, claim: &Claim) -> Result<bool, sqlx::Error> {
    let extended = sqlx::query(
        "UPDATE work_leases
            SET heartbeat_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => $4),
                attempt = $5
          WHERE video_id = $1 AND item = $2 AND worker = $3",
    )
    .bind(claim.video.0)
    .bind(row(claim.item))
    .bind(&claim.worker)
    .bind(LEASE_LIFE.as_secs_f64())
    .bind(row(claim.attempt))
    .execute(pool)
    .await?;
    Ok(extended.rows_affected() == 1)
}

/// True when this worker now has the lease: nobody had one, or it had run out.
pub(super) async fn take(pool: &PgPool, video: VideoId, item: u32, worker: &str) -> Result<bool, sqlx::Error> {
    let taken: Option<i32> = sqlx::query_scalar(
        "INSERT INTO work_leases AS held (video_id, item, worker, attempt, lease_until, heartbeat_at)
         VALUES ($1, $2, $3, 0, clock_timestamp() + make_interval(secs => $4), clock_timestamp())
         ON CONFLICT (video_id, item) DO UPDATE
            SET worker = excluded.worker, attempt = 0, lease_until = excluded.lease_until,
                heartbeat_at = excluded.heartbeat_at
          WHERE held.lease_until < clock_timestamp()
         RETURNING 1",
    )
    .bind(video.0)
    .bind(row(item))
    .bind(worker)
    .bind(LEASE_LIFE.as_secs_f64())
    .fetch_optional(pool)
    .await?;
    Ok(taken.is_some())
}

/// Ends this worker's lease. A lease that could not be dropped ends by itself.
pub(super) async fn drop(pool: &PgPool, video: VideoId, item: u32, worker: &str) {
    let dropped = sqlx::query("DELETE FROM work_leases WHERE video_id = $1 AND item = $2 AND worker = $3")
        .bind(video.0)
        .bind(row(item))
        .bind(worker)
        .execute(pool)
        .await;
    if let Err(error) = dropped {
        tracing::debug!(%video, item, %error, "a lease is left to run out");
    }
}

/// A finished film needs no leases.
pub(super) async fn drop_all(pool: &PgPool, video: VideoId) {
    let dropped = sqlx::query("DELETE FROM work_leases WHERE video_id = $1").bind(video.0).execute(pool).await;
    if let Err(error) = dropped {
        tracing::debug!(%video, %error, "a film's leases are left behind");
    }
}

/// Rations progress events over all workers, on the database's clock.
pub(super) async fn progress_is_due(pool: &PgPool, video: VideoId) -> Result<bool, sqlx::Error> {
    let due: Option<i32> = sqlx::query_scalar(
        "INSERT INTO work_leases AS held (video_id, item, worker, attempt, lease_until, heartbeat_at)
         VALUES ($1, $2, 'progress', 0, clock_timestamp(), clock_timestamp())
         ON CONFLICT (video_id, item) DO UPDATE SET heartbeat_at = excluded.heartbeat_at
          WHERE held.heartbeat_at <= clock_timestamp() - make_interval(secs => $3)
         RETURNING 1",
    )
    .bind(video.0)
    .bind(PROGRESS_ROW)
    .bind(PROGRESS_EVERY.as_secs_f64())
    .fetch_optional(pool)
    .await?;
    Ok(due.is_some())
}
