//! Bodies of requests: whole, bounded and in time. Whoever sends slowly holds what has arrived in memory only so long.

use std::{error::Error, time::Duration};

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http_body_util::LengthLimitError;

/// From the headers to the last byte of the body. A caption file of 2 MiB arrives in it over 300 kbit/s.
pub const ARRIVES_WITHIN: Duration = Duration::from_secs(60);

/// A body is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It has more bytes than it may.
    TooLong,
    /// It did not arrive within [`ARRIVES_WITHIN`].
    Late,
    /// The connection broke.
    Broken,
}

/// The whole body, of at most so many bytes.
pub async fn whole(body: Body, bytes_max: usize) -> Result<Bytes, Missing> {
    within(ARRIVES_WITHIN, body, bytes_max).await
}

async fn within(time_max: Duration, body: Body, bytes_max: usize) -> Result<Bytes, Missing> {
    match tokio::time::timeout(time_max, to_bytes(body, bytes_max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if error.source().is_some_and(|source| source.is::<LengthLimitError>()) => Err(Missing::TooLong),
        Ok(Err(_)) => Err(Missing::Broken),
        Err(_) => Err(Missing::Late),
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};

    use super::*;

    fn broken() -> Result<Bytes, std::io::Error> {
        Err(std::io::Error::other("gone"))
    }

    #[tokio::test]
    async fn a_body_is_whole_bounded_and_in_time() {
        assert_eq!(whole(Body::from("1234"), 4).await.unwrap(), "1234");
        assert_eq!(whole(Body::from("12345"), 4).await, Err(Missing::TooLong));
        assert_eq!(whole(Body::from_stream(stream::once(async { broken() })), 4).await, Err(Missing::Broken));
        let first = stream::once(async { Ok::<_, std::io::Error>(Bytes::from("1")) });
        let late = Body::from_stream(first.chain(stream::pending()));
        assert_eq!(within(Duration::from_millis(1), late, 4).await, Err(Missing::Late));
    }
}
