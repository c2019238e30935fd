//! Starts `lockstep` on a free port with a data folder of its own, and ends it as the test wants.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// How long a start may take, the database's first included.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// How long what a killed server leaves behind may take to end.
const ORPHANS_TIMEOUT: Duration = Duration::from_secs(10);
/// Below the ports that the system gives to connections: a client that tries again and again would otherwise take
/// the port of a server that is away, or connect to itself there.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_lockstep");

/// A data folder the database's own user may pass through.
pub fn data_folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("lockstep-it-").tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).expect("opens it");
    folder
}

/// Tests that run at the same time have neighbouring process ids: each begins to look this far from the next.
const PORTS_EACH: u32 = 16;

/// A port that is free and stays the server's through restarts: outside those that the system gives to whoever asks, and
/// given once.
pub fn stable_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let own = std::process::id().wrapping_mul(PORTS_EACH);
    let next = || own.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % u32::from(PORTS.end - PORTS.start);
    let mut ports = PORTS.map(|_| PORTS.start + u16::try_from(next()).expect("fits"));
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

/// A running server; dropping it kills it.
pub struct Server {
    child: Child,
    pub url: String,
    pub port: u16,
    pub setup_link: Option<String>,
    data: PathBuf,
}

impl Server {
    pub async fn start(data: &Path, port: u16, env: &[(&str, &str)]) -> Self {
        Self::launch(data, port, "all", env).await
    }

    /// One role on a free port.
    pub async fn start_role(data: &Path, role: &str, env: &[(&str, &str)]) -> Self {
        Self::launch(data, 0, role, env).await
    }

    /// On a free port of this machine, whatever its public URL says.
    pub async fn start_behind(data: &Path, env: &[(&str, &str)]) -> Self {
        let port = stable_port();
        Self::launch(data, port, "all", env).await
    }

    /// Its log of this level goes to a file.
    pub async fn start_logging(data: &Path, log: &Path, level: &str) -> Self {
        let log = std::fs::File::create(log).expect("a file");
        Self::launch_to(log.into(), data, 0, "all", &[("LOG_LEVEL", level)]).await
    }

    async fn launch(data: &Path, port: u16, role: &str, env: &[(&str, &str)]) -> Self {
        Self::launch_to(Stdio::inherit(), data, port, role, env).await
    }

    async fn launch_to(log: Stdio, data: &Path, port: u16, role: &str, env: &[(&str, &str)]) -> Self {
        let child = Command::new(PROGRAM)
            .args(["serve", "--role", role])
            .env("PORT", port.to_string())
            .env("LOCKSTEP_DATA", data)
            .env("LOCKSTEP_DEMO", "off")
            .env("LOCKSTEP_LIMITS", "relaxed")
            // Tests set up what they need with documents of their own.
            .env("LOCKSTEP_GRAPHQL_ANONYMOUS", "open")
            .env("LOG_LEVEL", "warn")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("lockstep starts");
        // From here on it ends with the test, whatever fails.
        let mut server = Self { child, url: String::new(), port, setup_link: None, data: data.to_owned() };
        let mut lines = BufReader::new(server.child.stdout.take().expect("piped")).lines();
        let mut url = None;
        for line in lines.by_ref() {
            let line = line.expect("text");
            let word = line
                .split_whitespace()
                .find(|word| word.starts_with("http://") || word.starts_with("https://"))
                .map(str::to_owned);
            match word {
                Some(link) if link.contains("/setup?token=") => server.setup_link = Some(link),
                Some(link) => url = Some(link),
                None if line.contains("Ctrl-C") => break,
                None => {}
            }
        }
        let public = url.expect("it says where it is");
        // A public URL is a name that leads nowhere here.
        server.url = match env.iter().any(|(name, _)| *name == "LOCKSTEP_PUBLIC_URL") {
            true => format!("http://127.0.0.1:{port}"),
            false => public,
        };
        server.port = server.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        // Nobody reads the rest; the pipe must not fill.
        std::thread::spawn(move || lines.for_each(drop));
        server.ready().await;
        server
    }

    async fn ready(&self) {
        let until = Instant::now() + START_TIMEOUT;
        let client = reqwest::Client::new();
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        loop {
            pause.tick().await;
            if client.get(format!("{}/readyz", self.url)).send().await.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            assert!(Instant::now() < until, "lockstep did not get ready");
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Nobody but the test may end it.
    pub fn assert_running(&mut self) {
        let ended = self.child.try_wait().expect("can be asked");
        assert!(ended.is_none(), "the server was ended by somebody else: {ended:?}");
    }

    /// The media programs it runs at this moment.
    pub fn media_programs(&self) -> BTreeSet<u32> {
        media_programs(|parent| parent == self.child.id())
    }

    /// SIGKILL, as a power cut of the process. The media programs it ran end by themselves.
    pub async fn kill(mut self) {
        let orphans = self.media_programs();
        self.child.kill().expect("kills");
        self.child.wait().expect("reaps");
        let until = Instant::now() + ORPHANS_TIMEOUT;
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        while !orphans.is_disjoint(&media_programs(|_| true)) {
            pause.tick().await;
            assert!(Instant::now() < until, "media programs outlive their server: {orphans:?}");
        }
    }

    /// SIGKILL to the private database and to us at the same moment.
    pub async fn kill_with_postmaster(self) {
        let pid = std::fs::read_to_string(self.data.join("postgres/data/postmaster.pid")).expect("a running database");
        let pid = pid.lines().next().expect("its pid").to_owned();
        let killed = Command::new("kill").args(["-9", &pid]).status().expect("kill runs");
        assert!(killed.success());
        self.kill().await;
    }

    /// The log, one JSON object per event.
    pub fn events(&self) -> Vec<serde_json::Value> {
        events(&self.data, &[])
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// SIGTERM and wait for a clean end.
    pub fn stop(mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(self.child.wait().expect("reaps").success(), "it ends cleanly");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Running `lockstep-media` processes by their parent, from `/proc/<pid>/stat`: `pid (name) state parent …`.
fn media_programs(of: impl Fn(u32) -> bool) -> BTreeSet<u32> {
    let entries = std::fs::read_dir("/proc").expect("lists").flatten();
    let stats = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats
        .filter_map(|stat| {
            let (pid, rest) = stat.split_once(" (lockstep-media) ")?;
            let mut fields = rest.split(' ');
            let alive = fields.next()? != "Z";
            (alive && of(fields.next()?.parse().ok()?)).then_some(pid.parse().ok()?)
        })
        .collect()
}

/// Runs a command of the program to its end: whether it succeeded, and what it printed.
pub fn run(arguments: &[&str], data: &Path, env: &[(&str, &str)]) -> (bool, String) {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .env("LOCKSTEP_DATA", data)
        .env("LOG_LEVEL", "error")
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("lockstep runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

/// The log, one JSON object per event.
pub fn events(data: &Path, env: &[(&str, &str)]) -> Vec<serde_json::Value> {
    let (read, text) = run(&["events", "tail", "--no-follow"], data, env);
    assert!(read, "{text}");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A small film with sound: `seconds` of a test picture.
pub fn film(folder: &Path, seconds: u32, size: &str) -> PathBuf {
    let path = folder.join(format!("film-{seconds}-{size}.mp4"));
    let picture = format!("testsrc2=size={size}:rate=25:duration={seconds}");
    let sound = format!("sine=frequency=440:duration={seconds}");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"])
        .arg(&path)
        .status()
        .expect("ffmpeg runs");
    assert!(made.success());
    path
}
