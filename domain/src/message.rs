//! One chat message: a stream of its own, so that a busy chat contends on nothing. Said once, then perhaps edited,
//! reacted to, pinned, or taken back.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, Personal,
    emoji::is_emoji,
    event_names,
    ids::{AccountId, ChannelId, MessageId, VideoId},
    member::{MemberState, REASON_CHARS_MAX},
    permission::Permission,
    standing::{Denied, Standing},
    time::{MediaTime, Timestamp},
};

/// A message has 1 to this many characters after trimming.
pub const TEXT_CHARS_MAX: usize = 2_000;
/// A message mentions at most this many people.
pub const MENTIONS_MAX: usize = 10;
/// A message has at most this many different emoji under it.
pub const EMOJI_MAX: usize = 20;
/// A channel has at most this many pinned messages.
pub const PINS_MAX: usize = 10;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MessageEvent {
    Posted {
        channel: ChannelId,
        author: AccountId,
        text: Personal<String>,
        /// What was playing, and where, when it was said.
        video: Option<VideoId>,
        playback_us: Option<MediaTime>,
        /// The message this answers, of the same channel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageId>,
        /// Who said that one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_author: Option<AccountId>,
        /// Members it speaks to, each once.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mentions: Vec<AccountId>,
    },
    Edited {
        text: Personal<String>,
    },
    /// Nobody is to read it any more. `by` is its author, or who may take back what others said.
    Redacted {
        by: AccountId,
        reason: Option<Personal<String>>,
    },
    ReactionAdded {
        account: AccountId,
        emoji: String,
    },
    ReactionRemoved {
        account: AccountId,
        emoji: String,
    },
    Pinned {
        by: AccountId,
    },
    Unpinned {
        by: AccountId,
    },
}
event_names!(MessageEvent { Posted, Edited, Redacted, ReactionAdded, ReactionRemoved, Pinned, Unpinned });

/// The message an answer is to, as looked up; `author`: `None` when there is none in this channel to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyTo {
    pub message: MessageId,
    pub author: Option<AccountId>,
}

/// Whether its author's turn to speak has come, as counted outside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    #[default]
    Free,
    SlowMode {
        retry_after_ms: u64,
    },
    TooFast {
        retry_after_ms: u64,
    },
}

/// What somebody says.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    pub channel: ChannelId,
    /// The author's.
    pub standing: Standing,
    pub text: String,
    pub video: Option<VideoId>,
    pub playback: Option<MediaTime>,
    pub reply_to: Option<ReplyTo>,
    /// Whom it mentions, and whether each is in the channel.
    pub mentions: Vec<(AccountId, bool)>,
    pub pace: Pace,
    pub at: Timestamp,
}

/// `standing` is always the actor's own in the message's channel.
#[derive(Debug, Clone, PartialEq)]
pub enum MessageCommand {
    Post(Post),
    /// By its author only.
    Edit {
        standing: Standing,
        text: String,
        pace: Pace,
        at: Timestamp,
    },
    /// `author` is the author's standing in the channel, as looked up and guarded.
    Redact {
        standing: Standing,
        author: MemberState,
        reason: Option<String>,
        at: Timestamp,
    },
    React {
        standing: Standing,
        emoji: String,
        on: bool,
        pace: Pace,
        at: Timestamp,
    },
    /// `room`: whether the channel has room for one more pin.
    Pin {
        standing: Standing,
        room: bool,
        at: Timestamp,
    },
    Unpin {
        standing: Standing,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("a message has 1 to {TEXT_CHARS_MAX} characters")]
    Length,
    #[error("a message may not contain the character U+0000")]
    Nul,
    #[error("another message has this id")]
    Exists,
    #[error("there is no such message")]
    Unknown,
    #[error("this message was taken back")]
    Redacted,
    #[error("the message you answer is not in this channel any more")]
    NothingToAnswer,
    #[error("a message mentions up to {MENTIONS_MAX} people who are in the channel")]
    Mentions,
    #[error("you can only edit what you said yourself")]
    NotYours,
    #[error("you can only take back what people below you said")]
    AboveYou,
    #[error("a reason has at most {REASON_CHARS_MAX} characters")]
    Reason,
    #[error("a reaction is one emoji")]
    Emoji,
    #[error("a message has at most {EMOJI_MAX} different reactions")]
    TooManyEmoji,
    #[error("a channel has at most {PINS_MAX} pinned messages: unpin one first")]
    TooManyPins,
    #[error("slow mode is on: wait a moment before your next message")]
    SlowMode { retry_after_ms: u64 },
    #[error("that was a lot at once: wait a moment")]
    TooFast { retry_after_ms: u64 },
    #[error(transparent)]
    Denied(#[from] Denied),
}

/// Who took a message back.
#[derive(Debug, Clone, PartialEq)]
pub struct Redaction {
    pub by: AccountId,
    pub reason: Option<Personal<String>>,
}

/// The folded message. `posted` is what was first said, `text` what it says now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MessageState {
    pub posted: Option<MessageEvent>,
    pub text: Personal<String>,
    pub edited: bool,
    pub redacted: Option<Redaction>,
    /// Who reacted with what; the order of first use is the order they are shown in.
    pub reactions: Vec<(String, BTreeSet<AccountId>)>,
    pub pinned: bool,
}

