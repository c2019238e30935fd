//! The library: editing films, the trash, removing them for good, and trying again what failed.
//!
//! A purge is two events: `PurgeStarted` closes the film for ever, `Purged` says that the store lists nothing of it any
//! more, and that a CDN in front of it was told. What lies between is done again until it is true, by a reaction and by the
//! sweep, both from the log.

mod copies;

pub use copies::TOLD_FOR;

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use lockstep_domain::{
    account::Account,
    ids::{StreamId, VideoId},
    video::{Edit, Keeper, Place, Video, VideoCommand, VideoError, Wish},
    work::{Work, WorkCommand},
};
use lockstep_event_store::Guard;
use lockstep_object_store::{Bucket, ObjectError};

use crate::{
    Actor, CommandError, Context, LoadError, Outcome, Services, dispatcher::Facts, transcode::PROBE_ITEM,
    video::VideoRefusal,
};

/// Films that one command of many changes.
pub const BULK_MAX: usize = 100;
/// Films that one sweep looks at of each kind.
pub const SWEPT_FILMS_MAX: i64 = 100;
/// How long after its purge a film's folder is looked into for what came late: longer than an upload's address lives.
pub const LATE_OBJECTS_FOR: Duration = Duration::from_secs(2 * 60 * 60);
/// Objects listed at a time.
const LISTED_MAX: usize = 1_000;
/// Listings of one folder before the rest waits for the next sweep.
const LISTINGS_MAX: usize = 1_000;
/// Objects removed at the same time.
const REMOVED_AT_ONCE: usize = 8;

type Answer = Result<Outcome, CommandError<VideoRefusal>>;

/// Changes words, tags and who sees a film.
pub async fn edit(services: &Services, context: &Context, video: VideoId, edit: Edit) -> Answer {
    keep(services, context, video, Wish::Edit(edit)).await
}

/// Puts a film into the trash.
pub async fn trash(services: &Services, context: &Context, video: VideoId) -> Answer {
    keep(services, context, video, Wish::Trash).await
}

/// Takes a film out of the trash.
pub async fn restore(services: &Services, context: &Context, video: VideoId) -> Answer {
    keep(services, context, video, Wish::Restore).await
}

/// Removes a film of the trash for good. Its objects go right after, or as soon as the store lets them.
pub async fn purge(services: &Services, context: &Context, video: VideoId) -> Answer {
    keep(services, context, video, Wish::Purge).await
}

/// Transcodes a film again that failed: what was done stays done, what failed is opened again.
pub async fn retry(services: &Services, context: &Context, video: VideoId) -> Answer {
    let held = services.dispatcher.load::<Video>(&StreamId::video(video)).await?.state;
    // The same rule as below decides first: nobody opens an item of a film they do not keep.
    let (by, _) = keeper(&Facts::fresh_of(&services.dispatcher), context).await?;
    let command = VideoCommand::Keep { by, wish: Wish::Retry, at: context.now };
    let decided = <Video as lockstep_domain::Aggregate>::decide(&held, &command);
    if decided.is_ok_and(|events| !events.is_empty()) {
        for item in std::iter::once(PROBE_ITEM).chain(held.items.iter().map(|item| item.number)) {
            let stream = StreamId::work(video, item);
            if services.dispatcher.load::<Work>(&stream).await?.state.failure.is_some() {
                let opened = services.dispatcher.execute::<Work>(stream, None, context, WorkCommand::Reopen).await;
                opened.map_err(|error| error.map(|_| VideoRefusal::Rule(VideoError::Unknown)))?;
            }
        }
    }
    keep(services, context, video, Wish::Retry).await
}

/// Does the same to many films; each has its own answer.
///
/// # Errors
/// [`VideoRefusal::TooMany`] for none or more than [`BULK_MAX`].
pub async fn each<Done: Future<Output = Answer>>(
    videos: &[VideoId],
    of: impl Fn(VideoId) -> Done,
) -> Result<Vec<(VideoId, Answer)>, CommandError<VideoRefusal>> {
    if videos.is_empty() || videos.len() > BULK_MAX {
        return Err(CommandError::Refused(VideoRefusal::TooMany));
    }
    let mut answers = Vec::with_capacity(videos.len());
    for video in videos {
        answers.push((*video, of(*video).await));
    }
    Ok(answers)
}

pub(crate) async fn keep(services: &Services, context: &Context, video: VideoId, wish: Wish) -> Answer {
    if context.account().is_none() && context.actor != Actor::System {
        return Err(CommandError::Refused(VideoRefusal::SignedOut));
    }
    let wish = &wish;
    services
        .dispatcher
        .execute_with::<Video, _, _>(StreamId::video(video), None, context, |facts| async move {
            let (by, guards) = keeper(&facts, context).await?;
            Ok((VideoCommand::Keep { by, wish: wish.clone(), at: context.now }, guards))
        })
        .await
        .map_err(|error| error.map(VideoRefusal::Rule))
}

/// Who asks, as they stand now.
pub(crate) async fn keeper_now(services: &Services, context: &Context) -> Result<Keeper, CommandError<VideoRefusal>> {
    if context.account().is_none() && context.actor != Actor::System {
        return Err(CommandError::Refused(VideoRefusal::SignedOut));
    }
    Ok(keeper(&Facts::fresh_of(&services.dispatcher), context).await?.0)
}

