//! What a whole channel shares, so that it changes rarely: name, slug, visibility, archive.

use serde::{Deserialize, Serialize};

use crate::{Aggregate, event_names, ids::AccountId};

/// A channel's name is 1 to this many characters after trimming.
pub const NAME_CHARS_MAX: usize = 80;
/// A slug is 3 to this many characters of `a-z`, `0-9` and `-`.
pub const SLUG_CHARS_MAX: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    Public,
    Unlisted,
    Private,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ChannelEvent {
    Created { owner: AccountId, name: String, slug: String, visibility: Visibility },
    Renamed { name: String },
    VisibilityChanged { visibility: Visibility },
    Archived {},
}
event_names!(ChannelEvent { Created, Renamed, VisibilityChanged, Archived });

#[derive(Debug, Clone, PartialEq)]
pub enum ChannelCommand {
    Create { owner: AccountId, name: String, slug: String, visibility: Visibility },
    Rename { name: String },
    ChangeVisibility { visibility: Visibility },
    Archive,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    #[error("a channel's name has 1 to {NAME_CHARS_MAX} characters and no control characters")]
    Name,
    #[error("a channel's address has 3 to {SLUG_CHARS_MAX} of a-z, 0-9 and -")]
    Slug,
    #[error("this channel exists already")]
    Exists,
    #[error("there is no such channel")]
    Unknown,
    #[error("this channel is archived")]
    Archived,
    #[error("your role does not permit this")]
    NotPermitted,
}

/// The folded channel; `owner` is `None` while the stream is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChannelState {
    pub owner: Option<AccountId>,
    pub name: String,
    pub slug: String,
    pub visibility: Option<Visibility>,
    pub archived: bool,
}

impl ChannelState {
    /// Whether people may watch and act in it.
    pub fn is_open(&self) -> bool {
        self.owner.is_some() && !self.archived
    }
}

pub struct Channel;

impl Aggregate for Channel {
    const KIND: &'static str = "channel";
    type State = ChannelState;
    type Command = ChannelCommand;
    type Event = ChannelEvent;
    type Error = ChannelError;

    fn decide(state: &ChannelState, command: &ChannelCommand) -> Result<Vec<ChannelEvent>, ChannelError> {
        if let ChannelCommand::Create { owner, name, slug, visibility } = command {
            return create(state, *owner, name, slug, *visibility);
        }
        if state.owner.is_none() {
            return Err(ChannelError::Unknown);
        }
        if matches!(command, ChannelCommand::Archive) {
            return Ok(if state.archived { vec![] } else { vec![ChannelEvent::Archived {}] });
        }
        if state.archived {
            return Err(ChannelError::Archived);
        }
        Ok(match command {
            ChannelCommand::Rename { name } => {
                let name = checked_name(name)?;
                if name == state.name { vec![] } else { vec![ChannelEvent::Renamed { name }] }
            }
            ChannelCommand::ChangeVisibility { visibility } if state.visibility == Some(*visibility) => vec![],
            ChannelCommand::ChangeVisibility { visibility } => {
                vec![ChannelEvent::VisibilityChanged { visibility: *visibility }]
            }
            ChannelCommand::Create { .. } | ChannelCommand::Archive => vec![],
        })
    }

    fn evolve(state: &mut ChannelState, event: &ChannelEvent) {
        match event {
            ChannelEvent::Created { owner, name, slug, visibility } => {
                state.owner = Some(*owner);
                state.name.clone_from(name);
                state.slug.clone_from(slug);
                state.visibility = Some(*visibility);
            }
            ChannelEvent::Renamed { name } => state.name.clone_from(name),
            ChannelEvent::VisibilityChanged { visibility } => state.visibility = Some(*visibility),
            ChannelEvent::Archived {} => state.archived = true,
        }
    }
}

fn create(
    state: &ChannelState,
    owner: AccountId,
    name: &str,
    slug: &str,
    visibility: Visibility,
) -> Result<Vec<ChannelEvent>, ChannelError> {
    let name = checked_name(name)?;
    let fits = (3..=SLUG_CHARS_MAX).contains(&slug.len())
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !slug.starts_with('-')
        && !slug.ends_with('-');
    if !fits {
        return Err(ChannelError::Slug);
    }
    match state.owner {
        None => Ok(vec![ChannelEvent::Created { owner, name, slug: slug.to_owned(), visibility }]),
        Some(held) if held == owner && state.slug == slug => Ok(vec![]),
        Some(_) => Err(ChannelError::Exists),
    }
}

fn checked_name(name: &str) -> Result<String, ChannelError> {
    let name = name.trim();
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(ChannelError::Name) }
}
