//! A private PostgreSQL server in a folder of ours, from the system's binaries: started as our child, reachable
//! only through a socket in that folder, and shut down when we die in any way. Blocking: call it from a thread
//! that may block.
#![allow(clippy::disallowed_methods, reason = "starts a server: deadlines and PG_BIN are its own")]

mod error;
mod folder;
mod keeper;
mod system;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

pub use error::ClusterError;
use folder::Folder;
use keeper::Keeper;
pub(crate) use system::at_exit;

/// How long a start may take, recovery after a crash included.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long an orphan of a killed parent may take to finish its own shutdown before it is told to stop.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(5);
/// How often start and stop look again.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How to start a cluster.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// The folder that holds everything: data, socket, log. Created when missing.
    pub folder: PathBuf,
    /// Whether commits reach the disk. Off only for tests.
    pub fsync: bool,
    /// Connections the server accepts.
    pub connections_max: u16,
}

impl ClusterOptions {
    /// A durable cluster in this folder, with 200 connections.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), fsync: true, connections_max: 200 }
    }
}

/// A running private server. Dropping it stops the server.
#[derive(Debug)]
pub struct Cluster {
    keeper: Keeper,
    folder: Folder,
    /// Held as long as we run: a live server without its holder is an orphan.
    _lock: File,
}

