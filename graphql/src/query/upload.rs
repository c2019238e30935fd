//! Finding one's own unfinished uploads, from any device.

use async_graphql::{Context, Object};
use lockstep_commands::{CommandError, upload, video::VideoRefusal};
use lockstep_domain::ids::VideoId;
use uuid::Uuid;

use crate::{
    context::Shared,
    object::upload::{UnfinishedUpload, UploadParts, UploadQuota},
    problem::{Nullable, Problem, nullable},
};

#[derive(Default)]
pub(crate) struct Uploads;

#[Object(name = "UploadQueries")]
impl Uploads {
    /// The asker's unfinished uploads, newest first, 50 at most.
    #[graphql(complexity = "50 + child_complexity")]
    async fn unfinished_uploads(&self, ctx: &Context<'_>) -> Nullable<Vec<UnfinishedUpload>> {
        nullable(async {
            let asker = ctx.asker().ok_or(Problem::SignedOut)?;
            let uploads = upload::unfinished(ctx.services(), asker).await.map_err(problem)?;
            Ok(Some(uploads.into_iter().map(UnfinishedUpload::from).collect()))
        })
        .await
    }

    /// Which parts of the asker's own upload have arrived; null for any other.
    #[graphql(complexity = "20 + child_complexity")]
    async fn upload_parts(&self, ctx: &Context<'_>, video: Uuid) -> Nullable<UploadParts> {
        nullable(async {
            // It changes nothing, so no operation is named.
            let Some(command) = ctx.acting(ctx.services().ids.uuid()) else { return Err(Problem::SignedOut) };
            match upload::parts(ctx.services(), &command, VideoId(video)).await {
                Ok((state, received)) => Ok(UploadParts::of(&state, &received)),
                Err(CommandError::Refused(_)) => Ok(None),
                Err(error) => Err(problem(error)),
            }
        })
        .await
    }

    /// What the asker has uploaded and may upload.
    #[graphql(complexity = "10 + child_complexity")]
    async fn upload_quota(&self, ctx: &Context<'_>) -> Nullable<UploadQuota> {
        nullable(async {
            let asker = ctx.asker().ok_or(Problem::SignedOut)?;
            let used = upload::usage(&ctx.services().pool, asker).await?;
            Ok(Some(UploadQuota::of(used, ctx.services().uploads.limits)))
        })
        .await
    }
}

fn problem(error: CommandError<VideoRefusal>) -> Problem {
    match error {
        CommandError::Unavailable(text) => Problem::Unavailable(text),
        other => Problem::Invalid(other.to_string()),
    }
}
