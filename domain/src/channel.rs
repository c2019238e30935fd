//! What a whole channel shares, so that it changes rarely: name, description, slug, visibility, what roles permit,
//! slow mode, who has the remote, archive.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, event_names,
    ids::AccountId,
    permission::{ChannelRole, Defaults, Permission, PermissionSet},
    standing::{Denied, Standing},
    time::Timestamp,
};

/// A channel's name is 1 to this many characters after trimming.
pub const NAME_CHARS_MAX: usize = 80;
/// A slug is 3 to this many characters of `a-z`, `0-9` and `-`.
pub const SLUG_CHARS_MAX: usize = 60;
/// A description has at most this many characters after trimming.
pub const DESCRIPTION_CHARS_MAX: usize = 1_000;
/// The longest pause that slow mode may ask for between two messages of one person, seconds.
pub const SLOW_MODE_S_MAX: u32 = 3_600;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    #[default]
    Public,
    Unlisted,
    Private,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ChannelEvent {
    Created {
        owner: AccountId,
        name: String,
        slug: String,
        visibility: Visibility,
    },
    Renamed {
        name: String,
    },
    Described {
        description: String,
    },
    VisibilityChanged {
        visibility: Visibility,
    },
    /// `permissions` is all this role permits from now on.
    PermissionDefaultsChanged {
        role: ChannelRole,
        permissions: PermissionSet,
    },
    /// 0 switches it off.
    SlowModeSet {
        seconds: u32,
    },
    /// One remote, held by somebody; `None`: everybody whose role permits it shares the remote.
    RemoteModeChanged {
        holder: Option<AccountId>,
    },
    /// `inherited`: the holder was gone too long and nobody handed it over.
    RemoteHandedOver {
        to: AccountId,
        inherited: bool,
    },
    Archived {},
}
event_names!(ChannelEvent {
    Created,
    Renamed,
    Described,
    VisibilityChanged,
    PermissionDefaultsChanged,
    SlowModeSet,
    RemoteModeChanged,
    RemoteHandedOver,
    Archived,
});

/// What somebody wants of a channel that exists. `standing` is the actor's own, `at` the wall time.
#[derive(Debug, Clone, PartialEq)]
pub enum ChannelChange {
    Rename {
        name: String,
    },
    Describe {
        description: String,
    },
    ChangeVisibility {
        visibility: Visibility,
    },
    ChangeDefaults {
        role: ChannelRole,
        permissions: PermissionSet,
    },
    SetSlowMode {
        seconds: u32,
    },
    /// `holder_present`: whether the wanted holder is a member who is in the channel.
    ChangeRemoteMode {
        holder: Option<AccountId>,
        holder_present: bool,
    },
    HandOverRemote {
        to: AccountId,
        to_present: bool,
    },
    Archive,
}

