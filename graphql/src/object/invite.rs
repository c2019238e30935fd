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
    /// Its id.
    pub id: Uuid,
    /// What the link ends in.
    pub code: String,
    /// Who did it.
    pub by: Account,
    /// When it was made.
    pub issued_at: DateTime,
    /// When it ends.
    pub expires_at: DateTime,
    /// How many people it lets in.
    pub uses_max: i32,
    /// How many people came in by it.
    pub used: i32,
    /// Whether it was taken back.
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
    /// The rows of this page.
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
    /// The channel it is about.
    pub channel: Uuid,
    /// Its name in addresses.
    pub slug: String,
    /// What it is called.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// How many have joined.
    pub member_count: i32,
    /// Who did it.
    pub by: Account,
    /// When it ends.
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

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum InviteAnswer {
    InvitePreview(InvitePreview),
    Refused(Refused),
}

/// The door of a private channel: nothing of what is behind it.
#[derive(SimpleObject)]
pub(crate) struct ChannelDoor {
    /// Its id.
    pub id: Uuid,
    /// Who can find it.
    pub visibility: Visibility,
    /// Whether the asker waits for an answer.
    pub asking: bool,
}

/// An invite was issued.
#[derive(SimpleObject)]
pub(crate) struct InviteIssued {
    /// Its id.
    pub id: Uuid,
    /// What the link ends in.
    pub code: String,
    /// Where the change is in the log: give it as `minPosition` to read what was written.
    pub position: Position,
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum IssuePayload {
    InviteIssued(InviteIssued),
    Refused(Refused),
}

/// The asker is in the channel that the invite leads to.
#[derive(SimpleObject)]
pub(crate) struct InviteRedeemed {
    /// The channel it is about.
    pub channel: Uuid,
    /// Its name in addresses.
    pub slug: String,
    /// Where the change is in the log: give it as `minPosition` to read what was written.
    pub position: Position,
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum RedeemPayload {
    InviteRedeemed(InviteRedeemed),
    Refused(Refused),
}
