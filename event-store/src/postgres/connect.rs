//! How this crate connects: as the application's role, with limits on what a statement may take.

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};

use crate::ConnectError;

/// How long a read waits for a connection. Short: while the database is away the pool tries again with pauses of up to a fifth
/// of this, and readers are to be told, and to go on, soon.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// The server gives up a connection whose other end is gone without a word after about this: locks that it holds, as those
/// of a projection's leader, are free then.
pub const KEEPALIVE: [(&str, &str); 4] = [
    ("tcp_keepalives_idle", "5s"),
    ("tcp_keepalives_interval", "2s"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "11s"),
];

/// A connection that has rested for this long is asked whether it is still there before somebody gets it.
pub const RESTED: Duration = Duration::from_secs(1);
/// How long it has for its answer. Shorter than anybody waits for a connection, so that there is time for a new one.
const ALIVE_TIMEOUT: Duration = Duration::from_millis(500);

/// A pool that parts with connections whose other end is gone without a word. Nothing else would notice them: the kernel
/// sends what is asked of them again and again for a quarter of an hour.
pub fn healing(options: PgPoolOptions) -> PgPoolOptions {
    options
        // Would wait without an end.
        .test_before_acquire(false)
        .before_acquire(|connection, seen| {
            Box::pin(async move { if seen.idle_for < RESTED { Ok(true) } else { is_alive(connection).await } })
        })
        // The pool asks every connection that comes back, and waits without an end: only those that answer get there.
        .after_release(|connection, _| Box::pin(is_alive(connection)))
}

/// Whether it answers. An error, not `false`, of a connection that is gone: the pool would take leave of it, and wait for an answer to that.
pub async fn is_alive(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    match tokio::time::timeout(ALIVE_TIMEOUT, connection.ping()).await {
        Ok(answer) => answer.map(|()| true),
        Err(late) => Err(sqlx::Error::Io(late.into())),
    }
}

/// A statement without an answer for this long has lost its connection. Above the server's own statement timeout.
pub const ANSWER_MAX: Duration = Duration::from_secs(12);

/// A statement whose end nobody else waits for: it is given up with its connection, and may be sent again.
pub async fn answered<T>(asked: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(ANSWER_MAX, asked).await.unwrap_or_else(|late| Err(sqlx::Error::Io(late.into())))
}

/// The application may append and read, and nothing else with the log. Without the role the owner runs everything.
const TAKE_ROLE: &str = "SELECT set_config('role', rolname, false) FROM pg_roles \
     WHERE rolname = 'lockstep_app' AND pg_has_role(current_user, rolname, 'member')";

/// Opens connections to one database.
#[derive(Clone)]
pub struct Connector {
    options: PgConnectOptions,
}

impl Connector {
    pub fn new(url: &str, node: &str) -> Result<Self, ConnectError> {
        let options = PgConnectOptions::from_str(url).map_err(|error| ConnectError::Url(error.to_string()))?;
        let options = options.application_name(&format!("lockstep {node}")).options([
            ("statement_timeout", "10s"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "5s"),
            // An acknowledged event is on the disk, and the head's lock is enough, whatever the server's defaults are.
            ("synchronous_commit", "on"),
            ("default_transaction_isolation", "read\\ committed"),
            // Every statement of this crate is an index scan. Plans are kept, also those made while the tables were
            // empty, when a scan of everything looks cheapest.
            ("enable_seqscan", "off"),
            ("enable_bitmapscan", "off"),
            ("jit", "off"),
        ]);
        let options = options.options(KEEPALIVE);
        Ok(Self { options })
    }

    /// A connection for one task that issues few statements again and again.
    pub async fn dedicated(&self) -> Result<PgConnection, sqlx::Error> {
        let options = self.options.clone().options([("plan_cache_mode", "force_generic_plan")]);
        let mut connection = options.connect().await?;
        connection.execute(TAKE_ROLE).await?;
        Ok(connection)
    }

    /// A connection that hears notifications.
    pub async fn listener(&self) -> Result<PgListener, sqlx::Error> {
        // A pool of one, because that is what a listener is made of; it closes with the listener.
        let options = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        PgListener::connect_with(&options.connect_with(self.options.clone()).await?).await
    }

    /// A pool for everything else.
    pub async fn pool(&self, connections_max: u32) -> Result<PgPool, sqlx::Error> {
        healing(PgPoolOptions::new())
            .max_connections(connections_max)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute(TAKE_ROLE).await?;
                    Ok(())
                })
            })
            .connect_with(self.options.clone())
            .await
    }
}

/// The position of the last event, if this database has a log.
pub async fn check_migrated(pool: &PgPool) -> Result<i64, ConnectError> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('es_head') IS NOT NULL").fetch_one(pool).await?;
    if !there {
        return Err(ConnectError::NotMigrated);
    }
    Ok(sqlx::query_scalar(super::sql::HEAD).fetch_one(pool).await?)
}
