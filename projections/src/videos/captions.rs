//! Captions and storyboards of films: their rows, and reading them.

use lockstep_domain::{
    ids::VideoId,
    video::{CaptionOrigin, CaptionTrack, Storyboard},
};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use super::path_in;
use crate::{
    accounts::shown,
    projection::{ApplyError, bigint},
};

/// One caption track as viewers choose it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct CaptionRow {
    pub video_id: Uuid,
    pub caption_id: String,
    pub language: Option<String>,
    /// `""` where there is none, or once its uploader was erased.
    pub label: String,
    /// Below the film's folder.
    pub path: String,
    /// `source` or `upload`.
    pub origin: String,
}

/// The captions of these films, in the order they came.
pub async fn captions(pool: &PgPool, videos: &[VideoId]) -> Result<Vec<CaptionRow>, sqlx::Error> {
    let videos: Vec<Uuid> = videos.iter().map(|id| id.0).collect();
    sqlx::query_as(
        "SELECT video_id, caption_id, language, label, path, origin FROM rm_video_captions
         WHERE video_id = ANY($1) ORDER BY video_id, position",
    )
    .bind(videos)
    .fetch_all(pool)
    .await
}

/// A track that was removed again later must not come back by a replay: it only appears in a row that is older.
pub(super) async fn added(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    video: VideoId,
    track: &CaptionTrack,
) -> Result<(), ApplyError> {
    sqlx::query(
        "INSERT INTO rm_video_captions (video_id, caption_id, language, label, path, origin, position)
         SELECT $1, $2, $3, $4, $5, $6, $7 FROM rm_videos WHERE video_id = $1 AND position < $7
         ON CONFLICT (video_id, caption_id) DO NOTHING",
    )
    .bind(video.0)
    .bind(&track.id)
    .bind(&track.language)
    .bind(shown(&track.label))
    .bind(path_in(video, &track.object_key))
    .bind(match track.origin {
        CaptionOrigin::Source => "source",
        CaptionOrigin::Upload => "upload",
    })
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn removed(tx: &mut PgConnection, video: VideoId, id: &str) -> Result<(), ApplyError> {
    sqlx::query("DELETE FROM rm_video_captions WHERE video_id = $1 AND caption_id = $2")
        .bind(video.0)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn storyboard(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    video: VideoId,
    storyboard: &Storyboard,
) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE rm_videos SET storyboard_path = $4, version = $3, position = $2
         WHERE video_id = $1 AND position < $2",
    )
    .bind(video.0)
    .bind(event.position.as_i64())
    .bind(bigint(event, event.version)?)
    .bind(path_in(video, &storyboard.object_key))
    .execute(tx)
    .await?;
    Ok(())
}
