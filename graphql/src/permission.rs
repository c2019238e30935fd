//! The grid of permissions on the wire, and what somebody's standing permits of it.

use async_graphql::{Enum, SimpleObject};
use lockstep_commands::refusal::Coded;
use lockstep_domain::{ids::AccountId, permission as domain, time::Timestamp};
use lockstep_projections::channels::ChannelRow;

use crate::scalar::{ChannelRole, DateTime};

/// One thing somebody may or may not do in a channel.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "lockstep_domain::permission::Permission")]
pub(crate) enum Permission {
    /// To play and to pause.
    PlayPause,
    /// To jump.
    Seek,
    /// To change the speed.
    ChangeRate,
    /// To put a film on.
    LoadVideo,
    /// To add to the queue.
    QueueAdd,
    /// To take from the queue.
    QueueRemove,
    /// To order the queue.
    QueueReorder,
    /// To vote to skip.
    Vote,
    /// To write.
    Chat,
    /// To react.
    React,
    /// Issue and revoke invites.
    Invite,
    /// Approve and decline those who ask to join.
    Approve,
    /// To mute somebody.
    Mute,
    /// Remove people.
    Kick,
    /// To ban somebody.
    Ban,
    /// To slow the chat down.
    SlowMode,
    /// Take back other people's messages.
    Redact,
    /// To pin messages.
    Pin,
    /// Grant roles and exceptions below one's own role; take and hand over the remote.
    ManageRoles,
    /// Name, description, visibility, what roles permit, who controls, and the archive.
    EditChannel,
}

/// What a role permits in a channel.
#[derive(SimpleObject)]
pub(crate) struct RolePermissions {
    /// The role.
    pub role: ChannelRole,
    /// What the role may do.
    pub permissions: Vec<Permission>,
}

/// An exception to what a role permits.
#[derive(SimpleObject)]
pub(crate) struct PermissionOverride {
    /// One word of the grid of permissions.
    pub permission: Permission,
    /// Whether it is given or taken.
    pub granted: bool,
}

/// Something the asker may not do, and why.
#[derive(SimpleObject)]
pub(crate) struct Denial {
    /// One word of the grid of permissions.
    pub permission: Permission,
    /// A stable word to branch on.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
}

/// Where the asker stands in a channel.
#[derive(SimpleObject)]
pub(crate) struct MyStanding {
    /// Kept while away; null before ever joining.
    pub role: Option<ChannelRole>,
    /// Has joined and not left.
    pub present: bool,
    /// Whether they may not come back.
    pub banned: bool,
    /// Waits for somebody to let them in.
    pub asking: bool,
    /// Whether the asker may not write now.
    pub muted: bool,
    /// When the mute ends by itself, if it does.
    pub muted_until: Option<DateTime>,
    /// All that the asker may do here now.
    pub permissions: Vec<Permission>,
    /// The rest, with reasons.
    pub denials: Vec<Denial>,
    /// What was granted to or taken from the asker in person.
    pub overrides: Vec<PermissionOverride>,
}

impl MyStanding {
    pub(crate) fn of(row: &ChannelRow, asker: AccountId, now: Timestamp) -> Self {
        let standing = row.standing(asker);
        let (mut permissions, mut denials) = (vec![], vec![]);
        for permission in domain::Permission::ALL {
            match standing.may(permission, now) {
                Ok(()) => permissions.push(permission.into()),
                Err(denied) => denials.push(Denial {
                    permission: permission.into(),
                    code: denied.code().to_owned(),
                    message: denied.to_string(),
                }),
            }
        }
        let member = &standing.member;
        let muted = member.is_muted(now);
        Self {
            role: member.role.map(ChannelRole::from),
            present: member.present,
            banned: member.banned,
            asking: member.asking,
            muted,
            muted_until: member.muted_until().filter(|_| muted).map(DateTime),
            permissions,
            denials,
            overrides: overrides(&member.overrides),
        }
    }
}

/// Exceptions in the grid's order.
pub(crate) fn overrides(held: &std::collections::BTreeMap<domain::Permission, bool>) -> Vec<PermissionOverride> {
    held.iter()
        .map(|(permission, granted)| PermissionOverride { permission: (*permission).into(), granted: *granted })
        .collect()
}

/// What each role permits, the owner's whole grid too.
pub(crate) fn defaults(held: &domain::Defaults) -> Vec<RolePermissions> {
    domain::ChannelRole::ALL
        .into_iter()
        .map(|role| RolePermissions {
            role: role.into(),
            permissions: match held.of(role) {
                Some(set) => set.iter().map(Permission::from).collect(),
                None => domain::Permission::ALL.into_iter().map(Permission::from).collect(),
            },
        })
        .collect()
}
