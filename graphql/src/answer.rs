//! The payloads of mutations, and how a command's answer becomes one.

use async_graphql::{SimpleObject, Union};
use lockstep_commands::{
    CommandError, Outcome, account::SignedIn as Started, channel::Created, refusal::Coded, video::UploadTicket,
};
use lockstep_domain::ids::MessageId;
use uuid::Uuid;

use crate::{
    object::{
        account::Account,
        upload::{AlreadyUploaded, QuotaExceeded, UploadPlan},
    },
    problem::Problem,
    scalar::{DateTime, Position},
};

/// The rules say no; nothing was changed.
#[derive(SimpleObject)]
pub(crate) struct Refused {
    /// A stable word to branch on.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
    /// When to ask again, where waiting helps: slow mode, too much at once.
    pub retry_after_ms: Option<i32>,
}

/// A session began; the cookie is in the response's header.
#[derive(SimpleObject)]
pub(crate) struct SignedIn {
    /// The account it is about.
    pub account: Account,
    /// Where the account was made, if this call made it.
    pub position: Option<Position>,
}

/// What comes of setting up, registering and signing in.
#[derive(Union)]
pub(crate) enum SetUpPayload {
    SignedIn(SignedIn),
    Refused(Refused),
}

/// A header to send with the upload, exactly.
#[derive(SimpleObject)]
pub(crate) struct Header {
    /// The header's name.
    pub name: String,
    /// What it says.
    pub value: String,
}

/// Where to PUT the file.
#[derive(SimpleObject)]
pub(crate) struct UploadRequested {
    /// The film it is about.
    pub video: Uuid,
    /// Empty for a file in parts.
    pub url: String,
    /// Headers to send with it, as they are.
    pub headers: Vec<Header>,
    /// How a large file is divided: ask `signUploadParts` for the addresses. Null for a file that is sent whole.
    pub plan: Option<UploadPlan>,
    /// When it ends.
    pub expires_at: DateTime,
    /// Where the change is in the log: give it as `minPosition` to read what was written.
    pub position: Position,
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum UploadPayload {
    UploadRequested(UploadRequested),
    AlreadyUploaded(AlreadyUploaded),
    QuotaExceeded(QuotaExceeded),
    Refused(Refused),
}

/// What a command did. Queries with this as `minPosition` show it.
#[derive(SimpleObject)]
pub(crate) struct Changed {
    /// Where the change is in the log: give it as `minPosition` to read what was written.
    pub position: Position,
    /// The version of what was changed.
    pub version: i32,
    /// Whether this operation changed anything, now or when it was first sent.
    pub changed: bool,
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum ChangePayload {
    Changed(Changed),
    Refused(Refused),
}

/// A link with a secret in it. It is answered once: the server keeps only its hash.
#[derive(SimpleObject)]
pub(crate) struct LinkIssued {
    /// For the address the link leads to, as `token`.
    pub token: String,
    /// When it ends.
    pub expires_at: DateTime,
    /// Of the end of the log; or of the event, where the link is in the log.
    pub position: Position,
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum LinkPayload {
    LinkIssued(LinkIssued),
    Refused(Refused),
}

/// A channel was made; its owner is in it.
#[derive(SimpleObject)]
pub(crate) struct ChannelCreated {
    /// Its id.
    pub id: Uuid,
    /// Its name in addresses.
    pub slug: String,
    /// Where the change is in the log: give it as `minPosition` to read what was written.
    pub position: Position,
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum ChannelPayload {
    ChannelCreated(ChannelCreated),
    Refused(Refused),
}

/// A message is in the log.
#[derive(SimpleObject)]
pub(crate) struct MessagePosted {
    /// Its id.
    pub id: Uuid,
    /// Where the change is in the log: give it as `minPosition` to read what was written.
    pub position: Position,
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum MessagePayload {
    MessagePosted(MessagePosted),
    Refused(Refused),
}

/// A report is with the channel's moderators.
#[derive(SimpleObject)]
pub(crate) struct ReportFiled {
    /// Its id.
    pub id: Uuid,
    /// Where the change is in the log: give it as `minPosition` to read what was written.
    pub position: Position,
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum ReportPayload {
    ReportFiled(ReportFiled),
    Refused(Refused),
}

impl Refused {
    /// The payload of this refusal.
    pub(crate) fn of<P: From<Self>>(refusal: &impl Coded) -> P {
        let retry_after_ms = refusal.retry_after_ms().map(|ms| i32::try_from(ms).unwrap_or(i32::MAX));
        Self { code: refusal.code().to_owned(), message: refusal.to_string(), retry_after_ms }.into()
    }

    pub(crate) fn plain(code: &str, message: String) -> Self {
        Self { code: code.to_owned(), message, retry_after_ms: None }
    }

    /// The payload for those who are not signed in.
    pub(crate) fn signed_out<P: From<Self>>() -> P {
        Self::plain("signed_out", "sign in first".to_owned()).into()
    }
}

/// Success through `map`, a refusal as its variant, anything else as a masked problem.
pub(crate) fn payload<T, E: Coded, P: From<Refused>>(
    answer: Result<T, CommandError<E>>,
    map: impl FnOnce(T) -> P,
) -> Result<Option<P>, Problem> {
    match answer {
        Ok(value) => Ok(Some(map(value))),
        Err(CommandError::Refused(refusal)) => Ok(Some(Refused::of(&refusal))),
        Err(error @ CommandError::Contended) => Ok(Some(Refused::plain("contended", error.to_string()).into())),
        Err(CommandError::Invalid(message)) => Ok(Some(Refused::plain("invalid", message).into())),
        Err(CommandError::Unavailable(text)) => Err(Problem::Unavailable(text)),
    }
}

/// The payload of a command that only says whether it changed something.
pub(crate) fn change<E: Coded>(answer: Result<Outcome, CommandError<E>>) -> Result<Option<ChangePayload>, Problem> {
    payload(answer, |outcome| changed(&outcome).into())
}

pub(crate) fn changed(outcome: &Outcome) -> Changed {
    Changed {
        position: Position(outcome.position),
        version: i32::try_from(outcome.version).unwrap_or(i32::MAX),
        changed: outcome.changed,
    }
}

impl From<&Started> for SignedIn {
    fn from(started: &Started) -> Self {
        Self {
            account: Account::from(&started.principal),
            position: started.outcome.map(|outcome| Position(outcome.position)),
        }
    }
}

impl From<UploadTicket> for UploadRequested {
    fn from(ticket: UploadTicket) -> Self {
        Self {
            video: ticket.video.0,
            url: ticket.url,
            headers: ticket.headers.into_iter().map(|(name, value)| Header { name, value }).collect(),
            plan: ticket.parts.map(UploadPlan::from),
            expires_at: DateTime(ticket.expires_at),
            position: Position(ticket.outcome.position),
        }
    }
}

impl From<Created> for ChannelCreated {
    fn from(created: Created) -> Self {
        Self { id: created.channel.0, slug: created.slug, position: Position(created.outcome.position) }
    }
}

pub(crate) fn posted(message: MessageId, outcome: &Outcome) -> MessagePosted {
    MessagePosted { id: message.0, position: Position(outcome.position) }
}
