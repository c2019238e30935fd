//! What people may do in a channel: the grid of permissions, what each role has of it, and how a member's own
//! exceptions bear on that.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// From the fewest rights to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelRole {
    Viewer,
    Moderator,
    Admin,
    Owner,
}

impl ChannelRole {
    /// Every role, from the fewest rights to the most.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Moderator, Self::Admin, Self::Owner];
}

/// One thing somebody may or may not do in a channel. The words are stored for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    PlayPause,
    Seek,
    ChangeRate,
    LoadVideo,
    QueueAdd,
    QueueRemove,
    QueueReorder,
    Vote,
    Chat,
    React,
    /// Issue and revoke invites.
    Invite,
    /// Approve and decline those who ask to join.
    Approve,
    Mute,
    Kick,
    Ban,
    SlowMode,
    /// Take back other people's messages, and work on reports.
    Redact,
    Pin,
    /// Grant roles and exceptions below one's own role; take and hand over the remote.
    ManageRoles,
    /// Name, description, visibility, what roles permit, who controls, and the archive.
    EditChannel,
}

impl Permission {
    /// The whole grid, in the order it is shown.
    pub const ALL: [Self; 20] = [
        Self::PlayPause,
        Self::Seek,
        Self::ChangeRate,
        Self::LoadVideo,
        Self::QueueAdd,
        Self::QueueRemove,
        Self::QueueReorder,
        Self::Vote,
        Self::Chat,
        Self::React,
        Self::Invite,
        Self::Approve,
        Self::Mute,
        Self::Kick,
        Self::Ban,
        Self::SlowMode,
        Self::Redact,
        Self::Pin,
        Self::ManageRoles,
        Self::EditChannel,
    ];

    /// Whether it is part of the remote: in a channel with one remote only its holder may do this.
    pub const fn is_remote(self) -> bool {
        matches!(self, Self::PlayPause | Self::Seek | Self::ChangeRate | Self::LoadVideo)
    }

    /// Whether a muted member is kept from it.
    pub const fn is_speech(self) -> bool {
        matches!(self, Self::Chat | Self::React)
    }

    /// What it lets somebody do, to be put behind "you may not".
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::PlayPause => "play or pause",
            Self::Seek => "jump in the film",
            Self::ChangeRate => "change the speed",
            Self::LoadVideo => "load a video",
            Self::QueueAdd => "add to the queue",
            Self::QueueRemove => "remove from the queue",
            Self::QueueReorder => "reorder the queue",
            Self::Vote => "vote",
            Self::Chat => "chat",
            Self::React => "react",
            Self::Invite => "invite people",
            Self::Approve => "let people in",
            Self::Mute => "mute people",
            Self::Kick => "remove people",
            Self::Ban => "ban people",
            Self::SlowMode => "set slow mode",
            Self::Redact => "take back other people's messages",
            Self::Pin => "pin messages",
            Self::ManageRoles => "manage roles",
            Self::EditChannel => "edit the channel",
        }
    }
}

/// Some of the grid; stored as a list of words in the grid's order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PermissionSet(BTreeSet<Permission>);

impl PermissionSet {
    pub fn all() -> Self {
        Self(Permission::ALL.into_iter().collect())
    }
    pub fn contains(&self, permission: Permission) -> bool {
        self.0.contains(&permission)
    }
    pub fn iter(&self) -> impl Iterator<Item = Permission> + '_ {
        self.0.iter().copied()
    }
    /// What is in one of the two and not in the other.
    pub fn difference(&self, other: &Self) -> impl Iterator<Item = Permission> {
        self.0.symmetric_difference(&other.0).copied().collect::<Vec<_>>().into_iter()
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().collect())
    }
}

/// What each role permits in one channel. The owner has the whole grid, whatever else is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    pub viewer: PermissionSet,
    pub moderator: PermissionSet,
    pub admin: PermissionSet,
}

impl Default for Defaults {
    /// Everybody shares the remote, the queue and the chat; moderators keep order; admins change the channel.
    fn default() -> Self {
        let shared = [
            Permission::PlayPause,
            Permission::Seek,
            Permission::ChangeRate,
            Permission::LoadVideo,
            Permission::QueueAdd,
            Permission::Vote,
            Permission::Chat,
            Permission::React,
        ];
        let order = [
            Permission::QueueRemove,
            Permission::QueueReorder,
            Permission::Invite,
            Permission::Approve,
            Permission::Mute,
            Permission::Kick,
            Permission::Ban,
            Permission::SlowMode,
            Permission::Redact,
            Permission::Pin,
        ];
        Self {
            viewer: shared.into_iter().collect(),
            moderator: shared.into_iter().chain(order).collect(),
            admin: PermissionSet::all(),
        }
    }
}

impl Defaults {
    /// What this role permits; `None` for the owner's, which is everything.
    pub fn of(&self, role: ChannelRole) -> Option<&PermissionSet> {
        match role {
            ChannelRole::Viewer => Some(&self.viewer),
            ChannelRole::Moderator => Some(&self.moderator),
            ChannelRole::Admin => Some(&self.admin),
            ChannelRole::Owner => None,
        }
    }

    /// Puts another set in a role's place; the owner's cannot be changed.
    pub fn set(&mut self, role: ChannelRole, permissions: PermissionSet) {
        match role {
            ChannelRole::Viewer => self.viewer = permissions,
            ChannelRole::Moderator => self.moderator = permissions,
            ChannelRole::Admin => self.admin = permissions,
            ChannelRole::Owner => {}
        }
    }

    /// Whether the role, with a member's own exceptions, permits this.
    pub fn permit(&self, role: ChannelRole, overrides: &BTreeMap<Permission, bool>, permission: Permission) -> bool {
        match self.of(role) {
            None => true,
            Some(set) => overrides.get(&permission).copied().unwrap_or_else(|| set.contains(permission)),
        }
    }
}
