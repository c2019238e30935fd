//! What nobody comes back for: uploads that are too old are given up, and the store is brought to what the log says.

use std::collections::BTreeSet;

use lockstep_domain::{
    ids::{StreamId, VideoId},
    video::{AbortReason, Place, Status, Video, VideoState},
};

use super::{UPLOAD_LIFE, abort};
use crate::{
    CommandError, Context, Services,
    video::{self, SWEPT_MAX, VideoRefusal, unavailable},
};

/// Objects listed at a time.
const LISTED_MAX: usize = 1_000;
/// Listings of one sweep: more uploads than that wait for a later one.
const LISTINGS_MAX: usize = 100;
/// Where uploads are in the interim bucket.
const PREFIX: &str = "u/";

/// Gives up what was requested longer than [`UPLOAD_LIFE`] ago and has not arrived. Works from the log.
pub async fn sweep_abandoned(services: &Services, new_context: impl Fn() -> Context) -> Result<u32, sqlx::Error> {
    let old: Vec<(String,)> = sqlx::query_as(
        "SELECT r.aggregate_id FROM events r
         WHERE r.event_type = 'UploadRequested' AND r.aggregate_type = 'video'
           AND r.recorded_at < now() - make_interval(secs => $1)
           AND NOT EXISTS (SELECT 1 FROM events d WHERE d.aggregate_type = 'video' AND d.aggregate_id = r.aggregate_id
                           AND d.event_type IN ('UploadCompleted', 'UploadRejected', 'UploadAborted', 'Purged'))
         ORDER BY r.global_position LIMIT $2",
    )
    .bind(UPLOAD_LIFE.as_secs_f64())
    .bind(SWEPT_MAX)
    .fetch_all(&services.pool)
    .await?;
    let mut aborted = 0;
    for (id,) in old {
        let Ok(video) = id.parse::<VideoId>() else { continue };
        // It may have arrived while nothing was running.
        match video::confirm_upload(services, &new_context(), video).await {
            Err(CommandError::Refused(VideoRefusal::NotArrived)) => {}
            Ok(_) | Err(CommandError::Refused(_)) => continue,
            Err(error) => {
                tracing::warn!(%video, %error, "an old upload could not be looked at");
                continue;
            }
        }
        match abort(services, &new_context(), video, AbortReason::Abandoned).await {
            Ok(_) => aborted += 1,
            Err(error) => tracing::warn!(%video, %error, "an old upload could not be given up"),
        }
    }
    Ok(aborted)
}

/// Removes from the interim bucket what the log does not want there: parts and objects of uploads that ended, uploads
/// in parts that never got into the log, and what an ended upload's reaction could not remove. Gives how many.
pub async fn sweep_store(
    services: &Services,
    new_context: impl Fn() -> Context,
) -> Result<u32, CommandError<VideoRefusal>> {
    let interim = &services.objects.interim;
    let mut removed = 0;
    let mut unwanted: BTreeSet<VideoId> = BTreeSet::new();
    for open in interim.list_multiparts(PREFIX).await.map_err(unavailable)? {
        let Some((video, state)) = film(services, &open.key).await? else { continue };
        let wanted = state.status == Status::Uploading && !is_gone(&state);
        if !wanted || state.upload_id.as_ref().is_some_and(|id| *id != open.upload_id) {
            interim.abort_multipart(&open.key, &open.upload_id).await.map_err(unavailable)?;
            removed += 1;
            tracing::info!(%video, "an upload in parts was freed");
        }
    }
    let mut after: Option<String> = None;
    for _ in 0..LISTINGS_MAX {
        let keys = interim.list_after(PREFIX, after.as_deref(), LISTED_MAX).await.map_err(unavailable)?;
        after = keys.last().cloned();
        for key in keys {
            let Some((video, state)) = film(services, &key).await? else { continue };
            if state.interim_removed || is_gone(&state) {
                // It came after the end: its address was still good.
                interim.delete(&key).await.map_err(unavailable)?;
                removed += 1;
            } else if matches!(state.status, Status::Aborted | Status::Rejected | Status::Ready) {
                unwanted.insert(video);
            }
        }
        if after.is_none() {
            break;
        }
    }
    for video in unwanted {
        video::remove_interim(services, &new_context(), video).await?;
        removed += 1;
    }
    Ok(removed)
}

/// Nothing is stored of it any more, or soon.
fn is_gone(state: &VideoState) -> bool {
    matches!(state.place, Place::Purging | Place::Purged)
}

/// The film whose upload this key is; keys of no film are not ours to remove.
async fn film(services: &Services, key: &str) -> Result<Option<(VideoId, VideoState)>, CommandError<VideoRefusal>> {
    let Some(video) = key.strip_prefix(PREFIX).and_then(|id| id.parse::<VideoId>().ok()) else { return Ok(None) };
    let state = services.dispatcher.load::<Video>(&StreamId::video(video)).await?.state;
    Ok((state.owner.is_some() && state.object_key == key).then_some((video, state)))
}
