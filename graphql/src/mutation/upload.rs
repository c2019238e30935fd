//! Uploads in parts: addresses for the parts, and giving up.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::upload;
use lockstep_domain::{ids::VideoId, video::AbortReason};
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Refused, change, payload},
    context::Shared,
    object::upload::{PartsPayload, signed},
    problem::{Nullable, nullable},
};

/// What `signUploadParts` is given.
#[derive(InputObject)]
struct SignUploadPartsInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The film it is about.
    video: Uuid,
    /// Ten at most, from 1.
    numbers: Vec<i32>,
}

/// What `abortUpload` is given.
#[derive(InputObject)]
struct AbortUploadInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The film it is about.
    video: Uuid,
}

#[derive(Default)]
pub(crate) struct Uploads;

#[Object(name = "UploadMutations")]
impl Uploads {
    /// Asks where to PUT these parts; again for an address that has expired.
    async fn sign_upload_parts(&self, ctx: &Context<'_>, input: SignUploadPartsInput) -> Nullable<PartsPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let numbers: Vec<u32> = input.numbers.iter().map(|&number| u32::try_from(number).unwrap_or(0)).collect();
            let answer = upload::sign_parts(ctx.services(), &command, VideoId(input.video), &numbers).await;
            payload(answer, |(parts, expires_at)| signed(parts, expires_at).into())
        })
        .await
    }

    /// Gives an unfinished upload up; what has arrived of it is removed.
    async fn abort_upload(&self, ctx: &Context<'_>, input: AbortUploadInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let video = VideoId(input.video);
            change(upload::abort(ctx.services(), &command, video, AbortReason::Withdrawn).await)
        })
        .await
    }
}
