//! One bucket and what may be done with it. Every call is bounded in time and tries.

use std::{
    fmt,
    future::Future,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::get_object::GetObjectOutput,
    primitives::ByteStream,
};
use bytes::Bytes;

use crate::{
    Caching, ObjectBody, ObjectError,
    breaker::Breaker,
    check_key,
    cloudfront::{InvalidationError, Invalidations},
    embedded::Files,
    key::check_bucket_name,
    s3::Clients,
};

/// Most a request without a large body may take, tries and pauses included; an absent store must show within 3 s.
pub(crate) const REQUEST_TIME_MAX: Duration = Duration::from_millis(2_500);
/// The same where somebody waits for the answer, of a store behind a network.
const HURRIED_TIME_MAX: Duration = Duration::from_millis(900);
/// Most a PUT may take, tries and pauses included.
pub(crate) const PUT_TIME_MAX: Duration = Duration::from_secs(600);
/// Most bytes [`Bucket::get_range`] returns.
pub const GET_RANGE_BYTES_MAX: u64 = 16 << 20;
/// Most keys [`Bucket::list`] returns.
const LIST_KEYS_MAX: usize = 100_000;
/// Largest single PUT of the S3 protocol.
const S3_PUT_BYTES_MAX: u64 = 5 << 30;
/// Largest PUT of the embedded store.
const EMBEDDED_PUT_BYTES_MAX: u64 = 1 << 40;

/// One bucket of an S3 service or of the embedded store. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    inner: Arc<Inner>,
    hurried: bool,
}

struct Inner {
    name: String,
    clients: Clients,
    /// Set for the embedded store: its files, which this process may read and make durable.
    files: Option<Files>,
    /// In front of a store behind a network.
    breaker: OnceLock<Breaker>,
    /// What keeps copies of its objects.
    cache: OnceLock<Arc<dyn Invalidations>>,
}

/// What the store knows of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectHead {
    pub bytes: u64,
    /// Empty when none was given.
    pub content_type: String,
    /// With its quotes.
    pub etag: String,
    /// Unix seconds, where the store tells.
    pub modified_s: Option<i64>,
}

/// An object, or a part of it, being read.
#[derive(Debug)]
pub struct Object {
    /// Bytes in `body`: of the part when a range was asked for.
    pub bytes: u64,
    pub content_type: String,
    pub etag: String,
    /// Unix seconds, where the store tells.
    pub modified_s: Option<i64>,
    pub body: ObjectBody,
}

impl Bucket {
    pub(crate) fn remote(name: &str, clients: Clients) -> Result<Self, ObjectError> {
        check_bucket_name(name)?;
        Ok(Self::of(name, clients, None))
    }

    pub(crate) fn embedded(name: &str, clients: Clients, files: Files) -> Self {
        Self::of(name, clients, Some(files))
    }

    fn of(name: &str, clients: Clients, files: Option<Files>) -> Self {
        let (breaker, cache) = (OnceLock::new(), OnceLock::new());
        let inner = Inner { name: name.to_owned(), clients, files, breaker, cache };
        Self { inner: Arc::new(inner), hurried: false }
    }

    /// The same for those who are waited for.
    pub(crate) fn hurried(&self) -> Self {
        Self { hurried: true, ..self.clone() }
    }

    /// Puts a breaker in front of it, once; clones have it too. The embedded store needs none.
    pub(crate) fn guard(&self, breaker: &Breaker) {
        if self.inner.files.is_none() {
            let _ = self.inner.breaker.set(breaker.clone()); // the first one stays
        }
    }

    /// Tells it, once, what keeps copies of its objects; clones know it too.
    pub fn cached_by(&self, cache: Arc<dyn Invalidations>) {
        let _ = self.inner.cache.set(cache); // the first one stays
    }

    /// Whether anything keeps copies of its objects.
    #[must_use]
    pub fn is_cached(&self) -> bool {
        self.inner.cache.get().is_some()
    }

    /// Has the copies of these objects forgotten, where there is anything that keeps some; see [`Invalidations`].
    pub async fn forget_copies(&self, paths: &[String], reference: &str) -> Result<(), InvalidationError> {
        match self.inner.cache.get() {
            Some(cache) => cache.invalidate(paths, reference).await,
            None => Ok(()),
        }
    }

    /// The bucket's name in the store.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Largest object one PUT may write, in bytes.
    #[must_use]
    pub fn put_bytes_max(&self) -> u64 {
        if self.inner.files.is_some() { EMBEDDED_PUT_BYTES_MAX } else { S3_PUT_BYTES_MAX }
    }

    /// Writes an object; durable when this returns.
    pub async fn put(&self, key: &str, bytes: Bytes, content_type: &str) -> Result<(), ObjectError> {
        self.put_stream(key, ByteStream::from(bytes), content_type, None).await
    }

