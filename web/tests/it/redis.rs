//! A Redis of the test's own: on a free port, in a folder of its own, ended by its handle.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tokio::net::TcpStream;

/// How long a start may take.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A running Redis; dropping it kills it. It keeps nothing on disk: one that is killed comes back empty.
pub struct Redis {
    child: Child,
    folder: tempfile::TempDir,
    pub port: u16,
}

impl Redis {
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("lockstep-redis-").tempdir().expect("a folder");
        let port = crate::process::stable_port();
        Self::launch(folder, port).await
    }

    async fn launch(folder: tempfile::TempDir, port: u16) -> Self {
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed: run scripts/setup.sh");
        let mut redis = Self { child, folder, port };
        let until = Instant::now() + START_TIMEOUT;
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            pause.tick().await;
            assert!(Instant::now() < until, "redis did not start");
        }
        // Whoever answers there must be this one.
        assert!(redis.child.try_wait().expect("can be asked").is_none(), "somebody else has its port");
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// SIGKILL; its port stays closed until it is started again.
    pub fn kill(mut self) -> Gone {
        self.child.kill().expect("kills");
        self.child.wait().expect("reaps");
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"));
        Gone { folder, port: self.port }
    }
}

/// Where a Redis was.
pub struct Gone {
    folder: tempfile::TempDir,
    port: u16,
}

impl Gone {
    /// Another one in its place, empty.
    pub async fn restart(self) -> Redis {
        Redis::launch(self.folder, self.port).await
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
