//! The database, the log and the object store: our own in the data folder, or the given ones.

use std::{process::ExitCode, str::FromStr, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use lockstep_commands::{Dispatcher, Services, upload::Uploads};
use lockstep_event_store::{EventStore, KEEPALIVE, MasterKey, PostgresStore, healing};
use lockstep_migrations::cluster::{Cluster, ClusterError, ClusterOptions, url_of_running};
use lockstep_object_store::{Buckets, EmbeddedS3, S3Settings};
use sqlx::{
    Executor, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    config::{Config, S3Config},
    data_folder::DataFolder,
    system::{SystemClock, SystemIds},
};

/// The embedded database's name.
const DATABASE: &str = "lockstep";
/// How long a request waits for a connection before it is told that the database is out of reach.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(900);

/// A database to talk to, and the private server behind it if it is ours.
pub struct Database {
    pub url: String,
    pub cluster: Option<Cluster>,
}

impl Database {
    /// The given database; else our own, started, or joined where a running `lockstep` already started it.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        if let Some(url) = &config.database.url {
            return Ok(Self { url: url.clone(), cluster: None });
        }
        let folder = DataFolder::open(&config.data.folder)?.postgres();
        let options = ClusterOptions::new(&folder);
        let started = tokio::task::spawn_blocking(move || Cluster::start(options)).await?;
        match started {
            Ok(cluster) => {
                cluster.ensure_database(DATABASE).await.context("the private database cannot be made")?;
                Ok(Self { url: cluster.url(DATABASE), cluster: Some(cluster) })
            }
            Err(ClusterError::InUse { .. }) => Ok(Self { url: url_of_running(&folder, DATABASE), cluster: None }),
            Err(error) => Err(error).context("the private database cannot be started"),
        }
    }

    /// Stops the private server, if there is one.
    pub async fn close(self) {
        if let Some(cluster) = self.cluster {
            let _ = tokio::task::spawn_blocking(move || cluster.stop()).await;
        }
    }
}

/// Brings the schema up to date as the owner of the tables.
pub async fn migrate(url: &str) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new().max_connections(1).connect(url).await.context("the database cannot be reached")?;
    lockstep_migrations::migrate(&pool).await.context("the database cannot be brought up to date")?;
    pool.close().await;
    Ok(())
}

/// `lockstep migrate`.
pub async fn migrate_only(config: &Config) -> anyhow::Result<ExitCode> {
    let database = Database::open(config).await?;
    let done = migrate(&database.url).await;
    database.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

/// Connections as the application's role: it may append through `es_append` and nothing else on the log.
pub async fn pool(url: &str, connections: u32) -> anyhow::Result<PgPool> {
    let options = PgConnectOptions::from_str(url).context("the database's address cannot be read")?;
    healing(PgPoolOptions::new())
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection
                    .execute(
                        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'lockstep_app'
                         AND pg_has_role(current_user, oid, 'MEMBER'))
                         THEN EXECUTE 'SET ROLE lockstep_app'; END IF; END $$",
                    )
                    .await
                    .map(|_| ())
            })
        })
        .connect_with(options.options(KEEPALIVE))
        .await
        .context("the database cannot be reached")
}

/// The object stores, and the embedded server behind them if it is ours.
pub struct Objects {
    pub buckets: Buckets,
    pub embedded: Option<EmbeddedS3>,
}

impl Objects {
    pub fn open(config: &Config, public_url: &str) -> anyhow::Result<Self> {
        let names = (config.objects.interim_bucket.as_str(), config.objects.media_bucket.as_str());
        if let Some(s3) = &config.objects.s3 {
            let buckets = Buckets::connect(&settings(s3, names)).context("the object store's settings are wrong")?;
            return Ok(Self { buckets, embedded: None });
        }
        let folder = DataFolder::open(&config.data.folder)?.objects();
        let (embedded, buckets) = EmbeddedS3::open(&folder, public_url, names.0, names.1)
            .context("the embedded object store cannot be opened")?;
        Ok(Self { buckets, embedded: Some(embedded) })
    }
}

fn settings(s3: &S3Config, (interim, media): (&str, &str)) -> S3Settings {
    S3Settings {
        endpoint_url: s3.endpoint.clone(),
        public_url: None,
        region: s3.region.clone(),
        access_key: s3.access_key.clone(),
        secret_key: s3.secret_key.clone(),
        path_style: true,
        interim: interim.to_owned(),
        media: media.to_owned(),
    }
}

/// The key that wraps the keys of personal fields: given, or a file of its own in the data folder.
pub fn master_key(config: &Config) -> anyhow::Result<MasterKey> {
    let bytes = match config.data.master_key {
        Some(bytes) => bytes,
        None if config.database.url.is_some() && !config.data.folder.join("secrets/master.key").exists() => {
            // A key made here would be lost with this machine while the database lives on.
            bail!(
                "LOCKSTEP_MASTER_KEY must be set where DATABASE_URL is: 64 hex digits, e.g. from `openssl rand -hex 32`"
            );
        }
        None => DataFolder::open(&config.data.folder)?.secret("master.key")?,
    };
    Ok(MasterKey::from_bytes(bytes))
}

/// The log and everything commands need.
pub async fn services(
    config: &Config,
    database: &Database,
    buckets: Buckets,
) -> anyhow::Result<(Services, Arc<PostgresStore>)> {
    let store = PostgresStore::connect(&database.url, master_key(config)?, node_name()).await?;
    let pool = pool(&database.url, config.database.connections).await?;
    let log: Arc<dyn EventStore> = Arc::clone(&store) as Arc<dyn EventStore>;
    let services = Services {
        dispatcher: Dispatcher::new(Arc::clone(&log)),
        store: log,
        pool,
        objects: buckets,
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
        uploads: Uploads::new(config.uploads),
    };
    Ok((services, store))
}

/// This process's name in the log's commits.
pub fn node_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}.{}", host.trim(), std::process::id())
}
