//! A film in the library: its words, who sees it, the trash, and its end. Who may: its owner, and who administers.

use std::collections::BTreeSet;

use super::{Poster, Status, TITLE_CHARS_MAX, VideoError, VideoEvent, VideoState, poster};
use crate::{Personal, channel::Visibility, ids::AccountId, time::Timestamp};

/// A description has at most this many characters.
pub const DESCRIPTION_CHARS_MAX: usize = 5_000;
/// Tags of one film.
pub const TAGS_MAX: usize = 20;
/// A tag has 1 to this many characters after trimming.
pub const TAG_CHARS_MAX: usize = 40;
/// How long a film stays in the trash, microseconds: seven days.
pub const TRASH_LIFE_US: i64 = 7 * 24 * 60 * 60 * 1_000_000;

/// Where a film is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    #[default]
    Library,
    /// Until then it can be restored.
    Trash { purge_at: Timestamp },
    /// Its objects are being removed: there is no way back.
    Purging,
    /// Nothing of it is stored any more.
    Purged,
}

/// Who wants something of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// An account as it stands now (looked up by the caller).
    Account { id: AccountId, administers: bool, suspended: bool },
    /// The sweep.
    Program,
}

/// What is to be different; what is not given stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edit {
    pub title: Option<String>,
    pub description: Option<String>,
    /// All tags anew.
    pub tags: Option<Vec<String>>,
    pub add_tags: Vec<String>,
    pub remove_tags: Vec<String>,
    pub visibility: Option<Visibility>,
}

/// What a keeper wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    Edit(Edit),
    Trash,
    Restore,
    /// Remove for good: by its keeper at once, by the program when its time in the trash is over.
    Purge,
    /// The store lists nothing of the film any more (looked up by the caller).
    FinishPurge,
    /// Transcode again what failed.
    Retry,
    /// A stored picture stands for it.
    ChoosePoster(Poster),
    /// The picture that was found at first stands for it again.
    ResetPoster,
}

impl VideoState {
    /// Whether it can be shown and watched at all.
    pub fn is_kept(&self) -> bool {
        self.status != Status::Unknown && self.place == Place::Library
    }

    /// Whether `account` may put it on or open it by its link; `None` where it is already on.
    pub fn opens_for(&self, account: Option<AccountId>) -> bool {
        self.is_kept()
            && (self.visibility != Visibility::Private || account.is_none_or(|account| self.owner == Some(account)))
    }
}

pub(super) fn decide(
    state: &VideoState,
    by: &Keeper,
    wish: &Wish,
    at: Timestamp,
) -> Result<Vec<VideoEvent>, VideoError> {
    may(state, by)?;
    match (state.place, wish) {
        (Place::Purging, Wish::FinishPurge) if *by == Keeper::Program => Ok(vec![VideoEvent::Purged {}]),
        (Place::Purged, Wish::FinishPurge) | (Place::Purging | Place::Purged, Wish::Purge) => Ok(vec![]),
        (Place::Purging | Place::Purged, _) => Err(VideoError::Unknown),
        (_, Wish::FinishPurge) => Err(VideoError::NotInTrash),
        (Place::Trash { .. }, Wish::Trash) | (Place::Library, Wish::Restore) => Ok(vec![]),
        (Place::Library, Wish::Trash) => {
            let purge_at_us = Timestamp(at.0.saturating_add(TRASH_LIFE_US));
            Ok(vec![VideoEvent::Trashed { purge_at_us }])
        }
        (Place::Trash { .. }, Wish::Restore) => Ok(vec![VideoEvent::Restored {}]),
        (Place::Trash { purge_at }, Wish::Purge) if *by != Keeper::Program || at >= purge_at => {
            Ok(vec![VideoEvent::PurgeStarted {}])
        }
        (Place::Trash { .. }, Wish::Purge) => Ok(vec![]),
        (Place::Library, Wish::Purge) => Err(VideoError::NotInTrash),
        (Place::Trash { .. }, Wish::Edit(_) | Wish::Retry | Wish::ChoosePoster(_) | Wish::ResetPoster) => {
            Err(VideoError::InTrash)
        }
        (Place::Library, Wish::Edit(edit)) => edited(state, edit),
        (Place::Library, Wish::Retry) => retried(state),
        (Place::Library, Wish::ChoosePoster(poster)) => poster::choose(state, poster),
        (Place::Library, Wish::ResetPoster) => Ok(poster::reset(state)),
    }
}

