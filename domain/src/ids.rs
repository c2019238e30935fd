//! Identifiers, stream names and positions. Serialised names are stored for ever.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An identifier could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("not a valid {0} id")]
    NotAnId(&'static str),
    #[error("not a valid stream name: {0}")]
    NotAStream(String),
    #[error("not a valid position")]
    NotAPosition,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| IdError::NotAnId($what))
            }
        }
        impl From<Uuid> for $name { fn from(id: Uuid) -> Self { Self(id) } }
    };
}

id!(/// One person's account, guest or registered.
    AccountId, "account");
id!(/// One uploaded film.
    VideoId, "video");
id!(/// One channel: the place people watch together.
    ChannelId, "channel");
id!(/// One invitation into a channel; random, because whoever has it is invited.
    InviteId, "invite");
id!(/// One link that lets people register; names the link without being it.
    RegistrationLinkId, "registration link");
id!(/// One item of a channel's queue.
    QueueItemId, "queue item");
id!(/// One report to a channel's moderators.
    ReportId, "report");
id!(/// One API token; names the token without being it.
    TokenId, "token");
id!(/// One try at a password.
    SignInId, "try to sign in");
id!(/// One identity at a provider of sign-ins, linked to one account.
    IdentityId, "identity");
id!(/// One webhook: where somebody wants to be told what happens.
    WebhookId, "webhook");
id!(/// One chat message.
    MessageId, "message");
id!(/// One viewer's stay in one channel.
    VisitId, "visit");
id!(/// One notification of one person; follows from the event and the person.
    NotificationId, "notification");
id!(/// A client's operation id: the same id twice has one effect.
    CommandId, "command");

/// The name of one stream: a type without `-`, and an id. Shown as `type-id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    kind: String,
    id: String,
}

impl StreamId {
    /// `kind` is a stream type (no `-`, not empty), `id` anything not empty.
    ///
    /// # Panics
    /// When `kind` breaks that rule: kinds are constants of the program.
    pub fn new(kind: &str, id: impl fmt::Display) -> Self {
        assert!(!kind.is_empty() && !kind.contains('-'), "a stream type has no '-': {kind}");
        Self { kind: kind.to_owned(), id: id.to_string() }
    }
    pub fn kind(&self) -> &str {
        &self.kind
    }
    pub fn id(&self) -> &str {
        &self.id
    }
    pub fn account(id: AccountId) -> Self {
        Self::new("account", id)
    }
    /// What holds for the whole installation: one stream.
    pub fn installation() -> Self {
        Self::new("installation", "settings")
    }
    pub fn video(id: VideoId) -> Self {
        Self::new("video", id)
    }
    pub fn channel(id: ChannelId) -> Self {
        Self::new("channel", id)
    }
    /// One person's standing in one channel: `member-<channel>.<account>`.
    pub fn member(channel: ChannelId, account: AccountId) -> Self {
        Self::new("member", format!("{channel}.{account}"))
    }
    pub fn invite(id: InviteId) -> Self {
        Self::new("invite", id)
    }
    pub fn queue(channel: ChannelId) -> Self {
        Self::new("queue", channel)
    }
    pub fn report(id: ReportId) -> Self {
        Self::new("report", id)
    }
    pub fn playback(channel: ChannelId) -> Self {
        Self::new("playback", channel)
    }
    pub fn message(id: MessageId) -> Self {
        Self::new("message", id)
    }
    /// What one person has read of their notifications.
    pub fn inbox(account: AccountId) -> Self {
        Self::new("inbox", account)
    }
    pub fn visit(id: VisitId) -> Self {
        Self::new("visit", id)
    }
    pub fn sign_in(id: SignInId) -> Self {
        Self::new("signin", id)
    }
    pub fn token(id: TokenId) -> Self {
        Self::new("token", id)
    }
    pub fn webhook(id: WebhookId) -> Self {
        Self::new("webhook", id)
    }
    /// The n-th work item of a video's transcode: `work-<video>.<n>`.
    pub fn work(video: VideoId, item: u32) -> Self {
        Self::new("work", format!("{video}.{item}"))
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.kind, self.id)
    }
}

impl FromStr for StreamId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.split_once('-') {
            Some((kind, id)) if !kind.is_empty() && !id.is_empty() => {
                Ok(Self { kind: kind.to_owned(), id: id.to_owned() })
            }
            _ => Err(IdError::NotAStream(text.to_owned())),
        }
    }
}

/// The two halves of a `member-<channel>.<account>` stream's id.
pub fn member_parts(id: &str) -> Option<(ChannelId, AccountId)> {
    let (channel, account) = id.split_once('.')?;
    Some((channel.parse().ok()?, account.parse().ok()?))
}

/// The two halves of a `work-<video>.<n>` stream's id.
pub fn work_parts(id: &str) -> Option<(VideoId, u32)> {
    let (video, item) = id.split_once('.')?;
    Some((video.parse().ok()?, item.parse().ok()?))
}

/// A place in the whole log. Opaque outside: compare, store, hand back; never compute with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(i64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);
    /// From the store's own number. Only stores and checkpoints call this.
    pub const fn from_i64(value: i64) -> Self {
        Self(value)
    }
    /// The store's own number. Only stores and checkpoints call this.
    pub const fn as_i64(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Position {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.parse::<i64>() {
            Ok(value) if value >= 0 => Ok(Self(value)),
            _ => Err(IdError::NotAPosition),
        }
    }
}

/// Stored as text, as it is everywhere outside.
impl Serialize for Position {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
