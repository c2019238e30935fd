//! One chat message: a stream of its own, so that a busy chat contends on nothing.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, Personal, event_names,
    ids::{AccountId, ChannelId, VideoId},
    permission::Permission,
    standing::{Denied, Standing},
    time::{MediaTime, Timestamp},
};

/// A message has 1 to this many characters after trimming.
pub const TEXT_CHARS_MAX: usize = 2_000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MessageEvent {
    Posted {
        channel: ChannelId,
        author: AccountId,
        text: Personal<String>,
        /// What was playing, and where, when it was said.
        video: Option<VideoId>,
        playback_us: Option<MediaTime>,
    },
}
event_names!(MessageEvent { Posted });

#[derive(Debug, Clone, PartialEq)]
pub enum MessageCommand {
    Post {
        channel: ChannelId,
        /// The author's.
        standing: Standing,
        text: String,
        video: Option<VideoId>,
        playback: Option<MediaTime>,
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
    #[error(transparent)]
    Denied(#[from] Denied),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct MessageState {
    pub posted: Option<MessageEvent>,
}

pub struct Message;

impl Aggregate for Message {
    const KIND: &'static str = "message";
    type State = MessageState;
    type Command = MessageCommand;
    type Event = MessageEvent;
    type Error = MessageError;

    fn decide(state: &MessageState, command: &MessageCommand) -> Result<Vec<MessageEvent>, MessageError> {
        let MessageCommand::Post { channel, standing, text, video, playback, at } = command;
        standing.may(Permission::Chat, *at)?;
        let author = standing.account;
        let text = text.trim();
        if text.contains('\0') {
            return Err(MessageError::Nul);
        }
        if text.is_empty() || text.chars().count() > TEXT_CHARS_MAX {
            return Err(MessageError::Length);
        }
        let posted = MessageEvent::Posted {
            channel: *channel,
            author,
            text: Personal::new(author, text.to_owned()),
            video: *video,
            playback_us: *playback,
        };
        match &state.posted {
            None => Ok(vec![posted]),
            Some(held) if *held == posted => Ok(vec![]),
            Some(_) => Err(MessageError::Exists),
        }
    }

    fn evolve(state: &mut MessageState, event: &MessageEvent) {
        match event {
            MessageEvent::Posted { .. } => state.posted = Some(event.clone()),
        }
    }
}