    /// The same for what a CDN fetches: the object says itself how long copies of it may be kept.
    pub async fn publish(
        &self,
        key: &str,
        bytes: Bytes,
        content_type: &str,
        caching: Caching,
    ) -> Result<(), ObjectError> {
        self.put_stream(key, ByteStream::from(bytes), content_type, Some(caching)).await
    }

    /// Writes an object from a file, in chunks; durable when this returns.
    pub async fn put_file(&self, key: &str, file: &Path, content_type: &str) -> Result<(), ObjectError> {
        let stream = ByteStream::from_path(file).await;
        let stream = stream.map_err(|error| ObjectError::Invalid(format!("the file cannot be read: {error}")))?;
        self.put_stream(key, stream, content_type, None).await
    }

    async fn put_stream(
        &self,
        key: &str,
        body: ByteStream,
        content_type: &str,
        caching: Option<Caching>,
    ) -> Result<(), ObjectError> {
        check_key(key)?;
        let put = self.client().put_object().bucket(self.name()).key(key).content_type(content_type).body(body);
        let put = put.set_cache_control(caching.map(|caching| caching.header().to_owned())).customize();
        // The way to the embedded store is a function call: nothing on it could change the bytes, so they are not hashed.
        let put = if self.inner.files.is_some() { put.disable_payload_signing() } else { put };
        self.within(PUT_TIME_MAX, put.send()).await.map(drop)
    }

    /// Size, type and tag of an object.
    pub async fn head(&self, key: &str) -> Result<Option<ObjectHead>, ObjectError> {
        check_key(key)?;
        let call = self.client().head_object().bucket(self.name()).key(key).send();
        let Some(head) = found(self.within(REQUEST_TIME_MAX, call).await)? else { return Ok(None) };
        Ok(Some(ObjectHead {
            bytes: length(head.content_length())?,
            modified_s: head.last_modified().map(|at| at.secs()),
            content_type: head.content_type.unwrap_or_default(),
            etag: head.e_tag.unwrap_or_default(),
        }))
    }

    /// Opens an object for reading.
    pub async fn get(&self, key: &str) -> Result<Option<Object>, ObjectError> {
        self.get_stream(key, None).await
    }

    /// Opens an object, or the bytes of `range` in it, for reading; a range that ends behind the object is cut.
    ///
    /// # Errors
    /// [`ObjectError::RangeNotSatisfiable`] when the range is empty or starts behind the end.
    pub async fn get_stream(&self, key: &str, range: Option<Range<u64>>) -> Result<Option<Object>, ObjectError> {
        check_key(key)?;
        if range.as_ref().is_some_and(Range::is_empty) {
            return Err(ObjectError::RangeNotSatisfiable);
        }
        let range = range.map(|range| format!("bytes={}-{}", range.start, range.end - 1));
        let call = self.client().get_object().bucket(self.name()).key(key).set_range(range).send();
        let Some(object) = found(self.within(REQUEST_TIME_MAX, call).await)? else { return Ok(None) };
        let GetObjectOutput { body, content_length, content_type, e_tag, last_modified, .. } = object;
        Ok(Some(Object {
            bytes: length(content_length)?,
            content_type: content_type.unwrap_or_default(),
            etag: e_tag.unwrap_or_default(),
            modified_s: last_modified.map(|at| at.secs()),
            body: ObjectBody::new(body),
        }))
    }

    /// Reads `len` bytes from `start`; fewer where the object ends, none behind its end.
    ///
    /// # Errors
    /// [`ObjectError::Invalid`] for more than [`GET_RANGE_BYTES_MAX`] bytes.
    pub async fn get_range(&self, key: &str, start: u64, len: u64) -> Result<Option<Bytes>, ObjectError> {
        if len > GET_RANGE_BYTES_MAX {
            return Err(ObjectError::Invalid(format!("a range has at most {GET_RANGE_BYTES_MAX} bytes")));
        }
        let end = start.saturating_add(len);
        match self.get_stream(key, Some(start..end)).await {
            Ok(Some(object)) => object.body.collect(GET_RANGE_BYTES_MAX as usize).await.map(Some),
            Ok(None) => Ok(None),
            Err(ObjectError::RangeNotSatisfiable) => Ok(self.head(key).await?.map(|_| Bytes::new())),
            Err(error) => Err(error),
        }
    }

