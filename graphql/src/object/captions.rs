//! Captions of a film, and what came of a file of them.

use async_graphql::{Enum, SimpleObject, Union};
use lockstep_commands::{CommandError, Outcome, captions::CaptionRefusal, refusal::Coded};

use crate::{
    answer::{Changed, Refused, changed, payload},
    problem::Problem,
};

/// Where captions come from.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
pub(crate) enum CaptionOrigin {
    /// They were in the film's file.
    Source,
    /// From a file that somebody added.
    Upload,
}

/// One caption track; each viewer chooses for himself.
#[derive(SimpleObject)]
pub(crate) struct Captions {
    /// Unique in its film.
    pub id: String,
    /// RFC 5646.
    pub language: Option<String>,
    /// As its file or its uploader names it; may be empty.
    pub label: String,
    /// Where they come from.
    pub origin: CaptionOrigin,
    /// WebVTT, for those who may watch.
    pub url: Option<String>,
}

/// The file is no caption track.
#[derive(SimpleObject)]
pub(crate) struct CaptionsUnreadable {
    /// A stable word to branch on.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
    /// The line that is wrong, from 1.
    pub line: i32,
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum CaptionsPayload {
    Changed(Changed),
    CaptionsUnreadable(CaptionsUnreadable),
    Refused(Refused),
}

/// The payload of an upload of captions.
pub(crate) fn uploaded(
    answer: Result<Outcome, CommandError<CaptionRefusal>>,
) -> Result<Option<CaptionsPayload>, Problem> {
    if let Err(CommandError::Refused(CaptionRefusal::Unreadable(found))) = &answer {
        let (code, message) = (found.wrong.code().to_owned(), found.wrong.to_string());
        let line = i32::try_from(found.line).unwrap_or(i32::MAX);
        return Ok(Some(CaptionsUnreadable { code, message, line }.into()));
    }
    payload(answer, |outcome| changed(&outcome).into())
}
