//! One person's standing in one channel: a thousand people joining at once contend on nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, Personal,
    channel::{ChannelState, Visibility},
    event_names,
    ids::{AccountId, InviteId},
    permission::{ChannelRole, Permission},
    standing::{Denied, Standing},
    time::Timestamp,
};

/// A reason given for a moderation has at most this many characters.
pub const REASON_CHARS_MAX: usize = 500;
/// The longest mute with an end, microseconds: 30 days.
pub const MUTE_US_MAX: i64 = 30 * 24 * 3_600 * 1_000_000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MemberEvent {
    JoinRequested {},
    JoinApproved {
        by: AccountId,
    },
    JoinDeclined {
        by: AccountId,
    },
    Joined {
        role: ChannelRole,
        /// The invite that opened the door, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invite: Option<InviteId>,
    },
    Left {},
    /// Sent away; may come back where the door is open.
    Removed {
        by: AccountId,
        reason: Option<Personal<String>>,
    },
    RoleGranted {
        role: ChannelRole,
        by: AccountId,
    },
    /// An exception to what the role permits; `None` takes it back.
    PermissionOverridden {
        permission: Permission,
        granted: Option<bool>,
        by: AccountId,
    },
    /// `until_us`: when it ends by itself; `None`: not.
    Muted {
        by: AccountId,
        until_us: Option<Timestamp>,
        reason: Option<Personal<String>>,
    },
    Unmuted {
        by: AccountId,
    },
    Banned {
        by: AccountId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Personal<String>>,
    },
    Unbanned {
        by: AccountId,
    },
}
event_names!(MemberEvent {
    JoinRequested,
    JoinApproved,
    JoinDeclined,
    Joined,
    Left,
    Removed,
    RoleGranted,
    PermissionOverridden,
    Muted,
    Unmuted,
    Banned,
    Unbanned,
});

/// A mute as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mute {
    pub until: Option<Timestamp>,
}

/// The folded standing. `role` outlives leaving: who comes back is who they were.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MemberState {
    pub role: Option<ChannelRole>,
    pub present: bool,
    pub banned: bool,
    pub mute: Option<Mute>,
    /// Exceptions to what the role permits.
    pub overrides: BTreeMap<Permission, bool>,
    /// Waits for somebody to approve.
    pub asking: bool,
    /// Was let in once and not sent away since: a private channel's door is open.
    pub admitted: bool,
    /// Was sent away with more than a viewer's role, and given none since: comes back as a viewer.
    pub demoted: bool,
}

impl MemberState {
    /// Whether a mute is on at this time.
    pub fn is_muted(&self, at: Timestamp) -> bool {
        self.mute.is_some_and(|mute| mute.until.is_none_or(|until| at < until))
    }
    /// When the mute ends by itself, if it does.
    pub fn muted_until(&self) -> Option<Timestamp> {
        self.mute.and_then(|mute| mute.until)
    }
}

/// What a moderator or manager does to somebody else.
#[derive(Debug, Clone, PartialEq)]
pub enum Moderation {
    Approve,
    Decline,
    /// Lets somebody back in who was sent away.
    Readmit,
    GrantRole {
        role: ChannelRole,
    },
    Override {
        permission: Permission,
        granted: Option<bool>,
    },
    Mute {
        until: Option<Timestamp>,
        reason: Option<String>,
    },
    Unmute,
    Remove {
        reason: Option<String>,
    },
    Ban {
        reason: Option<String>,
    },
    Unban,
}

