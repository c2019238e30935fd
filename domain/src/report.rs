//! A report of one message to its channel's moderators, with what was said as evidence: it stays though the message
//! is edited or taken back later.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, Personal, event_names,
    ids::{AccountId, ChannelId, MessageId},
    member::REASON_CHARS_MAX,
    permission::Permission,
    standing::{Denied, Standing},
    time::{MediaTime, Timestamp},
};

/// What came of a report. The words are stored for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportAction {
    /// The message was taken back.
    Redacted,
    /// Its author was muted.
    Muted,
    /// Its author was banned.
    Banned,
    /// Nothing was wrong with it.
    Dismissed,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ReportEvent {
    Filed {
        channel: ChannelId,
        message: MessageId,
        reporter: AccountId,
        /// The reporter's words.
        reason: Personal<String>,
        /// The evidence: who said what, when, and where in the film.
        author: AccountId,
        text: Personal<String>,
        said_at_us: Timestamp,
        playback_us: Option<MediaTime>,
    },
    Resolved {
        by: AccountId,
        action: ReportAction,
        note: Option<Personal<String>>,
    },
}
event_names!(ReportEvent { Filed, Resolved });

/// What a message said when it was reported, as looked up.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub author: AccountId,
    pub text: Personal<String>,
    pub said_at: Timestamp,
    pub playback: Option<MediaTime>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ReportCommand {
    /// `standing` is the reporter's. `evidence`: `None` when nobody can read such a message there.
    File { channel: ChannelId, message: MessageId, standing: Standing, reason: String, evidence: Option<Evidence> },
    /// `standing` is the moderator's in the report's channel.
    Resolve { standing: Standing, action: ReportAction, note: Option<String>, at: Timestamp },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    #[error("there is no such message to report")]
    NothingToReport,
    #[error("you cannot report what you said yourself: take it back instead")]
    Yourself,
    #[error("say why, in 1 to {REASON_CHARS_MAX} characters")]
    Reason,
    #[error("there is no such report")]
    Unknown,
    #[error("somebody has already dealt with this report")]
    AlreadyResolved,
    #[error(transparent)]
    Denied(#[from] Denied),
}

/// The folded report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReportState {
    /// The channel, the message and its author.
    pub about: Option<(ChannelId, MessageId, AccountId)>,
    pub resolved: Option<ReportAction>,
}

pub struct Report;

impl Aggregate for Report {
    const KIND: &'static str = "report";
    type State = ReportState;
    type Command = ReportCommand;
    type Event = ReportEvent;
    type Error = ReportError;

    fn decide(state: &ReportState, command: &ReportCommand) -> Result<Vec<ReportEvent>, ReportError> {
        match command {
            ReportCommand::File { channel, message, standing, reason, evidence } => {
                standing.is_in()?;
                // One report per person and message: whoever presses again has reported it.
                if state.about.is_some() {
                    return Ok(vec![]);
                }
                let evidence = evidence.as_ref().ok_or(ReportError::NothingToReport)?;
                if evidence.author == standing.account {
                    return Err(ReportError::Yourself);
                }
                let reason = checked(reason)?.ok_or(ReportError::Reason)?;
                Ok(vec![ReportEvent::Filed {
                    channel: *channel,
                    message: *message,
                    reporter: standing.account,
                    reason: Personal::new(standing.account, reason),
                    author: evidence.author,
                    text: evidence.text.clone(),
                    said_at_us: evidence.said_at,
                    playback_us: evidence.playback,
                }])
            }
            ReportCommand::Resolve { standing, action, note, at } => {
                let (_, _, author) = state.about.ok_or(ReportError::Unknown)?;
                standing.may(Permission::Redact, *at)?;
                let note = checked(note.as_deref().unwrap_or_default())?;
                match state.resolved {
                    Some(done) if done == *action => Ok(vec![]),
                    Some(_) => Err(ReportError::AlreadyResolved),
                    None => Ok(vec![ReportEvent::Resolved {
                        by: standing.account,
                        action: *action,
                        note: note.map(|note| Personal::new(author, note)),
                    }]),
                }
            }
        }
    }

    fn evolve(state: &mut ReportState, event: &ReportEvent) {
        match event {
            ReportEvent::Filed { channel, message, author, .. } => state.about = Some((*channel, *message, *author)),
            ReportEvent::Resolved { action, .. } => state.resolved = Some(*action),
        }
    }
}

/// `None` for nothing but blanks.
fn checked(words: &str) -> Result<Option<String>, ReportError> {
    let words = words.trim();
    let fits = words.chars().count() <= REASON_CHARS_MAX && !words.chars().any(|c| c.is_control() && c != '\n');
    if fits { Ok((!words.is_empty()).then(|| words.to_owned())) } else { Err(ReportError::Reason) }
}
