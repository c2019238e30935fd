//! Durable events as the hub needs them: decoded outside, in log order.

use lockstep_domain::{
    ids::{AccountId, ChannelId, CommandId, MessageId, Position},
    permission::ChannelRole,
    time::MediaTime,
};

use serde::Serialize;

use crate::{
    protocol::{Actor, Answered, MessageView, Person},
    timeline::Change,
};

/// One durable event of a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedEvent {
    pub position: Position,
    pub channel: ChannelId,
    /// The operation id of the command that caused it.
    pub command: Option<CommandId>,
    pub actor: Actor,
    pub fact: Fact,
}

/// What something that viewers read elsewhere is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Noun {
    /// The channel itself: name, what roles permit, slow mode, who has the remote, archive.
    Channel,
    /// Somebody's standing.
    Member,
    Queue,
    /// The reports that its moderators deal with; only they are told.
    Report,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// Something viewers read elsewhere is not as it was; `account`: whom it is about, if one person.
    Changed {
        noun: Noun,
        account: Option<AccountId>,
    },
    /// Somebody voted to skip, or took the vote back.
    SkipVote,
    Playback(Change),
    /// `sent_at` is RFC 3339.
    Message {
        id: MessageId,
        author: Person,
        text: String,
        sent_at: String,
        playback: Option<MediaTime>,
        reply_to: Option<Answered>,
        mentions: Vec<AccountId>,
    },
    /// A message is not as it was.
    MessageChanged(MessageView),
    /// `version` is the member stream's: a session admitted at that version or later knew already.
    Left {
        account: AccountId,
        version: u64,
    },
    /// Sent away by somebody else.
    Removed {
        account: AccountId,
        version: u64,
    },
    Banned {
        account: AccountId,
        version: u64,
    },
    /// Who has the one remote now; `None`: everybody whose role permits it.
    Remote {
        holder: Option<AccountId>,
    },
    /// Closed for good.
    Archived,
    RoleGranted {
        account: AccountId,
        role: ChannelRole,
        version: u64,
    },
}
