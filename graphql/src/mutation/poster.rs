//! The picture that stands for a film: choosing another one, and going back to the first.

use async_graphql::{Context, InputObject, Object};
use base64::{Engine, prelude::BASE64_STANDARD};
use lockstep_commands::poster::{self, PosterRefusal};
use lockstep_domain::{ids::VideoId, picture::PictureError, time::MediaTime};
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Refused, change},
    context::Shared,
    problem::{Nullable, nullable},
};

/// What `choosePoster` is given.
#[derive(InputObject)]
struct ChoosePosterInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The film it is about.
    video: Uuid,
    /// A JPEG, PNG or WebP file of at most 2 MiB, in base64.
    picture: String,
    /// It is the film's own picture at this time, microseconds.
    at_us: Option<f64>,
}

/// What `resetPoster` is given.
#[derive(InputObject)]
struct ResetPosterInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The film it is about.
    video: Uuid,
}

#[derive(Default)]
pub(crate) struct Poster;

#[Object(name = "PosterMutations")]
impl Poster {
    /// Lets a picture stand for a film. For its owner and administrators.
    async fn choose_poster(&self, ctx: &Context<'_>, input: ChoosePosterInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let Ok(file) = BASE64_STANDARD.decode(&input.picture) else {
                return Ok(Some(Refused::of(&PosterRefusal::Picture(PictureError::Damaged))));
            };
            let at = input.at_us.map(|at| MediaTime::from_micros(at as i64));
            change(poster::choose(ctx.services(), &command, VideoId(input.video), &file, at).await)
        })
        .await
    }

    /// Lets the picture that was found at first stand for a film again. For its owner and administrators.
    async fn reset_poster(&self, ctx: &Context<'_>, input: ResetPosterInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(poster::reset(ctx.services(), &command, VideoId(input.video)).await)
        })
        .await
    }
}
