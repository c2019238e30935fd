//! The S3 operations the embedded store knows, over s3s-fs: what it lacks (fsync before the answer, whole objects only,
//! no left-overs, bounded bodies) is added here; every other operation is answered "not implemented".

use std::{
    collections::HashSet,
    fs::File,
    future::Future,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use s3s::{
    S3, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput,
        DeleteObjectOutput, GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput,
        HeadObjectOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input,
        ListObjectsV2Output, ListPartsInput, ListPartsOutput, PutObjectInput, PutObjectOutput, StreamingBlob,
        UploadPartInput, UploadPartOutput,
    },
    s3_error,
};
use s3s_fs::FileSystem;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::{
    EmbeddedOptions, OpenError, io_error, multipart,
    upload::{UPLOAD_IDLE_MAX, exactly},
};
use crate::check_key;

/// Bytes per read of an object.
const READ_CHUNK_BYTES: usize = 128 << 10;

/// Flushes one file or folder to the disk.
pub type SyncFn = Arc<dyn Fn(&Path) -> io::Result<()> + Send + Sync>;

/// The files of the embedded store. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Files(Arc<Inner>);

struct Inner {
    fs: FileSystem,
    root: PathBuf,
    /// One folder per open upload in parts.
    multipart: PathBuf,
    buckets: [String; 2],
    sync: SyncFn,
    /// Uploads whose parts are being put together.
    completing: Mutex<HashSet<String>>,
    /// Held while a part gets its name, and from the look at an upload's parts until they are written down.
    assembling: Mutex<()>,
    /// Held open: its lock keeps other processes out (two would write to the same temporary names).
    _lock: File,
}

/// Given back when dropped.
pub(super) struct Turn {
    files: Files,
    upload_id: String,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut completing = self.files.0.completing.lock().unwrap_or_else(PoisonError::into_inner);
        completing.remove(&self.upload_id);
    }
}

impl Files {
    /// Locks `options.root`, makes the bucket folders and opens them.
    pub(super) fn open(options: &EmbeddedOptions) -> Result<Self, OpenError> {
        let lock_path = options.root.join("lock");
        let lock = File::options().create(true).write(true).truncate(false).open(&lock_path);
        let lock = lock.map_err(io_error(&lock_path))?;
        lock.try_lock().map_err(|_| OpenError::InUse(options.root.clone()))?;
        let root = options.root.join("buckets");
        let buckets = [options.interim.clone(), options.media.clone()];
        for bucket in &buckets {
            let path = root.join(bucket);
            std::fs::create_dir_all(&path).map_err(io_error(&path))?;
        }
        let sync: SyncFn = options.sync.clone().unwrap_or_else(|| Arc::new(|path| File::open(path)?.sync_all()));
        let multipart = options.root.join("multipart");
        multipart::open(&multipart).map_err(io_error(&multipart))?;
        for folder in [&root, &multipart, &options.root] {
            sync(folder).map_err(io_error(folder))?;
        }
        let fs = FileSystem::new(&root);
        let fs = fs.map_err(|error| io_error(&root)(io::Error::other(format!("{error:?}"))))?;
        Ok(Self(Arc::new(Inner {
            fs,
            root,
            multipart,
            buckets,
            sync,
            completing: Mutex::default(),
            assembling: Mutex::default(),
            _lock: lock,
        })))
    }

    pub(super) fn multipart_root(&self) -> &Path {
        &self.0.multipart
    }

    /// The right to put this upload's parts together; `None`: somebody has it.
    pub(super) fn turn(&self, upload_id: &str) -> Option<Turn> {
        let mut completing = self.0.completing.lock().unwrap_or_else(PoisonError::into_inner);
        completing.insert(upload_id.to_owned()).then(|| Turn { files: self.clone(), upload_id: upload_id.to_owned() })
    }

    pub(super) fn assembling(&self) -> MutexGuard<'_, ()> {
        self.0.assembling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn flush(&self, path: &Path) -> io::Result<()> {
        (self.0.sync)(path)
    }

    pub(crate) fn object_path(&self, bucket: &str, key: &str) -> PathBuf {
        self.0.root.join(bucket).join(key)
    }

