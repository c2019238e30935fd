//! Copies of a deleted film's files in a CDN, which is told to forget them.

use std::time::Duration;

use lockstep_domain::ids::VideoId;
use lockstep_object_store::cloudfront::InvalidationError;
use uuid::Uuid;

use crate::{CommandError, Context, Services, video::VideoRefusal};

/// How long after its purge began a CDN is told again and again to forget a film. Signatures for it ended long before, so
/// what it keeps then opens for nobody.
pub const TOLD_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Has every copy of the film forgotten. The event that began the purge is the reference, so that telling it again, after a
/// crash or from another process, is the same wish. Gives up after [`TOLD_FOR`], with an error in the log.
pub(super) async fn forget(
    services: &Services,
    context: &Context,
    video: VideoId,
) -> Result<(), CommandError<VideoRefusal>> {
    let media = &services.objects.media;
    if !media.is_cached() {
        return Ok(());
    }
    let begun: Option<(Uuid, i64)> = sqlx::query_as(
        "SELECT event_id, (extract(epoch FROM occurred_at) * 1000000)::bigint FROM events
         WHERE aggregate_type = 'video' AND aggregate_id = $1 AND event_type = 'PurgeStarted' LIMIT 1",
    )
    .bind(video.to_string())
    .fetch_optional(&services.pool)
    .await
    .map_err(|error| CommandError::Unavailable(error.to_string()))?;
    let Some((event, begun_us)) = begun else { return Ok(()) };
    match media.forget_copies(&[format!("/v/{video}/*")], &event.to_string()).await {
        Ok(()) => Ok(()),
        Err(error) if context.now.as_micros().saturating_sub(begun_us) < told_for_us() => Err(unavailable(&error)),
        Err(error) => {
            tracing::error!(%video, %error, "copies of a deleted film stay in the CDN until it drops them by itself");
            Ok(())
        }
    }
}

fn told_for_us() -> i64 {
    i64::try_from(TOLD_FOR.as_micros()).unwrap_or(i64::MAX)
}

fn unavailable(error: &InvalidationError) -> CommandError<VideoRefusal> {
    CommandError::Unavailable(error.to_string())
}
