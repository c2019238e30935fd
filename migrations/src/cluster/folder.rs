//! The folder of a private cluster: `data`, `s` (the socket), `log`, `log.before`, `lock` and `postgres-version`.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{
    ClusterError,
    system::{self, User},
};

/// `sun_path` holds 108 bytes, the closing NUL included.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// How much of the log an error shows.
const LOG_TAIL_BYTES: usize = 2_000;

#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    user: Option<User>,
}

impl Folder {
    /// Creates what is missing and checks that the server's user can reach it.
    pub fn prepare(root: &Path) -> Result<Self, ClusterError> {
        let user = match system::is_root() {
            true => Some(system::user_named(c"postgres").ok_or(ClusterError::NoUser)?),
            false => None,
        };
        fs::create_dir_all(root).map_err(io_at(root))?;
        let root = root.canonicalize().map_err(io_at(root))?;
        let folder = Self { root, user };
        let socket = folder.socket().join(".s.PGSQL.5432");
        if socket.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            return Err(ClusterError::PathTooLong { path: socket, max: SOCKET_PATH_BYTES_MAX });
        }
        folder.check_reachable()?;
        folder.private(&folder.socket())?;
        Ok(folder)
    }

    fn check_reachable(&self) -> Result<(), ClusterError> {
        let Some(user) = self.user else { return Ok(()) };
        for parent in self.root.ancestors() {
            if !system::may_enter(parent, user).map_err(io_at(parent))? {
                return Err(ClusterError::Unreachable { folder: parent.to_owned(), uid: user.uid });
            }
        }
        Ok(())
    }

    /// A folder only the server's user may enter.
    fn private(&self, path: &Path) -> Result<(), ClusterError> {
        DirBuilder::new().mode(0o700).recursive(true).create(path).map_err(io_at(path))?;
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(io_at(path))?;
        match self.user {
            Some(user) => system::give(path, user).map_err(io_at(path)),
            None => Ok(()),
        }
    }

    pub fn user(&self) -> Option<User> {
        self.user
    }
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }
    pub fn socket(&self) -> PathBuf {
        self.root.join("s")
    }

    /// Taken for as long as a process of ours runs this cluster; freed by the kernel however it ends.
    pub fn lock(&self) -> Result<File, ClusterError> {
        let path = self.root.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io_at(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => Err(ClusterError::InUse { folder: self.root.clone() }),
            Err(fs::TryLockError::Error(source)) => Err(io_at(&path)(source)),
        }
    }

    pub fn is_initialised(&self) -> bool {
        self.data().join("PG_VERSION").is_file()
    }

    /// Refuses data of another major version; an empty folder fits every version.
    pub fn check_version(&self, wanted: u32) -> Result<(), ClusterError> {
        if !self.is_initialised() {
            return Ok(());
        }
        let path = self.root.join("postgres-version");
        let found = match fs::read_to_string(&path) {
            Ok(text) => text.trim().to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let inner = self.data().join("PG_VERSION");
                fs::read_to_string(&inner).map_err(io_at(&inner))?.trim().to_owned()
            }
            Err(source) => return Err(io_at(&path)(source)),
        };
        if found == wanted.to_string() {
            return Ok(());
        }
        Err(ClusterError::WrongVersion { folder: self.root.clone(), found, wanted })
    }

    /// An empty folder for initdb, not yet under the final name.
    pub fn fresh_data(&self) -> Result<PathBuf, ClusterError> {
        let fresh = self.root.join("data.new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).map_err(io_at(&fresh))?;
        }
        self.private(&fresh)?;
        Ok(fresh)
    }

    /// Puts a finished initdb in place and records the major version.
    pub fn adopt(&self, fresh: &Path, major: u32) -> Result<(), ClusterError> {
        let path = self.root.join("postgres-version");
        fs::write(&path, format!("{major}\n")).map_err(io_at(&path))?;
        fs::rename(fresh, self.data()).map_err(io_at(fresh))?;
        File::open(&self.root).and_then(|folder| folder.sync_all()).map_err(io_at(&self.root))
    }

    /// The process of a server that runs on this data now, by its pid file and its working folder.
    pub fn running_server(&self) -> Option<u32> {
        let pid: u32 = self.pid_lines()?.first()?.parse().ok()?;
        let folder = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        (system::is_alive(pid) && folder == self.data()).then_some(pid)
    }

    /// Whether our own child says that it accepts connections.
    pub fn is_ready(&self, pid: u32) -> bool {
        let Some(lines) = self.pid_lines() else { return false };
        lines.first().is_some_and(|line| *line == pid.to_string()) && lines.get(7).is_some_and(|line| line == "ready")
    }

    fn pid_lines(&self) -> Option<Vec<String>> {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        Some(text.lines().map(|line| line.trim().to_owned()).collect())
    }

    /// A log for the server that is about to start; the one of the server before is kept beside it, where backends that
    /// outlive a killed server go on writing: what the new one says is then not lost among their words.
    pub fn new_log(&self) -> Result<(), ClusterError> {
        let path = self.root.join("log");
        match fs::rename(&path, self.root.join("log.before")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_at(&path)(error)),
            _ => Ok(()),
        }
    }

    pub fn open_log(&self) -> Result<File, ClusterError> {
        let path = self.root.join("log");
        OpenOptions::new().create(true).append(true).open(&path).map_err(io_at(&path))
    }

    pub fn log_tail(&self) -> String {
        let bytes = fs::read(self.root.join("log")).unwrap_or_default();
        let start = bytes.len().saturating_sub(LOG_TAIL_BYTES);
        String::from_utf8_lossy(&bytes[start..]).into_owned()
    }
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> ClusterError {
    let what = path.display().to_string();
    move |source| ClusterError::Io { what, source }
}
