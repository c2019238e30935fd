//! Presigned uploads: an address that lets its holder PUT one object of one size and one type, for a while.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use aws_sdk_s3::presigning::PresigningConfig;

use crate::{Bucket, ObjectError, check_key};

/// Longest life of a presigned address (the protocol's own limit).
const EXPIRES_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// A presigned PUT.
#[derive(Clone, PartialEq, Eq)]
pub struct Presigned {
    pub url: String,
    /// Headers the sender must set as given. `Content-Length` is signed too, but follows from the body and is not
    /// listed: browsers forbid setting it.
    pub headers: Vec<(String, String)>,
    /// Life counted from the signing; the store refuses the address afterwards.
    pub expires_in: Duration,
}

/// The address is a credential, so it is not printed.
impl fmt::Debug for Presigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presigned")
            .field("headers", &self.headers)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

impl Bucket {
    /// Signs a PUT of exactly `bytes` bytes of `content_type` under `key`: one byte more or less, another type or another key
    /// is refused by the store.
    ///
    /// # Errors
    /// [`ObjectError::Invalid`] for a bad key, no bytes, more than [`Bucket::put_bytes_max`], or a life of 0 or above 7 days.
    pub async fn presign_put(
        &self,
        key: &str,
        content_type: &str,
        bytes: u64,
        expires: Duration,
    ) -> Result<Presigned, ObjectError> {
        self.presign(key, content_type, bytes, PresigningConfig::builder().expires_in(expires), expires).await
    }

    /// As [`Bucket::presign_put`], with the life counted from `start` instead of now.
    pub async fn presign_put_from(
        &self,
        key: &str,
        content_type: &str,
        bytes: u64,
        expires: Duration,
        start: SystemTime,
    ) -> Result<Presigned, ObjectError> {
        let config = PresigningConfig::builder().expires_in(expires).start_time(start);
        self.presign(key, content_type, bytes, config, expires).await
    }

    async fn presign(
        &self,
        key: &str,
        content_type: &str,
        bytes: u64,
        config: aws_sdk_s3::presigning::PresigningConfigBuilder,
        expires: Duration,
    ) -> Result<Presigned, ObjectError> {
        check_key(key)?;
        if bytes == 0 || bytes > self.put_bytes_max() {
            return Err(ObjectError::Invalid(format!("an upload has 1 to {} bytes", self.put_bytes_max())));
        }
        check_life(expires)?;
        let length = i64::try_from(bytes).map_err(|_| ObjectError::Invalid("too many bytes".into()))?;
        let config = config.build().map_err(|error| ObjectError::Invalid(error.to_string()))?;
        let put = self.presigner().put_object().bucket(self.name()).key(key);
        let signed = put
            .content_type(content_type)
            .content_length(length)
            .presigned(config)
            .await
            .map_err(|error| ObjectError::from_sdk(error, self.name()))?;
        Ok(Presigned::of(&signed, expires))
    }
}

impl Presigned {
    pub(crate) fn of(signed: &aws_sdk_s3::presigning::PresignedRequest, expires_in: Duration) -> Self {
        let own = |name: &str| !name.eq_ignore_ascii_case("host") && !name.eq_ignore_ascii_case("content-length");
        let headers = signed.headers().filter(|(name, _)| own(name));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { url: signed.uri().to_owned(), headers, expires_in }
    }
}

pub(crate) fn check_life(expires: Duration) -> Result<(), ObjectError> {
    if expires < Duration::from_secs(1) || expires > EXPIRES_MAX {
        return Err(ObjectError::Invalid("an upload address lives 1 second to 7 days".into()));
    }
    Ok(())
}