impl MessageState {
    /// Where it was said and who said it.
    pub fn origin(&self) -> Option<(ChannelId, AccountId)> {
        match &self.posted {
            Some(MessageEvent::Posted { channel, author, .. }) => Some((*channel, *author)),
            _ => None,
        }
    }

    fn has_reacted(&self, account: AccountId, emoji: &str) -> bool {
        self.reactions.iter().any(|(held, by)| held == emoji && by.contains(&account))
    }
}

pub struct Message;

impl Aggregate for Message {
    const KIND: &'static str = "message";
    type State = MessageState;
    type Command = MessageCommand;
    type Event = MessageEvent;
    type Error = MessageError;

    fn decide(state: &MessageState, command: &MessageCommand) -> Result<Vec<MessageEvent>, MessageError> {
        match command {
            MessageCommand::Post(post) => said(state, post),
            MessageCommand::Edit { standing, text, pace, at } => edited(state, standing, text, *pace, *at),
            MessageCommand::Redact { standing, author, reason, at } => {
                redacted(state, standing, author, reason.as_deref(), *at)
            }
            MessageCommand::React { standing, emoji, on, pace, at } => reacted(state, standing, emoji, *on, *pace, *at),
            MessageCommand::Pin { standing, room, at } => {
                state.origin().ok_or(MessageError::Unknown)?;
                standing.may(Permission::Pin, *at)?;
                match (state.pinned, &state.redacted) {
                    (true, _) => Ok(vec![]),
                    (false, Some(_)) => Err(MessageError::Redacted),
                    (false, None) if !room => Err(MessageError::TooManyPins),
                    (false, None) => Ok(vec![MessageEvent::Pinned { by: standing.account }]),
                }
            }
            MessageCommand::Unpin { standing, at } => {
                state.origin().ok_or(MessageError::Unknown)?;
                standing.may(Permission::Pin, *at)?;
                Ok(if state.pinned { vec![MessageEvent::Unpinned { by: standing.account }] } else { vec![] })
            }
        }
    }

    fn evolve(state: &mut MessageState, event: &MessageEvent) {
        match event {
            MessageEvent::Posted { text, .. } => {
                state.posted = Some(event.clone());
                state.text = text.clone();
            }
            MessageEvent::Edited { text } => {
                state.text = text.clone();
                state.edited = true;
            }
            MessageEvent::Redacted { by, reason } => {
                state.redacted = Some(Redaction { by: *by, reason: reason.clone() });
                state.text = Personal::Erased;
                state.reactions.clear();
                state.pinned = false;
            }
            MessageEvent::ReactionAdded { account, emoji } => {
                match state.reactions.iter_mut().find(|(held, _)| held == emoji) {
                    Some((_, by)) => {
                        by.insert(*account);
                    }
                    None => state.reactions.push((emoji.clone(), BTreeSet::from([*account]))),
                }
            }
            MessageEvent::ReactionRemoved { account, emoji } => {
                for (_, by) in state.reactions.iter_mut().filter(|(held, _)| held == emoji) {
                    by.remove(account);
                }
                state.reactions.retain(|(_, by)| !by.is_empty());
            }
            MessageEvent::Pinned { .. } => state.pinned = true,
            MessageEvent::Unpinned { .. } => state.pinned = false,
        }
    }
}

fn said(state: &MessageState, post: &Post) -> Result<Vec<MessageEvent>, MessageError> {
    post.standing.may(Permission::Chat, post.at)?;
    let author = post.standing.account;
    let (reply_to, reply_author) = match post.reply_to {
        None => (None, None),
        Some(ReplyTo { author: None, .. }) => return Err(MessageError::NothingToAnswer),
        Some(ReplyTo { message, author }) => (Some(message), author),
    };
    let posted = MessageEvent::Posted {
        channel: post.channel,
        author,
        text: Personal::new(author, checked_text(&post.text)?),
        video: post.video,
        playback_us: post.playback,
        reply_to,
        reply_author,
        mentions: checked_mentions(&post.mentions)?,
    };
    match &state.posted {
        None => on_pace(post.pace).map(|()| vec![posted]),
        Some(held) if *held == posted => Ok(vec![]),
        Some(_) => Err(MessageError::Exists),
    }
}

