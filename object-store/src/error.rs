//! What can go wrong with an object store, as things a caller can act on, and the mapping from the S3 client's errors.

use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// A call to an object store failed. A missing object is not an error of the calls that return `Option`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The object is not there (only from calls that need it to be).
    #[error("no such object")]
    Missing,
    /// The bucket does not exist: a set-up mistake.
    #[error("no such bucket: {0}")]
    NoBucket(String),
    /// The store refused the credentials or the right.
    #[error("the object store denied access: {0}")]
    Denied(String),
    /// The store cannot be reached, is out of order or did not answer in time; worth a later try.
    #[error("the object store is unavailable: {0}")]
    Unavailable(String),
    /// The range starts behind the object's last byte.
    #[error("the range starts behind the end of the object")]
    RangeNotSatisfiable,
    /// The caller's key, name, size or time is outside the limits; repeating it cannot help.
    #[error("invalid: {0}")]
    Invalid(String),
    /// A smaller store does not know this call; repeating it cannot help.
    #[error("the object store does not know this call: {0}")]
    Unsupported(String),
    /// Any other refusal of the store, with its code.
    #[error("the object store refused the request: {0}")]
    Refused(String),
}

impl ObjectError {
    /// Whether the store is out of order: it did not answer, or says so. One that refuses is well.
    pub(crate) fn is_fault<E>(error: &SdkError<E>) -> bool {
        match error {
            SdkError::ConstructionFailure(_) => false,
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => true,
            error => error.raw_response().is_none_or(|response| {
                // 501 is what a smaller store says to a call it does not know.
                matches!(response.status().as_u16(), 408 | 500 | 502..)
            }),
        }
    }

    /// Sorts an error of the S3 client into ours.
    pub(crate) fn from_sdk<E>(error: SdkError<E>, bucket: &str) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let code = error.code().unwrap_or_default().to_owned();
        let text = || {
            let message = error.message().unwrap_or_default();
            format!("{} {code} {message}", status.unwrap_or_default()).trim().to_owned()
        };
        match (&error, status) {
            (SdkError::ConstructionFailure(_), _) => Self::Invalid(DisplayErrorContext(&error).to_string()),
            (SdkError::ServiceError(_), Some(_)) if code == "NoSuchBucket" => Self::NoBucket(bucket.to_owned()),
            (SdkError::ServiceError(_), Some(404)) => Self::Missing,
            (SdkError::ServiceError(_), Some(416)) => Self::RangeNotSatisfiable,
            (SdkError::ServiceError(_), Some(401 | 403)) => Self::Denied(text()),
            (SdkError::ServiceError(_), Some(501)) => Self::Unsupported(text()),
            (SdkError::ServiceError(_), Some(408 | 429 | 500..)) => Self::Unavailable(text()),
            (SdkError::ServiceError(_), Some(_)) => Self::Refused(text()),
            _ => Self::Unavailable(DisplayErrorContext(&error).to_string()),
        }
    }
}
