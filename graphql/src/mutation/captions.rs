//! Captions: adding a file of them to a film, and taking them away.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::captions::{self, CaptionFile};
use lockstep_domain::ids::VideoId;
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Refused, change},
    context::Shared,
    object::captions::{CaptionsPayload, uploaded},
    problem::{Nullable, nullable},
};

/// What `uploadCaptions` is given.
#[derive(InputObject)]
struct UploadCaptionsInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The film it is about.
    video: Uuid,
    /// RFC 5646, for example `en` or `pt-BR`.
    language: Option<String>,
    /// What viewers choose it by.
    label: String,
    /// SubRip or WebVTT, at most 2 MiB.
    text: String,
}

/// What `removeCaptions` is given.
#[derive(InputObject)]
struct RemoveCaptionsInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The film it is about.
    video: Uuid,
    /// The captions.
    captions: String,
}

#[derive(Default)]
pub(crate) struct Captions;

#[Object(name = "CaptionMutations")]
impl Captions {
    /// Adds captions to a film. For its owner and administrators.
    async fn upload_captions(&self, ctx: &Context<'_>, input: UploadCaptionsInput) -> Nullable<CaptionsPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let UploadCaptionsInput { video, language, label, text, .. } = input;
            let file = CaptionFile { language, label, text };
            uploaded(captions::upload(ctx.services(), &command, VideoId(video), file).await)
        })
        .await
    }

    /// Takes captions from a film. For its owner and administrators.
    async fn remove_captions(&self, ctx: &Context<'_>, input: RemoveCaptionsInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(captions::remove(ctx.services(), &command, VideoId(input.video), input.captions).await)
        })
        .await
    }
}
