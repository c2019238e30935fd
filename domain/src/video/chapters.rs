//! The chapters of a film, as its source names them.

use serde::{Deserialize, Serialize};

use crate::{Personal, time::MediaTime};

/// Chapters of one film at most; further ones are left out.
pub const CHAPTERS_MAX: usize = 200;
/// A chapter's title is cut off after this many characters.
pub const CHAPTER_TITLE_CHARS_MAX: usize = 100;

/// Where a part of the film begins. It ends where the next one begins, or with the film.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    pub start_us: MediaTime,
    /// May be empty.
    pub title: Personal<String>,
}

/// What a source tells of its chapters, put in order: starts inside the film, each once and the first at its beginning,
/// titles on one line. A film in one piece has no chapters.
pub fn chapters(found: Vec<(MediaTime, String)>, duration: MediaTime) -> Vec<(MediaTime, String)> {
    let zero = MediaTime::from_micros(0);
    let mut inside: Vec<(MediaTime, String)> = found
        .into_iter()
        .map(|(start, title)| (start.max(zero), line(&title)))
        .filter(|(start, _)| *start < duration)
        .collect();
    inside.sort_by_key(|(start, _)| *start);
    inside.dedup_by_key(|(start, _)| *start);
    inside.truncate(CHAPTERS_MAX);
    if inside.first().is_some_and(|(start, _)| *start > zero) {
        inside.insert(0, (zero, String::new()));
        inside.truncate(CHAPTERS_MAX);
    }
    if inside.len() > 1 { inside } else { vec![] }
}

/// One line of at most [`CHAPTER_TITLE_CHARS_MAX`] characters.
fn line(title: &str) -> String {
    let plain: String = title.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    plain.trim().chars().take(CHAPTER_TITLE_CHARS_MAX).collect()
}
