//! The picture that stands for a film: another one chosen, or the first one again.

use bytes::Bytes;
use lockstep_domain::{
    Aggregate,
    ids::{StreamId, VideoId},
    picture::{self, PictureError},
    time::MediaTime,
    video::{Poster, Video, VideoCommand, Wish},
};
use lockstep_object_store::Caching;

use crate::{CommandError, Context, Outcome, Services, channel::derived_id, library, loose, video::VideoRefusal};

/// A picture was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PosterRefusal {
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error(transparent)]
    Film(#[from] VideoRefusal),
}

/// Stores the picture and lets it stand for the film; `at`: it is the film's picture at that time. The same operation id
/// has one effect.
pub async fn choose(
    services: &Services,
    context: &Context,
    video: VideoId,
    file: &[u8],
    at: Option<MediaTime>,
) -> Result<Outcome, CommandError<PosterRefusal>> {
    let picture = picture::read(file).map_err(|wrong| CommandError::Refused(wrong.into()))?;
    let id = derived_id(context, "poster").simple();
    let poster = Poster {
        object_key: format!("v/{video}/poster/{id}.{}", picture.kind.extension()),
        width: picture.width,
        height: picture.height,
        at_us: at,
    };
    let wish = Wish::ChoosePoster(poster.clone());
    // Who may not is told so before anything is stored; the append decides it again, guarded.
    let by = library::keeper_now(services, context).await.map_err(refused)?;
    let film = services.dispatcher.load::<Video>(&StreamId::video(video)).await?.state;
    let command = VideoCommand::Keep { by, wish: wish.clone(), at: context.now };
    Video::decide(&film, &command).map_err(|rule| CommandError::Refused(VideoRefusal::Rule(rule).into()))?;
    loose::announce(services, video, &poster.object_key).await?;
    let (media, content_type) = (&services.objects.media, picture.kind.content_type());
    media
        .publish(&poster.object_key, Bytes::from(picture.bytes), content_type, Caching::ForEver)
        .await
        .map_err(|error| CommandError::Unavailable(format!("the object store: {error}")))?;
    let chosen = library::keep(services, context, video, wish).await.map_err(refused)?;
    if let Err(error) = loose::settle::<PosterRefusal>(services, video, &poster.object_key).await {
        tracing::warn!(%video, %error, "a picture is settled later");
    }
    Ok(chosen)
}

/// Lets the picture that was found at first stand for the film again.
pub async fn reset(
    services: &Services,
    context: &Context,
    video: VideoId,
) -> Result<Outcome, CommandError<PosterRefusal>> {
    library::keep(services, context, video, Wish::ResetPoster).await.map_err(refused)
}

/// Removes a picture that another one replaced.
pub async fn discard(services: &Services, video: VideoId, key: &str) -> Result<(), CommandError<PosterRefusal>> {
    loose::discard(services, video, key).await
}

fn refused(error: CommandError<VideoRefusal>) -> CommandError<PosterRefusal> {
    error.map(PosterRefusal::Film)
}
