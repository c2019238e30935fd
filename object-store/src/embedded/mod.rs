//! The embedded object store: the S3 protocol over files of one data folder, for installations without an S3 service.
//!
//! Single process: the folder is locked while open. The public side is [`EmbeddedS3::handle`]: presigned requests for the
//! interim bucket and nothing else. The server's own requests go through the same service by a function call, so they
//! need no listener.

mod assembly;
mod files;
mod gate;
mod keys;
mod listing;
mod local;
mod multipart;
mod upload;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use s3s::{
    auth::SimpleAuth,
    service::{S3Service, S3ServiceBuilder},
};

pub(crate) use files::Files;
pub use files::SyncFn;

use crate::{Bucket, Buckets, key::check_bucket_name, s3};

/// Body of the answers of [`EmbeddedS3::handle`]; an `http_body::Body` of `Bytes`.
pub type ResponseBody = s3s::Body;

/// Where the embedded store lives and what it is called.
#[derive(Clone)]
pub struct EmbeddedOptions {
    /// Folder of its own, created when missing (`<data>/objects`).
    pub root: PathBuf,
    /// Scheme, host and port browsers use: the presigned addresses' host and the one allowed origin.
    pub public_url: String,
    pub interim: String,
    pub media: String,
    /// Replaces the flush of one file or folder to disk (tests); `None` is fsync.
    pub sync: Option<SyncFn>,
}

/// The embedded store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot use {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("the object folder {0} is in use by another process")]
    InUse(PathBuf),
    #[error("the key file {0} is damaged; remove it to get new keys (open uploads are then refused)")]
    Keys(PathBuf),
    #[error("not an origin (scheme://host[:port]): {0}")]
    PublicUrl(String),
    #[error("{0}")]
    Name(String),
}

/// The running embedded store. Cheap to clone; the folder is released with the last clone and the last [`Bucket`].
#[derive(Clone)]
pub struct EmbeddedS3 {
    service: S3Service,
    gate: Arc<gate::Gate>,
}

impl EmbeddedS3 {
    /// Opens or creates the store in `root` for the public address `public_url`.
    ///
    /// # Errors
    /// [`OpenError`], for instance when another process has the folder open.
    pub fn open(root: &Path, public_url: &str, interim: &str, media: &str) -> Result<(Self, Buckets), OpenError> {
        Self::open_with(EmbeddedOptions {
            root: root.to_owned(),
            public_url: public_url.to_owned(),
            interim: interim.to_owned(),
            media: media.to_owned(),
            sync: None,
        })
    }

    /// As [`EmbeddedS3::open`] with all options.
    pub fn open_with(options: EmbeddedOptions) -> Result<(Self, Buckets), OpenError> {
        for name in [&options.interim, &options.media] {
            check_bucket_name(name).map_err(|error| OpenError::Name(error.to_string()))?;
        }
        if options.interim == options.media {
            return Err(OpenError::Name("the interim and the media bucket need different names".into()));
        }
        let origin = gate::origin_of(&options.public_url)?;
        let keys = keys::load_or_create(&options.root)?;
        let files = Files::open(&options)?;
        let mut builder = S3ServiceBuilder::new(files.clone());
        builder.set_auth(SimpleAuth::from_single(keys.access_key.as_str(), keys.secret_key.as_str()));
        let service = builder.build();
        let local = local::client(service.clone());
        let clients = s3::embedded_clients(&keys.access_key, &keys.secret_key, local, &origin);
        let buckets = Buckets {
            interim: Bucket::embedded(&options.interim, clients.clone(), files.clone()),
            media: Bucket::embedded(&options.media, clients, files),
        };
        Ok((Self { service, gate: Arc::new(gate::Gate::new(origin, options.interim)) }, buckets))
    }

    /// The bucket that is served publicly; mount [`EmbeddedS3::handle`] at `/<this>` and everything below.
    #[must_use]
    pub fn public_bucket(&self) -> &str {
        self.gate.bucket()
    }

    /// Answers one public HTTP request whose path is `/<interim bucket>/<key>`: a presigned PUT, GET or HEAD, or the
    /// preflight of one from the public origin. Everything else is refused.
    pub async fn handle<B>(&self, request: http::Request<B>) -> http::Response<ResponseBody>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<s3s::StdError>,
    {
        self.gate.answer(&self.service, request).await
    }
}

impl fmt::Debug for EmbeddedS3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedS3").field("gate", &self.gate).finish_non_exhaustive()
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> OpenError + '_ {
    |source| OpenError::Io { path: path.to_owned(), source }
}
