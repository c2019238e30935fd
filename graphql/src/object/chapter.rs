//! A chapter of a film.

use async_graphql::SimpleObject;
use lockstep_projections::videos::ChapterRow;

use crate::scalar::float;

/// A part of a film: it goes on to the next one, or to the film's end.
#[derive(SimpleObject)]
pub(crate) struct Chapter {
    /// Where it begins, in microseconds of the film.
    start_us: f64,
    /// Empty where its source has no name for it.
    title: String,
}

impl From<ChapterRow> for Chapter {
    fn from(row: ChapterRow) -> Self {
        Self { start_us: float(row.start_us), title: row.title }
    }
}
