//! Captions of finished films: read strictly, stored as WebVTT, then noted; and taken away again.

use bytes::Bytes;
use lockstep_domain::Aggregate as _;
use lockstep_domain::{
    Personal,
    account::Account,
    captions::{self, CAPTION_BYTES_MAX, Unreadable},
    ids::{AccountId, StreamId, VideoId},
    video::{CaptionOrigin, CaptionTrack, Video, VideoCommand, VideoError},
};
use lockstep_event_store::Guard;
use lockstep_object_store::Caching;

use crate::{CommandError, Context, Outcome, Services, channel::derived_id, loose};

/// Captions were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptionRefusal {
    #[error("sign in first")]
    SignedOut,
    /// With the line that is wrong.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(transparent)]
    Rule(#[from] VideoError),
}

/// A caption file somebody has.
#[derive(Debug, Clone)]
pub struct CaptionFile {
    pub language: Option<String>,
    /// What viewers choose it by.
    pub label: String,
    /// SubRip or WebVTT.
    pub text: String,
}

/// Where captions of this id are in the media bucket.
fn key(video: VideoId, id: &str) -> String {
    format!("v/{video}/text/{id}.vtt")
}

/// Adds captions to a film. The same operation id has one effect.
pub async fn upload(
    services: &Services,
    context: &Context,
    video: VideoId,
    file: CaptionFile,
) -> Result<Outcome, CommandError<CaptionRefusal>> {
    let by = context.account().ok_or(CommandError::Refused(CaptionRefusal::SignedOut))?;
    let id = format!("u{}", derived_id(context, "captions").simple());
    let track = CaptionTrack {
        object_key: key(video, &id),
        id,
        language: file.language.as_deref().map(|told| captions::language(told).unwrap_or_else(|| told.to_owned())),
        label: Personal::new(by, file.label.trim().to_owned()),
        origin: CaptionOrigin::Upload,
    };
    // Who may not is told so before anything is read or stored; the append decides it again, guarded.
    let film = services.dispatcher.load::<Video>(&StreamId::video(video)).await?.state;
    let actor = services.dispatcher.load::<Account>(&StreamId::account(by)).await?.state;
    let wish = VideoCommand::UploadCaptions { captions: track.clone(), by, actor };
    Video::decide(&film, &wish).map_err(|rule| CommandError::Refused(rule.into()))?;
    let cues = captions::read(&file.text).map_err(|wrong| CommandError::Refused(wrong.into()))?;
    let text = captions::webvtt(&cues);
    if text.len() > CAPTION_BYTES_MAX {
        let wrong = captions::Wrong::TooLarge;
        return Err(CommandError::Refused(Unreadable { line: 1, wrong }.into()));
    }
    // Stored before it is in the log: if it never gets there, it goes again.
    loose::announce(services, video, &track.object_key).await?;
    let media = &services.objects.media;
    media
        .publish(&track.object_key, Bytes::from(text), "text/vtt; charset=utf-8", Caching::ForEver)
        .await
        .map_err(|error| CommandError::Unavailable(format!("the object store: {error}")))?;
    let added = on_film(services, context, video, by, |actor| VideoCommand::UploadCaptions {
        captions: track.clone(),
        by,
        actor,
    })
    .await?;
    if let Err(error) = loose::settle::<CaptionRefusal>(services, video, &track.object_key).await {
        tracing::warn!(%video, %error, "captions are settled later");
    }
    Ok(added)
}

/// Takes captions from a film; those who show them keep what they have loaded.
pub async fn remove(
    services: &Services,
    context: &Context,
    video: VideoId,
    id: String,
) -> Result<Outcome, CommandError<CaptionRefusal>> {
    let by = context.account().ok_or(CommandError::Refused(CaptionRefusal::SignedOut))?;
    on_film(services, context, video, by, |actor| VideoCommand::RemoveCaptions { id: id.clone(), by, actor }).await
}

/// Removes what is stored of captions that were taken away.
pub async fn discard(services: &Services, video: VideoId, id: &str) -> Result<(), CommandError<CaptionRefusal>> {
    loose::discard(services, video, &key(video, id)).await
}

async fn on_film(
    services: &Services,
    context: &Context,
    video: VideoId,
    by: AccountId,
    command: impl Fn(lockstep_domain::account::AccountState) -> VideoCommand,
) -> Result<Outcome, CommandError<CaptionRefusal>> {
    let (own, command) = (&StreamId::account(by), &command);
    services
        .dispatcher
        .execute_with::<Video, _, _>(StreamId::video(video), None, context, |facts| async move {
            let actor = facts.load::<Account>(own).await?;
            let guard = Guard { stream: own.clone(), version: actor.version };
            Ok((command(actor.state), vec![guard]))
        })
        .await
        .map_err(|error| error.map(CaptionRefusal::Rule))
}
