//! The private cluster: starts, stops, survives kills of itself and of its parent, and says why it cannot start.

use std::{
    fs::{self, Permissions},
    io::{BufRead, BufReader, Write},
    ops::Deref,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use lockstep_migrations::cluster::{Cluster, ClusterError, ClusterOptions};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

/// A folder the server's user can reach, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("lockstep-c-{}", Uuid::now_v7().simple()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }
}

impl Deref for Folder {
    type Target = Path;
    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn start(folder: &Path) -> Result<Cluster, ClusterError> {
    Cluster::start(ClusterOptions::new(folder))
}

/// Runs one statement; the first column of its first row as text.
fn ask(cluster: &Cluster, database: &str, statement: &str) -> Option<String> {
    let url = cluster.url(database);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let answer = sqlx::query_scalar(statement).fetch_optional(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        answer
    })
}

fn ensure_database(cluster: &Cluster, name: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(cluster.ensure_database(name)).unwrap();
}

fn is_running(pid: u32) -> bool {
    // A zombie of this test is not running any more.
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn until_gone(pid: u32) {
    while is_running(pid) {
        std::thread::yield_now(); // nextest ends a test that waits for ever
    }
}

#[test]
fn what_is_committed_survives_stop_kill_and_start() {
    let folder = Folder::new();
    let cluster = start(&folder).unwrap();
    ensure_database(&cluster, "odd name'\"/");
    ensure_database(&cluster, "odd name'\"/");
    ask(&cluster, "odd name'\"/", "CREATE TABLE kept AS SELECT 'still here' AS what");
    assert_eq!(ask(&cluster, "postgres", "SHOW fsync").as_deref(), Some("on"));
    assert_eq!(ask(&cluster, "postgres", "SHOW max_connections").as_deref(), Some("200"));
    let pid = cluster.pid();
    cluster.stop();
    assert!(!is_running(pid));

    let cluster = start(&folder).unwrap();
    let pid = cluster.pid();
    cluster.kill(); // leaves postmaster.pid behind
    assert!(folder.join("data/postmaster.pid").exists());
    let cluster = start(&folder).unwrap();
    assert_ne!(cluster.pid(), pid);
    assert_eq!(ask(&cluster, "odd name'\"/", "SELECT what FROM kept").as_deref(), Some("still here"));
    assert!(!cluster.has_exited());
}

#[test]
fn two_processes_do_not_share_a_folder() {
    let folder = Folder::new();
    let cluster = start(&folder).unwrap();
    assert!(matches!(start(&folder), Err(ClusterError::InUse { .. })));
    assert_eq!(ask(&cluster, "postgres", "SELECT 'alive'").as_deref(), Some("alive"));
}

fn spawn_parent(folder: &Path) -> (Child, u32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep-cluster-parent"));
    let mut parent = command.arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (parent, line.trim().parse().unwrap())
}

#[test]
fn a_killed_parent_takes_the_server_with_it() {
    let folder = Folder::new();
    let (mut parent, server) = spawn_parent(&folder);
    assert!(is_running(server));
    parent.kill().unwrap();
    parent.wait().unwrap();
    // At once: the server may still be shutting down, and is waited for.
    let cluster = start(&folder).unwrap();
    assert!(!is_running(server));
    assert_ne!(cluster.pid(), server);
    let log = fs::read_to_string(folder.join("log.before")).unwrap();
    assert!(log.contains("received fast shutdown request"), "{log}");
}

#[test]
fn a_parent_that_ends_in_order_stops_the_server() {
    let folder = Folder::new();
    let (mut parent, server) = spawn_parent(&folder);
    drop(parent.stdin.take());
    parent.wait().unwrap();
    until_gone(server);
    assert!(!folder.join("data/postmaster.pid").exists());
}

#[test]
fn an_orphan_without_a_parent_is_stopped() {
    let folder = Folder::new();
    let cluster = start(&folder).unwrap();
    let program = fs::read_link(format!("/proc/{}/exe", cluster.pid()));
    let Ok(program) = program else { panic!("the server's program cannot be seen") };
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(folder.join("data")).unwrap());
    cluster.stop();
    let mut command = Command::new(program);
    command.arg("-D").arg(folder.join("data")).arg("-k").arg(folder.join("s")).args(["-c", "listen_addresses="]);
    command.uid(owner).current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
    let mut orphan = command.spawn().unwrap();
    let pid_file = folder.join("data/postmaster.pid");
    while !fs::read_to_string(&pid_file).is_ok_and(|text| text.contains("ready")) {
        assert!(orphan.try_wait().unwrap().is_none(), "the orphan ended by itself");
    }
    // A zombie would look alive: somebody has to take note of the orphan's end.
    let reaper = std::thread::spawn(move || orphan.wait().unwrap());
    let cluster = start(&folder).unwrap();
    assert!(reaper.join().unwrap().success());
    assert_eq!(ask(&cluster, "postgres", "SELECT 'ours'").as_deref(), Some("ours"));
}