impl Cluster {
    /// Makes the cluster when the folder is empty, starts it, and returns when it answers.
    pub fn start(options: ClusterOptions) -> Result<Self, ClusterError> {
        let binaries = Binaries::find()?;
        let folder = Folder::prepare(&options.folder)?;
        let lock = folder.lock()?;
        folder.check_version(binaries.major)?;
        settle_orphan(&folder)?;
        if !folder.is_initialised() {
            init(&binaries, &folder)?;
        }
        folder.new_log()?;
        let started = Instant::now();
        loop {
            match launch(&binaries, &folder, &options, started) {
                Ok(keeper) => return Ok(Self { keeper, folder, _lock: lock }),
                // Backends of a server killed with -9 need a moment to notice that it is gone.
                Err(ClusterError::Exited { log }) if leftovers(&log) && started.elapsed() < ORPHAN_PATIENCE => {
                    std::thread::sleep(LOOK_EVERY * 10);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The connection string of one of its databases.
    pub fn url(&self, database: &str) -> String {
        let socket = escape(&self.folder.socket().to_string_lossy());
        format!("postgres://postgres@localhost/{}?host={socket}", escape(database))
    }

    /// Creates the database when it is missing.
    pub async fn ensure_database(&self, name: &str) -> Result<(), sqlx::Error> {
        use sqlx::{Connection, Executor};
        let mut connection = sqlx::PgConnection::connect(&self.url("postgres")).await?;
        let found: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
            .bind(name)
            .fetch_optional(&mut connection)
            .await?;
        if found.is_none() {
            let quoted = name.replace('"', "\"\"");
            connection.execute(format!("CREATE DATABASE \"{quoted}\"").as_str()).await?;
        }
        connection.close().await
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.keeper.pid()
    }

    /// Whether the server has ended, wanted or not.
    pub fn has_exited(&self) -> bool {
        self.keeper.has_exited()
    }

    /// Fast shutdown: open transactions roll back, everything committed is on disk.
    pub fn stop(self) {
        self.keeper.stop();
    }

    /// Stops the server at once, without a shutdown checkpoint, as a power cut would. For crash tests.
    pub fn kill(self) {
        self.keeper.kill();
    }
}

/// The server's programs, newest major version first found.
struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    fn find() -> Result<Self, ClusterError> {
        let candidates = match std::env::var_os("PG_BIN") {
            Some(folder) => vec![PathBuf::from(folder)],
            None => Self::installed(),
        };
        for folder in &candidates {
            if folder.join("initdb").is_file() && folder.join("postgres").is_file() {
                let major = Self::major(folder)?;
                return Ok(Self { folder: folder.clone(), major });
            }
        }
        Err(ClusterError::NoBinaries { looked_in: candidates })
    }

    fn installed() -> Vec<PathBuf> {
        let entries = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut found: Vec<(u32, PathBuf)> = entries
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
            .collect();
        found.sort();
        let mut folders: Vec<PathBuf> = found.into_iter().rev().map(|(_, folder)| folder).collect();
        folders.extend(["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from));
        folders
    }

    /// From `postgres (PostgreSQL) 15.18 (Debian ..)`.
    fn major(folder: &Path) -> Result<u32, ClusterError> {
        let program = folder.join("postgres");
        let output = Command::new(&program)
            .arg("--version")
            .output()
            .map_err(|source| ClusterError::Io { what: program.display().to_string(), source })?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.split_whitespace().nth(2).and_then(|version| version.split('.').next()?.parse().ok());
        version.ok_or(ClusterError::UnknownVersion { text })
    }
}

/// Waits for a server whose parent died without stopping it, then tells it to stop. Only called with the lock held.
fn settle_orphan(folder: &Folder) -> Result<(), ClusterError> {
    let Some(pid) = folder.running_server() else { return Ok(()) };
    tracing::warn!(pid, "a server of an earlier process is still there, waiting for its end");
    for signal in [None, Some(libc::SIGINT), Some(libc::SIGQUIT)] {
        if let Some(signal) = signal {
            system::signal(pid, signal);
        }
        let since = Instant::now();
        while since.elapsed() < ORPHAN_PATIENCE {
            if folder.running_server() != Some(pid) {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
    Err(ClusterError::OrphanStays { pid })
}

fn init(binaries: &Binaries, folder: &Folder) -> Result<(), ClusterError> {
    // A fresh name, renamed when whole: a killed initdb leaves nothing that looks like a cluster.
    let fresh = folder.fresh_data()?;
    let mut command = Command::new(binaries.folder.join("initdb"));
    command.arg("-D").arg(&fresh);
    command.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale-provider=icu", "--icu-locale=und"]);
    command.args(["--data-checksums", "--no-instructions"]);
    system::run_as(&mut command, folder.user());
    let output = command.output().map_err(|source| ClusterError::Io { what: "initdb".to_owned(), source })?;
    if !output.status.success() {
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        return Err(ClusterError::InitFailed { text });
    }
    folder.adopt(&fresh, binaries.major)
}

fn launch(
    binaries: &Binaries,
    folder: &Folder,
    options: &ClusterOptions,
    started: Instant,
) -> Result<Keeper, ClusterError> {
    let mut command = Command::new(binaries.folder.join("postgres"));
    command.arg("-D").arg(folder.data()).arg("-k").arg(folder.socket());
    for setting in ["listen_addresses=", "unix_socket_permissions=0700", "logging_collector=off"] {
        command.arg("-c").arg(setting);
    }
    command.arg("-c").arg(format!("max_connections={}", options.connections_max));
    if !options.fsync {
        for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off"] {
            command.arg("-c").arg(setting);
        }
    }
    system::run_as(&mut command, folder.user());
    let log = folder.open_log()?;
    let copy = log.try_clone().map_err(|source| ClusterError::Io { what: "the log".to_owned(), source })?;
    command.stdin(std::process::Stdio::null()).stdout(log).stderr(copy);
    let keeper = Keeper::spawn(command)?;
    while !folder.is_ready(keeper.pid()) {
        if keeper.has_exited() {
            return Err(ClusterError::Exited { log: folder.log_tail() });
        }
        if started.elapsed() > START_TIMEOUT {
            keeper.stop();
            return Err(ClusterError::TooSlow { log: folder.log_tail() });
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(keeper)
}

fn leftovers(log: &str) -> bool {
    log.contains("pre-existing shared memory block") || log.contains("lock file") && log.contains("already exists")
}

/// Percent-encodes everything but the plainest characters.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The connection string of a database of a cluster in this folder that another process of ours runs.
pub fn url_of_running(folder: &Path, database: &str) -> String {
    let socket = folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).join("s");
    format!("postgres://postgres@localhost/{}?host={}", escape(database), escape(&socket.to_string_lossy()))
}