/// Whoever may not keep a film learns nothing of it.
fn may(state: &VideoState, by: &Keeper) -> Result<(), VideoError> {
    match by {
        Keeper::Program => Ok(()),
        Keeper::Account { suspended: true, .. } => Err(VideoError::Suspended),
        Keeper::Account { id, administers, .. } if *administers || state.owner == Some(*id) => Ok(()),
        Keeper::Account { .. } => Err(VideoError::Unknown),
    }
}

fn retried(state: &VideoState) -> Result<Vec<VideoEvent>, VideoError> {
    match state.status {
        Status::Failed if state.interim_removed => Err(VideoError::SourceGone),
        Status::Failed => Ok(vec![VideoEvent::TranscodeStarted {}]),
        Status::Processing | Status::Ready => Ok(vec![]),
        other => Err(VideoError::WrongStatus(other)),
    }
}

fn edited(state: &VideoState, edit: &Edit) -> Result<Vec<VideoEvent>, VideoError> {
    let Some(owner) = state.owner else { return Err(VideoError::Unknown) };
    let mut events = vec![];
    if let Some(title) = &edit.title {
        let title = title.trim();
        if !(1..=TITLE_CHARS_MAX).contains(&title.chars().count()) || title.chars().any(char::is_control) {
            return Err(VideoError::Title);
        }
        if state.title.value().map(String::as_str) != Some(title) {
            events.push(VideoEvent::Retitled { title: Personal::new(owner, title.to_owned()) });
        }
    }
    if let Some(description) = &edit.description {
        let description = description.trim();
        let unfit = |c: char| c.is_control() && c != '\n' && c != '\t';
        if description.chars().count() > DESCRIPTION_CHARS_MAX || description.chars().any(unfit) {
            return Err(VideoError::Description);
        }
        if state.description.value().map_or("", String::as_str) != description {
            events.push(VideoEvent::Described { description: Personal::new(owner, description.to_owned()) });
        }
    }
    let held = state.tags.value().cloned().unwrap_or_default();
    let tags = tags(&held, edit)?;
    if tags != held {
        events.push(VideoEvent::Tagged { tags: Personal::new(owner, tags) });
    }
    if let Some(visibility) = edit.visibility.filter(|visibility| *visibility != state.visibility) {
        events.push(VideoEvent::VisibilityChanged { visibility });
    }
    Ok(events)
}

/// The tags afterwards: in the order given, each once whatever its case.
fn tags(held: &[String], edit: &Edit) -> Result<Vec<String>, VideoError> {
    let plain = |tag: &String| tag.trim().to_lowercase();
    // What is added in the same wish stays where it is.
    let added: BTreeSet<String> = edit.add_tags.iter().map(plain).collect();
    let removed: BTreeSet<String> = edit.remove_tags.iter().map(plain).filter(|tag| !added.contains(tag)).collect();
    let base = edit.tags.as_deref().unwrap_or(held).iter().filter(|tag| !removed.contains(&tag.trim().to_lowercase()));
    let mut seen = BTreeSet::new();
    let mut tags = vec![];
    for tag in base.chain(&edit.add_tags).map(|tag| tag.trim()) {
        if !(1..=TAG_CHARS_MAX).contains(&tag.chars().count()) || tag.chars().any(|c| c.is_control() || c == ',') {
            return Err(VideoError::Tags);
        }
        if seen.insert(tag.to_lowercase()) {
            tags.push(tag.to_owned());
        }
    }
    if tags.len() > TAGS_MAX { Err(VideoError::Tags) } else { Ok(tags) }
}