fn signal(pid: &str, signal: &str) {
    assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
}

#[test]
fn a_server_waits_for_what_is_left_of_a_killed_one_however_much_that_has_to_say() {
    let folder = Folder::new();
    let cluster = start(&folder).unwrap();
    let url = cluster.url("postgres");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (backend, connection) = runtime.block_on(async {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await.unwrap();
        (backend.to_string(), connection)
    });
    // It holds the shared memory until it is let go on, and the log as other backends would.
    signal(&backend, "-STOP");
    let mut last_words = fs::OpenOptions::new().append(true).open(folder.join("log")).unwrap();
    cluster.kill();
    let root = folder.to_path_buf();
    let talking = std::thread::spawn(move || {
        let started = Instant::now();
        let refused =
            || fs::read_to_string(root.join("log")).is_ok_and(|log| log.contains("pre-existing shared memory"));
        while !refused() && started.elapsed() < Duration::from_secs(30) {
            std::thread::yield_now();
        }
        for _ in 0..100 {
            last_words.write_all(&[b'x'; 4_000]).unwrap();
        }
        let was_refused = refused();
        signal(&backend, "-CONT");
        was_refused
    });
    let cluster = start(&folder);
    assert!(talking.join().unwrap(), "the backend was in the way");
    assert_eq!(ask(&cluster.unwrap(), "postgres", "SELECT 'here'").as_deref(), Some("here"));
    drop(connection);
}

#[test]
fn data_of_another_major_version_is_refused() {
    let folder = Folder::new();
    start(&folder).unwrap().stop();
    fs::write(folder.join("postgres-version"), "9\n").unwrap();
    let error = start(&folder).unwrap_err();
    assert!(matches!(&error, ClusterError::WrongVersion { found, .. } if found == "9"), "{error}");
}

#[test]
fn a_socket_path_that_is_too_long_is_refused_before_anything_is_made() {
    let folder = Folder::new();
    let long = folder.join("x".repeat(100));
    let error = start(&long).unwrap_err();
    assert!(matches!(error, ClusterError::PathTooLong { max: 107, .. }), "{error}");
    assert!(!long.join("data").exists());
}

#[test]
fn a_parent_folder_that_is_closed_to_the_server_is_named() {
    let folder = Folder::new();
    fs::set_permissions(&*folder, Permissions::from_mode(0o700)).unwrap();
    let inner = folder.join("inner");
    match start(&inner) {
        // Only root starts the server as somebody else.
        Err(error @ ClusterError::Unreachable { .. }) => {
            assert!(error.to_string().contains(&folder.display().to_string()), "{error}");
        }
        Ok(cluster) => {
            let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(inner.join("data")).unwrap());
            assert_ne!(owner, 0, "root's own server would not have started");
            cluster.stop();
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_torn_initdb_is_begun_again() {
    let folder = Folder::new();
    fs::create_dir_all(folder.join("data.new/base")).unwrap();
    fs::write(folder.join("data.new/PG_VERSION"), "15\n").unwrap();
    let cluster = start(&folder).unwrap();
    assert_eq!(ask(&cluster, "postgres", "SELECT 'whole'").as_deref(), Some("whole"));
}