/// Who asks, as they stand now, with the guard of that.
async fn keeper(facts: &Facts, context: &Context) -> Result<(Keeper, Vec<Guard>), LoadError> {
    let Some(id) = context.account() else { return Ok((Keeper::Program, vec![])) };
    let stream = StreamId::account(id);
    let held = facts.load::<Account>(&stream).await?;
    let by = Keeper::Account { id, administers: held.state.administers(), suspended: held.state.suspended };
    Ok((by, vec![Guard { stream, version: held.version }]))
}

/// Removes every object of a film whose purge has begun and has its copies forgotten, and notes it once the store lists
/// none. Does nothing for others.
pub async fn finish_purge(services: &Services, context: &Context, video: VideoId) -> Answer {
    let held = services.dispatcher.load::<Video>(&StreamId::video(video)).await?;
    if held.state.place == Place::Purging {
        remove_objects(services, video).await.map_err(unavailable)?;
        // After the objects: what is asked for meanwhile is not kept anew.
        copies::forget(services, context, video).await?;
    }
    keep(services, context, video, Wish::FinishPurge).await
}

/// Removes what the store holds of a film, until it lists nothing.
async fn remove_objects(services: &Services, video: VideoId) -> Result<(), ObjectError> {
    // The whole id is in the prefix, so no other film's objects begin with it.
    let (interim, source) = (&services.objects.interim, format!("u/{video}"));
    for open in interim.list_multiparts(&source).await? {
        interim.abort_multipart(&open.key, &open.upload_id).await?;
    }
    empty(interim, &source).await?;
    empty(&services.objects.media, &format!("v/{video}/")).await
}

async fn empty(bucket: &Bucket, prefix: &str) -> Result<(), ObjectError> {
    for _ in 0..LISTINGS_MAX {
        let keys = bucket.list(prefix, LISTED_MAX).await?;
        if keys.is_empty() {
            return Ok(());
        }
        let removals = stream::iter(keys).map(|key| async move { bucket.delete(&key).await });
        removals.buffer_unordered(REMOVED_AT_ONCE).try_collect::<()>().await?;
    }
    Err(ObjectError::Unavailable(format!("objects keep coming below {prefix}")))
}

/// Begins the purges that are due and goes on with those that were cut off. Works from the log. Says how many films ended.
pub async fn sweep_trash(services: &Services, new_context: impl Fn() -> Context) -> Result<u32, sqlx::Error> {
    let now = new_context().now;
    for video in due(services, now.as_micros()).await? {
        if let Err(error) = purge(services, &new_context(), video).await {
            tracing::warn!(%video, %error, "a film stays in the trash");
        }
    }
    let mut ended = 0;
    for video in begun(services).await? {
        match finish_purge(services, &new_context(), video).await {
            Ok(_) => ended += 1,
            Err(error) => tracing::warn!(%video, %error, "objects of a deleted film are still there"),
        }
    }
    Ok(ended)
}

/// Removes what came into the folders of films after their purge: a worker's last segment, a late upload.
pub async fn sweep_late_objects(services: &Services) -> Result<(), sqlx::Error> {
    let lately: Vec<(String,)> = sqlx::query_as(
        "SELECT aggregate_id FROM events
         WHERE aggregate_type = 'video' AND event_type = 'Purged' AND recorded_at > now() - $1 * interval '1 second'
         ORDER BY global_position DESC LIMIT $2",
    )
    .bind(i32::try_from(LATE_OBJECTS_FOR.as_secs()).unwrap_or(i32::MAX))
    .bind(SWEPT_FILMS_MAX)
    .fetch_all(&services.pool)
    .await?;
    for video in parsed(lately) {
        if let Err(error) = remove_objects(services, video).await {
            tracing::warn!(%video, %error, "late objects of a deleted film are still there");
        }
    }
    Ok(())
}

/// Films whose time in the trash is over.
async fn due(services: &Services, now_us: i64) -> Result<Vec<VideoId>, sqlx::Error> {
    let rows = sqlx::query_as(
        "SELECT t.aggregate_id FROM events t
         WHERE t.aggregate_type = 'video' AND t.event_type = 'Trashed'
           AND (t.payload -> 'Trashed' ->> 'purge_at_us')::bigint <= $1
           AND NOT EXISTS (SELECT 1 FROM events l WHERE l.aggregate_type = 'video' AND l.aggregate_id = t.aggregate_id
                           AND l.sequence > t.sequence AND l.event_type IN ('Restored', 'PurgeStarted'))
         ORDER BY t.global_position LIMIT $2",
    );
    Ok(parsed(rows.bind(now_us).bind(SWEPT_FILMS_MAX).fetch_all(&services.pool).await?))
}

/// Films whose purge has begun and not ended.
async fn begun(services: &Services) -> Result<Vec<VideoId>, sqlx::Error> {
    let rows = sqlx::query_as(
        "SELECT p.aggregate_id FROM events p WHERE p.aggregate_type = 'video' AND p.event_type = 'PurgeStarted'
           AND NOT EXISTS (SELECT 1 FROM events d WHERE d.aggregate_type = 'video' AND d.aggregate_id = p.aggregate_id
                           AND d.event_type = 'Purged')
         ORDER BY p.global_position LIMIT $1",
    );
    Ok(parsed(rows.bind(SWEPT_FILMS_MAX).fetch_all(&services.pool).await?))
}

fn parsed(rows: Vec<(String,)>) -> Vec<VideoId> {
    rows.into_iter().filter_map(|(id,)| id.parse().ok()).collect()
}

fn unavailable(error: ObjectError) -> CommandError<VideoRefusal> {
    CommandError::Unavailable(format!("the object store: {error}"))
}
