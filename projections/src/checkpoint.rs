//! How far each projection has come: one row of `es_subscriptions`, moved in the transaction that writes the rows.

use lockstep_domain::ids::Position;
use sqlx::{PgConnection, PgExecutor, PgPool};

/// The version under which checkpoints are kept; read models have one version at a time.
const VERSION: i32 = 1;

const LIVE: &str = "live";
const FAULTED: &str = "faulted";

/// One projection, as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectionStatus {
    pub name: String,
    pub position: Position,
    /// Events in the log after its position.
    pub lag_positions: i64,
    /// An event cannot be applied; the log says which and why. It is tried again and again.
    pub faulted: bool,
}

/// Its position; `START` before it ever ran.
pub(crate) async fn position(executor: impl PgExecutor<'_>, name: &str) -> Result<Position, sqlx::Error> {
    let position: Option<i64> =
        sqlx::query_scalar("SELECT position FROM es_subscriptions WHERE name = $1 AND version = $2 AND partition = 0")
            .bind(name)
            .bind(VERSION)
            .fetch_optional(executor)
            .await?;
    Ok(position.map_or(Position::START, Position::from_i64))
}

/// The version of the projection that its rows were built by.
pub(crate) async fn model_version(executor: impl PgExecutor<'_>, name: &str) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("SELECT model_version FROM es_subscriptions WHERE name = $1 AND version = $2 AND partition = 0")
        .bind(name)
        .bind(VERSION)
        .fetch_one(executor)
        .await
}

/// Notes, in the transaction that writes them, by which version of the projection its rows were built.
pub(crate) async fn built_by(tx: &mut PgConnection, name: &str, model: i32) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE es_subscriptions SET model_version = $3 WHERE name = $1 AND version = $2 AND partition = 0")
        .bind(name)
        .bind(VERSION)
        .bind(model)
        .execute(tx)
        .await?;
    Ok(())
}

/// Makes the row, if it is missing: of a read model that starts empty and is built by this version.
pub(crate) async fn ensure(executor: impl PgExecutor<'_>, name: &str, model: i32) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO es_subscriptions (name, version, partition, position, model_version) VALUES ($1, $2, 0, 0, $3)
         ON CONFLICT (name, version, partition) DO NOTHING",
    )
    .bind(name)
    .bind(VERSION)
    .bind(model)
    .execute(executor)
    .await?;
    Ok(())
}

/// Moves it from `from` to `to` and holds its row until the transaction ends. `false`: somebody else moved it.
pub(crate) async fn advance(
    tx: &mut PgConnection,
    name: &str,
    from: Position,
    to: Position,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query(
        "UPDATE es_subscriptions SET position = $4, status = $5, updated_at = clock_timestamp()
         WHERE name = $1 AND version = $2 AND partition = 0 AND position = $3",
    )
    .bind(name)
    .bind(VERSION)
    .bind(from.as_i64())
    .bind(to.as_i64())
    .bind(LIVE)
    .execute(tx)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Its position, its row held until the transaction ends.
pub(crate) async fn hold(tx: &mut PgConnection, name: &str) -> Result<Position, sqlx::Error> {
    let position: i64 = sqlx::query_scalar(
        "SELECT position FROM es_subscriptions WHERE name = $1 AND version = $2 AND partition = 0 FOR UPDATE",
    )
    .bind(name)
    .bind(VERSION)
    .fetch_one(tx)
    .await?;
    Ok(Position::from_i64(position))
}

/// Says that it does not get past its next event.
pub(crate) async fn mark_faulted(executor: impl PgExecutor<'_>, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE es_subscriptions SET status = $3, updated_at = clock_timestamp()
         WHERE name = $1 AND version = $2 AND partition = 0",
    )
    .bind(name)
    .bind(VERSION)
    .bind(FAULTED)
    .execute(executor)
    .await?;
    Ok(())
}

/// Every one of `names` with its lag behind `head`.
pub(crate) async fn statuses(
    pool: &PgPool,
    names: &[&'static str],
    head: Position,
) -> Result<Vec<ProjectionStatus>, sqlx::Error> {
    let rows: Vec<(String, i64, String)> =
        sqlx::query_as("SELECT name, position, status FROM es_subscriptions WHERE version = $1 AND partition = 0")
            .bind(VERSION)
            .fetch_all(pool)
            .await?;
    let status = |name: &&str| {
        let row = rows.iter().find(|row| row.0 == *name);
        let position = row.map_or(0, |row| row.1);
        ProjectionStatus {
            name: (*name).to_owned(),
            position: Position::from_i64(position),
            lag_positions: (head.as_i64() - position).max(0),
            faulted: row.is_some_and(|row| row.2 == FAULTED),
        }
    };
    Ok(names.iter().map(status).collect())
}
