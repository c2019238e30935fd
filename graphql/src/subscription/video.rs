//! A film on its way: the last events again, then each new one as it happens.

use std::{collections::VecDeque, sync::Arc};

use async_graphql::{Context, SimpleObject, Subscription};
use futures::{Stream, StreamExt};
use lockstep_domain::{
    ids::{AccountId, StreamId, VideoId},
    video::VideoEvent,
};
use lockstep_projections::{
    Reader, RecordedEvent, Scope, Tail, channels,
    tail::Cursor,
    videos::{self, VideoRow},
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    context::Shared,
    object::video::Video,
    problem::Problem,
    query::readable,
    scalar::{DateTime, Position},
};

/// Events that a late subscriber gets again.
const REPLAYED_MAX: usize = 20;
/// Events read at a time.
const PAGE_EVENTS: usize = 500;

/// Something happened to a film.
#[derive(SimpleObject)]
pub(crate) struct VideoStatusEvent {
    /// Where it is in the log.
    position: Position,
    /// The name of the event in the log.
    event_type: String,
    /// When it happened.
    at: DateTime,
    /// Happened before the subscription began.
    replayed: bool,
    /// The film as of now, at or after this event.
    video: Video,
    /// What happened, in a few words.
    detail: String,
}

#[derive(Default)]
pub(crate) struct Videos;

#[Subscription]
impl Videos {
    /// The last 20 events of a film, then every new one.
    async fn video_status(
        &self,
        ctx: &Context<'_>,
        id: Uuid,
    ) -> Result<impl Stream<Item = VideoStatusEvent> + use<>, Problem> {
        let (reader, tail) = (ctx.reader().clone(), ctx.deps().tail.clone());
        let video = VideoId(id);
        // A film asked for a moment ago may not be in the read model yet.
        let head = reader.store().head().await?;
        reader.wait_for(&["videos"], head).await?;
        let row = readable(ctx, video).await?.ok_or(Problem::NotFound)?.row;
        let stream = StreamId::video(video);
        let follower = Follower {
            account: ctx.asker().ok_or(Problem::SignedOut)?,
            library: ctx.is_member().then(|| ctx.viewer()),
        };
        let known = u64::try_from(row.version).unwrap_or(0);
        let replay = last_events(&tail, &stream, known.saturating_sub(REPLAYED_MAX as u64)).await?;
        let cursor =
            replay.back().map_or(Cursor::default(), |last| Cursor { position: last.position, version: last.version });
        let live = tail.follow(Scope::Stream(stream), cursor);
        Ok(async_stream::stream! {
            for event in replay {
                if let Some(shown) = shown(&reader, video, &follower, &event, true).await {
                    yield shown;
                }
            }
            let mut live = Box::pin(live);
            while let Some(Ok(event)) = live.next().await {
                if let Some(shown) = shown(&reader, video, &follower, &event, false).await {
                    yield shown;
                }
            }
        })
    }
}

/// The stream's last events after `version`, read to its present end.
async fn last_events(
    tail: &Tail,
    stream: &StreamId,
    mut version: u64,
) -> Result<VecDeque<Arc<RecordedEvent>>, Problem> {
    let mut last = VecDeque::new();
    loop {
        let page = tail.store().read_stream(stream, version, PAGE_EVENTS).await?;
        let full = page.len() == PAGE_EVENTS;
        for event in page {
            version = event.version;
            last.push_back(Arc::new(event));
        }
        while last.len() > REPLAYED_MAX {
            last.pop_front();
        }
        if !full {
            return Ok(last);
        }
    }
}

/// Who follows a film.
struct Follower {
    account: AccountId,
    /// What they may find in the library; guests find nothing there.
    library: Option<videos::Asker>,
}

impl Follower {
    async fn may_see(&self, reader: &Reader, row: &VideoRow) -> bool {
        if self.library.as_ref().is_some_and(|asker| row.opens_for(asker)) {
            return true;
        }
        if !row.is_kept() {
            return false;
        }
        let plays = channels::plays_for(reader.pool(), self.account, row.video).await;
        plays.unwrap_or_else(|error| {
            tracing::warn!(%error, "whether a channel plays a film for a subscriber is not known; an event is skipped");
            false
        })
    }
}