#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "a command lives for one decision")]
pub enum ChannelCommand {
    Create {
        owner: AccountId,
        name: String,
        slug: String,
        visibility: Visibility,
    },
    Change {
        standing: Standing,
        change: ChannelChange,
        at: Timestamp,
    },
    /// By the hub: the holder was away too long. Nothing if the remote is not `from`'s any more.
    InheritRemote {
        from: AccountId,
        to: AccountId,
        to_present: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    #[error("a channel's name has 1 to {NAME_CHARS_MAX} characters and no control characters")]
    Name,
    #[error("a channel's address has 3 to {SLUG_CHARS_MAX} of a-z, 0-9 and -")]
    Slug,
    #[error("a channel's description has at most {DESCRIPTION_CHARS_MAX} characters")]
    Description,
    #[error("slow mode asks for a pause of at most {SLOW_MODE_S_MAX} seconds")]
    SlowMode,
    #[error("this channel exists already")]
    Exists,
    #[error("there is no such channel")]
    Unknown,
    #[error("this person is not in the channel")]
    NotAMember,
    #[error("there is one remote only in the mode with one remote")]
    EverybodyHasTheRemote,
    #[error("you can only give or take what you may do yourself, to roles below your own")]
    AboveYou,
    #[error(transparent)]
    Denied(#[from] Denied),
}

/// The folded channel; `owner` is `None` while the stream is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChannelState {
    pub owner: Option<AccountId>,
    pub name: String,
    pub description: String,
    pub slug: String,
    pub visibility: Option<Visibility>,
    pub defaults: Defaults,
    /// Pause between two messages of one person, seconds; 0 is off.
    pub slow_mode_s: u32,
    /// Who has the one remote; `None`: everybody whose role permits it.
    pub remote: Option<AccountId>,
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
        match command {
            ChannelCommand::Create { owner, name, slug, visibility } => create(state, *owner, name, slug, *visibility),
            ChannelCommand::Change { standing, change: ChannelChange::Archive, .. } if state.archived => {
                // Said again by whoever did it: done already.
                let owner = standing.member.role == Some(ChannelRole::Owner) && !standing.suspended;
                let standing = Standing { channel: state.clone(), ..standing.clone() };
                match owner {
                    true => Ok(vec![]),
                    false if standing.may_know() => Err(Denied::Archived.into()),
                    false => Err(Denied::NoChannel.into()),
                }
            }
            ChannelCommand::Change { standing, change, at } => {
                if state.owner.is_none() {
                    return Err(ChannelError::Unknown);
                }
                let standing = Standing { channel: state.clone(), ..standing.clone() };
                changed(state, &standing, change, *at)
            }
            ChannelCommand::InheritRemote { from, to, to_present } => {
                let due = state.is_open() && state.remote == Some(*from) && from != to && *to_present;
                Ok(if due { vec![ChannelEvent::RemoteHandedOver { to: *to, inherited: true }] } else { vec![] })
            }
        }
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
            ChannelEvent::Described { description } => state.description.clone_from(description),
            ChannelEvent::VisibilityChanged { visibility } => state.visibility = Some(*visibility),
            ChannelEvent::PermissionDefaultsChanged { role, permissions } => {
                state.defaults.set(*role, permissions.clone());
            }
            ChannelEvent::SlowModeSet { seconds } => state.slow_mode_s = *seconds,
            ChannelEvent::RemoteModeChanged { holder } => state.remote = *holder,
            ChannelEvent::RemoteHandedOver { to, .. } => state.remote = Some(*to),
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

/// What this change yields, for an actor whose `standing` is in this very channel.
fn changed(
    state: &ChannelState,
    standing: &Standing,
    change: &ChannelChange,
    at: Timestamp,
) -> Result<Vec<ChannelEvent>, ChannelError> {
    let unless = |same: bool, event: ChannelEvent| if same { vec![] } else { vec![event] };
    let needed = match change {
        ChannelChange::SetSlowMode { .. } => Permission::SlowMode,
        ChannelChange::HandOverRemote { .. } => return handed_over(state, standing, change, at),
        ChannelChange::Rename { .. }
        | ChannelChange::Describe { .. }
        | ChannelChange::ChangeVisibility { .. }
        | ChannelChange::ChangeDefaults { .. }
        | ChannelChange::ChangeRemoteMode { .. }
        | ChannelChange::Archive => Permission::EditChannel,
    };
    standing.may(needed, at)?;
    Ok(match change {
        ChannelChange::Rename { name } => {
            let name = checked_name(name)?;
            unless(name == state.name, ChannelEvent::Renamed { name })
        }
        ChannelChange::Describe { description } => {
            let description = checked_description(description)?;
            unless(description == state.description, ChannelEvent::Described { description })
        }
        ChannelChange::ChangeVisibility { visibility } => {
            unless(state.visibility == Some(*visibility), ChannelEvent::VisibilityChanged { visibility: *visibility })
        }
        ChannelChange::ChangeDefaults { role, permissions } => {
            let held = below(standing, *role).and(state.defaults.of(*role)).ok_or(ChannelError::AboveYou)?;
            if permissions.difference(held).any(|permission| !holds(standing, permission)) {
                return Err(ChannelError::AboveYou);
            }
            let changed = ChannelEvent::PermissionDefaultsChanged { role: *role, permissions: permissions.clone() };
            unless(permissions == held, changed)
        }
        ChannelChange::SetSlowMode { seconds } if *seconds > SLOW_MODE_S_MAX => return Err(ChannelError::SlowMode),
        ChannelChange::SetSlowMode { seconds } => {
            unless(*seconds == state.slow_mode_s, ChannelEvent::SlowModeSet { seconds: *seconds })
        }
        ChannelChange::ChangeRemoteMode { holder: Some(_), holder_present: false } => {
            return Err(ChannelError::NotAMember);
        }
        ChannelChange::ChangeRemoteMode { holder, .. } => {
            unless(*holder == state.remote, ChannelEvent::RemoteModeChanged { holder: *holder })
        }
        // The archive cannot be opened again: only the owner closes a channel.
        ChannelChange::Archive if standing.member.role != Some(ChannelRole::Owner) => {
            return Err(Denied::Role(Permission::EditChannel).into());
        }
        ChannelChange::Archive => vec![ChannelEvent::Archived {}],
        ChannelChange::HandOverRemote { .. } => vec![],
    })
}

/// The holder hands the remote over; so does whoever manages roles.
fn handed_over(
    state: &ChannelState,
    standing: &Standing,
    change: &ChannelChange,
    at: Timestamp,
) -> Result<Vec<ChannelEvent>, ChannelError> {
    let ChannelChange::HandOverRemote { to, to_present } = change else { return Ok(vec![]) };
    standing.is_in()?;
    let holder = state.remote.ok_or(ChannelError::EverybodyHasTheRemote)?;
    if holder == *to {
        // They have it already. Every member is shown who does, so this tells nobody anything.
        return Ok(vec![]);
    }
    if holder != standing.account {
        standing.may(Permission::ManageRoles, at)?;
    }
    if !to_present {
        return Err(ChannelError::NotAMember);
    }
    Ok(vec![ChannelEvent::RemoteHandedOver { to: *to, inherited: false }])
}

/// Nobody changes what their own role, or one above it, permits.
fn below(standing: &Standing, role: ChannelRole) -> Option<()> {
    (standing.member.role > Some(role)).then_some(())
}

/// Whether the standing has this permission itself, remote and mute apart.
fn holds(standing: &Standing, permission: Permission) -> bool {
    let role = standing.member.role.unwrap_or(ChannelRole::Viewer);
    standing.channel.defaults.permit(role, &standing.member.overrides, permission)
}

fn checked_name(name: &str) -> Result<String, ChannelError> {
    let name = name.trim();
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(ChannelError::Name) }
}

/// Lines are kept, other control characters are not.
fn checked_description(description: &str) -> Result<String, ChannelError> {
    let description = description.trim();
    let fits = description.chars().count() <= DESCRIPTION_CHARS_MAX
        && !description.chars().any(|c| c.is_control() && c != '\n');
    if fits { Ok(description.to_owned()) } else { Err(ChannelError::Description) }
}