impl Moderation {
    /// What whoever acts must be permitted.
    pub const fn needs(&self) -> Permission {
        match self {
            Self::Approve | Self::Decline | Self::Readmit => Permission::Approve,
            Self::GrantRole { .. } | Self::Override { .. } => Permission::ManageRoles,
            Self::Mute { .. } | Self::Unmute => Permission::Mute,
            Self::Remove { .. } => Permission::Kick,
            Self::Ban { .. } | Self::Unban => Permission::Ban,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum MemberCommand {
    /// Asks to be let into a private channel. `standing` is the asker's own.
    AskToJoin {
        standing: Standing,
    },
    /// `invite`: one that the account has redeemed and that is of this channel, as looked up (guarded at the append).
    Join {
        standing: Standing,
        invite: Option<InviteId>,
    },
    Leave,
    /// `target` is whose stream this is, `standing` the actor's own in the same channel.
    Moderate {
        target: AccountId,
        standing: Standing,
        moderation: Moderation,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    #[error("this channel is private: wait to be let in")]
    Private,
    #[error("this channel is open: just join")]
    Open,
    #[error("this person is not a member of the channel")]
    NotAMember,
    #[error("this person is not asking to join")]
    NotAsking,
    #[error("you can only give or take what you may do yourself, to people below you")]
    AboveYou,
    #[error("a reason has at most {REASON_CHARS_MAX} characters")]
    Reason,
    #[error("a mute ends in the future, within 30 days, or not by itself")]
    MuteEnd,
    #[error(transparent)]
    Denied(#[from] Denied),
}

pub struct Member;

impl Aggregate for Member {
    const KIND: &'static str = "member";
    type State = MemberState;
    type Command = MemberCommand;
    type Event = MemberEvent;
    type Error = MemberError;

    fn decide(state: &MemberState, command: &MemberCommand) -> Result<Vec<MemberEvent>, MemberError> {
        match command {
            MemberCommand::AskToJoin { standing } => ask(state, standing),
            MemberCommand::Join { standing, invite } => join(state, standing, *invite),
            MemberCommand::Leave => Ok(if state.present { vec![MemberEvent::Left {}] } else { vec![] }),
            MemberCommand::Moderate { target, standing, moderation, at } => {
                standing
                    .may_on(moderation.needs(), state, *at)
                    .map_err(|denied| outranked(denied, standing, *at, moderation))?;
                moderated(state, *target, standing, moderation, *at)
            }
        }
    }

    fn evolve(state: &mut MemberState, event: &MemberEvent) {
        match event {
            MemberEvent::JoinRequested {} => state.asking = true,
            MemberEvent::JoinApproved { .. } => (state.asking, state.admitted) = (false, true),
            MemberEvent::JoinDeclined { .. } => state.asking = false,
            MemberEvent::Joined { role, .. } => {
                state.role = Some(*role);
                (state.present, state.asking, state.admitted, state.demoted) = (true, false, true, false);
            }
            MemberEvent::Left {} => state.present = false,
            MemberEvent::Removed { .. } => {
                (state.present, state.admitted) = (false, false);
                state.demoted = state.role > Some(ChannelRole::Viewer);
            }
            MemberEvent::RoleGranted { role, .. } => (state.role, state.demoted) = (Some(*role), false),
            MemberEvent::PermissionOverridden { permission, granted, .. } => {
                match granted {
                    Some(granted) => state.overrides.insert(*permission, *granted),
                    None => state.overrides.remove(permission),
                };
            }
            MemberEvent::Muted { until_us, .. } => state.mute = Some(Mute { until: *until_us }),
            MemberEvent::Unmuted { .. } => state.mute = None,
            MemberEvent::Banned { .. } => {
                state.banned = true;
                (state.present, state.asking, state.admitted) = (false, false, false);
                state.demoted = state.role > Some(ChannelRole::Viewer);
            }
            MemberEvent::Unbanned { .. } => state.banned = false,
        }
    }
}

/// What keeps somebody from the door, whatever else they have.
fn door(state: &MemberState, standing: &Standing) -> Result<Visibility, MemberError> {
    let own = Standing { member: state.clone(), ..standing.clone() };
    own.barred()?;
    standing.channel.visibility.ok_or(MemberError::Denied(Denied::NoChannel))
}

fn ask(state: &MemberState, standing: &Standing) -> Result<Vec<MemberEvent>, MemberError> {
    let visibility = door(state, standing)?;
    if state.present || state.asking {
        return Ok(vec![]);
    }
    if may_enter(state, standing.account, &standing.channel, visibility) {
        return Err(MemberError::Open);
    }
    Ok(vec![MemberEvent::JoinRequested {}])
}

fn join(state: &MemberState, standing: &Standing, invite: Option<InviteId>) -> Result<Vec<MemberEvent>, MemberError> {
    let visibility = door(state, standing)?;
    if state.present {
        return Ok(vec![]);
    }
    let owns = standing.channel.owner == Some(standing.account);
    if invite.is_none() && !may_enter(state, standing.account, &standing.channel, visibility) {
        // Who never was in and is not waiting learns nothing, not even that there is a channel.
        let knows = state.asking || state.role.is_some();
        return Err(if knows { MemberError::Private } else { Denied::NoChannel.into() });
    }
    let role = match state.role {
        _ if owns => ChannelRole::Owner,
        // A role is trust, and whoever was sent away lost it.
        Some(role) if !state.demoted => role,
        _ => ChannelRole::Viewer,
    };
    Ok(vec![MemberEvent::Joined { role, invite }])
}

fn may_enter(state: &MemberState, account: AccountId, channel: &ChannelState, visibility: Visibility) -> bool {
    visibility != Visibility::Private || channel.owner == Some(account) || state.admitted
}

/// Who has the right but does not stand above is told so.
fn outranked(denied: Denied, standing: &Standing, at: Timestamp, moderation: &Moderation) -> MemberError {
    if standing.may(moderation.needs(), at).is_ok() { MemberError::AboveYou } else { denied.into() }
}

fn moderated(
    state: &MemberState,
    target: AccountId,
    standing: &Standing,
    moderation: &Moderation,
    at: Timestamp,
) -> Result<Vec<MemberEvent>, MemberError> {
    let by = standing.account;
    Ok(match moderation {
        Moderation::Approve if state.admitted => vec![],
        Moderation::Approve if state.asking => vec![MemberEvent::JoinApproved { by }],
        Moderation::Approve => return Err(MemberError::NotAsking),
        Moderation::Decline if state.asking => vec![MemberEvent::JoinDeclined { by }],
        Moderation::Decline => vec![],
        Moderation::Readmit if state.admitted => vec![],
        Moderation::Readmit => {
            let role = state.role.ok_or(MemberError::NotAMember)?;
            let regained = state.demoted.then_some(MemberEvent::RoleGranted { role, by });
            [MemberEvent::JoinApproved { by }].into_iter().chain(regained).collect()
        }
        Moderation::GrantRole { role } => {
            let held = state.role.ok_or(MemberError::NotAMember)?;
            if standing.member.role <= Some(*role) {
                return Err(MemberError::AboveYou);
            }
            if held == *role && !state.demoted { vec![] } else { vec![MemberEvent::RoleGranted { role: *role, by }] }
        }
        Moderation::Override { permission, granted } => {
            state.role.ok_or(MemberError::NotAMember)?;
            let role = standing.member.role.unwrap_or(ChannelRole::Viewer);
            if !standing.channel.defaults.permit(role, &standing.member.overrides, *permission) {
                return Err(MemberError::AboveYou);
            }
            let same = state.overrides.get(permission) == granted.as_ref();
            let changed = MemberEvent::PermissionOverridden { permission: *permission, granted: *granted, by };
            if same { vec![] } else { vec![changed] }
        }
        Moderation::Mute { until, reason } => {
            state.role.ok_or(MemberError::NotAMember)?;
            if until.is_some_and(|until| until <= at || until.0.saturating_sub(at.0) > MUTE_US_MAX) {
                return Err(MemberError::MuteEnd);
            }
            let same = state.mute == Some(Mute { until: *until });
            let muted = MemberEvent::Muted { by, until_us: *until, reason: checked_reason(target, reason.as_deref())? };
            if same { vec![] } else { vec![muted] }
        }
        Moderation::Unmute if state.mute.is_some() => vec![MemberEvent::Unmuted { by }],
        Moderation::Unmute => vec![],
        Moderation::Remove { reason } => {
            let removed = MemberEvent::Removed { by, reason: checked_reason(target, reason.as_deref())? };
            if state.present || state.admitted { vec![removed] } else { vec![] }
        }
        Moderation::Ban { reason } => {
            let banned = MemberEvent::Banned { by, reason: checked_reason(target, reason.as_deref())? };
            if state.banned { vec![] } else { vec![banned] }
        }
        Moderation::Unban if state.banned => vec![MemberEvent::Unbanned { by }],
        Moderation::Unban => vec![],
    })
}

/// A reason is about the person it concerns: it is theirs to have erased.
fn checked_reason(subject: AccountId, reason: Option<&str>) -> Result<Option<Personal<String>>, MemberError> {
    let Some(reason) = reason.map(str::trim).filter(|reason| !reason.is_empty()) else { return Ok(None) };
    let fits = reason.chars().count() <= REASON_CHARS_MAX && !reason.chars().any(|c| c.is_control() && c != '\n');
    if fits { Ok(Some(Personal::new(subject, reason.to_owned()))) } else { Err(MemberError::Reason) }
}