/// The event with the film as it is once the read model shows it; a late read model shows an older film.
async fn shown(
    reader: &Reader,
    video: VideoId,
    follower: &Follower,
    event: &RecordedEvent,
    replayed: bool,
) -> Option<VideoStatusEvent> {
    if let Err(error) = reader.wait_for(&["videos"], event.position).await {
        tracing::debug!(%error, %video, "a subscriber gets the film as it was");
    }
    let row = match videos::by_ids(reader.pool(), &[video]).await {
        Ok(rows) => rows.into_iter().next()?,
        Err(error) => {
            tracing::warn!(%error, %video, "a film cannot be read for a subscriber; the event is skipped");
            return None;
        }
    };
    // As when they began: made private or deleted since, or the channel that played it went on or put them out.
    if !follower.may_see(reader, &row).await {
        return None;
    }
    Some(VideoStatusEvent {
        position: Position(event.position),
        event_type: event.event_type.clone(),
        at: DateTime(event.recorded_at),
        replayed,
        video: Video { row, deliver: true },
        detail: VideoEvent::deserialize(&event.payload).map_or(String::new(), |event| detail(&event)),
    })
}

fn detail(event: &VideoEvent) -> String {
    match event {
        VideoEvent::UploadRequested { size_bytes, content_type, .. } => format!("{content_type}, {size_bytes} bytes"),
        VideoEvent::UploadCompleted {} => "the file has arrived".to_owned(),
        VideoEvent::UploadRejected { reason } => reason.clone(),
        VideoEvent::TranscodeStarted {} => "a worker has begun".to_owned(),
        VideoEvent::SourceProbed { source } => {
            format!("{} {}×{}, {}", source.container, source.width, source.height, source.video_codec)
        }
        VideoEvent::TranscodePlanned { renditions, items } => {
            let names: Vec<&str> = renditions.iter().map(|rendition| rendition.name.as_str()).collect();
            format!("{} in {} pieces", names.join(", "), items.len())
        }
        VideoEvent::TranscodeProgressed { percent, stage, eta_s: Some(eta) } => {
            format!("{stage} {percent} %, {eta} s left")
        }
        VideoEvent::TranscodeProgressed { percent, stage, eta_s: None } => format!("{stage} {percent} %"),
        VideoEvent::RenditionCompleted { rendition } => format!("{} is complete", rendition.name),
        VideoEvent::ThumbnailsGenerated { width, height, .. } => format!("poster {width}×{height}"),
        VideoEvent::CaptionsAdded { captions } => {
            format!("captions in {}", captions.language.as_deref().unwrap_or("an unnamed language"))
        }
        VideoEvent::CaptionsRemoved { .. } => "captions were removed".to_owned(),
        VideoEvent::PosterChosen { .. } | VideoEvent::PosterReset { .. } => "it has another picture".to_owned(),
        VideoEvent::StoryboardGenerated { storyboard } => format!("{} small pictures", storyboard.tiles),
        VideoEvent::TranscodeCompleted { .. } => "ready to watch".to_owned(),
        VideoEvent::TranscodeFailed { failure } => failure.reason.clone(),
        VideoEvent::InterimObjectRemoved {} => "the uploaded file was removed".to_owned(),
        VideoEvent::Retitled { .. } => "it has another title".to_owned(),
        VideoEvent::Described { .. } => "it has another description".to_owned(),
        VideoEvent::Tagged { .. } => "it has other tags".to_owned(),
        VideoEvent::VisibilityChanged { .. } => "other people may see it".to_owned(),
        VideoEvent::Trashed { .. } => "it is in the trash".to_owned(),
        VideoEvent::Restored {} => "it is back from the trash".to_owned(),
        VideoEvent::PurgeStarted {} => "it is being removed".to_owned(),
        VideoEvent::Purged {} => "nothing of it is stored any more".to_owned(),
        VideoEvent::UploadFingerprinted { .. } => String::new(),
        VideoEvent::MultipartStarted { parts, .. } => format!("in {parts} parts"),
        VideoEvent::UploadAborted { .. } => "the upload was given up".to_owned(),
    }
}
