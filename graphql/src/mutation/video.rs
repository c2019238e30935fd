//! Uploading films.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::{
    CommandError, upload,
    video::{self, Upload, VideoRefusal},
};
use lockstep_domain::ids::VideoId;
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Refused, UploadPayload, UploadRequested, change, payload},
    context::Shared,
    object::upload::{AlreadyUploaded, QuotaExceeded},
    problem::{Nullable, Problem, nullable},
    scalar::whole,
};

/// What `requestUpload` is given.
#[derive(InputObject)]
struct RequestUploadInput {
    /// The same id again gives the same video.
    operation_id: Uuid,
    /// The title.
    title: String,
    /// The name of the file.
    file_name: String,
    /// The size of the file.
    size_bytes: f64,
    /// The media type that was declared.
    content_type: String,
    /// SHA-256 in lower-case hexadecimal over size, time of change and the first and last MiB: finds the same file again.
    fingerprint: Option<String>,
    /// Upload although the same file is there.
    again: Option<bool>,
}

/// What `confirmUpload` is given.
#[derive(InputObject)]
struct ConfirmUploadInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The film it is about.
    video: Uuid,
}

#[derive(Default)]
pub(crate) struct Videos;

#[Object(name = "VideoMutations")]
impl Videos {
    /// Asks where to PUT a file of exactly this size and type.
    async fn request_upload(&self, ctx: &Context<'_>, input: RequestUploadInput) -> Nullable<UploadPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            if !ctx.is_member() {
                return Ok(Some(Refused::of(&VideoRefusal::Guest)));
            }
            let size_bytes = u64::try_from(whole(input.size_bytes, "the size")?).unwrap_or(0);
            let RequestUploadInput { title, file_name, content_type, fingerprint, again, .. } = input;
            let again = again.unwrap_or(false);
            let upload = Upload { title, file_name, size_bytes, content_type, fingerprint, again };
            match video::request_upload(ctx.services(), &command, upload).await {
                Err(CommandError::Refused(VideoRefusal::Duplicate(video))) => already(ctx, &command, video).await,
                Err(CommandError::Refused(VideoRefusal::Quota { kind, used, allowed })) => {
                    Ok(Some(QuotaExceeded::of(kind, used, allowed).into()))
                }
                answer => payload(answer, |ticket| UploadRequested::from(ticket).into()),
            }
        })
        .await
    }

    /// Says that the file has been PUT.
    async fn confirm_upload(&self, ctx: &Context<'_>, input: ConfirmUploadInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(video::confirm_upload(ctx.services(), &command, VideoId(input.video)).await)
        })
        .await
    }
}

/// The asker's own film that this file is already.
async fn already(
    ctx: &Context<'_>,
    command: &lockstep_commands::Context,
    video: VideoId,
) -> Result<Option<UploadPayload>, Problem> {
    payload(upload::parts(ctx.services(), command, video).await, |(state, _)| {
        let title = state.title.value().cloned().unwrap_or_default();
        AlreadyUploaded { video: video.0, title, status: state.status.into() }.into()
    })
}
