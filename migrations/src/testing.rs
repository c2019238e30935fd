//! One migrated database per test, dropped afterwards. The server comes from the test run
//! (`LOCKSTEP_TEST_POSTGRES`, see scripts/test-postgres.sh) or is started for this process alone.
#![allow(clippy::disallowed_methods, reason = "for tests, which take the server from the run")]

mod private;

use std::{str::FromStr, time::Duration};

use sqlx::{
    Connection, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// Connections of one test's own pool.
const POOL_CONNECTIONS_MAX: u32 = 8;
/// How long a test may wait for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// Guards the making of the template: nextest runs one process per test.
const TEMPLATE_LOCK: i64 = 0x6c6f_636b_7374;

/// A migrated database of its own for one test; dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    server: String,
    pool: OnceCell<PgPool>,
}

impl TestDatabase {
    /// Copies the migrated template.
    ///
    /// # Panics
    /// When there is no server or it refuses: a test cannot go on without.
    pub async fn create() -> Self {
        let server = server_url();
        let template = template(&server).await.expect("the template database can be made");
        let name = format!("t_{}", Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(&server).await.expect("the test server answers");
        connection
            .execute(format!("CREATE DATABASE {name} TEMPLATE {template}").as_str())
            .await
            .expect("the test database can be made");
        let _ = connection.close().await;
        Self { name, server, pool: OnceCell::new() }
    }

    /// The connection string, as the owner of the tables.
    pub fn url(&self) -> String {
        with_database(&self.server, &self.name)
    }

    /// The database's name in its server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A pool on it, as the owner of the tables; the same one at every call.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn pool(&self) -> PgPool {
        let connect = || async {
            let options = PgConnectOptions::from_str(&self.url()).expect("our own connection string");
            PgPoolOptions::new()
                .max_connections(POOL_CONNECTIONS_MAX)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .connect_with(options)
                .await
                .expect("the test database answers")
        };
        self.pool.get_or_init(connect).await.clone()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A test may be on a single-threaded runtime: the drop gets a thread and a runtime of its own.
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&server).await?;
                connection.execute(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)").as_str()).await?;
                anyhow::Ok(())
            })
        });
        let _ = dropping.join(); // best effort: the whole server goes away with the run
    }
}

/// The maintenance database of the run's server.
fn server_url() -> String {
    match std::env::var("LOCKSTEP_TEST_POSTGRES") {
        Ok(url) if !url.is_empty() => url,
        _ => private::url(),
    }
}

/// The same connection string for another database.
fn with_database(url: &str, database: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let host = base.rfind('/').map_or(base, |slash| &base[..slash]);
    format!("{host}/{database}?{query}")
}

/// The migrated template of exactly these migrations; made by whoever comes first.
async fn template(server: &str) -> anyhow::Result<String> {
    let name = format!("lockstep_template_{:016x}", fingerprint());
    let mut connection = PgConnection::connect(server).await?;
    if !exists(&mut connection, &name).await? {
        sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut connection).await?;
        if !exists(&mut connection, &name).await? {
            make_template(&mut connection, server, &name).await?;
        }
    }
    connection.close().await?; // and with it the lock
    Ok(name)
}

async fn make_template(connection: &mut PgConnection, server: &str, name: &str) -> anyhow::Result<()> {
    let draft = format!("{name}_draft");
    connection.execute(format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)").as_str()).await?;
    connection.execute(format!("CREATE DATABASE {draft}").as_str()).await?;
    let pool = PgPoolOptions::new().max_connections(1).connect(&with_database(server, &draft)).await?;
    let migrated = crate::migrate(&pool).await;
    pool.close().await;
    migrated?;
    // The final name only when whole; closed to connections so that no vacuum is in a copier's way.
    connection.execute(format!("ALTER DATABASE {draft} WITH ALLOW_CONNECTIONS false").as_str()).await?;
    // A vacuum worker, or our own backend on its way out, would forbid the renaming: wait for their end.
    let settle = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1";
    sqlx::query(settle).bind(&draft).execute(&mut *connection).await?;
    connection.execute(format!("ALTER DATABASE {draft} RENAME TO {name}").as_str()).await?;
    Ok(())
}

async fn exists(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(connection)
        .await
}

/// FNV-1a over all migrations: other migrations, other template.
fn fingerprint() -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for migration in crate::MIGRATOR.iter() {
        for byte in migration.version.to_be_bytes().iter().chain(migration.checksum.iter()) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}
