//! Keeping films: editing, the trash, removing for good, trying again; one or many.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::{
    CommandError, Outcome,
    library::{self, each},
    refusal::Coded,
    video::VideoRefusal,
};
use lockstep_domain::{ids::VideoId, video::Edit};
use uuid::Uuid;

use crate::{
    answer::{ChangePayload, Refused, change},
    context::Shared,
    object::library::{FilmAnswer, FilmsAnswered, FilmsPayload},
    problem::{Nullable, Problem, nullable},
    scalar::{Position, Visibility},
};

/// What `editFilm` is given.
#[derive(InputObject)]
struct EditFilmInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The film it is about.
    video: Uuid,
    /// A new title; null leaves it.
    title: Option<String>,
    /// A new description; null leaves it.
    description: Option<String>,
    /// All tags anew.
    tags: Option<Vec<String>>,
    /// Who can find it from now on; null leaves it.
    visibility: Option<Visibility>,
}

/// What `film` is given.
#[derive(InputObject)]
struct FilmInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The film it is about.
    video: Uuid,
}

/// What `editFilms` is given.
#[derive(InputObject)]
struct EditFilmsInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The films it is about, 100 at most.
    videos: Vec<Uuid>,
    /// Tags to add.
    add_tags: Option<Vec<String>>,
    /// Tags to take away.
    remove_tags: Option<Vec<String>>,
    /// Who can find them from now on; null leaves it.
    visibility: Option<Visibility>,
}

/// What `films` is given.
#[derive(InputObject)]
struct FilmsInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The films it is about, 100 at most.
    videos: Vec<Uuid>,
}

#[derive(Default)]
pub(crate) struct Library;

#[Object(name = "LibraryMutations")]
impl Library {
    /// Changes what is given of a film; the rest stays.
    async fn edit_film(&self, ctx: &Context<'_>, input: EditFilmInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let EditFilmInput { video, title, description, tags, visibility, .. } = input;
            let edit = Edit { title, description, tags, visibility: visibility.map(Into::into), ..Edit::default() };
            change(library::edit(ctx.services(), &command, VideoId(video), edit).await)
        })
        .await
    }

    /// Puts a film into the trash, for seven days.
    async fn trash_film(&self, ctx: &Context<'_>, input: FilmInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(library::trash(ctx.services(), &command, VideoId(input.video)).await)
        })
        .await
    }

    /// Takes a film out of the trash.
    async fn restore_film(&self, ctx: &Context<'_>, input: FilmInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(library::restore(ctx.services(), &command, VideoId(input.video)).await)
        })
        .await
    }

    /// Removes a film of the trash for good, with everything that is stored of it.
    async fn purge_film(&self, ctx: &Context<'_>, input: FilmInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(library::purge(ctx.services(), &command, VideoId(input.video)).await)
        })
        .await
    }

    /// Transcodes a film again that failed.
    async fn retry_film(&self, ctx: &Context<'_>, input: FilmInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(library::retry(ctx.services(), &command, VideoId(input.video)).await)
        })
        .await
    }

    /// Changes tags and visibility of up to 100 films.
    async fn edit_films(&self, ctx: &Context<'_>, input: EditFilmsInput) -> Nullable<FilmsPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let EditFilmsInput { videos, add_tags, remove_tags, visibility, .. } = input;
            let edit = Edit {
                add_tags: add_tags.unwrap_or_default(),
                remove_tags: remove_tags.unwrap_or_default(),
                visibility: visibility.map(Into::into),
                ..Edit::default()
            };
            answered(each(&ids(videos), |video| library::edit(ctx.services(), &command, video, edit.clone())).await)
        })
        .await
    }

    /// Puts up to 100 films into the trash.
    async fn trash_films(&self, ctx: &Context<'_>, input: FilmsInput) -> Nullable<FilmsPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            answered(each(&ids(input.videos), |video| library::trash(ctx.services(), &command, video)).await)
        })
        .await
    }

    /// Takes up to 100 films out of the trash.
    async fn restore_films(&self, ctx: &Context<'_>, input: FilmsInput) -> Nullable<FilmsPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            answered(each(&ids(input.videos), |video| library::restore(ctx.services(), &command, video)).await)
        })
        .await
    }

    /// Removes up to 100 films of the trash for good.
    async fn purge_films(&self, ctx: &Context<'_>, input: FilmsInput) -> Nullable<FilmsPayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            answered(each(&ids(input.videos), |video| library::purge(ctx.services(), &command, video)).await)
        })
        .await
    }
}

fn ids(videos: Vec<Uuid>) -> Vec<VideoId> {
    videos.into_iter().map(VideoId).collect()
}

type Each = Result<Vec<(VideoId, Result<Outcome, CommandError<VideoRefusal>>)>, CommandError<VideoRefusal>>;

/// One payload of many answers. Where the log is out of reach half way, all of it is asked again: what was done stays done.
fn answered(each: Each) -> Result<Option<FilmsPayload>, Problem> {
    let answers = match each {
        Ok(answers) => answers,
        Err(CommandError::Refused(refusal)) => return Ok(Some(Refused::of(&refusal))),
        Err(error) => return Err(Problem::Unavailable(error.to_string())),
    };
    let mut done = FilmsAnswered { answers: vec![], position: None };
    for (video, answer) in answers {
        let video = video.0;
        done.answers.push(match answer {
            Ok(outcome) => {
                let last = done.position.map_or(outcome.position, |last| last.0.max(outcome.position));
                done.position = Some(Position(last));
                FilmAnswer { video, changed: outcome.changed, code: None, message: None }
            }
            Err(CommandError::Unavailable(text)) => return Err(Problem::Unavailable(text)),
            Err(error) => {
                let code = match &error {
                    CommandError::Refused(refusal) => refusal.code(),
                    CommandError::Contended => "contended",
                    CommandError::Invalid(_) | CommandError::Unavailable(_) => "invalid",
                };
                FilmAnswer { video, changed: false, code: Some(code.to_owned()), message: Some(error.to_string()) }
            }
        });
    }
    Ok(Some(done.into()))
}
