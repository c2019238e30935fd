//! Where one account stands in one channel now, and what that permits: the one place where a right is decided.

use crate::{
    account::AccountState,
    channel::{ChannelState, Visibility},
    ids::AccountId,
    member::MemberState,
    permission::{ChannelRole, Permission},
    time::Timestamp,
};

/// Who acts in a channel, as looked up. The channel's, the member's and the account's streams are guarded at the
/// append, so that a right lost meanwhile makes the command decide again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    pub account: AccountId,
    pub member: MemberState,
    pub channel: ChannelState,
    /// Suspended on the whole platform: nothing is permitted anywhere.
    pub suspended: bool,
}

/// Why a standing does not permit something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("this account is suspended")]
    Suspended,
    #[error("there is no such channel")]
    NoChannel,
    #[error("this channel is archived")]
    Archived,
    #[error("you are banned from this channel")]
    Banned,
    #[error("join the channel first")]
    NotAMember,
    #[error("you are muted here")]
    Muted { until: Option<Timestamp> },
    #[error("somebody else has the remote: ask them to hand it over")]
    NotTheRemote { holder: AccountId },
    #[error("your role here does not permit you to {}: ask somebody who manages this channel", .0.phrase())]
    Role(Permission),
}

impl Standing {
    /// Where `account` stands, given the folded states of the three streams that say so.
    pub fn new(account: AccountId, held: &AccountState, member: MemberState, channel: ChannelState) -> Self {
        Self { account, member, channel, suspended: held.suspended }
    }

    /// Whether this account may know that the channel is there: a private one is for its owner, for those in it, for
    /// those who were let in and not sent away since, and for those who are told about themselves (asking, banned).
    pub fn may_know(&self) -> bool {
        let member = &self.member;
        self.channel.visibility != Some(Visibility::Private)
            || self.channel.owner == Some(self.account)
            || member.present
            || member.admitted
            || member.asking
            || member.banned
    }

    /// Whether this account is kept out whatever door or invite it comes with.
    ///
    /// # Errors
    /// [`Denied`], the first reason of: suspended, no channel, archived, banned.
    pub fn barred(&self) -> Result<(), Denied> {
        match () {
            () if self.suspended => Err(Denied::Suspended),
            () if self.channel.owner.is_none() => Err(Denied::NoChannel),
            () if self.channel.archived => Err(Denied::Archived),
            () if self.member.banned => Err(Denied::Banned),
            () => Ok(()),
        }
    }

    /// Whether this account is a member who may be here at all.
    ///
    /// # Errors
    /// [`Denied`], the first reason of: suspended, no channel (or none it may know of), archived, banned, not a member.
    pub fn is_in(&self) -> Result<ChannelRole, Denied> {
        if !self.suspended && !self.may_know() {
            return Err(Denied::NoChannel);
        }
        self.barred()?;
        match self.member.role {
            Some(role) if self.member.present => Ok(role),
            _ => Err(Denied::NotAMember),
        }
    }

    /// Whether this standing permits the action at this time. A ban beats every role, a mute every speech, and the
    /// one remote every other hand, the owner's too.
    ///
    /// # Errors
    /// [`Denied`]
    pub fn may(&self, permission: Permission, at: Timestamp) -> Result<(), Denied> {
        let role = self.is_in()?;
        if permission.is_speech() && self.member.is_muted(at) {
            return Err(Denied::Muted { until: self.member.muted_until() });
        }
        if permission.is_remote()
            && let Some(holder) = self.channel.remote
        {
            return if holder == self.account { Ok(()) } else { Err(Denied::NotTheRemote { holder }) };
        }
        let permitted = self.channel.defaults.permit(role, &self.member.overrides, permission);
        if permitted { Ok(()) } else { Err(Denied::Role(permission)) }
    }

    /// As [`Self::may`], on somebody else: whoever acts must stand above them.
    ///
    /// # Errors
    /// [`Denied`]
    pub fn may_on(&self, permission: Permission, target: &MemberState, at: Timestamp) -> Result<(), Denied> {
        self.may(permission, at)?;
        if self.member.role > target.role { Ok(()) } else { Err(Denied::Role(permission)) }
    }
}
