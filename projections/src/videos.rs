//! Films with their progress, probed facts, renditions, paths below `/v/<token>/`, and failures.
//! Queries are in `videos/query.rs`, what a keeper of the library changes in `videos/library.rs`.

mod captions;
mod chapters;
mod library;
mod query;

use async_trait::async_trait;
use lockstep_domain::{
    ids::VideoId,
    time::MediaTime,
    video::{RenditionFacts, RenditionPlan, Source, Status, VideoEvent},
    work::Failure,
};
use lockstep_event_store::RecordedEvent;
use sqlx::{PgConnection, types::Json};

use crate::{
    accounts::shown,
    projection::{ApplyError, Projection, Table, bigint, decode, id_of, integer},
    words::Word,
};

pub use captions::{CaptionRow, captions};
pub use chapters::ChapterRow;
pub use library::Shelf;
pub(crate) use query::COLUMNS;
pub use query::{Asker, Filter, InWork, RenditionRow, VideoRow, by_ids, count, in_work, list, renditions};

/// The projection behind `rm_videos` and `rm_video_renditions`.
pub struct Videos;

#[async_trait]
impl Projection for Videos {
    fn name(&self) -> &'static str {
        "videos"
    }
    fn version(&self) -> i32 {
        3
    }
    fn kinds(&self) -> &'static [&'static str] {
        &["video"]
    }
    fn tables(&self) -> &'static [Table] {
        &[
            Table { name: "rm_videos", key: "video_id" },
            Table { name: "rm_video_renditions", key: "video_id, name" },
            Table { name: "rm_video_captions", key: "video_id, caption_id" },
            Table { name: "rm_video_words", key: "word" },
        ]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let video: VideoId = id_of(event)?;
        match decode::<VideoEvent>(event)? {
            requested @ VideoEvent::UploadRequested { .. } => insert(tx, event, video, &requested).await,
            VideoEvent::UploadCompleted {} => {
                library::source_stored(tx, event, video).await?;
                status(tx, event, video, Status::Uploaded, None).await
            }
            VideoEvent::UploadRejected { reason } => {
                let failure = Failure { stage: "upload".into(), code: "rejected".into(), reason, retryable: false };
                status(tx, event, video, Status::Rejected, Some(&failure)).await
            }
            VideoEvent::TranscodeStarted {} => status(tx, event, video, Status::Processing, None).await,
            VideoEvent::SourceProbed { source } => probed(tx, event, video, &source).await,
            VideoEvent::TranscodePlanned { renditions, items: _ } => {
                for rendition in &renditions {
                    planned(tx, event, video, rendition).await?;
                }
                touch(tx, event, video).await
            }
            VideoEvent::TranscodeProgressed { percent, stage, eta_s } => {
                progress(tx, event, video, percent, &stage, eta_s).await
            }
            VideoEvent::RenditionCompleted { rendition } => {
                library::stored(tx, event, video, bigint(event, rendition.bytes)?).await?;
                completed(tx, event, video, &rendition).await?;
                touch(tx, event, video).await
            }
            VideoEvent::ThumbnailsGenerated { object_key, width: _, height: _ } => {
                let path = path_in(video, &object_key);
                paths(tx, event, video, Some(path), None, None).await
            }
            VideoEvent::CaptionsAdded { captions: track } => {
                captions::added(tx, event, video, &track).await?;
                touch(tx, event, video).await
            }
            VideoEvent::CaptionsRemoved { id, by: _ } => {
                captions::removed(tx, video, &id).await?;
                touch(tx, event, video).await
            }
            VideoEvent::StoryboardGenerated { storyboard } => captions::storyboard(tx, event, video, &storyboard).await,
            VideoEvent::TranscodeCompleted { hls_key, dash_key, duration_us } => {
                let (hls, dash) = (path_in(video, &hls_key), path_in(video, &dash_key));
                ready(tx, event, video, hls, dash, duration_us).await
            }
            VideoEvent::TranscodeFailed { failure } => status(tx, event, video, Status::Failed, Some(&failure)).await,
            VideoEvent::UploadFingerprinted { .. } | VideoEvent::MultipartStarted { .. } => {
                touch(tx, event, video).await
            }
            VideoEvent::UploadAborted { .. } => status(tx, event, video, Status::Aborted, None).await,
            VideoEvent::InterimObjectRemoved {} => {
                library::source_removed(tx, event, video).await?;
                touch(tx, event, video).await
            }
            VideoEvent::Retitled { title } => library::retitled(tx, event, video, shown(&title)).await,
            VideoEvent::Described { description } => library::described(tx, event, video, shown(&description)).await,
            VideoEvent::Tagged { tags } => library::tagged(tx, event, video, tags.value()).await,
            VideoEvent::VisibilityChanged { visibility } => library::seen_by(tx, event, video, visibility).await,
            VideoEvent::Trashed { purge_at_us } => {
                library::moved(tx, event, video, Shelf::Trash, Some(purge_at_us)).await
            }
            VideoEvent::Restored {} => library::moved(tx, event, video, Shelf::Library, None).await,
            VideoEvent::PurgeStarted {} => library::moved(tx, event, video, Shelf::Purging, None).await,
            VideoEvent::Purged {} => library::moved(tx, event, video, Shelf::Purged, None).await,
            VideoEvent::PosterChosen { poster, .. } => {
                library::posed(tx, event, video, Some(path_in(video, &poster.object_key))).await
            }
            VideoEvent::PosterReset { .. } => library::posed(tx, event, video, None).await,
        }
    }
}

