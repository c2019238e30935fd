//! The picture that stands for a film, where its keeper chose another than the one that was found at first.

use serde::{Deserialize, Serialize};

use super::{Status, VideoError, VideoEvent, VideoState};
use crate::time::MediaTime;

/// A chosen picture in the media bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poster {
    pub object_key: String,
    pub width: u32,
    pub height: u32,
    /// It is the film's picture at this time; absent for one that was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_us: Option<MediaTime>,
}

pub(super) fn choose(state: &VideoState, poster: &Poster) -> Result<Vec<VideoEvent>, VideoError> {
    if state.poster.as_ref() == Some(poster) {
        return Ok(vec![]);
    }
    if state.status != Status::Ready {
        return Err(VideoError::WrongStatus(state.status));
    }
    if let Some(at_us) = poster.at_us {
        let end = state.source.as_ref().map_or(MediaTime::ZERO, |source| source.duration_us);
        if at_us < MediaTime::ZERO || at_us > end {
            return Err(VideoError::PastEnd);
        }
    }
    let replaces = state.poster.as_ref().map(|held| held.object_key.clone());
    Ok(vec![VideoEvent::PosterChosen { poster: poster.clone(), replaces }])
}

pub(super) fn reset(state: &VideoState) -> Vec<VideoEvent> {
    state.poster.iter().map(|held| VideoEvent::PosterReset { replaces: held.object_key.clone() }).collect()
}
