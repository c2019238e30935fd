//! Why a private server could not be had, in words for the person who starts us.

use std::{io, path::PathBuf};

/// A private server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(
        "no PostgreSQL found (looked in {}); install it, e.g. `apt-get install postgresql`, or set PG_BIN",
        paths(looked_in)
    )]
    NoBinaries { looked_in: Vec<PathBuf> },
    #[error("cannot tell the PostgreSQL version from {text:?}")]
    UnknownVersion { text: String },
    #[error(
        "running as root, and PostgreSQL refuses that; there is no user `postgres` to run it as (the Debian package makes it)"
    )]
    NoUser,
    #[error("the PostgreSQL user (uid {uid}) may not enter {}; choose a folder whose parents are open to it, e.g. /var/lib/lockstep", folder.display())]
    Unreachable { folder: PathBuf, uid: u32 },
    #[error("the socket path {} is longer than {max} bytes; choose a shorter data folder", path.display())]
    PathTooLong { path: PathBuf, max: usize },
    #[error("{} is in use by another running process", folder.display())]
    InUse { folder: PathBuf },
    #[error("{} was made by PostgreSQL {found}, but PostgreSQL {wanted} is installed; install {found} beside it or use pg_upgrade", folder.display())]
    WrongVersion { folder: PathBuf, found: String, wanted: u32 },
    #[error("a server without a parent (process {pid}) does not stop; end it and start again")]
    OrphanStays { pid: u32 },
    #[error("initdb failed: {text}")]
    InitFailed { text: String },
    #[error("PostgreSQL ended while starting; its log ends with:\n{log}")]
    Exited { log: String },
    #[error("PostgreSQL did not get ready in time; its log ends with:\n{log}")]
    TooSlow { log: String },
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
}

fn paths(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}
