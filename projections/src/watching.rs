//! How long films were watched: for every account, the time it was in a channel while the channel played the film. It comes
//! from the events of playback and visits alone, so it is what the log knows and no more:
//!
//! - two windows of one account count once; a film that is paused, held or over counts not at all;
//! - whoever watches a film alone, outside a channel, is not counted: that is in no event;
//! - what plays now counts from its next event on (a pause, a departure, the next film);
//! - a visit whose end was never told, because its server died, counts for at most [`VISIT_US_MAX`].

use async_trait::async_trait;
use lockstep_domain::{
    ids::{AccountId, ChannelId, VideoId, VisitId},
    playback::PlaybackEvent,
    time::MediaTime,
    visit::VisitEvent,
};
use lockstep_event_store::RecordedEvent;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    projection::{ApplyError, Projection, Table, decode, id_of},
    videos::Asker,
};

/// The longest stay that is counted, microseconds: twelve hours.
pub const VISIT_US_MAX: i64 = 12 * 60 * 60 * 1_000_000;

/// The projection behind `rm_watched`.
pub struct Watching;

#[async_trait]
impl Projection for Watching {
    fn name(&self) -> &'static str {
        "watching"
    }
    /// 2: visits one by one.
    fn version(&self) -> i32 {
        2
    }
    fn kinds(&self) -> &'static [&'static str] {
        &["playback", "visit"]
    }
    fn tables(&self) -> &'static [Table] {
        &[
            Table { name: "rm_watching", key: "channel_id" },
            Table { name: "rm_watching_people", key: "channel_id, account_id" },
            Table { name: "rm_watching_visits", key: "visit_id" },
            Table { name: "rm_watched", key: "video_id" },
        ]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let now_us = event.recorded_at.as_micros();
        if event.stream.kind() == "visit" {
            let (VisitEvent::Arrived { channel, account } | VisitEvent::Departed { channel, account }) =
                decode::<VisitEvent>(event)?;
            if !begins(tx, event, channel).await? {
                return Ok(());
            }
            let visit: VisitId = id_of(event)?;
            return match decode::<VisitEvent>(event)? {
                VisitEvent::Arrived { .. } => arrived(tx, visit, Stay { channel, by: account }, now_us).await,
                VisitEvent::Departed { .. } => departed(tx, visit, Stay { channel, by: account }, now_us).await,
            };
        }
        let channel: ChannelId = id_of(event)?;
        if !begins(tx, event, channel).await? {
            return Ok(());
        }
        count(tx, channel, None, now_us).await?;
        played(tx, channel, &decode::<PlaybackEvent>(event)?, now_us).await
    }
}

/// Somebody in a channel.
#[derive(Clone, Copy)]
struct Stay {
    channel: ChannelId,
    by: AccountId,
}

/// Whether this event of a channel is new; from then on it is not. Everything below adds up, so nothing may come twice.
async fn begins(tx: &mut PgConnection, event: &RecordedEvent, channel: ChannelId) -> Result<bool, ApplyError> {
    let begun = sqlx::query(
        "INSERT INTO rm_watching (channel_id, position) VALUES ($1, $2)
         ON CONFLICT (channel_id) DO UPDATE SET position = excluded.position
         WHERE rm_watching.position < excluded.position",
    )
    .bind(channel.0)
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(begun.rows_affected() > 0)
}

async fn arrived(tx: &mut PgConnection, visit: VisitId, stay: Stay, now_us: i64) -> Result<(), ApplyError> {
    count(tx, stay.channel, Some(stay.by), now_us).await?;
    sqlx::query(
        "INSERT INTO rm_watching_visits (visit_id, channel_id, account_id, came_us) VALUES ($1, $2, $3, $4)
         ON CONFLICT (visit_id) DO UPDATE SET came_us = excluded.came_us",
    )
    .bind(visit.0)
    .bind(stay.channel.0)
    .bind(stay.by.0)
    .bind(now_us)
    .execute(&mut *tx)
    .await?;
    there(tx, stay, now_us).await
}

async fn departed(tx: &mut PgConnection, visit: VisitId, stay: Stay, now_us: i64) -> Result<(), ApplyError> {
    count(tx, stay.channel, Some(stay.by), now_us).await?;
    let left = "DELETE FROM rm_watching_visits WHERE visit_id = $1";
    sqlx::query(left).bind(visit.0).execute(&mut *tx).await?;
    there(tx, stay, now_us).await
}

/// Notes by how many visits somebody is there, and whether at all. A visit that is too long was never told to end.
async fn there(tx: &mut PgConnection, stay: Stay, now_us: i64) -> Result<(), ApplyError> {
    let over = "DELETE FROM rm_watching_visits WHERE channel_id = $1 AND account_id = $2 AND came_us <= $3";
    let since = now_us - VISIT_US_MAX;
    sqlx::query(over).bind(stay.channel.0).bind(stay.by.0).bind(since).execute(&mut *tx).await?;
    sqlx::query(
        "INSERT INTO rm_watching_people (channel_id, account_id, windows, came_us, counted_us)
         SELECT channel_id, account_id, count(*), max(came_us), $3 FROM rm_watching_visits
         WHERE channel_id = $1 AND account_id = $2 GROUP BY channel_id, account_id
         ON CONFLICT (channel_id, account_id) DO UPDATE SET windows = excluded.windows, came_us = excluded.came_us,
             counted_us = excluded.counted_us",
    )
    .bind(stay.channel.0)
    .bind(stay.by.0)
    .bind(now_us)
    .execute(&mut *tx)
    .await?;
    let gone = "DELETE FROM rm_watching_people p WHERE p.channel_id = $1 AND p.account_id = $2 AND NOT EXISTS (
        SELECT 1 FROM rm_watching_visits v WHERE v.channel_id = p.channel_id AND v.account_id = p.account_id)";
    sqlx::query(gone).bind(stay.channel.0).bind(stay.by.0).execute(&mut *tx).await?;
    Ok(())
}

