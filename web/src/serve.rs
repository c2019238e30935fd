//! `lockstep serve`: puts the parts together, says where it is, and takes them apart in order.

use std::{
    net::SocketAddr,
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::{Context, bail};
use lockstep_commands::{Services, session, setup::SetupLink};
use lockstep_domain::time::Timestamp;
use lockstep_event_store::PostgresStore;
use lockstep_projections::{Reader, Runner};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    backend::{self, Database, Objects},
    bus,
    config::Config,
    data_folder::write_private,
    edges::Edges,
    hub::HubHandle,
    internal, listening,
    metrics::Levels,
    role::{Role, Roles},
    routes, webhooks,
};

/// How long sockets and requests may take to end after the signal.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);
/// And then the connections to the database.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(4);

/// Runs until a signal, then stops everything it started.
pub async fn serve(config: Config, roles: Roles) -> anyhow::Result<ExitCode> {
    if !roles.is_all() && (config.database.url.is_none() || config.objects.s3.is_none()) {
        bail!("--role {roles} needs DATABASE_URL and S3_ENDPOINT: the embedded parts serve one process only");
    }
    crate::metrics::recorder();
    let listener = match roles.listens() {
        true => Some(listen(&config).await?),
        false => None,
    };
    let port = listener.as_ref().and_then(|listener| listener.local_addr().ok()).map_or(0, |address| address.port());
    let public_url = config.server.public_url(port);
    let database = Database::open(&config).await?;
    backend::migrate(&database.url).await?;
    let objects = Objects::open(&config, &public_url)?;
    let (services, store) = backend::services(&config, &database, objects.buckets.clone()).await?;
    let running = Running::start(&config, roles, &services);
    let key = bus::key(&config, &services).await?;
    let bus = match roles.has(Role::Hub) {
        true => bus::start(&config, &services, &running, key.clone())?,
        false => None,
    };
    let edges = Edges::start(&config, &database.url, &objects, &running, key.as_ref(), bus)?;
    let setup = Arc::new(SetupLink::default());
    let parts = routes::Parts {
        config: &config,
        roles,
        public_url: &public_url,
        services: &services,
        objects: &objects,
        running: &running,
        edges: &edges,
        setup: &setup,
    };
    if roles.has(Role::Projector) {
        let sender = webhooks::sender(&config, &services, edges.webhooks.clone())?;
        running.tracker.spawn(sender.run(running.shutdown.clone()));
    }
    if let Some(address) = config.operations.internal {
        let levels = Levels { reader: running.reader.clone(), hub: running.hub.clone(), edges: edges.clone() };
        let health = parts.health().await.merge(routes::health::living());
        internal::start(internal::listen(address).await?, levels, health);
    }
    let outcome = match listener {
        Some(listener) => serve_http(listener, &parts).await,
        None => {
            println!("lockstep {roles} is running as {}", backend::node_name());
            stop_signal().await;
            Ok(())
        }
    };
    running.stop().await;
    close(services, store, database).await;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from((config.server.bind, config.server.port));
    TcpListener::bind(address)
        .await
        .with_context(|| format!("port {} on {} is taken: set PORT to another", address.port(), address.ip()))
}

async fn close(services: Services, store: Arc<PostgresStore>, database: Database) {
    // Connections that are dead without a word would be waited for as long as the system takes to notice.
    let closed = async {
        services.pool.close().await;
        store.close().await;
    };
    if tokio::time::timeout(CLOSE_TIMEOUT, closed).await.is_err() {
        tracing::warn!("some connections to the database did not close in time; nothing acknowledged is lost");
    }
    database.close().await;
}

