//! A person's standing in a channel.

use async_graphql::SimpleObject;
use lockstep_projections::members::MemberRow;

use super::account::Account;
use crate::{
    permission::{PermissionOverride, overrides},
    scalar::{ChannelRole, DateTime},
};

/// A person in a channel.
#[derive(SimpleObject)]
pub(crate) struct Member {
    /// The account it is about.
    pub account: Account,
    /// Their role in the channel.
    pub role: ChannelRole,
    /// Has joined and not left.
    pub present: bool,
    /// Whether they may not come back.
    pub banned: bool,
    /// Waits to be let in.
    pub asking: bool,
    /// May not chat or react, until `mutedUntil` if that is set and has not passed.
    pub muted: bool,
    /// Until when they may not write; null for who may.
    pub muted_until: Option<DateTime>,
    /// Exceptions to what the role permits.
    pub overrides: Vec<PermissionOverride>,
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        Self {
            account: row.account.into(),
            role: row.role.into(),
            present: row.present,
            banned: row.banned,
            asking: row.asking,
            muted: row.mute.is_some(),
            muted_until: row.mute.and_then(|mute| mute.until).map(DateTime),
            overrides: overrides(&row.overrides),
        }
    }
}