/// An object's path below `v/<video>/`, which is what a delivery token opens.
fn path_in(video: VideoId, key: &str) -> &str {
    let folder = format!("v/{video}/");
    key.strip_prefix(folder.as_str()).unwrap_or(key)
}

async fn insert(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    video: VideoId,
    requested: &VideoEvent,
) -> Result<(), ApplyError> {
    let VideoEvent::UploadRequested { owner, title, file_name, size_bytes, content_type, object_key: _ } = requested
    else {
        return Ok(());
    };
    library::known(tx, shown(title)).await?;
    sqlx::query(
        "INSERT INTO rm_videos (video_id, owner_id, title, file_name, size_bytes, content_type, status,
             created_at_us, created_position, version, position, document)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, library_document($3, '', ''))
         ON CONFLICT (video_id) DO NOTHING",
    )
    .bind(video.0)
    .bind(owner.0)
    .bind(shown(title))
    .bind(shown(file_name))
    .bind(bigint(event, *size_bytes)?)
    .bind(content_type)
    .bind(Status::Uploading.word())
    .bind(event.recorded_at.as_micros())
    .bind(event.position.as_i64())
    .bind(bigint(event, event.version)?)
    .execute(tx)
    .await?;
    Ok(())
}

async fn status(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    video: VideoId,
    status: Status,
    failure: Option<&Failure>,
) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE rm_videos SET status = $4, eta_s = NULL, failure_stage = $5, failure_code = $6, failure_reason = $7,
             failure_retryable = $8, version = $3, position = $2
         WHERE video_id = $1 AND position < $2",
    )
    .bind(video.0)
    .bind(event.position.as_i64())
    .bind(bigint(event, event.version)?)
    .bind(status.word())
    .bind(failure.map(|f| f.stage.as_str()))
    .bind(failure.map(|f| f.code.as_str()))
    .bind(failure.map(|f| f.reason.as_str()))
    .bind(failure.map(|f| f.retryable))
    .execute(tx)
    .await?;
    Ok(())
}

/// Only the row's version and position: the event shows nowhere else in it.
async fn touch(tx: &mut PgConnection, event: &RecordedEvent, video: VideoId) -> Result<(), ApplyError> {
    paths(tx, event, video, None, None, None).await
}