fn edited(
    state: &MessageState,
    standing: &Standing,
    text: &str,
    pace: Pace,
    at: Timestamp,
) -> Result<Vec<MessageEvent>, MessageError> {
    let (_, author) = state.origin().ok_or(MessageError::Unknown)?;
    standing.may(Permission::Chat, at)?;
    if author != standing.account {
        return Err(MessageError::NotYours);
    }
    if state.redacted.is_some() {
        return Err(MessageError::Redacted);
    }
    let text = Personal::new(author, checked_text(text)?);
    if state.text == text {
        return Ok(vec![]);
    }
    on_pace(pace).map(|()| vec![MessageEvent::Edited { text }])
}

fn redacted(
    state: &MessageState,
    standing: &Standing,
    author_standing: &MemberState,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<Vec<MessageEvent>, MessageError> {
    let (_, author) = state.origin().ok_or(MessageError::Unknown)?;
    if author == standing.account {
        standing.is_in()?;
    } else {
        standing.may(Permission::Redact, at)?;
        standing.may_on(Permission::Redact, author_standing, at).map_err(|_| MessageError::AboveYou)?;
    }
    let reason = checked_reason(author, reason)?;
    if state.redacted.is_some() {
        return Ok(vec![]);
    }
    Ok(vec![MessageEvent::Redacted { by: standing.account, reason }])
}

fn reacted(
    state: &MessageState,
    standing: &Standing,
    emoji: &str,
    on: bool,
    pace: Pace,
    at: Timestamp,
) -> Result<Vec<MessageEvent>, MessageError> {
    state.origin().ok_or(MessageError::Unknown)?;
    standing.may(Permission::React, at)?;
    if state.redacted.is_some() {
        return Err(MessageError::Redacted);
    }
    if !is_emoji(emoji) {
        return Err(MessageError::Emoji);
    }
    let (account, emoji) = (standing.account, emoji.to_owned());
    if state.has_reacted(account, &emoji) == on {
        return Ok(vec![]);
    }
    let new = state.reactions.iter().all(|(held, _)| *held != emoji);
    if on && new && state.reactions.len() >= EMOJI_MAX {
        return Err(MessageError::TooManyEmoji);
    }
    on_pace(pace)?;
    Ok(vec![if on {
        MessageEvent::ReactionAdded { account, emoji }
    } else {
        MessageEvent::ReactionRemoved { account, emoji }
    }])
}

fn on_pace(pace: Pace) -> Result<(), MessageError> {
    match pace {
        Pace::Free => Ok(()),
        Pace::SlowMode { retry_after_ms } => Err(MessageError::SlowMode { retry_after_ms }),
        Pace::TooFast { retry_after_ms } => Err(MessageError::TooFast { retry_after_ms }),
    }
}

fn checked_text(text: &str) -> Result<String, MessageError> {
    let text = text.trim();
    if text.contains('\0') {
        return Err(MessageError::Nul);
    }
    if text.is_empty() || text.chars().count() > TEXT_CHARS_MAX {
        return Err(MessageError::Length);
    }
    Ok(text.to_owned())
}

/// Each once, in the order they were named.
fn checked_mentions(mentions: &[(AccountId, bool)]) -> Result<Vec<AccountId>, MessageError> {
    let mut named = BTreeMap::new();
    for (place, (account, is_in)) in mentions.iter().enumerate() {
        if !is_in {
            return Err(MessageError::Mentions);
        }
        named.entry(*account).or_insert(place);
    }
    if named.len() > MENTIONS_MAX {
        return Err(MessageError::Mentions);
    }
    let mut named: Vec<(usize, AccountId)> = named.into_iter().map(|(account, place)| (place, account)).collect();
    named.sort_unstable();
    Ok(named.into_iter().map(|(_, account)| account).collect())
}

/// A reason is about the person it concerns: it is theirs to have erased.
fn checked_reason(subject: AccountId, reason: Option<&str>) -> Result<Option<Personal<String>>, MessageError> {
    let Some(reason) = reason.map(str::trim).filter(|reason| !reason.is_empty()) else { return Ok(None) };
    let fits = reason.chars().count() <= REASON_CHARS_MAX && !reason.chars().any(|c| c.is_control() && c != '\n');
    if fits { Ok(Some(Personal::new(subject, reason.to_owned()))) } else { Err(MessageError::Reason) }
}
