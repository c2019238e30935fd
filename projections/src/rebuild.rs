//! Rebuilds a read model from the log beside the live one, and compares rows by checksum.
//!
//! The events are replayed into temporary tables of the same names, which hide the live ones on that connection
//! only; a last transaction catches up with the live checkpoint and swaps the rows. Readers are never blocked and
//! never see a half-built model.

use std::sync::Arc;

use lockstep_domain::ids::Position;
use lockstep_event_store::{EventStore, ReadError};
use sqlx::{Connection, PgConnection, PgPool};

use crate::{
    checkpoint,
    projection::{self, ApplyError, Projection},
};

/// Events per page and transaction of a replay.
const PAGE_EVENTS: usize = 2_000;

/// What a rebuild did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Events read, those of other projections included.
    pub events: u64,
    /// The log position the rows show.
    pub position: Position,
}

/// A rebuild failed; the live read model is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error("there is no projection named {0}")]
    Unknown(String),
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
    #[error("an event cannot be applied")]
    Apply(#[from] ApplyError),
    #[error("the read model cannot be written")]
    Database(#[from] sqlx::Error),
}

/// Replays the whole log into the projection of that name.
pub async fn rebuild(pool: &PgPool, store: &Arc<dyn EventStore>, name: &str) -> Result<Rebuilt, RebuildError> {
    let projection = projection::find(name).ok_or_else(|| RebuildError::Unknown(name.to_owned()))?;
    rebuild_of(pool, store, projection.as_ref()).await
}

/// Replays the whole log into this projection.
pub(crate) async fn rebuild_of(
    pool: &PgPool,
    store: &Arc<dyn EventStore>,
    projection: &dyn Projection,
) -> Result<Rebuilt, RebuildError> {
    // Detached: its temporary tables must not outlive this call in the pool.
    let mut connection = pool.acquire().await?.detach();
    let rebuilt =
        Rebuild { store: store.as_ref(), projection, events: 0, at: Position::START }.run(&mut connection).await;
    let _ = connection.close().await;
    rebuilt
}

struct Rebuild<'a> {
    store: &'a dyn EventStore,
    projection: &'a dyn Projection,
    events: u64,
    at: Position,
}

impl Rebuild<'_> {
    async fn run(mut self, connection: &mut PgConnection) -> Result<Rebuilt, RebuildError> {
        checkpoint::ensure(&mut *connection, self.projection.name(), self.projection.version()).await?;
        let schema: String =
            sqlx::query_scalar("SELECT quote_ident(current_schema())").fetch_one(&mut *connection).await?;
        for table in self.projection.tables() {
            let name = table.name;
            let sql = format!("CREATE TEMPORARY TABLE {name} (LIKE {schema}.{name} INCLUDING ALL)");
            sqlx::query(&sql).execute(&mut *connection).await?;
        }
        loop {
            let mut tx = connection.begin().await?;
            let read = self.page(&mut tx).await?;
            tx.commit().await?;
            if read < PAGE_EVENTS {
                break;
            }
        }
        self.swap(connection, &schema).await?;
        Ok(Rebuilt { events: self.events, position: self.at })
    }

    async fn page(&mut self, tx: &mut PgConnection) -> Result<usize, RebuildError> {
        let events = self.store.read_after(self.at, PAGE_EVENTS).await?;
        for event in &events {
            if self.projection.kinds().contains(&event.stream.kind()) {
                self.projection.apply(tx, event).await?;
            }
            self.at = event.position;
        }
        self.events += events.len() as u64;
        Ok(events.len())
    }

    /// Holding the checkpoint keeps the live runner still while the rows change hands.
    async fn swap(&mut self, connection: &mut PgConnection, schema: &str) -> Result<(), RebuildError> {
        let name = self.projection.name();
        let mut tx = connection.begin().await?;
        let live = checkpoint::hold(&mut tx, name).await?;
        while self.at < live {
            self.page(&mut tx).await?;
        }
        for table in self.projection.tables() {
            let (name, key) = (table.name, table.key);
            sqlx::query(&format!("DELETE FROM {schema}.{name}")).execute(&mut *tx).await?;
            let copy = format!("INSERT INTO {schema}.{name} SELECT * FROM pg_temp.{name} ORDER BY {key}");
            sqlx::query(&copy).execute(&mut *tx).await?;
        }
        checkpoint::advance(&mut tx, name, live, self.at).await?;
        checkpoint::built_by(&mut tx, name, self.projection.version()).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// SHA-256 over the ordered rows of every table of the projection, hex. Equal rows give equal sums.
pub async fn checksum(pool: &PgPool, name: &str) -> Result<String, RebuildError> {
    let projection = projection::find(name).ok_or_else(|| RebuildError::Unknown(name.to_owned()))?;
    let sums: Vec<String> = projection
        .tables()
        .iter()
        .map(|table| {
            let (name, key) = (table.name, table.key);
            format!(
                "coalesce((SELECT string_agg(sha256(convert_to(t::text, 'UTF8')), ''::bytea ORDER BY {key}) \
                 FROM {name} t), ''::bytea)"
            )
        })
        .collect();
    let sql = format!("SELECT encode(sha256({}), 'hex')", sums.join(" || '\\x00'::bytea || "));
    Ok(sqlx::query_scalar(&sql).fetch_one(pool).await?)
}