    /// The two hidden files s3s-fs keeps per object: headers first, then what it writes last of all (tag, checksums).
    pub(super) fn side_paths(&self, bucket: &str, key: &str) -> [PathBuf; 2] {
        let (bucket, key) = (BASE64_URL_SAFE_NO_PAD.encode(bucket), BASE64_URL_SAFE_NO_PAD.encode(key));
        ["metadata", "internal"].map(|kind| self.0.root.join(format!(".bucket-{bucket}.object-{key}.{kind}.json")))
    }

    /// Whether the object and everything belonging to it has been written: its bytes are there before its tag is, and a
    /// reader in between would see an object without a type.
    pub(crate) fn is_complete(&self, bucket: &str, key: &str) -> bool {
        let [_, written_last] = self.side_paths(bucket, key);
        written_last.is_file() && self.object_path(bucket, key).is_file()
    }

    /// Flushes an object, its side files and every folder that names them.
    pub(crate) async fn sync_object(&self, bucket: &str, key: &str) -> io::Result<()> {
        let object = self.object_path(bucket, key);
        let mut paths = vec![object.clone()];
        paths.extend(self.side_paths(bucket, key));
        paths.extend(object.ancestors().skip(1).take_while(|path| path.starts_with(&self.0.root)).map(Path::to_owned));
        self.blocking(move |files| paths.iter().try_for_each(|path| (files.0.sync)(path))).await
    }

    /// Removes the side files of an object that is about to go. They go first: as long as the object itself is there it
    /// is listed, so whoever is cut off here finds it and removes it again, and no side file is left without its object.
    async fn remove_sides(&self, bucket: &str, key: &str) -> io::Result<()> {
        let sides = self.side_paths(bucket, key);
        self.blocking(move |files| {
            for side in sides.into_iter().rev() {
                match std::fs::remove_file(side) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            (files.0.sync)(&files.0.root)
        })
        .await
    }

    /// Removes the empty folders of a deleted object (the first level stays, so that a writer beside never loses the
    /// folder it is about to use).
    async fn remove_folders(&self, bucket: &str, key: &str) -> io::Result<()> {
        let bucket_path = self.0.root.join(bucket);
        let object = self.object_path(bucket, key);
        self.blocking(move |files| {
            let deep = |path: &&Path| path.strip_prefix(&bucket_path).is_ok_and(|rest| rest.components().count() > 1);
            let folders = object.ancestors().skip(1).take_while(deep);
            let mut removed = folders.map(std::fs::remove_dir);
            while removed.next().is_some_and(|removal| removal.is_ok()) {}
            let kept = object.ancestors().skip(1).find(|folder| folder.is_dir());
            kept.map_or(Ok(()), |folder| (files.0.sync)(folder))
        })
        .await
    }

    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let files = self.clone();
        tokio::task::spawn_blocking(move || work(&files)).await.map_err(io::Error::other)?
    }

    pub(super) fn check(&self, bucket: &str, key: &str) -> S3Result<()> {
        self.check_bucket(bucket)?;
        check_key(key).map_err(|error| s3_error!(InvalidArgument, "{error}"))
    }

    fn check_bucket(&self, bucket: &str) -> S3Result<()> {
        if self.0.buckets.iter().any(|known| known == bucket) { Ok(()) } else { Err(s3_error!(NoSuchBucket)) }
    }

    /// Writes the object through s3s-fs and flushes it; a failure leaves nothing visible that was not there before.
    async fn put(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let written = self.0.fs.put_object(request).await;
        if written.is_err() && !self.is_complete(&bucket, &key) {
            let path = self.object_path(&bucket, &key);
            let _nothing_to_remove = self.blocking(move |_| std::fs::remove_file(path)).await;
        }
        let response = written.inspect_err(|error| not_stored(&key, error))?;
        let synced = self.sync_object(&bucket, &key).await.inspect_err(|error| not_stored(&key, error));
        synced.map_err(s3s::S3Error::internal_error)?;
        Ok(response)
    }

