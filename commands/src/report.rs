//! Reports to a channel's moderators: filed with what the message said then, and resolved together with what is done
//! about it.

use lockstep_domain::{
    ids::{AccountId, ChannelId, MessageId, ReportId, StreamId},
    message::{Message, MessageEvent},
    report::{Evidence, Report, ReportAction, ReportCommand, ReportError},
    standing::{Denied, Standing},
    time::Timestamp,
};
use sha2::{Digest, Sha256};

use crate::{
    CommandError, Context, Outcome, Services,
    member::{self, MemberRefusal},
    message::{self, MessageRefusal},
};

/// A report was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error(transparent)]
    Rule(#[from] ReportError),
    #[error(transparent)]
    Message(#[from] MessageRefusal),
    #[error(transparent)]
    Member(#[from] MemberRefusal),
}

type Answer = Result<Outcome, CommandError<ReportRefusal>>;

/// What a moderator does about a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    Redact,
    /// `until`: when the mute ends by itself; `None`: not.
    Mute {
        until: Option<Timestamp>,
    },
    Ban,
    Dismiss,
}

impl Resolution {
    const fn action(self) -> ReportAction {
        match self {
            Self::Redact => ReportAction::Redacted,
            Self::Mute { .. } => ReportAction::Muted,
            Self::Ban => ReportAction::Banned,
            Self::Dismiss => ReportAction::Dismissed,
        }
    }
}

/// Reports a message. One report per person and message: its id follows from both.
pub async fn file(
    services: &Services,
    context: &Context,
    message: MessageId,
    reason: String,
) -> Result<(ReportId, Outcome), CommandError<ReportRefusal>> {
    let reporter = context.account().ok_or(CommandError::Refused(ReportRefusal::SignedOut))?;
    let found = message::origin(services, message).await?;
    let (channel, _) = found.ok_or(CommandError::Refused(ReportError::NothingToReport.into()))?;
    let report = report_id(message, reporter);
    let reason = &reason;
    let outcome = services
        .dispatcher
        .execute_with::<Report, _, _>(StreamId::report(report), Some(channel), context, |facts| async move {
            let found = member::standing(&facts, channel, reporter).await?;
            let evidence = evidence(services, message).await?;
            let reason = reason.clone();
            Ok((ReportCommand::File { channel, message, standing: found.standing, reason, evidence }, found.guards))
        })
        .await
        .map_err(|error| error.map(|refused| outside(refused, ReportError::NothingToReport).into()))?;
    Ok((report, outcome))
}

/// Does what is to be done about a report, then says so in it. Nothing is said when that was refused.
pub async fn resolve(
    services: &Services,
    context: &Context,
    report: ReportId,
    resolution: Resolution,
    note: Option<String>,
) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(ReportRefusal::SignedOut))?;
    let held = services.dispatcher.load::<Report>(&StreamId::report(report)).await?.state;
    let (channel, message, author) = held.about.ok_or(CommandError::Refused(ReportError::Unknown.into()))?;
    let command = |standing: Standing| ReportCommand::Resolve {
        standing,
        action: resolution.action(),
        note: note.clone(),
        at: context.now,
    };
    // Who may not resolve it, or comes too late, does nothing to anybody.
    let (standing, _) = member::standing_of(services, channel, account).await?;
    <Report as lockstep_domain::Aggregate>::decide(&held, &command(standing))
        .map_err(|refused| CommandError::Refused(outside(refused, ReportError::Unknown).into()))?;
    carry_out(services, context, channel, (message, author), resolution).await?;
    let command = &command;
    services
        .dispatcher
        .execute_with::<Report, _, _>(StreamId::report(report), Some(channel), context, |facts| async move {
            let found = member::standing(&facts, channel, account).await?;
            Ok((command(found.standing), found.guards))
        })
        .await
        .map_err(|error| error.map(ReportRefusal::Rule))
}

/// Who may not know of the channel learns of nothing in it: it is refused as for what is not there.
fn outside(refused: ReportError, unknown: ReportError) -> ReportError {
    if refused == ReportError::Denied(Denied::NoChannel) { unknown } else { refused }
}

async fn carry_out(
    services: &Services,
    context: &Context,
    channel: ChannelId,
    (message, author): (MessageId, AccountId),
    resolution: Resolution,
) -> Result<(), CommandError<ReportRefusal>> {
    match resolution {
        Resolution::Redact => {
            message::redact(services, context, message, None).await.map_err(|error| error.map(Into::into))?;
        }
        Resolution::Mute { until } => {
            let muted = member::mute(services, context, channel, author, until, None).await;
            muted.map_err(|error| error.map(Into::into))?;
        }
        Resolution::Ban => {
            let banned = member::ban(services, context, channel, author, None).await;
            banned.map_err(|error| error.map(Into::into))?;
        }
        Resolution::Dismiss => {}
    }
    Ok(())
}

/// What the message says now; `None` once it was taken back.
async fn evidence(services: &Services, message: MessageId) -> Result<Option<Evidence>, CommandError<ReportError>> {
    let stream = StreamId::message(message);
    let held = services.dispatcher.load::<Message>(&stream).await?.state;
    let first = services.store.read_stream(&stream, 0, 1).await?;
    let (Some(MessageEvent::Posted { author, playback_us, .. }), Some(first), None) =
        (held.posted, first.first(), held.redacted)
    else {
        return Ok(None);
    };
    Ok(Some(Evidence { author, text: held.text, said_at: first.recorded_at, playback: playback_us }))
}

fn report_id(message: MessageId, reporter: AccountId) -> ReportId {
    let mut hash = Sha256::new();
    for part in [b"report".as_slice(), message.0.as_bytes(), reporter.0.as_bytes()] {
        hash.update(part);
    }
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    ReportId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
