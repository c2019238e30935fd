//! What a keeper changes of a film's row: words, visibility, place, and how much of it is stored.

use lockstep_domain::{channel::Visibility, ids::VideoId, time::Timestamp};
use lockstep_event_store::RecordedEvent;
use sqlx::PgConnection;

use crate::{
    projection::{ApplyError, bigint},
    words::Word,
};

/// Where a film is kept, as a column holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    Library,
    Trash,
    Purging,
    Purged,
}

type Applied = Result<(), ApplyError>;

pub(super) async fn retitled(tx: &mut PgConnection, event: &RecordedEvent, video: VideoId, title: &str) -> Applied {
    known(tx, title).await?;
    set(tx, event, video, "title = $4, document = library_document($4, tag_words, description)", title).await
}

/// The words of a title are there for searches that have one letter wrong.
pub(super) async fn known(tx: &mut PgConnection, title: &str) -> Applied {
    sqlx::query(
        "INSERT INTO rm_video_words (word)
         SELECT word FROM unnest(tsvector_to_array(to_tsvector('simple'::regconfig, $1))) word
         WHERE word ~ '^[[:alnum:]]+$' ON CONFLICT (word) DO NOTHING",
    )
    .bind(title)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn described(tx: &mut PgConnection, event: &RecordedEvent, video: VideoId, text: &str) -> Applied {
    set(tx, event, video, "description = $4, document = library_document(title, tag_words, $4)", text).await
}

pub(super) async fn tagged(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    video: VideoId,
    tags: Option<&Vec<String>>,
) -> Applied {
    let tags = tags.cloned().unwrap_or_default();
    let words = tags.join(" ");
    sqlx::query(
        "UPDATE rm_videos SET tags = $4, tag_words = $5, document = library_document(title, $5, description), version = $3, position = $2
         WHERE video_id = $1 AND position < $2",
    )
    .bind(video.0)
    .bind(event.position.as_i64())
    .bind(bigint(event, event.version)?)
    .bind(tags)
    .bind(words)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn seen_by(tx: &mut PgConnection, event: &RecordedEvent, video: VideoId, to: Visibility) -> Applied {
    set(tx, event, video, "visibility = $4", to.word()).await
}

/// Another picture stands for it, or the one found at first.
pub(super) async fn posed(tx: &mut PgConnection, event: &RecordedEvent, video: VideoId, path: Option<&str>) -> Applied {
    sqlx::query(
        "UPDATE rm_videos SET poster_path = $4, version = $3, position = $2 WHERE video_id = $1 AND position < $2",
    )
    .bind(video.0)
    .bind(event.position.as_i64())
    .bind(bigint(event, event.version)?)
    .bind(path)
    .execute(tx)
    .await?;
    Ok(())
}

/// Onto another shelf; in the trash until `purge_at`.
pub(super) async fn moved(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    video: VideoId,
    to: Shelf,
    purge_at: Option<Timestamp>,
) -> Applied {
    let trashed_at = (to != Shelf::Library).then(|| event.recorded_at.as_micros());
    sqlx::query(
        "UPDATE rm_videos SET shelf = $4, trashed_at_us = CASE WHEN $4 = 'library' THEN NULL
                 ELSE coalesce(trashed_at_us, $5) END,
             purge_at_us = $6, stored_bytes = CASE WHEN $4 = 'purged' THEN 0 ELSE stored_bytes END,
             version = $3, position = $2
         WHERE video_id = $1 AND position < $2",
    )
    .bind(video.0)
    .bind(event.position.as_i64())
    .bind(bigint(event, event.version)?)
    .bind(to.word())
    .bind(trashed_at)
    .bind(purge_at.map(Timestamp::as_micros))
    .execute(tx)
    .await?;
    Ok(())
}

/// The uploaded file is there. Followed by a change that moves the row's position.
pub(super) async fn source_stored(tx: &mut PgConnection, event: &RecordedEvent, video: VideoId) -> Applied {
    add(tx, event, video, "size_bytes").await
}

/// The uploaded file is not there any more. Followed by a change that moves the row's position.
pub(super) async fn source_removed(tx: &mut PgConnection, event: &RecordedEvent, video: VideoId) -> Applied {
    add(tx, event, video, "-size_bytes").await
}

async fn add(tx: &mut PgConnection, event: &RecordedEvent, video: VideoId, what: &'static str) -> Applied {
    let sql = format!(
        "UPDATE rm_videos SET stored_bytes = greatest(stored_bytes + {what}, 0) WHERE video_id = $1 AND position < $2"
    );
    sqlx::query(&sql).bind(video.0).bind(event.position.as_i64()).execute(tx).await?;
    Ok(())
}

/// So many more bytes are stored. Followed by a change that moves the row's position.
pub(super) async fn stored(tx: &mut PgConnection, event: &RecordedEvent, video: VideoId, bytes: i64) -> Applied {
    sqlx::query("UPDATE rm_videos SET stored_bytes = stored_bytes + $3 WHERE video_id = $1 AND position < $2")
        .bind(video.0)
        .bind(event.position.as_i64())
        .bind(bytes)
        .execute(tx)
        .await?;
    Ok(())
}

async fn set(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    video: VideoId,
    column: &'static str,
    text: &str,
) -> Applied {
    let sql =
        format!("UPDATE rm_videos SET {column}, version = $3, position = $2 WHERE video_id = $1 AND position < $2");
    sqlx::query(&sql)
        .bind(video.0)
        .bind(event.position.as_i64())
        .bind(bigint(event, event.version)?)
        .bind(text)
        .execute(tx)
        .await?;
    Ok(())
}
