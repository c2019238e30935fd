//! The durable timeline of each channel: what is loaded, where, and whether it plays.

use async_trait::async_trait;
use lockstep_domain::{
    ids::{ChannelId, Position, VideoId},
    playback::PlaybackEvent,
    time::{MediaTime, Timestamp},
};
use lockstep_event_store::RecordedEvent;
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow};
use uuid::Uuid;

use crate::projection::{ApplyError, Projection, Table, decode, id_of};

/// The projection behind `rm_playback`.
pub struct Playbacks;

#[async_trait]
impl Projection for Playbacks {
    fn name(&self) -> &'static str {
        "playback"
    }
    fn kinds(&self) -> &'static [&'static str] {
        &["playback"]
    }
    fn tables(&self) -> &'static [Table] {
        &[Table { name: "rm_playback", key: "channel_id" }]
    }

    async fn apply(&self, tx: &mut PgConnection, event: &RecordedEvent) -> Result<(), ApplyError> {
        let channel: ChannelId = id_of(event)?;
        let (change, at) = match decode::<PlaybackEvent>(event)? {
            PlaybackEvent::VideoLoaded { video, duration_us, at_us, item: _ } => {
                return load(tx, event, channel, video, duration_us, at_us).await;
            }
            PlaybackEvent::Played { position_us, at_us } | PlaybackEvent::Released { position_us, at_us, .. } => {
                (Change { to: To::Place(position_us), playing: Some(true), held: Some(false), speed: None }, at_us)
            }
            PlaybackEvent::Paused { position_us, at_us } => {
                (Change { to: To::Place(position_us), playing: Some(false), held: Some(false), speed: None }, at_us)
            }
            PlaybackEvent::Seeked { position_us, at_us, .. } => {
                (Change { to: To::Place(position_us), playing: None, held: None, speed: None }, at_us)
            }
            PlaybackEvent::Held { position_us, at_us, .. } => {
                (Change { to: To::Place(position_us), playing: Some(false), held: Some(true), speed: None }, at_us)
            }
            PlaybackEvent::RateChanged { rate_ppm, position_us, at_us } => {
                (Change { to: To::Place(position_us), playing: None, held: None, speed: Some(rate_ppm) }, at_us)
            }
            PlaybackEvent::Ended { at_us } | PlaybackEvent::Skipped { at_us, .. } => {
                (Change { to: To::End, playing: Some(false), held: Some(false), speed: None }, at_us)
            }
        };
        change.write(tx, event, channel, at).await
    }
}

async fn load(
    tx: &mut PgConnection,
    event: &RecordedEvent,
    channel: ChannelId,
    video: VideoId,
    duration: MediaTime,
    at: Timestamp,
) -> Result<(), ApplyError> {
    sqlx::query(
        "INSERT INTO rm_playback
             (channel_id, video_id, duration_us, position_us, at_us, playing, recorded_at_us, position)
         VALUES ($1, $2, $3, 0, $4, false, $5, $6)
         ON CONFLICT (channel_id) DO UPDATE SET video_id = excluded.video_id, duration_us = excluded.duration_us,
             position_us = excluded.position_us, at_us = excluded.at_us, playing = excluded.playing, held = false,
             recorded_at_us = excluded.recorded_at_us, position = excluded.position
         WHERE rm_playback.position < excluded.position",
    )
    .bind(channel.0)
    .bind(video.0)
    .bind(duration.as_micros())
    .bind(at.as_micros())
    .bind(event.recorded_at.as_micros())
    .bind(event.position.as_i64())
    .execute(tx)
    .await?;
    Ok(())
}

/// Where the film is after an event.
enum To {
    Place(MediaTime),
    End,
}

/// What an event changes in a channel's row; `None` leaves a column as it was.
struct Change {
    to: To,
    playing: Option<bool>,
    held: Option<bool>,
    speed: Option<i64>,
}

impl Change {
    async fn write(
        self,
        tx: &mut PgConnection,
        event: &RecordedEvent,
        channel: ChannelId,
        at: Timestamp,
    ) -> Result<(), ApplyError> {
        let place = match self.to {
            To::Place(position) => Some(position.as_micros()),
            To::End => None,
        };
        sqlx::query(
            "UPDATE rm_playback SET position_us = coalesce($2, duration_us), at_us = $3,
                 playing = coalesce($4, playing), held = coalesce($5, held), speed_ppm = coalesce($6, speed_ppm),
                 recorded_at_us = $7, position = $8
             WHERE channel_id = $1 AND position < $8",
        )
        .bind(channel.0)
        .bind(place)
        .bind(at.as_micros())
        .bind(self.playing)
        .bind(self.held)
        .bind(self.speed)
        .bind(event.recorded_at.as_micros())
        .bind(event.position.as_i64())
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// One channel's durable timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaybackRow {
    pub channel: ChannelId,
    pub video: VideoId,
    pub duration: MediaTime,
    /// Where the film was at wall time `at`.
    pub media: MediaTime,
    pub at: Timestamp,
    pub playing: bool,
    /// Waiting for viewers before it starts.
    pub held: bool,
    /// The shared speed, parts per million.
    pub speed_ppm: i64,
    pub recorded_at: Timestamp,
    pub position: Position,
}

impl PlaybackRow {
    /// Parts per million: the shared speed when playing, 0 when paused.
    pub fn rate_ppm(&self) -> i64 {
        if self.playing { self.speed_ppm } else { 0 }
    }
}

impl FromRow<'_, PgRow> for PlaybackRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            channel: ChannelId(row.try_get("channel_id")?),
            video: VideoId(row.try_get("video_id")?),
            duration: MediaTime(row.try_get("duration_us")?),
            media: MediaTime(row.try_get("position_us")?),
            at: Timestamp(row.try_get("at_us")?),
            playing: row.try_get("playing")?,
            held: row.try_get("held")?,
            speed_ppm: row.try_get("speed_ppm")?,
            recorded_at: Timestamp(row.try_get("recorded_at_us")?),
            position: Position::from_i64(row.try_get("position")?),
        })
    }
}

/// The timelines of these channels; channels that never loaded a film are absent.
pub async fn by_channels(pool: &PgPool, channels: &[ChannelId]) -> Result<Vec<PlaybackRow>, sqlx::Error> {
    let channels: Vec<Uuid> = channels.iter().map(|id| id.0).collect();
    sqlx::query_as("SELECT * FROM rm_playback WHERE channel_id = ANY($1)").bind(channels).fetch_all(pool).await
}
