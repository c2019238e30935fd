//! Chat on the wire: a message as it was said, and the whole new view of one that changed.

use lockstep_domain::{
    ids::{AccountId, MessageId},
    time::MediaTime,
};
use serde::Serialize;

use super::Person;

/// A chat message as viewers get it when it is said.
#[derive(Debug, Clone, Serialize)]
pub struct Message<'a> {
    pub id: MessageId,
    pub author: &'a Person,
    pub text: &'a str,
    pub sent_at: &'a str,
    pub playback_us: Option<MediaTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<&'a Answered>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub mentions: &'a [AccountId],
}

/// The message that another one answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    pub id: MessageId,
    pub author: Option<Person>,
}

/// One message as it is now. The same bytes go to everybody: whether a reaction is one's own each viewer follows by
/// `reacted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageView {
    pub id: MessageId,
    /// `null` once it was taken back or its author erased.
    pub text: Option<String>,
    pub edited: bool,
    pub redacted: Option<RedactionView>,
    pub reactions: Vec<ReactionView>,
    pub pinned: bool,
    /// Who put or took away which emoji, when that is what happened.
    pub reacted: Option<Reacted>,
}

/// Who took a message back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RedactionView {
    pub by: Person,
    pub reason: Option<String>,
}

/// One emoji under a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReactionView {
    pub emoji: String,
    pub count: usize,
}

/// One person's emoji, put there or taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reacted {
    pub account: AccountId,
    pub emoji: String,
    pub on: bool,
}

/// How often one emoji was thrown over the film since the last frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Burst<'a> {
    pub emoji: &'a str,
    pub count: u32,
}
