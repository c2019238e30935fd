//! What the hub sends. Events are serialised once and shared; a batch is their bytes joined.

use bytes::{BufMut, Bytes, BytesMut};
use lockstep_domain::{
    account::PlatformRole,
    ids::{AccountId, ChannelId, CommandId, Position},
    permission::ChannelRole,
};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::{Burst, Device, Message, MessageView, PlayerState};
use crate::{
    clock::HubTime,
    feed::Noun,
    session::SessionId,
    timeline::{ChangeKind, Timeline},
};

/// An account as viewers see it; the name is empty when it was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: AccountId,
    pub name: String,
}

/// Who caused a change: an account id, or `system`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    pub id: String,
    pub name: String,
}

/// One viewer of a channel. `session` names the seat: the session that took it, also after the socket was another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    pub session: SessionId,
    pub account: Person,
    pub role: ChannelRole,
    pub device: Device,
    pub state: PlayerState,
    pub error_us: Option<i64>,
    /// When the seat was taken.
    pub since_us: HubTime,
}

/// What may change about a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Condition {
    pub session: SessionId,
    pub role: ChannelRole,
    pub state: PlayerState,
    pub error_us: Option<i64>,
}

impl Member {
    pub(crate) fn condition(&self) -> Condition {
        let Self { session, role, state, error_us, .. } = *self;
        Condition { session, role, state, error_us }
    }
    pub(crate) fn json_bytes(&self) -> usize {
        json(self).len()
    }
}

/// A frame from the hub other than a batch.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ServerFrame<'a> {
    Hello {
        epoch: Uuid,
        session: SessionId,
        now_us: HubTime,
        account: Me<'a>,
    },
    Joined {
        channel: ChannelId,
        #[serde(serialize_with = "opaque")]
        position: Position,
        timeline: Option<Timeline>,
        /// The seat of who joins.
        seat: SessionId,
        /// Whether everything after the position the viewer named follows this frame.
        resumed: bool,
        /// Some of those who are here; all, when they are few.
        members: Vec<&'a Member>,
        /// How many people are here.
        people: usize,
    },
    Ack {
        op: CommandId,
        #[serde(serialize_with = "opaque")]
        position: Position,
        changed: bool,
    },
    Refused {
        op: CommandId,
        code: &'a str,
        message: &'a str,
        /// When to ask again, where waiting helps.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    Error {
        code: &'a str,
        message: &'a str,
    },
}

/// The signed-in account in `hello`.
#[derive(Debug, Clone, Serialize)]
pub struct Me<'a> {
    pub id: AccountId,
    pub name: &'a str,
    pub role: PlatformRole,
}

/// The answer to a probe; `s1_us` right after the frame was read, `s2_us` just before it is written.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "t", rename = "probe")]
pub struct ProbeReply {
    pub n: u64,
    pub c0: i64,
    pub s1: HubTime,
    pub s2: HubTime,
}

impl ProbeReply {
    /// The frame's text.
    pub fn text(&self) -> String {
        format!(r#"{{"t":"probe","n":{},"c0":{},"s1":{},"s2":{}}}"#, self.n, self.c0, self.s1.0, self.s2.0)
    }
}

/// One event inside a batch.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "e", rename_all = "snake_case")]
pub enum Event<'a> {
    Timeline {
        #[serde(serialize_with = "opaque")]
        position: Position,
        timeline: Timeline,
        cause: Cause<'a>,
    },
    /// The last change takes effect at another moment than was told: the hubs of a channel have agreed on one.
    Retimed {
        timeline: Timeline,
    },
    Message {
        #[serde(serialize_with = "opaque")]
        position: Position,
        message: Message<'a>,
    },
    /// The whole new view of one message.
    MessageChanged {
        #[serde(serialize_with = "opaque")]
        position: Position,
        message: &'a MessageView,
    },
    /// Emoji thrown over the film; they never were in the log.
    Reactions {
        counts: Vec<Burst<'a>>,
    },
    Presence {
        joined: Vec<&'a Member>,
        left: Vec<SessionId>,
        changed: Vec<Condition>,
        people: usize,
    },
    /// Everybody who types: some by name, the rest as a number.
    Typing {
        accounts: Vec<&'a Person>,
        more: usize,
    },
    /// Whom a held film waits for; empty when it waits for nobody any more.
    Waiting {
        /// Of the held timeline.
        seq: u64,
        sessions: &'a [SessionId],
    },
    /// Something read elsewhere is not as it was: read it again, at or after this position.
    Changed {
        #[serde(serialize_with = "opaque")]
        position: Position,
        noun: Noun,
        account: Option<AccountId>,
    },
    Banned {
        #[serde(serialize_with = "opaque")]
        position: Position,
        account: AccountId,
    },
}

/// What moved the timeline.
#[derive(Debug, Clone, Serialize)]
pub struct Cause<'a> {
    pub verb: ChangeKind,
    pub actor: &'a Actor,
    pub op: Option<CommandId>,
}

impl ServerFrame<'_> {
    /// The frame's text.
    pub fn bytes(&self) -> Bytes {
        json(self)
    }
}

impl Event<'_> {
    /// Where it stands in the log; nothing when it is not durable.
    pub(crate) fn position(&self) -> Option<Position> {
        match self {
            Self::Timeline { position, .. }
            | Self::Message { position, .. }
            | Self::MessageChanged { position, .. }
            | Self::Changed { position, .. }
            | Self::Banned { position, .. } => Some(*position),
            Self::Retimed { .. }
            | Self::Presence { .. }
            | Self::Typing { .. }
            | Self::Waiting { .. }
            | Self::Reactions { .. } => None,
        }
    }
    /// The event's text, to be joined into batches.
    pub fn bytes(&self) -> Bytes {
        json(self)
    }
}

/// Joins serialised events into one `batch` frame.
pub fn batch<'a>(events: impl IntoIterator<Item = &'a Bytes> + Clone) -> Bytes {
    const HEAD: &[u8] = br#"{"t":"batch","events":["#;
    let length: usize = events.clone().into_iter().map(|event| event.len() + 1).sum();
    let mut frame = BytesMut::with_capacity(HEAD.len() + length + 2);
    frame.put_slice(HEAD);
    for (index, event) in events.into_iter().enumerate() {
        if index > 0 {
            frame.put_u8(b',');
        }
        frame.put_slice(event);
    }
    frame.put_slice(b"]}");
    frame.freeze()
}

fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("wire types have string keys and no failing serialisers").into()
}

/// Positions are opaque strings outside.
fn opaque<S: Serializer>(position: &Position, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(position)
}