    /// Removes an object; one that is not there is no error.
    pub async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        check_key(key)?;
        let call = self.client().delete_object().bucket(self.name()).key(key).send();
        found(self.within(REQUEST_TIME_MAX, call).await).map(drop)
    }

    /// Keys that start with `prefix`, in byte order, at most `limit` (and at most 100 000).
    pub async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, ObjectError> {
        self.list_after(prefix, None, limit).await
    }

    /// The keys of [`Bucket::list`] that come after `after` in byte order.
    pub async fn list_after(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, ObjectError> {
        let limit = limit.min(LIST_KEYS_MAX);
        let mut keys: Vec<String> = Vec::new();
        let mut token = None;
        while keys.len() < limit {
            let page = i32::try_from((limit - keys.len()).min(1000)).unwrap_or(1000);
            let call = self.client().list_objects_v2().bucket(self.name()).prefix(prefix);
            let call = call.set_start_after(after.map(str::to_owned));
            let call = call.max_keys(page).set_continuation_token(token).send();
            let listed = self.within(REQUEST_TIME_MAX, call).await?;
            keys.extend(listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
            token = listed.next_continuation_token;
            if token.is_none() {
                break;
            }
        }
        keys.truncate(limit);
        Ok(keys)
    }

    /// Makes sure that an object which is visible also survives a power cut: needed before an event says so when the
    /// answer to its presigned PUT was not seen. On S3 nothing is to be done.
    ///
    /// # Errors
    /// [`ObjectError::Missing`] when there is no such object.
    pub async fn make_durable(&self, key: &str) -> Result<(), ObjectError> {
        check_key(key)?;
        let Some(files) = &self.inner.files else { return Ok(()) };
        if !files.is_complete(self.name(), key) {
            return Err(ObjectError::Missing);
        }
        let synced = files.sync_object(self.name(), key).await;
        synced.map_err(|error| ObjectError::Unavailable(format!("could not reach the disk: {error}")))
    }

    /// Whether the store answers, lets us in and has the bucket; takes 3 seconds at most.
    pub async fn check(&self) -> Result<(), ObjectError> {
        let call = self.client().head_bucket().bucket(self.name()).send();
        match self.within(REQUEST_TIME_MAX, call).await {
            Err(ObjectError::Missing) => Err(ObjectError::NoBucket(self.name().to_owned())),
            other => other.map(drop),
        }
    }

    /// As [`Self::check`], past the breaker: asked by whoever looks whether it may close.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`] when the store is out of order; a store that refuses is not.
    pub async fn probe(&self) -> Result<(), ObjectError> {
        let call = self.client().head_bucket().bucket(self.name()).send();
        match tokio::time::timeout(REQUEST_TIME_MAX, call).await {
            Ok(Err(error)) if ObjectError::is_fault(&error) => Err(ObjectError::from_sdk(error, self.name())),
            Ok(_) => Ok(()),
            Err(_) => Err(late(REQUEST_TIME_MAX)),
        }
    }

    /// The file that holds a complete object, when the store is the embedded one. It must only be read.
    #[must_use]
    pub fn local_path(&self, key: &str) -> Option<PathBuf> {
        let files = self.inner.files.as_ref()?;
        (check_key(key).is_ok() && files.is_complete(self.name(), key)).then(|| files.object_path(self.name(), key))
    }

    pub(crate) fn presigner(&self) -> &Client {
        &self.inner.clients.presigner
    }

    pub(crate) fn client(&self) -> &Client {
        &self.inner.clients.requests
    }

    pub(crate) async fn within<T, E>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, ObjectError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let limit = match self.hurried && self.inner.files.is_none() {
            true if limit == REQUEST_TIME_MAX => HURRIED_TIME_MAX,
            _ => limit,
        };
        let permit = self.inner.breaker.get().map(Breaker::admit).transpose();
        let permit = permit.map_err(|refused| ObjectError::Unavailable(refused.to_string()))?;
        let answer = tokio::time::timeout(limit, call).await;
        if let Some(permit) = permit {
            match &answer {
                Ok(Err(error)) if !ObjectError::is_fault(error) => permit.success(),
                Ok(Ok(_)) => permit.success(),
                Ok(Err(_)) | Err(_) => permit.fault(),
            }
        }
        match answer {
            Ok(answer) => answer.map_err(|error| ObjectError::from_sdk(error, self.name())),
            Err(_) => Err(late(limit)),
        }
    }
}

fn late(limit: Duration) -> ObjectError {
    ObjectError::Unavailable(format!("no answer within {} ms", limit.as_millis()))
}

pub(crate) fn found<T>(answer: Result<T, ObjectError>) -> Result<Option<T>, ObjectError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(ObjectError::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}

fn length(value: Option<i64>) -> Result<u64, ObjectError> {
    value.and_then(|bytes| u64::try_from(bytes).ok()).ok_or_else(|| ObjectError::Refused("no content length".into()))
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("name", &self.inner.name).field("embedded", &self.inner.files.is_some()).finish()
    }
}
