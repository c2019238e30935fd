//! Which right an event used, and which events gave it: an account's standing with where each part of it comes from.
//! Pure: whoever asks reads the channel's and the member's events up to the event in question.

use std::collections::BTreeMap;

use crate::{
    channel::ChannelEvent,
    ids::{AccountId, Position},
    invite::InviteEvent,
    member::MemberEvent,
    message::MessageEvent,
    permission::{ChannelRole, Defaults, Permission},
    playback::{PlaybackEvent, ReleaseCause},
    queue::{DequeueCause, QueueEvent},
    report::ReportEvent,
};

/// What a playback event needed.
pub const fn of_playback(event: &PlaybackEvent) -> Option<Permission> {
    match event {
        PlaybackEvent::VideoLoaded { .. } => Some(Permission::LoadVideo),
        PlaybackEvent::Played { .. }
        | PlaybackEvent::Paused { .. }
        | PlaybackEvent::Held { .. }
        | PlaybackEvent::Released { cause: ReleaseCause::Person, .. } => Some(Permission::PlayPause),
        PlaybackEvent::RateChanged { .. } => Some(Permission::ChangeRate),
        PlaybackEvent::Seeked { .. } => Some(Permission::Seek),
        PlaybackEvent::Ended { .. } | PlaybackEvent::Released { .. } | PlaybackEvent::Skipped { .. } => None,
    }
}

/// What a queue event needed. One's own item may be taken out without a right.
pub const fn of_queue(event: &QueueEvent) -> Option<Permission> {
    match event {
        QueueEvent::VideoQueued { .. } | QueueEvent::Restored { .. } => Some(Permission::QueueAdd),
        QueueEvent::VideoDequeued { cause: DequeueCause::Removed, .. } | QueueEvent::Cleared { .. } => {
            Some(Permission::QueueRemove)
        }
        QueueEvent::VideoMoved { .. } | QueueEvent::AutoplaySet { .. } | QueueEvent::LoopSet { .. } => {
            Some(Permission::QueueReorder)
        }
        QueueEvent::SkipVoteCast { .. } | QueueEvent::SkipVoteWithdrawn { .. } => Some(Permission::Vote),
        QueueEvent::VideoDequeued { cause: DequeueCause::Loaded, .. } | QueueEvent::SkipVotesCounted { .. } => None,
    }
}

/// What dealing with a report needed; anybody inside may file one.
pub const fn of_report(event: &ReportEvent) -> Option<Permission> {
    match event {
        ReportEvent::Filed { .. } => None,
        ReportEvent::Resolved { .. } => Some(Permission::Redact),
    }
}

/// What a channel event needed. The remote's holder hands it over by holding it.
pub const fn of_channel(event: &ChannelEvent) -> Option<Permission> {
    match event {
        ChannelEvent::Created { .. } | ChannelEvent::RemoteHandedOver { inherited: true, .. } => None,
        ChannelEvent::RemoteHandedOver { .. } => Some(Permission::ManageRoles),
        ChannelEvent::SlowModeSet { .. } => Some(Permission::SlowMode),
        ChannelEvent::Renamed { .. }
        | ChannelEvent::Described { .. }
        | ChannelEvent::VisibilityChanged { .. }
        | ChannelEvent::PermissionDefaultsChanged { .. }
        | ChannelEvent::RemoteModeChanged { .. }
        | ChannelEvent::Archived {} => Some(Permission::EditChannel),
    }
}

/// What a member event needed; what people do to themselves needs nothing.
pub const fn of_member(event: &MemberEvent) -> Option<Permission> {
    match event {
        MemberEvent::JoinRequested {} | MemberEvent::Joined { .. } | MemberEvent::Left {} => None,
        MemberEvent::JoinApproved { .. } | MemberEvent::JoinDeclined { .. } => Some(Permission::Approve),
        MemberEvent::Removed { .. } => Some(Permission::Kick),
        MemberEvent::RoleGranted { .. } | MemberEvent::PermissionOverridden { .. } => Some(Permission::ManageRoles),
        MemberEvent::Muted { .. } | MemberEvent::Unmuted { .. } => Some(Permission::Mute),
        MemberEvent::Banned { .. } | MemberEvent::Unbanned { .. } => Some(Permission::Ban),
    }
}

/// What an invite event needed.
pub const fn of_invite(event: &InviteEvent) -> Option<Permission> {
    match event {
        InviteEvent::Issued { .. } | InviteEvent::Revoked { .. } => Some(Permission::Invite),
        InviteEvent::Redeemed { .. } => None,
    }
}

