//! The durable timeline of a channel. The live clock is the socket's, not this.

use async_graphql::{Context, Object};
use lockstep_projections::playback::PlaybackRow;

use super::video::Video;
use crate::{
    context::Shared,
    problem::{Nullable, nullable},
    scalar::{DateTime, Position, float},
};

/// A row of the playback read model.
pub(crate) struct Timeline {
    /// Shown only to those who may read its channel.
    pub row: PlaybackRow,
}

/// What a channel plays: where the film was, and how fast it ran, when this was recorded.
#[Object]
impl Timeline {
    /// The film it is about.
    async fn video(&self, ctx: &Context<'_>) -> Nullable<Video> {
        nullable(async {
            let row = ctx.loaders().videos.load_one(self.row.video).await?;
            // Whoever may read a channel may watch what it plays.
            Ok(row.map(|row| Video { row, deliver: true }))
        })
        .await
    }
    /// The place in the film, in microseconds.
    async fn position_us(&self) -> f64 {
        float(self.row.media.as_micros())
    }
    /// The shared speed when playing (1 000 000 is normal), 0 when paused.
    async fn rate_ppm(&self) -> i32 {
        i32::try_from(self.row.rate_ppm()).unwrap_or(i32::MAX)
    }
    /// The shared speed, also while paused.
    async fn speed_ppm(&self) -> i32 {
        i32::try_from(self.row.speed_ppm).unwrap_or(i32::MAX)
    }
    /// Waits for viewers before it starts.
    async fn held(&self) -> bool {
        self.row.held
    }
    /// When that was so.
    async fn recorded_at(&self) -> DateTime {
        DateTime(self.row.recorded_at)
    }
    /// The position in the log of the event that made it so.
    async fn at_position(&self) -> Position {
        Position(self.row.position)
    }
}
