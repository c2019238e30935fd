//! Object storage: an S3 client with presigned uploads, the embedded development server, and signed delivery tokens.
//!
//! Nothing here knows events, videos' states or permissions; keys and tokens carry only identifiers.

mod body;
pub mod breaker;
mod bucket;
mod caching;
pub mod cloudfront;
pub mod delivery;
mod embedded;
mod error;
mod key;
mod multipart;
mod presign;
mod s3;

pub use body::ObjectBody;
pub use bucket::{Bucket, GET_RANGE_BYTES_MAX, Object, ObjectHead};
pub use caching::Caching;
pub use embedded::{EmbeddedOptions, EmbeddedS3, OpenError, ResponseBody, SyncFn};
pub use error::ObjectError;
pub use key::{KEY_BYTES_MAX, check_key};
pub use multipart::{OpenUpload, PART_BYTES_MAX, PART_BYTES_MIN, PARTS_MAX, StoredPart};
pub use presign::Presigned;
pub use s3::S3Settings;

/// The two buckets of one installation: `interim` takes uploads, `media` holds what viewers may fetch by token.
#[derive(Clone, Debug)]
pub struct Buckets {
    pub interim: Bucket,
    pub media: Bucket,
}

impl Buckets {
    /// Buckets of an S3 service. Makes no request: [`Bucket::check`] tells whether the store answers.
    ///
    /// # Errors
    /// [`ObjectError::Invalid`] when a bucket name is not one.
    pub fn connect(settings: &S3Settings) -> Result<Self, ObjectError> {
        let clients = s3::clients(settings);
        Ok(Self {
            interim: Bucket::remote(&settings.interim, clients.clone())?,
            media: Bucket::remote(&settings.media, clients)?,
        })
    }

    /// Puts a breaker in front of the service: both buckets are in it.
    pub fn guard(&self, breaker: &breaker::Breaker) {
        self.interim.guard(breaker);
        self.media.guard(breaker);
    }

    /// The same for those who are waited for: a request that takes longer than most of a second has failed.
    #[must_use]
    pub fn hurried(&self) -> Self {
        Self { interim: self.interim.hurried(), media: self.media.hurried() }
    }
}
