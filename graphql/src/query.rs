//! Reading, one noun per file.

mod account;
mod audit;
mod channel;
mod door;
mod identity;
mod library;
mod message;
mod notification;
mod people;
mod projection;
mod rate_limit;
mod report;
mod token;
mod upload;
mod video;

use async_graphql::{Context, MergedObject};
pub(crate) use video::readable;

use crate::{context::Shared, problem::Problem, scalar::Position};

/// Reading. What somebody may not see is answered as if it were not there.
#[derive(MergedObject, Default)]
pub(crate) struct Query(
    account::Accounts,
    people::People,
    identity::Identities,
    video::Videos,
    library::Library,
    upload::Uploads,
    channel::Channels,
    door::Doors,
    message::Messages,
    report::Reports,
    projection::Projections,
    notification::Notifications,
    audit::Audit,
    rate_limit::RateLimits,
    token::Tokens,
);

/// Waits until these read models show the position asked for, if one was.
pub(crate) async fn at_least(
    ctx: &Context<'_>,
    names: &[&'static str],
    position: Option<Position>,
) -> Result<(), Problem> {
    match position {
        Some(position) => Ok(ctx.reader().wait_for(names, position.0).await?),
        None => Ok(()),
    }
}
