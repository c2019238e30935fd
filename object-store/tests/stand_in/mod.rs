//! An S3 service for tests that dies on purpose: s3s over a folder, on a port of its own, in threads of its own. It is
//! killed in the midst of a request that the test names, and started again on the same folder and port.

mod service;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use axum::{body::Body, extract::Request, response::Response};
use lockstep_object_store::S3Settings;
use tokio::sync::watch;

pub const ACCESS: &str = "access";
pub const SECRET: &str = "topsecret";
/// How far a request gets before a store dies within it.
const WITHIN: Duration = Duration::from_millis(3);
/// What still runs in threads of its own is left alone after this.
const SHUTDOWN_TIME_MAX: Duration = Duration::from_secs(1);
/// No test waits longer for a store to die.
const DEATH_TIME_MAX: Duration = Duration::from_secs(120);

/// Where in a request the store dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Nothing of it was done.
    Before,
    /// Some of it was done.
    Within,
    /// All of it was done, and nobody was told.
    After,
}

/// Which request is the last.
#[derive(Clone)]
pub struct Fuse {
    /// By method and address.
    pub of: fn(&str, &str) -> bool,
    /// So many such requests pass before it.
    pub passes: u32,
    pub at: At,
}

#[derive(Default)]
struct Heart {
    fuse: Mutex<Option<Fuse>>,
    dead: AtomicBool,
}

/// The service. Dropped, it is gone.
pub struct StandIn {
    folder: PathBuf,
    pub port: u16,
    heart: Arc<Heart>,
    /// Ends the life.
    end: mpsc::Sender<()>,
    /// True once nobody listens any more.
    gone: watch::Receiver<bool>,
    /// Runs the service; ends with it.
    life: Option<JoinHandle<()>>,
}

impl StandIn {
    /// On a free port.
    pub fn start(folder: &Path) -> Self {
        Self::on(folder, 0)
    }

    fn on(folder: &Path, port: u16) -> Self {
        for bucket in ["interim", "media"] {
            std::fs::create_dir_all(folder.join(bucket)).expect("a bucket");
        }
        let mut builder = s3s::service::S3ServiceBuilder::new(service::Service::open(folder));
        builder.set_auth(s3s::auth::SimpleAuth::from_single(ACCESS, SECRET));
        let (service, heart) = (builder.build(), Arc::new(Heart::default()));
        let (end, ended) = mpsc::channel();
        let (tell, gone) = watch::channel(false);
        let (served, ending) = (Arc::clone(&heart), end.clone());
        let app = axum::Router::new().fallback(move |request: Request| {
            let (service, heart, end) = (service.clone(), Arc::clone(&served), ending.clone());
            async move { answer(&service, &heart, &end, request).await }
        });
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).expect("the port");
        listener.set_nonblocking(true).expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let life = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.worker_threads(1).enable_all().build().expect("runs");
            runtime.spawn(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                axum::serve(listener, app).await
            });
            let _either_way = ended.recv();
            runtime.shutdown_timeout(SHUTDOWN_TIME_MAX);
            tell.send_replace(true);
        });
        Self { folder: folder.to_owned(), port, heart, end, gone, life: Some(life) }
    }

    /// What a client needs to know.
    pub fn settings(&self) -> S3Settings {
        S3Settings {
            endpoint_url: format!("http://127.0.0.1:{}", self.port),
            public_url: None,
            region: "us-east-1".to_owned(),
            access_key: ACCESS.to_owned(),
            secret_key: SECRET.to_owned(),
            path_style: true,
            interim: "interim".to_owned(),
            media: "media".to_owned(),
        }
    }

    pub fn arm(&self, fuse: Fuse) {
        *self.heart.fuse.lock().expect("not poisoned") = Some(fuse);
    }

    /// Waits for the death that was armed; afterwards nobody listens.
    pub async fn died(&mut self) {
        let waited = tokio::time::timeout(DEATH_TIME_MAX, self.gone.wait_for(|gone| *gone)).await;
        assert!(waited.is_ok(), "the request never came");
    }

    /// Whether it has died.
    pub fn is_dead(&self) -> bool {
        self.heart.dead.load(Ordering::SeqCst)
    }

    /// Ends it at once: connections break, nothing is finished.
    pub fn kill(&mut self) {
        self.heart.dead.store(true, Ordering::SeqCst);
        let _already_gone = self.end.send(());
        if let Some(life) = self.life.take() {
            life.join().expect("it ends");
        }
    }

    /// Starts it again on its folder and port.
    pub fn restart(&mut self) {
        self.kill();
        let mut again = Self::on(&self.folder, self.port);
        std::mem::swap(self, &mut again);
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn answer(
    service: &s3s::service::S3Service,
    heart: &Heart,
    end: &mpsc::Sender<()>,
    request: Request,
) -> Response {
    let at = blown(heart, &request);
    let call = async {
        let answer = service.call(request.map(s3s::Body::http_body_unsync)).await;
        answer.map(|response| response.map(Body::new)).expect("an answer")
    };
    match at {
        _ if at.is_none() && heart.dead.load(Ordering::SeqCst) => std::future::pending().await,
        None => return call.await,
        Some(At::Before) => {}
        Some(At::Within) => drop(tokio::time::timeout(WITHIN, call).await),
        Some(At::After) => drop(call.await),
    }
    let _already_gone = end.send(());
    std::future::pending().await
}

/// Whether this request is the last; from then on none is answered.
fn blown(heart: &Heart, request: &Request) -> Option<At> {
    let mut armed = heart.fuse.lock().expect("not poisoned");
    let fuse = armed.as_mut()?;
    if heart.dead.load(Ordering::SeqCst) || !(fuse.of)(request.method().as_str(), &request.uri().to_string()) {
        return None;
    }
    if fuse.passes > 0 {
        fuse.passes -= 1;
        return None;
    }
    heart.dead.store(true, Ordering::SeqCst);
    armed.take().map(|fuse| fuse.at)
}
