//! An invitation into a channel: issued, redeemed by some, revoked. Whoever has its id has the invitation, so the id
//! is random.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, event_names,
    ids::{AccountId, ChannelId},
    permission::Permission,
    standing::{Denied, Standing},
    time::Timestamp,
};

/// An invite admits at most this many people.
pub const USES_MAX: u32 = 1_000;
/// An invite lasts at most this long, microseconds: 90 days.
pub const LIFE_US_MAX: i64 = 90 * 24 * 3_600 * 1_000_000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InviteEvent {
    Issued { channel: ChannelId, by: AccountId, expires_at_us: Timestamp, uses_max: u32 },
    Redeemed { account: AccountId },
    Revoked { by: AccountId },
}
event_names!(InviteEvent { Issued, Redeemed, Revoked });

#[derive(Debug, Clone, PartialEq)]
pub enum InviteCommand {
    /// `standing` is the issuer's in the channel.
    Issue { channel: ChannelId, standing: Standing, expires_at: Timestamp, uses_max: u32, at: Timestamp },
    /// `standing` is the redeemer's in the invite's channel: who is banned or suspended gets in by no invite.
    Redeem { standing: Standing, at: Timestamp },
    /// By the issuer, or whoever may invite.
    Revoke { standing: Standing, at: Timestamp },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    #[error("this invite is not valid")]
    Unknown,
    #[error("this invite has expired: ask for a new one")]
    Expired,
    #[error("this invite was used as often as it may be: ask for a new one")]
    UsedUp,
    #[error("this invite was revoked")]
    Revoked,
    #[error("an invite lasts up to 90 days from now")]
    Life,
    #[error("an invite admits 1 to {USES_MAX} people")]
    Uses,
    #[error("another invite has this id")]
    Exists,
    #[error(transparent)]
    Denied(#[from] Denied),
}

/// What an invite was issued as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub channel: ChannelId,
    pub by: AccountId,
    pub expires_at: Timestamp,
    pub uses_max: u32,
}

/// The folded invite; `terms` is `None` while the stream is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InviteState {
    pub terms: Option<Terms>,
    pub redeemed: BTreeSet<AccountId>,
    pub revoked: bool,
}

impl InviteState {
    /// Whether it admits one more person at this time.
    ///
    /// # Errors
    /// [`InviteError`]: unknown, revoked, expired or used up, in this order.
    pub fn open(&self, at: Timestamp) -> Result<Terms, InviteError> {
        let terms = self.terms.ok_or(InviteError::Unknown)?;
        if self.revoked {
            return Err(InviteError::Revoked);
        }
        if at >= terms.expires_at {
            return Err(InviteError::Expired);
        }
        let used = u32::try_from(self.redeemed.len()).unwrap_or(u32::MAX);
        if used >= terms.uses_max { Err(InviteError::UsedUp) } else { Ok(terms) }
    }
}

pub struct Invite;

impl Aggregate for Invite {
    const KIND: &'static str = "invite";
    type State = InviteState;
    type Command = InviteCommand;
    type Event = InviteEvent;
    type Error = InviteError;

    fn decide(state: &InviteState, command: &InviteCommand) -> Result<Vec<InviteEvent>, InviteError> {
        match command {
            InviteCommand::Issue { channel, standing, expires_at, uses_max, at } => {
                issue(state, *channel, standing, *expires_at, *uses_max, *at)
            }
            InviteCommand::Redeem { standing, at } => {
                let account = standing.account;
                standing.barred()?;
                state.terms.ok_or(InviteError::Unknown)?;
                // Who is in already needs no invite, and neither does who used it before.
                if standing.member.present || (state.redeemed.contains(&account) && !state.revoked) {
                    return Ok(vec![]);
                }
                state.open(*at)?;
                Ok(vec![InviteEvent::Redeemed { account }])
            }
            InviteCommand::Revoke { standing, at } => {
                let terms = state.terms.ok_or(InviteError::Unknown)?;
                if terms.by != standing.account || standing.is_in().is_err() {
                    standing.may(Permission::Invite, *at).map_err(unknown)?;
                }
                Ok(if state.revoked { vec![] } else { vec![InviteEvent::Revoked { by: standing.account }] })
            }
        }
    }

    fn evolve(state: &mut InviteState, event: &InviteEvent) {
        match event {
            InviteEvent::Issued { channel, by, expires_at_us, uses_max } => {
                let terms = Terms { channel: *channel, by: *by, expires_at: *expires_at_us, uses_max: *uses_max };
                state.terms = Some(terms);
            }
            InviteEvent::Redeemed { account } => {
                state.redeemed.insert(*account);
            }
            InviteEvent::Revoked { .. } => state.revoked = true,
        }
    }
}

/// A stranger to a private channel is not told by its invite's id that there is one.
fn unknown(denied: Denied) -> InviteError {
    if denied == Denied::NoChannel { InviteError::Unknown } else { denied.into() }
}

fn issue(
    state: &InviteState,
    channel: ChannelId,
    standing: &Standing,
    expires_at: Timestamp,
    uses_max: u32,
    at: Timestamp,
) -> Result<Vec<InviteEvent>, InviteError> {
    standing.may(Permission::Invite, at)?;
    let by = standing.account;
    if let Some(terms) = state.terms {
        let same = terms == Terms { channel, by, expires_at, uses_max };
        return if same { Ok(vec![]) } else { Err(InviteError::Exists) };
    }
    if !(1..=USES_MAX).contains(&uses_max) {
        return Err(InviteError::Uses);
    }
    if expires_at <= at || expires_at.0.saturating_sub(at.0) > LIFE_US_MAX {
        return Err(InviteError::Life);
    }
    Ok(vec![InviteEvent::Issued { channel, by, expires_at_us: expires_at, uses_max }])
}
