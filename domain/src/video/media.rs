//! What a film has beside picture and first sound: further sound tracks, captions, the storyboard.

use serde::{Deserialize, Serialize};

use super::{Status, VideoError, VideoEvent, VideoState};
use crate::{Personal, account::AccountState, captions::is_language, ids::AccountId};

/// Uploaded caption tracks of one film at most; as many are taken from its source.
pub const CAPTIONS_MAX: usize = 16;
/// The name of a caption track has 1 to this many characters.
pub const LABEL_CHARS_MAX: usize = 60;

/// What a sound track is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundRole {
    #[default]
    Main,
    /// Somebody talks about the film.
    Commentary,
    /// Says what is to be seen.
    Description,
}

/// One of several sound tracks of a source. Its title stays in the file: it is free text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundTrack {
    /// Its place in the container.
    pub stream: u32,
    /// RFC 5646.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub role: SoundRole,
}

/// How the words of a text track are stored in the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextKind {
    Subrip,
    Ass,
    MovText,
    Webvtt,
}

/// One text track of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextTrack {
    /// Its place in the container.
    pub stream: u32,
    pub kind: TextKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Where captions come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptionOrigin {
    Source,
    Upload,
}

/// One caption track in the media bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionTrack {
    /// Unique in its film.
    pub id: String,
    pub language: Option<String>,
    /// As its file or its uploader names it; may be empty.
    pub label: Personal<String>,
    pub object_key: String,
    pub origin: CaptionOrigin,
}

/// Small pictures of the whole film, on sheets, and the WebVTT file that says which is where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storyboard {
    pub object_key: String,
    pub tile_width: u32,
    pub tile_height: u32,
    pub interval_us: crate::time::MediaTime,
    pub tiles: u32,
}

/// The one rule who changes a film's captions: its owner, or who administers the installation.
fn permitted(state: &VideoState, by: AccountId, actor: &AccountState) -> Result<(), VideoError> {
    let owns = state.owner == Some(by) && !actor.suspended;
    if owns || actor.administers() { Ok(()) } else { Err(VideoError::NotPermitted) }
}

/// Whether these captions may be uploaded now.
pub(super) fn upload(
    state: &VideoState,
    captions: &CaptionTrack,
    by: AccountId,
    actor: &AccountState,
) -> Result<Vec<VideoEvent>, VideoError> {
    permitted(state, by, actor)?;
    if state.captions.iter().any(|held| held.id == captions.id) {
        return Ok(vec![]);
    }
    if state.status != Status::Ready {
        return Err(VideoError::WrongStatus(state.status));
    }
    if captions.language.as_deref().is_some_and(|language| !is_language(language)) {
        return Err(VideoError::Language);
    }
    let label = captions.label.value().map_or("", String::as_str);
    let length = label.chars().count();
    if !(1..=LABEL_CHARS_MAX).contains(&length) || label.chars().any(char::is_control) {
        return Err(VideoError::Label);
    }
    let uploaded = state.captions.iter().filter(|held| held.origin == CaptionOrigin::Upload).count();
    if uploaded >= CAPTIONS_MAX {
        return Err(VideoError::TooManyCaptions);
    }
    Ok(vec![VideoEvent::CaptionsAdded { captions: captions.clone() }])
}

/// Whether these captions may be taken away now.
pub(super) fn remove(
    state: &VideoState,
    id: &str,
    by: AccountId,
    actor: &AccountState,
) -> Result<Vec<VideoEvent>, VideoError> {
    permitted(state, by, actor)?;
    let held = state.captions.iter().any(|held| held.id == id);
    Ok(if held { vec![VideoEvent::CaptionsRemoved { id: id.to_owned(), by }] } else { vec![] })
}
