//! The chapters of films, as their row holds them.

use lockstep_domain::video::Chapter;
use serde::{Deserialize, Serialize};

use crate::accounts::shown;

/// One chapter as viewers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChapterRow {
    pub start_us: i64,
    /// `""` where there is none, or once the film's owner was erased.
    pub title: String,
}

impl From<&Chapter> for ChapterRow {
    fn from(chapter: &Chapter) -> Self {
        Self { start_us: chapter.start_us.as_micros(), title: shown(&chapter.title).to_owned() }
    }
}
