//! The bytes of an object as a stream, with a bound on silence.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use aws_sdk_s3::primitives::ByteStream;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream::BoxStream};

use crate::ObjectError;

/// Longest wait for the next bytes of an object before the read fails.
const BODY_IDLE_MAX: Duration = Duration::from_secs(20);

/// An object's bytes in chunks; never the whole object in memory. The wait for a chunk is bounded, the reader's pace is not.
pub struct ObjectBody(BoxStream<'static, Result<Bytes, ObjectError>>);

impl ObjectBody {
    pub(crate) fn new(stream: ByteStream) -> Self {
        Self(futures::stream::unfold(Some(stream), next_chunk).boxed())
    }

    /// Reads what is left, failing with [`ObjectError::Invalid`] as soon as it exceeds `bytes_max`.
    pub async fn collect(mut self, bytes_max: usize) -> Result<Bytes, ObjectError> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.0.next().await {
            let chunk = chunk?;
            if whole.len() + chunk.len() > bytes_max {
                return Err(ObjectError::Invalid(format!("the object has more than {bytes_max} bytes")));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }
}

async fn next_chunk(stream: Option<ByteStream>) -> Option<(Result<Bytes, ObjectError>, Option<ByteStream>)> {
    let mut stream = stream?;
    match tokio::time::timeout(BODY_IDLE_MAX, stream.next()).await {
        Ok(None) => None,
        Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(stream))),
        Ok(Some(Err(error))) => Some((Err(ObjectError::Unavailable(error.to_string())), None)),
        Err(_) => Some((Err(ObjectError::Unavailable("the object's bytes stopped coming".into())), None)),
    }
}

impl Stream for ObjectBody {
    type Item = Result<Bytes, ObjectError>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl fmt::Debug for ObjectBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObjectBody")
    }
}