/// What a message event needed. Whoever takes back their own words needs nothing: then nothing gave it.
pub const fn of_message(event: &MessageEvent) -> Option<Permission> {
    match event {
        MessageEvent::Posted { .. } | MessageEvent::Edited { .. } => Some(Permission::Chat),
        MessageEvent::Redacted { .. } => Some(Permission::Redact),
        MessageEvent::ReactionAdded { .. } | MessageEvent::ReactionRemoved { .. } => Some(Permission::React),
        MessageEvent::Pinned { .. } | MessageEvent::Unpinned { .. } => Some(Permission::Pin),
    }
}

/// What gave a right: the events whose absence would have taken it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// The one remote was in the actor's hand since this event.
    Remote(Position),
    /// An exception for the actor.
    Override(Position),
    /// The role, and the change of what the role permits; without one, that is as every channel begins.
    Role { role: ChannelRole, given: Position, defaults: Option<Position> },
}

/// An account's standing in one channel as its events tell it, each part with the position it comes from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    role: Option<(ChannelRole, Position)>,
    overrides: BTreeMap<Permission, (bool, Position)>,
    defaults: Defaults,
    defaults_from: BTreeMap<ChannelRole, Position>,
    remote: Option<(AccountId, Position)>,
}

impl Sources {
    /// Takes in an event of the channel's stream.
    pub fn channel(&mut self, event: &ChannelEvent, at: Position) {
        match event {
            ChannelEvent::PermissionDefaultsChanged { role, permissions } => {
                self.defaults.set(*role, permissions.clone());
                self.defaults_from.insert(*role, at);
            }
            ChannelEvent::RemoteModeChanged { holder } => self.remote = holder.map(|holder| (holder, at)),
            ChannelEvent::RemoteHandedOver { to, .. } => self.remote = Some((*to, at)),
            ChannelEvent::Created { .. }
            | ChannelEvent::Renamed { .. }
            | ChannelEvent::Described { .. }
            | ChannelEvent::VisibilityChanged { .. }
            | ChannelEvent::SlowModeSet { .. }
            | ChannelEvent::Archived {} => {}
        }
    }

    /// Takes in an event of the account's member stream.
    pub fn member(&mut self, event: &MemberEvent, at: Position) {
        match event {
            // Whoever comes back is who they were: the first event that gave this role counts.
            MemberEvent::Joined { role, .. } | MemberEvent::RoleGranted { role, .. } => {
                if self.role.is_none_or(|(held, _)| held != *role) {
                    self.role = Some((*role, at));
                }
            }
            MemberEvent::PermissionOverridden { permission, granted: Some(granted), .. } => {
                self.overrides.insert(*permission, (*granted, at));
            }
            MemberEvent::PermissionOverridden { permission, granted: None, .. } => {
                self.overrides.remove(permission);
            }
            MemberEvent::JoinRequested {}
            | MemberEvent::JoinApproved { .. }
            | MemberEvent::JoinDeclined { .. }
            | MemberEvent::Left {}
            | MemberEvent::Removed { .. }
            | MemberEvent::Muted { .. }
            | MemberEvent::Unmuted { .. }
            | MemberEvent::Banned { .. }
            | MemberEvent::Unbanned { .. } => {}
        }
    }

    /// What gave `account` this right; `None`: these events did not give it.
    pub fn grant(&self, account: AccountId, permission: Permission) -> Option<Grant> {
        // As a standing decides it: the one remote beats role and exception.
        if permission.is_remote()
            && let Some((holder, at)) = self.remote
        {
            return (holder == account).then_some(Grant::Remote(at));
        }
        let (role, given) = self.role?;
        let Some(set) = self.defaults.of(role) else {
            return Some(Grant::Role { role, given, defaults: None });
        };
        match self.overrides.get(&permission) {
            Some((true, at)) => Some(Grant::Override(*at)),
            Some((false, _)) => None,
            None => set.contains(permission).then(|| Grant::Role {
                role,
                given,
                defaults: self.defaults_from.get(&role).copied(),
            }),
        }
    }

    /// As [`Self::grant`], for whoever handed the remote over: by holding it, else by managing roles.
    pub fn handed_over(&self, account: AccountId) -> Option<Grant> {
        match self.remote {
            Some((holder, at)) if holder == account => Some(Grant::Remote(at)),
            _ => self.grant(account, Permission::ManageRoles),
        }
    }
}
