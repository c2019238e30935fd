//! Reports to a channel's moderators.

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use lockstep_domain::ids::AccountId;
use lockstep_projections::reports::ReportRow;
use uuid::Uuid;

use super::account::{self, Account};
use crate::{
    context::Shared,
    problem::Problem,
    scalar::{DateTime, Position, float},
};

/// What came of a report.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "lockstep_domain::report::ReportAction")]
pub(crate) enum ReportAction {
    /// The message was taken back.
    Redacted,
    /// Its author was muted.
    Muted,
    /// Its author was banned.
    Banned,
    /// Nothing was done.
    Dismissed,
}

/// A message that somebody reported, with what it said then.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Report {
    /// Its id.
    pub id: Uuid,
    /// The message that was reported.
    pub message: Uuid,
    /// The reporter's words; empty once that person was erased.
    pub reason: String,
    /// What the message said when it was reported; empty once its author was erased.
    pub text: String,
    /// When the message was sent.
    pub said_at: DateTime,
    /// Where in the film it was said, microseconds.
    pub playback_us: Option<f64>,
    /// When it was reported.
    pub filed_at: DateTime,
    /// Where it is in the log.
    pub position: Position,
    /// `null` while nobody has dealt with it.
    pub action: Option<ReportAction>,
    /// What the moderator wrote.
    pub note: Option<String>,
    /// When it was answered; null while it waits.
    pub resolved_at: Option<DateTime>,
    #[graphql(skip)]
    reporter_id: AccountId,
    #[graphql(skip)]
    author_id: AccountId,
    #[graphql(skip)]
    resolver_id: Option<AccountId>,
}

#[ComplexObject]
impl Report {
    /// Who reported it.
    async fn reporter(&self, ctx: &Context<'_>) -> Result<Option<Account>, Problem> {
        account::load(ctx.loaders(), self.reporter_id).await
    }
    /// Who said it.
    async fn author(&self, ctx: &Context<'_>) -> Result<Option<Account>, Problem> {
        account::load(ctx.loaders(), self.author_id).await
    }
    /// Who dealt with it.
    async fn resolved_by(&self, ctx: &Context<'_>) -> Result<Option<Account>, Problem> {
        match self.resolver_id {
            Some(id) => account::load(ctx.loaders(), id).await,
            None => Ok(None),
        }
    }
}

impl From<ReportRow> for Report {
    fn from(row: ReportRow) -> Self {
        let resolution = row.resolution;
        Self {
            id: row.report.0,
            message: row.message.0,
            reason: row.reason,
            text: row.text,
            said_at: DateTime(row.said_at),
            playback_us: row.playback.map(|at| float(at.as_micros())),
            filed_at: DateTime(row.filed_at),
            position: Position(row.position),
            action: resolution.as_ref().map(|done| done.action.into()),
            note: resolution.as_ref().and_then(|done| done.note.clone()),
            resolved_at: resolution.as_ref().map(|done| DateTime(done.at)),
            reporter_id: row.reporter,
            author_id: row.author,
            resolver_id: resolution.map(|done| done.by),
        }
    }
}
