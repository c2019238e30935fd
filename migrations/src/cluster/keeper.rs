//! The thread that is the server's parent. The kernel ties the server's life to the thread that spawned it, so
//! that thread does nothing else and lives until the server has ended.

use std::{
    process::{Child, Command},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::{ClusterError, system};

/// How long a fast shutdown may take before the server is told to drop everything.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Keeper {
    shared: Arc<Shared>,
    pid: u32,
}

#[derive(Debug, Default)]
struct Shared {
    /// True once the child is reaped: from then on its pid may be another process.
    exited: Mutex<bool>,
    changed: Condvar,
}

impl Shared {
    fn exited(&self) -> MutexGuard<'_, bool> {
        self.exited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper {
    /// Starts the command on a thread of its own.
    pub fn spawn(mut command: Command) -> Result<Self, ClusterError> {
        system::end_with_parent(&mut command);
        let shared = Arc::new(Shared::default());
        let (report, reported) = std::sync::mpsc::channel();
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new().name("postgres-keeper".to_owned()).spawn(move || match command.spawn() {
            Ok(child) => {
                let _ = report.send(Ok(child.id()));
                keep(child, &theirs);
            }
            Err(error) => {
                let _ = report.send(Err(error));
            }
        });
        let io = |source| ClusterError::Io { what: "starting postgres".to_owned(), source };
        thread.map_err(io)?;
        let pid = reported.recv().expect("the keeper reports before it ends").map_err(io)?;
        Ok(Self { shared, pid })
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn has_exited(&self) -> bool {
        *self.shared.exited()
    }

    /// Fast shutdown, then an immediate one when that takes too long.
    pub fn stop(&self) {
        if !self.end(libc::SIGINT) && !self.end(libc::SIGQUIT) {
            self.end(libc::SIGKILL);
        }
    }

    pub fn kill(&self) {
        self.end(libc::SIGKILL);
    }

    /// Signals the server unless it has ended and waits; true when it has ended.
    fn end(&self, signal: libc::c_int) -> bool {
        let exited = self.shared.exited();
        if !*exited {
            // Under the lock, so not reaped: the pid is still the server's.
            system::signal(self.pid, signal);
        }
        let wait = self.shared.changed.wait_timeout_while(exited, STOP_TIMEOUT, |exited| !*exited);
        !wait.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
    }
}

fn keep(mut child: Child, shared: &Shared) {
    system::await_exit(child.id());
    let mut exited = shared.exited();
    let _ = child.wait();
    *exited = true;
    shared.changed.notify_all();
}
