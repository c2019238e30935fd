//! A server for one test process, when no test run provides one.

use std::{
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
};

use crate::cluster::{Cluster, ClusterOptions, at_exit};

static SERVER: OnceLock<String> = OnceLock::new();
static RUNNING: Mutex<Option<(Cluster, PathBuf)>> = Mutex::new(None);

/// Starts it at the first call; stopped and removed when the process exits.
pub fn url() -> String {
    SERVER.get_or_init(start).clone()
}

fn start() -> String {
    let folder = std::env::temp_dir().join(format!("lockstep-pg-{}", std::process::id()));
    let options = ClusterOptions { fsync: false, ..ClusterOptions::new(&folder) };
    let cluster = Cluster::start(options).expect("a private PostgreSQL can be started for this test process");
    let url = cluster.url("postgres");
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some((cluster, folder));
    at_exit(stop);
    url
}

extern "C" fn stop() {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((cluster, folder)) = running {
        cluster.stop();
        let _ = std::fs::remove_dir_all(folder);
    }
}
