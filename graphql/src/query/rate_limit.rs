//! What asking costs, for clients that pace themselves.

use async_graphql::{Context, Object, SimpleObject};

use crate::{context::Shared, scalar::DateTime};

/// What this request cost, and what the asker may still spend. A request costs a point for each field, fields of a list
/// as often as the list may be long.
#[derive(SimpleObject)]
struct RateLimit {
    /// Points of this request.
    cost: i32,
    /// Points in one window.
    limit: i32,
    /// Points left after this request.
    remaining: i32,
    /// Points spent in this window, this request's included.
    used: i32,
    /// When all points are there again, if nothing more is asked.
    reset_at: DateTime,
}

#[derive(Default)]
pub(crate) struct RateLimits;

#[Object(name = "RateLimitQueries")]
impl RateLimits {
    /// What this request cost and what is left; null for whoever is not counted.
    async fn rate_limit(&self, ctx: &Context<'_>) -> Option<RateLimit> {
        let charged = ctx.request().bill.charged()?;
        let points = |points: u32| i32::try_from(points).unwrap_or(i32::MAX);
        let budget = charged.budget;
        Some(RateLimit {
            cost: points(charged.cost),
            limit: points(budget.limit),
            remaining: points(budget.remaining),
            used: points(budget.limit.saturating_sub(budget.remaining)),
            reset_at: DateTime(budget.reset_at),
        })
    }
}
