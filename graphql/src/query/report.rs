//! A channel's reports, for those who deal with them there.

use async_graphql::{Context, Object, SimpleObject};
use lockstep_commands::member;
use lockstep_domain::{ids::ChannelId, permission::Permission};
use lockstep_projections::reports;
use uuid::Uuid;

use super::at_least;
use crate::{
    context::Shared,
    limits::{cost, page},
    object::report::Report,
    problem::{Nullable, Problem, nullable},
    scalar::Position,
};

/// Reports, the newest first.
#[derive(SimpleObject)]
pub(crate) struct ReportPage {
    /// The rows of this page.
    pub nodes: Vec<Report>,
    /// Whether there are more rows after this page.
    pub has_more: bool,
}

#[derive(Default)]
pub(crate) struct Reports;

#[Object(name = "ReportQueries")]
impl Reports {
    /// One channel's reports; nobody sees another channel's.
    #[graphql(complexity = "cost(first, 20, child_complexity)")]
    async fn reports(
        &self,
        ctx: &Context<'_>,
        channel: Uuid,
        #[graphql(default = true, desc = "Only those nobody has dealt with.")] open: bool,
        before: Option<Position>,
        #[graphql(default = 20)] first: Option<i32>,
        min_position: Option<Position>,
    ) -> Nullable<ReportPage> {
        nullable(async {
            let asker = ctx.asker().ok_or(Problem::SignedOut)?;
            let (channel, first) = (ChannelId(channel), page(first, 20)?);
            let (standing, _) = member::standing_of(ctx.services(), channel, asker).await?;
            let now = ctx.services().clock.now();
            standing.may(Permission::Redact, now).map_err(|_| Problem::NotPermitted)?;
            at_least(ctx, &["reports", "accounts"], min_position).await?;
            let before = before.map(|position| position.0);
            let mut rows = reports::of_channel(ctx.reader().pool(), channel, open, before, first as i64 + 1).await?;
            let has_more = rows.len() > first;
            rows.truncate(first);
            Ok(Some(ReportPage { nodes: rows.into_iter().map(Report::from).collect(), has_more }))
        })
        .await
    }
}