    /// Reads the answered part in large chunks; s3s-fs would read 4 KiB at a time.
    async fn body(&self, bucket: &str, key: &str, answer: &GetObjectOutput) -> io::Result<StreamingBlob> {
        let mut file = tokio::fs::File::open(self.object_path(bucket, key)).await?;
        let first = answer.content_range.as_deref().and_then(first_byte).unwrap_or(0);
        file.seek(io::SeekFrom::Start(first)).await?;
        let bytes = answer.content_length.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
        Ok(StreamingBlob::wrap(ReaderStream::with_capacity(file.take(bytes), READ_CHUNK_BYTES)))
    }
}

/// The sender only learns that it failed (or has gone away), so the cause is told here.
fn not_stored(key: &str, error: &dyn std::fmt::Debug) {
    tracing::info!(key, ?error, "an object was not stored");
}

/// The first byte named in `bytes 10-19/100`.
fn first_byte(content_range: &str) -> Option<u64> {
    content_range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

/// The body, held to its declared length.
fn held(body: Option<StreamingBlob>, content_length: Option<i64>) -> S3Result<(StreamingBlob, u64)> {
    let declared = content_length.and_then(|bytes| u64::try_from(bytes).ok());
    let declared = declared.ok_or_else(|| s3_error!(MissingContentLength))?;
    let body = body.ok_or_else(|| s3_error!(IncompleteBody))?;
    Ok((StreamingBlob::wrap(Box::pin(exactly(body, declared, UPLOAD_IDLE_MAX))), declared))
}

/// Runs `work` to its end even when the caller goes away: a half-finished rename and flush must not be left behind.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = S3Result<T>> + Send + 'static) -> S3Result<T> {
    tokio::spawn(work).await.map_err(s3s::S3Error::internal_error)?
}

#[async_trait::async_trait]
impl S3 for Files {
    async fn put_object(&self, mut request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        self.check(&request.input.bucket, &request.input.key)?;
        let (body, _) = held(request.input.body.take(), request.input.content_length)?;
        request.input.body = Some(body);
        let files = self.clone();
        to_its_end(async move { files.put(request).await }).await
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        self.check(&bucket, &key)?;
        if !self.is_complete(&bucket, &key) {
            return Err(s3_error!(NoSuchKey));
        }
        let mut response = self.0.fs.get_object(request).await?;
        let body = self.body(&bucket, &key, &response.output).await;
        response.output.body = Some(body.map_err(s3s::S3Error::internal_error)?);
        Ok(response)
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        self.check(&request.input.bucket, &request.input.key)?;
        if !self.is_complete(&request.input.bucket, &request.input.key) {
            return Err(s3_error!(NoSuchKey));
        }
        self.0.fs.head_object(request).await
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        self.check(&bucket, &key)?;
        let files = self.clone();
        to_its_end(async move {
            files.remove_sides(&bucket, &key).await.map_err(s3s::S3Error::internal_error)?;
            let response = files.0.fs.delete_object(request).await?;
            files.remove_folders(&bucket, &key).await.map_err(s3s::S3Error::internal_error)?;
            Ok(response)
        })
        .await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.check_bucket(&request.input.bucket)?;
        self.listed(request.input).await.map(S3Response::new)
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.check_bucket(&request.input.bucket)?;
        self.0.fs.head_bucket(request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.check(&request.input.bucket, &request.input.key)?;
        let files = self.clone();
        to_its_end(async move { files.create_parts(request.input).await.map(S3Response::new) }).await
    }

    async fn upload_part(&self, mut request: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        self.check(&request.input.bucket, &request.input.key)?;
        let (body, declared) = held(request.input.body.take(), request.input.content_length)?;
        let files = self.clone();
        to_its_end(async move { files.store_part(request.input, body, declared).await.map(S3Response::new) }).await
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        self.check(&request.input.bucket, &request.input.key)?;
        self.parts(request.input).await.map(S3Response::new)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        self.check(&request.input.bucket, &request.input.key)?;
        let files = self.clone();
        to_its_end(async move { files.complete_parts(request.input).await.map(S3Response::new) }).await
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.check(&request.input.bucket, &request.input.key)?;
        let files = self.clone();
        to_its_end(async move { files.abort_parts(request.input).await.map(S3Response::new) }).await
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        self.check_bucket(&request.input.bucket)?;
        self.open_uploads(request.input).await.map(S3Response::new)
    }
}
