//! The read models' standing, for administrators.

use async_graphql::{Context, Object};

use crate::{
    context::Shared,
    object::projection::ProjectionStatus,
    problem::{Nullable, Problem, nullable},
};

#[derive(Default)]
pub(crate) struct Projections;

#[Object(name = "ProjectionQueries")]
impl Projections {
    /// Every read model with its position and lag. For administrators.
    async fn projections(&self, ctx: &Context<'_>) -> Nullable<Vec<ProjectionStatus>> {
        nullable(async {
            if !ctx.is_administrator() {
                return Err(Problem::NotPermitted);
            }
            let statuses = ctx.reader().statuses().await?;
            Ok(Some(statuses.into_iter().map(ProjectionStatus::from).collect()))
        })
        .await
    }
}
