//! A person's standing in a channel.

use async_graphql::SimpleObject;
use lockstep_projections::members::MemberRow;

use super::account::Account;
use crate::scalar::ChannelRole;

/// A person in a channel.
#[derive(SimpleObject)]
pub(crate) struct Member {
    pub account: Account,
    pub role: ChannelRole,
    /// Has joined and not left.
    pub present: bool,
    pub banned: bool,
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        Self { account: row.account.into(), role: row.role.into(), present: row.present, banned: row.banned }
    }
}
