//! What goes into the hub and what comes out of it.

use bytes::Bytes;
use lockstep_domain::{
    account::PlatformRole,
    ids::{AccountId, ChannelId, CommandId, MessageId, Position, VideoId, VisitId},
    permission::ChannelRole,
    playback::ReleaseCause,
    time::MediaTime,
};

use crate::{
    bus::BusFrame,
    feed::FeedEvent,
    protocol::{ClientFrame, FrameError, Person},
    session::SessionId,
    timeline::Snapshot,
};

/// Something that happened outside.
#[derive(Debug, Clone)]
pub enum Input {
    /// A socket of a signed-in account is open.
    Connected { session: SessionId, account: Person, role: PlatformRole },
    /// A frame came, already parsed.
    Frame { session: SessionId, frame: Result<ClientFrame, FrameError> },
    /// The socket wrote this many more bytes of what it was sent.
    Written { session: SessionId, bytes: usize },
    /// The socket is gone.
    Disconnected { session: SessionId },
    /// The answer to [`Output::CheckMember`].
    Membership { session: SessionId, result: Result<Standing, Refusal> },
    /// The answer to [`Output::LoadChannel`].
    ChannelLoaded { channel: ChannelId, result: Result<Snapshot, Refusal> },
    /// The answer to [`Output::Run`].
    CommandDone { ticket: u64, result: Result<Done, Refusal> },
    /// Durable events in log order; `through` is how far the log was read.
    Feed { events: Vec<FeedEvent>, through: Position },
    /// Nothing but time: send it when [`super::Hub::poll_timeout`] is due.
    Tick,
    /// The process ends: everybody is sent away.
    Drain,
    /// Another hub said this.
    Bus { frame: BusFrame },
    /// Other hubs can be heard; before the first of these the hub is alone and says nothing.
    BusUp,
    /// Other hubs cannot be heard.
    BusDown,
}

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Write this text frame, then report [`Input::Written`] with its length.
    Send { session: SessionId, bytes: Bytes },
    /// Close after what was sent before; the hub has forgotten the session.
    Close { session: SessionId, code: u16, reason: String },
    /// Run a command, answer with [`Input::CommandDone`] in any case.
    Run(RunCommand),
    /// Read the channel's playback, answer with [`Input::ChannelLoaded`] in any case.
    LoadChannel { channel: ChannelId },
    /// Read the standing, answer with [`Input::Membership`] in any case.
    CheckMember { session: SessionId, channel: ChannelId, account: AccountId },
    /// Hand this to all other hubs. It may get lost, and nothing waits for it.
    Publish { frame: Bytes },
}

/// A command for the command layer, which decides whether it is permitted.
#[derive(Debug, Clone, PartialEq)]
pub struct RunCommand {
    pub ticket: u64,
    pub channel: ChannelId,
    /// Who asks; `None` is the hub itself.
    pub account: Option<AccountId>,
    /// The client's operation id; `None` when the hub asks.
    pub op: Option<CommandId>,
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// `hold`: others are here, so a film that was only just loaded waits for them.
    Play {
        position: Option<MediaTime>,
        hold: bool,
    },
    Pause {
        position: Option<MediaTime>,
    },
    Seek {
        position: MediaTime,
    },
    Load {
        video: VideoId,
    },
    ChangeRate {
        rate_ppm: i64,
        position: Option<MediaTime>,
    },
    Release {
        cause: ReleaseCause,
    },
    End {
        video: VideoId,
    },
    /// Count the votes to skip among these, who are here.
    CountVotes {
        present: Vec<AccountId>,
    },
    Chat {
        id: MessageId,
        text: String,
        playback: Option<MediaTime>,
        reply_to: Option<MessageId>,
        mentions: Vec<AccountId>,
    },
    /// Only asks whether this account may react now; changes nothing.
    MayReact,
    Arrive {
        visit: VisitId,
    },
    Depart {
        visit: VisitId,
    },
    /// The one remote's holder was away too long.
    InheritRemote {
        from: AccountId,
        to: AccountId,
    },
}

/// Why somebody is admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub role: ChannelRole,
    /// The member stream's version it was read at.
    pub version: u64,
}

/// A command's receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    pub position: Position,
    pub changed: bool,
}

/// A command's or a look-up's refusal; `code` is for programs, `message` for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: String,
    pub message: String,
    /// True when nothing was decided: the same may be asked again later.
    pub retryable: bool,
    /// When to ask again, where waiting helps.
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// A final refusal.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), retryable: false, retry_after_ms: None }
    }
    /// A fault that may pass.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { code: "unavailable".to_owned(), message: message.into(), retryable: true, retry_after_ms: None }
    }
}
