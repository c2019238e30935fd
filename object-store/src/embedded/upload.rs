//! The body of an upload, held to its declared length and to a pace.

use std::{io, time::Duration};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use s3s::dto::StreamingBlob;

/// Longest silence of a sender within one upload.
pub(super) const UPLOAD_IDLE_MAX: Duration = Duration::from_secs(60);

/// Passes on exactly `declared` bytes: more, fewer, or a sender that falls silent is an error, and nothing is kept.
pub(super) fn exactly(
    body: StreamingBlob,
    declared: u64,
    idle_max: Duration,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    futures::stream::unfold(Some((body, declared)), move |state| async move {
        let (mut body, left) = state?;
        let failed = |text: &'static str| Some((Err(io::Error::other(text)), None));
        match tokio::time::timeout(idle_max, body.next()).await {
            Err(_) => failed("the sender fell silent"),
            Ok(None) if left == 0 => None,
            Ok(None) => failed("the body is shorter than declared"),
            Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
            Ok(Some(Ok(chunk))) => match left.checked_sub(chunk.len() as u64) {
                Some(left) => Some((Ok(chunk), Some((body, left)))),
                None => failed("the body is longer than declared"),
            },
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn passed(chunks: &'static [&'static [u8]], declared: u64) -> Result<usize, String> {
        let body = futures::stream::iter(chunks).map(|chunk| Ok::<_, io::Error>(Bytes::from_static(chunk)));
        let body = exactly(StreamingBlob::wrap(body), declared, UPLOAD_IDLE_MAX);
        let passed = body.fold(Ok(0), async |sum, chunk| match (sum, chunk) {
            (Ok(sum), Ok(chunk)) => Ok(sum + chunk.len()),
            (Err(error), _) => Err(error),
            (_, Err(error)) => Err(error.to_string()),
        });
        passed.await
    }

    #[tokio::test]
    async fn a_body_passes_only_with_its_declared_length() {
        assert_eq!(passed(&[b"12", b"", b"345"], 5).await, Ok(5));
        assert_eq!(passed(&[], 0).await, Ok(0));
        assert_eq!(passed(&[b"12", b"345"], 4).await, Err("the body is longer than declared".into()));
        assert_eq!(passed(&[b"12", b"345"], 6).await, Err("the body is shorter than declared".into()));
    }

    #[tokio::test]
    async fn a_silent_sender_is_given_up() {
        let silent = futures::stream::pending::<io::Result<Bytes>>();
        let mut body = Box::pin(exactly(StreamingBlob::wrap(silent), 5, Duration::ZERO));
        assert!(body.next().await.is_some_and(|chunk| chunk.is_err()));
        assert!(body.next().await.is_none());
    }
}