/// Adds what was watched up to now, by one or by everybody in the channel.
async fn count(
    tx: &mut PgConnection,
    channel: ChannelId,
    by: Option<AccountId>,
    now_us: i64,
) -> Result<(), ApplyError> {
    sqlx::query(
        "WITH counted AS (
             SELECT w.video_id, p.channel_id, p.account_id,
                 least($3, w.over_us, p.came_us + $4) - greatest(w.since_us, p.counted_us) AS watched_us
             FROM rm_watching w JOIN rm_watching_people p USING (channel_id)
             WHERE w.channel_id = $1 AND w.playing AND ($2::uuid IS NULL OR p.account_id = $2)),
         moved AS (
             UPDATE rm_watching_people p SET counted_us = greatest(p.counted_us, $3)
             FROM counted c WHERE p.channel_id = c.channel_id AND p.account_id = c.account_id)
         INSERT INTO rm_watched (video_id, watched_us)
         SELECT video_id, sum(watched_us)::bigint FROM counted WHERE watched_us > 0 GROUP BY video_id
         ON CONFLICT (video_id) DO UPDATE SET watched_us = rm_watched.watched_us + excluded.watched_us",
    )
    .bind(channel.0)
    .bind(by.map(|account| account.0))
    .bind(now_us)
    .bind(VISIT_US_MAX)
    .execute(tx)
    .await?;
    Ok(())
}

/// What an event makes of a channel; `None` leaves it as it was.
#[derive(Default)]
struct Change {
    film: Option<(VideoId, MediaTime)>,
    media: Option<MediaTime>,
    playing: Option<bool>,
    speed_ppm: Option<i64>,
}

fn change(event: &PlaybackEvent) -> Change {
    let to = |media: MediaTime| Change { media: Some(media), ..Change::default() };
    match *event {
        PlaybackEvent::VideoLoaded { video, duration_us, .. } => {
            Change { film: Some((video, duration_us)), playing: Some(false), ..to(MediaTime::ZERO) }
        }
        PlaybackEvent::Played { position_us, .. } | PlaybackEvent::Released { position_us, .. } => {
            Change { playing: Some(true), ..to(position_us) }
        }
        PlaybackEvent::Paused { position_us, .. } | PlaybackEvent::Held { position_us, .. } => {
            Change { playing: Some(false), ..to(position_us) }
        }
        PlaybackEvent::Seeked { position_us, .. } => to(position_us),
        PlaybackEvent::RateChanged { rate_ppm, position_us, .. } => {
            Change { speed_ppm: Some(rate_ppm), ..to(position_us) }
        }
        PlaybackEvent::Ended { .. } | PlaybackEvent::Skipped { .. } => {
            Change { playing: Some(false), ..Change::default() }
        }
    }
}

async fn played(
    tx: &mut PgConnection,
    channel: ChannelId,
    event: &PlaybackEvent,
    now_us: i64,
) -> Result<(), ApplyError> {
    let Change { film, media, playing, speed_ppm } = change(event);
    // A film that is not stopped is over once what was left of it has been played.
    sqlx::query(
        "UPDATE rm_watching w SET video_id = n.video_id, duration_us = n.duration_us, playing = n.playing,
             speed_ppm = n.speed_ppm, media_us = n.media_us, since_us = $7,
             over_us = $7 + (greatest(n.duration_us - n.media_us, 0)::numeric * 1000000 / n.speed_ppm)::bigint
         FROM (SELECT channel_id, coalesce($2, video_id) AS video_id, coalesce($3, duration_us) AS duration_us,
                   coalesce($4, media_us) AS media_us, coalesce($5, playing) AS playing,
                   greatest(coalesce($6, speed_ppm), 1) AS speed_ppm
               FROM rm_watching WHERE channel_id = $1) n
         WHERE w.channel_id = n.channel_id",
    )
    .bind(channel.0)
    .bind(film.map(|(video, _)| video.0))
    .bind(film.map(|(_, duration)| duration.as_micros()))
    .bind(media.map(MediaTime::as_micros))
    .bind(playing)
    .bind(speed_ppm)
    .bind(now_us)
    .execute(tx)
    .await?;
    Ok(())
}

/// How long these films were watched, microseconds; those nobody watched are absent.
pub async fn of_films(pool: &PgPool, videos: &[VideoId]) -> Result<Vec<(VideoId, i64)>, sqlx::Error> {
    let ids: Vec<Uuid> = videos.iter().map(|video| video.0).collect();
    let rows: Vec<(Uuid, i64)> = sqlx::query_as("SELECT video_id, watched_us FROM rm_watched WHERE video_id = ANY($1)")
        .bind(ids)
        .fetch_all(pool)
        .await?;
    Ok(rows.into_iter().map(|(video, watched)| (VideoId(video), watched)).collect())
}

/// How long all films of the library were watched that the asker may find, microseconds.
pub async fn total(pool: &PgPool, asker: &Asker) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT coalesce(sum(w.watched_us), 0)::bigint FROM rm_watched w JOIN rm_videos v USING (video_id)
         WHERE v.shelf = 'library' AND ($1 OR v.owner_id = $2 OR v.visibility = 'public')",
    )
    .bind(asker.administers)
    .bind(asker.account.map(|account| account.0))
    .fetch_one(pool)
    .await
}
