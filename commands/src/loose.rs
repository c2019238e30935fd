//! Objects of a film whose keys are made anew each time: captions and pictures that somebody uploads. Each is written down
//! here before it is stored and settled once the log says what became of it, so that a crash in between, of this program
//! or of the store, leaves nothing behind: what the log does not name in the end is removed.

use std::time::Duration;

use lockstep_domain::{
    ids::{StreamId, VideoId},
    video::{Place, Video, VideoState},
};
use lockstep_object_store::ObjectError;

use crate::{CommandError, Services};

/// Objects one sweep looks at.
pub const LOOSE_SWEPT_MAX: i64 = 200;
/// How long after it was stored an object may wait for its event: far longer than any command takes.
pub const LOOSE_LIFE: Duration = Duration::from_secs(60 * 60);

/// Notes an object that is about to be stored.
pub(crate) async fn announce<E>(services: &Services, video: VideoId, key: &str) -> Result<(), CommandError<E>> {
    note(services, video, key, LOOSE_LIFE).await
}

/// Notes an object that the log does not want any more, and removes it.
pub(crate) async fn discard<E>(services: &Services, video: VideoId, key: &str) -> Result<(), CommandError<E>> {
    note(services, video, key, Duration::ZERO).await?;
    settle(services, video, key).await
}

/// Keeps what the log names and removes the rest; then it is no longer loose.
pub(crate) async fn settle<E>(services: &Services, video: VideoId, key: &str) -> Result<(), CommandError<E>> {
    let film = services.dispatcher.load::<Video>(&StreamId::video(video)).await?.state;
    if !names(&film, key) {
        let media = &services.objects.media;
        media.delete(key).await.map_err(|error| unavailable(&error))?;
        // Keys are made once, so each is its own reference. Copies that stay open for nobody who may not watch the film.
        if let Err(error) = media.forget_copies(&[format!("/{key}")], key).await {
            tracing::warn!(%video, %error, "copies of what was removed are still there");
        }
    }
    sqlx::query("DELETE FROM loose_objects WHERE object_key = $1")
        .bind(key)
        .execute(&services.pool)
        .await
        .map_err(|error| CommandError::Unavailable(error.to_string()))?;
    Ok(())
}

/// Settles what was left. Says how many objects.
pub async fn sweep(services: &Services) -> Result<u32, sqlx::Error> {
    let due: Vec<(String, uuid::Uuid)> =
        sqlx::query_as("SELECT object_key, video_id FROM loose_objects WHERE due <= now() ORDER BY due LIMIT $1")
            .bind(LOOSE_SWEPT_MAX)
            .fetch_all(&services.pool)
            .await?;
    let mut settled = 0;
    for (key, video) in due {
        match settle::<std::convert::Infallible>(services, VideoId(video), &key).await {
            Ok(()) => settled += 1,
            Err(error) => tracing::warn!(key, %error, "a loose object stays for now"),
        }
    }
    Ok(settled)
}

/// Whether a film has this object now.
fn names(film: &VideoState, key: &str) -> bool {
    let kept = !matches!(film.place, Place::Purging | Place::Purged);
    let captions = film.captions.iter().any(|track| track.object_key == key);
    kept && (captions || film.poster.as_ref().is_some_and(|poster| poster.object_key == key))
}

async fn note<E>(services: &Services, video: VideoId, key: &str, life: Duration) -> Result<(), CommandError<E>> {
    sqlx::query(
        "INSERT INTO loose_objects (object_key, video_id, due) VALUES ($1, $2, now() + make_interval(secs => $3))
         ON CONFLICT (object_key) DO UPDATE SET due = excluded.due",
    )
    .bind(key)
    .bind(video.0)
    .bind(life.as_secs_f64())
    .execute(&services.pool)
    .await
    .map_err(|error| CommandError::Unavailable(error.to_string()))?;
    Ok(())
}

fn unavailable<E>(error: &ObjectError) -> CommandError<E> {
    CommandError::Unavailable(format!("the object store: {error}"))
}
