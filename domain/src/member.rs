//! One person's standing in one channel: a thousand people joining at once contend on nothing.

use serde::{Deserialize, Serialize};

use crate::{Aggregate, channel::Visibility, event_names, ids::AccountId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelRole {
    Viewer,
    Moderator,
    Admin,
    Owner,
}

/// A shared action somebody may or may not take in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    PlayPause,
    Seek,
    LoadVideo,
    Chat,
    Ban,
    ManageRoles,
    EditChannel,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MemberEvent {
    Joined { role: ChannelRole },
    Left {},
    RoleGranted { role: ChannelRole, by: AccountId },
    Banned { by: AccountId },
    Unbanned { by: AccountId },
}
event_names!(MemberEvent { Joined, Left, RoleGranted, Banned, Unbanned });

/// The folded standing. `role` outlives leaving: who comes back is who they were.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MemberState {
    pub role: Option<ChannelRole>,
    pub present: bool,
    pub banned: bool,
}

impl MemberState {
    /// Whether this standing permits the action now. A ban beats every role.
    pub fn may(&self, action: Action) -> bool {
        let Some(role) = self.role else { return false };
        if self.banned || !self.present {
            return false;
        }
        match action {
            Action::PlayPause | Action::Seek | Action::LoadVideo | Action::Chat => true,
            Action::Ban => role >= ChannelRole::Moderator,
            Action::ManageRoles | Action::EditChannel => role >= ChannelRole::Admin,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum MemberCommand {
    /// `owner` is the channel's owner, `visibility` the channel's, as looked up (both guarded at the append).
    Join {
        account: AccountId,
        owner: AccountId,
        visibility: Visibility,
    },
    Leave,
    /// `standing` is the actor's own in the same channel.
    GrantRole {
        role: ChannelRole,
        by: AccountId,
        standing: MemberState,
    },
    Ban {
        by: AccountId,
        standing: MemberState,
    },
    Unban {
        by: AccountId,
        standing: MemberState,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    #[error("you are banned from this channel")]
    Banned,
    #[error("this channel is private: ask to be let in")]
    Private,
    #[error("your role does not permit this")]
    NotPermitted,
    #[error("this person is not a member of the channel")]
    NotAMember,
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
            MemberCommand::Join { account, owner, visibility } => join(state, *account, *owner, *visibility),
            MemberCommand::Leave => Ok(if state.present { vec![MemberEvent::Left {}] } else { vec![] }),
            MemberCommand::GrantRole { role, by, standing } => {
                let held = state.role.ok_or(MemberError::NotAMember)?;
                let above = standing.role.unwrap_or(ChannelRole::Viewer);
                if !standing.may(Action::ManageRoles) || above <= held || above <= *role {
                    return Err(MemberError::NotPermitted);
                }
                Ok(if held == *role { vec![] } else { vec![MemberEvent::RoleGranted { role: *role, by: *by }] })
            }
            MemberCommand::Ban { by, standing } => {
                outranks(state, standing)?;
                Ok(if state.banned { vec![] } else { vec![MemberEvent::Banned { by: *by }] })
            }
            MemberCommand::Unban { by, standing } => {
                outranks(state, standing)?;
                Ok(if state.banned { vec![MemberEvent::Unbanned { by: *by }] } else { vec![] })
            }
        }
    }

    fn evolve(state: &mut MemberState, event: &MemberEvent) {
        match event {
            MemberEvent::Joined { role } => {
                state.role = Some(*role);
                state.present = true;
            }
            MemberEvent::Left {} => state.present = false,
            MemberEvent::RoleGranted { role, .. } => state.role = Some(*role),
            MemberEvent::Banned { .. } => {
                state.banned = true;
                state.present = false;
            }
            MemberEvent::Unbanned { .. } => state.banned = false,
        }
    }
}

fn join(
    state: &MemberState,
    account: AccountId,
    owner: AccountId,
    visibility: Visibility,
) -> Result<Vec<MemberEvent>, MemberError> {
    if state.banned {
        return Err(MemberError::Banned);
    }
    if state.present {
        return Ok(vec![]);
    }
    let role = if account == owner { ChannelRole::Owner } else { state.role.unwrap_or(ChannelRole::Viewer) };
    if visibility == Visibility::Private && account != owner && state.role.is_none() {
        return Err(MemberError::Private);
    }
    Ok(vec![MemberEvent::Joined { role }])
}

fn outranks(target: &MemberState, actor: &MemberState) -> Result<(), MemberError> {
    let above = actor.role.unwrap_or(ChannelRole::Viewer);
    if actor.may(Action::Ban) && Some(above) > target.role { Ok(()) } else { Err(MemberError::NotPermitted) }
}