/// The long-running tasks of this process.
pub(crate) struct Running {
    pub shutdown: CancellationToken,
    /// Cancelled before `shutdown`: the process still serves and says that it is about to go.
    pub draining: CancellationToken,
    /// The hub, once there is one here.
    pub hub: Arc<OnceLock<HubHandle>>,
    pub tracker: TaskTracker,
    pub reader: Reader,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    fn start(config: &Config, roles: Roles, services: &Services) -> Self {
        let shutdown = CancellationToken::new();
        let mut tasks = Vec::new();
        let reader = if roles.has(Role::Projector) {
            let runner = Runner::new(Arc::clone(&services.store), services.pool.clone());
            let reader = runner.reader();
            tasks.push(tokio::spawn(runner.run(shutdown.clone())));
            let reactions = lockstep_commands::reactions::run(services.clone());
            let stop = shutdown.clone();
            tasks.push(tokio::spawn(async move {
                tokio::select! { () = reactions => {}, () = stop.cancelled() => {} }
            }));
            reader
        } else {
            Reader::new(Arc::clone(&services.store), services.pool.clone())
        };
        if roles.has(Role::Transcoder) {
            tasks.push(crate::transcoding::start(config, services, shutdown.clone()));
        }
        Self {
            shutdown,
            draining: CancellationToken::new(),
            hub: Arc::default(),
            tracker: TaskTracker::new(),
            reader,
            tasks,
        }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.tracker.close();
        let ended = async {
            self.tracker.wait().await;
            for task in self.tasks {
                let _ = task.await;
            }
        };
        if tokio::time::timeout(DRAIN_TIMEOUT, ended).await.is_err() {
            tracing::warn!("some tasks did not end in time; nothing acknowledged is lost");
        }
    }
}

async fn serve_http(listener: TcpListener, parts: &routes::Parts<'_>) -> anyhow::Result<()> {
    let routes::Parts { config, roles, public_url, services, running, setup, .. } = *parts;
    let router = parts.router().await?;
    let set_up = roles.has(Role::Api).then_some(setup.as_ref());
    announce(config, public_url, services, set_up).await?;
    if config.server.demo && roles.is_all() {
        let demo = crate::demo::run(services.clone(), config.data.folder.clone());
        let stop = running.shutdown.clone();
        running.tracker.spawn(async move {
            tokio::select! { () = demo => {}, () = stop.cancelled() => {} }
        });
    }
    let (stop, draining, notice) = (running.shutdown.clone(), running.draining.clone(), config.operations.drain_notice);
    let signalled = async move {
        stop_signal().await;
        draining.cancel();
        // Balancers look at readiness now and send nobody new; a second signal does not wait for them.
        tokio::select! { () = tokio::time::sleep(notice) => {}, () = stop_signal() => {} }
        stop.cancel();
    };
    running.tracker.spawn({
        let stop = running.shutdown.clone();
        async move {
            tokio::select! { () = signalled => {}, () = stop.cancelled() => {} }
        }
    });
    // This waits for requests, not for WebSockets: those are in the tracker.
    let server = listening::serve(listener, router, running.shutdown.clone());
    let drained = async {
        running.shutdown.cancelled().await;
        tokio::time::sleep(DRAIN_TIMEOUT).await;
    };
    tokio::select! {
        () = server => {}
        () = drained => {}
    }
    Ok(())
}

/// Prints one box: where it is, how to become its administrator where that can be done, where its data is.
async fn announce(
    config: &Config,
    public_url: &str,
    services: &Services,
    setup: Option<&SetupLink>,
) -> anyhow::Result<()> {
    let mut lines = vec![format!("Lockstep is running at  {public_url}")];
    if let Some(setup) = setup
        && !session::administrator_exists(services).await?
    {
        let now: Timestamp = services.clock.now();
        let link = format!("{public_url}/setup?token={}", setup.open(services.ids.secret(), now));
        if let Some(file) = &config.data.setup_link_file {
            write_private(file, link.as_bytes())?;
        }
        lines.push(String::new());
        lines.push("Open this once, within 15 minutes, to become its administrator:".to_owned());
        lines.push(link);
    }
    lines.push(String::new());
    let own = config.database.url.is_none() || config.objects.s3.is_none();
    lines.push(match own {
        true => format!("Data folder: {}", config.data.folder.display()),
        false => "Data: in the given database and object store".to_owned(),
    });
    lines.push("Ctrl-C stops it.".to_owned());
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    println!("┌{}┐", "─".repeat(width + 2));
    for line in &lines {
        println!("│ {line}{} │", " ".repeat(width - line.chars().count()));
    }
    println!("└{}┘", "─".repeat(width + 2));
    Ok(())
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::error!(%error, "signals cannot be listened to");
            return;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
