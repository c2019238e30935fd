//! A running embedded store on a free port, in a folder of its own.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use lockstep_object_store::{Buckets, EmbeddedOptions, EmbeddedS3, Presigned};
use reqwest::{RequestBuilder, Response, StatusCode};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const INTERIM: &str = "interim-test";
pub const TYPE: &str = "video/mp4";
pub const MINUTE: Duration = Duration::from_secs(60);

/// What was flushed to disk, in order, and whether the next flush fails.
#[derive(Default)]
pub struct Disk {
    pub flushed: Mutex<Vec<PathBuf>>,
    pub broken: Mutex<bool>,
}

pub struct Store {
    pub buckets: Buckets,
    pub embedded: EmbeddedS3,
    pub origin: String,
    pub disk: Arc<Disk>,
    pub http: reqwest::Client,
    pub folder: TempDir,
}

impl Store {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let folder = TempDir::new().unwrap();
        let disk = Arc::new(Disk::default());
        let (embedded, buckets) = open(folder.path(), &origin, disk.clone());
        let served = embedded.clone();
        let app = axum::Router::new().fallback(move |request: axum::extract::Request| {
            let served = served.clone();
            async move { served.handle(request).await.map(axum::body::Body::new) }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { buckets, embedded, origin, disk, http: reqwest::Client::new(), folder }
    }

    pub async fn presign(&self, key: &str, bytes: u64) -> Presigned {
        self.buckets.interim.presign_put(key, TYPE, bytes, MINUTE).await.unwrap()
    }

    pub fn put(&self, presigned: &Presigned, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = self.http.put(&presigned.url).body(body);
        presigned.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    /// All files below the store's folder whose names do not belong to the store itself.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().join("buckets")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }
}

pub fn open(root: &Path, origin: &str, disk: Arc<Disk>) -> (EmbeddedS3, Buckets) {
    let sync = move |path: &Path| {
        if *disk.broken.lock().unwrap() {
            return Err(io::Error::other("the disk is broken"));
        }
        std::fs::File::open(path)?.sync_all()?;
        disk.flushed.lock().unwrap().push(path.to_owned());
        Ok(())
    };
    EmbeddedS3::open_with(EmbeddedOptions {
        root: root.to_owned(),
        public_url: origin.to_owned(),
        interim: INTERIM.to_owned(),
        media: "media".to_owned(),
        sync: Some(Arc::new(sync)),
    })
    .unwrap()
}

/// Sends and returns the status alone.
pub async fn status(request: RequestBuilder) -> StatusCode {
    sent(request).await.status()
}

pub async fn sent(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}