async fn paths(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    video: VideoId,
    thumbnail: Option<&str>,
    hls: Option<&str>,
    dash: Option<&str>,
) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE rm_videos SET thumbnail_path = coalesce($4, thumbnail_path), hls_path = coalesce($5, hls_path),
             dash_path = coalesce($6, dash_path), version = $3, position = $2
         WHERE video_id = $1 AND position < $2",
    )
    .bind(video.0)
    .bind(event.position.as_i64())
    .bind(bigint(event, event.version)?)
    .bind(thumbnail)
    .bind(hls)
    .bind(dash)
    .execute(tx)
    .await?;
    Ok(())
}

async fn ready(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    video: VideoId,
    hls: &str,
    dash: &str,
    duration: MediaTime,
) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE rm_videos SET status = $4, percent = 100, eta_s = NULL, hls_path = $5, dash_path = $6,
             duration_us = $7, version = $3, position = $2
         WHERE video_id = $1 AND position < $2",
    )
    .bind(video.0)
    .bind(event.position.as_i64())
    .bind(bigint(event, event.version)?)
    .bind(Status::Ready.word())
    .bind(hls)
    .bind(dash)
    .bind(duration.as_micros())
    .execute(tx)
    .await?;
    Ok(())
}

async fn progress(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    video: VideoId,
    percent: u32,
    stage: &str,
    eta_s: Option<u32>,
) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE rm_videos SET percent = $4, stage = $5, eta_s = $6, version = $3, position = $2
         WHERE video_id = $1 AND position < $2",
    )
    .bind(video.0)
    .bind(event.position.as_i64())
    .bind(bigint(event, event.version)?)
    .bind(integer(event, percent)?)
    .bind(stage)
    .bind(eta_s.map(i64::from))
    .execute(tx)
    .await?;
    Ok(())
}

async fn probed(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    video: VideoId,
    source: &Source,
) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE rm_videos SET duration_us = $4, width = $5, height = $6, container = $7, video_codec = $8,
             audio_codec = $9, chapters = $10, version = $3, position = $2
         WHERE video_id = $1 AND position < $2",
    )
    .bind(video.0)
    .bind(event.position.as_i64())
    .bind(bigint(event, event.version)?)
    .bind(source.duration_us.as_micros())
    .bind(integer(event, source.width)?)
    .bind(integer(event, source.height)?)
    .bind(&source.container)
    .bind(&source.video_codec)
    .bind(&source.audio_codec)
    .bind(Json(source.chapters.iter().map(ChapterRow::from).collect::<Vec<_>>()))
    .execute(tx)
    .await?;
    Ok(())
}

async fn planned(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    video: VideoId,
    plan: &RenditionPlan,
) -> Result<(), ApplyError> {
    sqlx::query(
        "INSERT INTO rm_video_renditions (video_id, name, width, height, bandwidth_bps, codecs, complete, position)
         VALUES ($1, $2, $3, $4, $5, '', false, $6)
         ON CONFLICT (video_id, name) DO NOTHING",
    )
    .bind(video.0)
    .bind(&plan.name)
    .bind(integer(event, plan.width)?)
    .bind(integer(event, plan.height)?)
    .bind(i64::from(plan.bitrate_bps))
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}

async fn completed(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    video: VideoId,
    facts: &RenditionFacts,
) -> Result<(), ApplyError> {
    sqlx::query(
        "INSERT INTO rm_video_renditions (video_id, name, width, height, bandwidth_bps, codecs, complete, position)
         VALUES ($1, $2, $3, $4, $5, $6, true, $7)
         ON CONFLICT (video_id, name) DO UPDATE SET width = excluded.width, height = excluded.height,
             bandwidth_bps = excluded.bandwidth_bps, codecs = excluded.codecs, complete = true,
             position = excluded.position
         WHERE rm_video_renditions.position < excluded.position",
    )
    .bind(video.0)
    .bind(&facts.name)
    .bind(integer(event, facts.width)?)
    .bind(integer(event, facts.height)?)
    .bind(bigint(event, facts.bandwidth_bps)?)
    .bind(&facts.codecs)
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}
