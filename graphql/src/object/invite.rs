//! Invites as those who may issue them see them, and as those who hold one do.

use async_graphql::{SimpleObject, Union};
use lockstep_projections::{channels::ChannelRow, invites::InviteRow};
use uuid::Uuid;

use super::account::Account;
use crate::{
    answer::Refused,
    scalar::{DateTime, Position, Visibility},
};

/// A link that lets people into a channel.
#[derive(SimpleObject)]
pub(crate) struct Invite {
    pub id: Uuid,
    /// What the link ends in.
    pub code: String,
    pub by: Account,
    pub issued_at: DateTime,
    pub expires_at: DateTime,
    pub uses_max: i32,
    /// How many people came in by it.
    pub used: i32,
    pub revoked: bool,
}

impl From<InviteRow> for Invite {
    fn from(row: InviteRow) -> Self {
        Self {
            id: row.invite.0,
            code: row.invite.0.simple().to_string(),
            by: row.by.into(),
            issued_at: DateTime(row.issued_at),
            expires_at: DateTime(row.expires_at),
            uses_max: row.uses_max,
            used: row.used,
            revoked: row.revoked,
        }
    }
}

/// Invites, newest first.
#[derive(SimpleObject, Default)]
pub(crate) struct InvitePage {
    pub nodes: Vec<Invite>,
    /// Whether there are older ones.
    pub has_more: bool,
    /// Give it as `before` for the page of older ones.
    pub end_cursor: Option<Position>,
}

impl InvitePage {
    /// From up to `first` + 1 rows.
    pub(crate) fn of(mut rows: Vec<InviteRow>, first: usize) -> Self {
        let has_more = rows.len() > first;
        rows.truncate(first);
        let end_cursor = rows.last().map(|row| Position(row.issued_position));
        Self { nodes: rows.into_iter().map(Invite::from).collect(), has_more, end_cursor }
    }
}

/// Where an invite that is good now leads.
#[derive(SimpleObject)]
pub(crate) struct InvitePreview {
    pub channel: Uuid,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub member_count: i32,
    pub by: Account,
    pub expires_at: DateTime,
    /// Whether the asker is in already and needs no invite.
    pub joined: bool,
}

impl InvitePreview {
    pub(crate) fn of(invite: InviteRow, channel: ChannelRow) -> Self {
        Self {
            channel: channel.channel.0,
            slug: channel.slug,
            name: channel.name,
            description: channel.description,
            member_count: i32::try_from(channel.member_count).unwrap_or(i32::MAX),
            by: invite.by.into(),
            expires_at: DateTime(invite.expires_at),
            joined: channel.mine.is_some_and(|mine| mine.present),
        }
    }
}

#[derive(Union)]
pub(crate) enum InviteAnswer {
    InvitePreview(InvitePreview),
    Refused(Refused),
}

/// The door of a private channel: nothing of what is behind it.
#[derive(SimpleObject)]
pub(crate) struct ChannelDoor {
    pub id: Uuid,
    pub visibility: Visibility,
    /// Whether the asker waits for an answer.
    pub asking: bool,
}

/// An invite was issued.
#[derive(SimpleObject)]
pub(crate) struct InviteIssued {
    pub id: Uuid,
    /// What the link ends in.
    pub code: String,
    pub position: Position,
}

#[derive(Union)]
pub(crate) enum IssuePayload {
    InviteIssued(InviteIssued),
    Refused(Refused),
}

/// The asker is in the channel that the invite leads to.
#[derive(SimpleObject)]
pub(crate) struct InviteRedeemed {
    pub channel: Uuid,
    pub slug: String,
    pub position: Position,
}

#[derive(Union)]
pub(crate) enum RedeemPayload {
    InviteRedeemed(InviteRedeemed),
    Refused(Refused),
}
