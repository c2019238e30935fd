//! Reporting a message, and dealing with reports.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::report::{self, Resolution};
use lockstep_domain::{
    ids::{MessageId, ReportId},
    time::Timestamp,
};
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Refused, ReportFiled, ReportPayload, change, payload},
    context::Shared,
    object::report::ReportAction,
    problem::{Nullable, nullable},
    scalar::Position,
};

/// What `reportMessage` is given.
#[derive(InputObject)]
struct ReportMessageInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The message it is about.
    message: Uuid,
    /// What is wrong with it.
    reason: String,
}

/// What `resolveReport` is given.
#[derive(InputObject)]
struct ResolveReportInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The report.
    report: Uuid,
    /// Is done, too: the message taken back, its author muted or banned.
    action: ReportAction,
    /// For a mute that ends by itself, seconds from now.
    mute_s: Option<i32>,
    /// What the moderator wrote.
    note: Option<String>,
}

#[derive(Default)]
pub(crate) struct Reports;

#[Object(name = "ReportMutations")]
impl Reports {
    /// Tells a channel's moderators about a message. What it says now stays with the report.
    async fn report_message(&self, ctx: &Context<'_>, input: ReportMessageInput) -> Nullable<ReportPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let filed = report::file(ctx.services(), &command, MessageId(input.message), input.reason).await;
            payload(filed, |(id, outcome)| ReportFiled { id: id.0, position: Position(outcome.position) }.into())
        })
        .await
    }

    /// Deals with a report, for those who may take back other people's messages in its channel.
    async fn resolve_report(&self, ctx: &Context<'_>, input: ResolveReportInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let until = input.mute_s.map(|s| Timestamp(command.now.0.saturating_add(i64::from(s) * 1_000_000)));
            let resolution = match input.action {
                ReportAction::Redacted => Resolution::Redact,
                ReportAction::Muted => Resolution::Mute { until },
                ReportAction::Banned => Resolution::Ban,
                ReportAction::Dismissed => Resolution::Dismiss,
            };
            let report = ReportId(input.report);
            change(report::resolve(ctx.services(), &command, report, resolution, input.note).await)
        })
        .await
    }
}
