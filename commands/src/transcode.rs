//! The transcoder's commands: claims on work items, held by leases on the database's clock, and a film's progress.
//!
//! The lease decides who may try (one worker at a time, ten seconds after its last sign of life another); the work
//! stream's expected version decides what counts: a worker whose claim lapsed is refused, whatever it believes.

mod lease;

use std::{sync::Arc, time::Duration};

use lockstep_domain::{
    ids::{Position, StreamId, VideoId},
    video::{CaptionTrack, RenditionFacts, RenditionPlan, Source, Storyboard, Video, VideoCommand, VideoError},
    work::{Failure, Segment, Work, WorkCommand, WorkError, WorkItem, WorkState},
};
use lockstep_event_store::Feed;

use crate::{CommandError, Context, Outcome, Services, channel::derived_id};

/// How often a worker says that it lives.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(2);
/// A worker unheard of for this long has lost its claims.
pub const LEASE_LIFE: Duration = Duration::from_secs(10);
/// The work item that probes the source and plans the others.
pub const PROBE_ITEM: u32 = 0;
/// At most one progress event per video in this time, over all workers.
pub const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// One worker's right to one work item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub video: VideoId,
    pub item: u32,
    pub worker: String,
    pub attempt: u32,
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// It is yours; what earlier attempts published is in the state.
    Held(Claim, Box<WorkState>),
    /// Another worker holds it and lives.
    Busy,
    /// It is completed or has failed.
    Done,
}

/// The whole log from its start, for whoever keeps a picture of the work to do.
pub fn follow(services: &Services) -> Feed {
    Feed::new(Arc::clone(&services.store), Position::START)
}

/// Takes the item if nobody alive holds it; a lapsed claim is noted first.
pub async fn claim(
    services: &Services,
    context: &Context,
    video: VideoId,
    item: u32,
    worker: &str,
) -> Result<Claimed, CommandError<WorkError>> {
    if !lease::take(&services.pool, video, item, worker).await.map_err(unavailable)? {
        return Ok(Claimed::Busy);
    }
    let claimed = claim_leased(services, context, video, item, worker).await;
    if !matches!(claimed, Ok(Claimed::Held(..))) {
        lease::drop(&services.pool, video, item, worker).await;
    }
    claimed
}

async fn claim_leased(
    services: &Services,
    context: &Context,
    video: VideoId,
    item: u32,
    worker: &str,
) -> Result<Claimed, CommandError<WorkError>> {
    let stream = StreamId::work(video, item);
    let held = services.dispatcher.load::<Work>(&stream).await?.state;
    if held.completed || held.failure.is_some() {
        return Ok(Claimed::Done);
    }
    if held.holder.is_some() {
        let lapse = WorkCommand::Lapse { attempt: held.attempt };
        services.dispatcher.execute::<Work>(stream.clone(), None, &step(context, "lapse"), lapse).await?;
    }
    let command = WorkCommand::Claim { worker: worker.to_owned() };
    match services.dispatcher.execute::<Work>(stream.clone(), None, context, command).await {
        Ok(_) => {}
        Err(CommandError::Refused(WorkError::Claimed)) => return Ok(Claimed::Busy),
        Err(CommandError::Refused(WorkError::Done)) => return Ok(Claimed::Done),
        Err(error) => return Err(error),
    }
    let state = services.dispatcher.load::<Work>(&stream).await?.state;
    if state.holder.as_deref() != Some(worker) {
        return Ok(Claimed::Busy);
    }
    let claim = Claim { video, item, worker: worker.to_owned(), attempt: state.attempt };
    Ok(Claimed::Held(claim, Box::new(state)))
}

/// Extends the lease; false when it is no longer this worker's.
pub async fn heartbeat(services: &Services, claim: &Claim) -> Result<bool, CommandError<WorkError>> {
    lease::extend(&services.pool, claim).await.map_err(unavailable)
}

/// Gives the item back undone, so that the next worker need not wait for the lease to end.
pub async fn release(services: &Services, context: &Context, claim: &Claim) -> Result<(), CommandError<WorkError>> {
    let lapse = WorkCommand::Lapse { attempt: claim.attempt };
    let lapsed = on_item(services, context, claim, lapse).await;
    lease::drop(&services.pool, claim.video, claim.item, &claim.worker).await;
    lapsed.map(drop)
}

/// Notes a segment whose bytes are stored durably.
pub async fn publish_segment(
    services: &Services,
    context: &Context,
    claim: &Claim,
    segment: Segment,
) -> Result<Outcome, CommandError<WorkError>> {
    let (worker, attempt) = (claim.worker.clone(), claim.attempt);
    on_item(services, context, claim, WorkCommand::PublishSegment { worker, attempt, segment }).await
}

/// Notes that the whole item is done, and ends the lease.
pub async fn complete_item(
    services: &Services,
    context: &Context,
    claim: &Claim,
) -> Result<Outcome, CommandError<WorkError>> {
    let (worker, attempt) = (claim.worker.clone(), claim.attempt);
    let done = on_item(services, context, claim, WorkCommand::Complete { worker, attempt }).await?;
    lease::drop(&services.pool, claim.video, claim.item, &claim.worker).await;
    Ok(done)
}

/// Notes that the item cannot be done at all, and ends the lease.
pub async fn fail_item(
    services: &Services,
    context: &Context,
    claim: &Claim,
    failure: Failure,
) -> Result<Outcome, CommandError<WorkError>> {
    let (worker, attempt) = (claim.worker.clone(), claim.attempt);
    let failed = on_item(services, context, claim, WorkCommand::Fail { worker, attempt, failure }).await?;
    lease::drop(&services.pool, claim.video, claim.item, &claim.worker).await;
    Ok(failed)
}

async fn on_item(
    services: &Services,
    context: &Context,
    claim: &Claim,
    command: WorkCommand,
) -> Result<Outcome, CommandError<WorkError>> {
    services.dispatcher.execute::<Work>(StreamId::work(claim.video, claim.item), None, context, command).await
}

/// Begins the transcode of an uploaded film.
pub async fn start(
    services: &Services,
    context: &Context,
    video: VideoId,
) -> Result<Outcome, CommandError<VideoError>> {
    on_video(services, context, video, VideoCommand::StartTranscode).await
}

/// Notes what the probe found.
pub async fn record_probe(
    services: &Services,
    context: &Context,
    video: VideoId,
    source: Source,
) -> Result<Outcome, CommandError<VideoError>> {
    on_video(services, context, video, VideoCommand::RecordProbe { source }).await
}

/// Notes the ladder and the work items.
pub async fn plan(
    services: &Services,
    context: &Context,
    video: VideoId,
    renditions: Vec<RenditionPlan>,
    items: Vec<WorkItem>,
) -> Result<Outcome, CommandError<VideoError>> {
    on_video(services, context, video, VideoCommand::Plan { renditions, items }).await
}

/// Notes progress, unless any worker did within [`PROGRESS_EVERY`]; `None` when it is too early.
pub async fn report_progress(
    services: &Services,
    context: &Context,
    video: VideoId,
    percent: u32,
    stage: &str,
    eta_s: Option<u32>,
) -> Result<Option<Outcome>, CommandError<VideoError>> {
    if !lease::progress_is_due(&services.pool, video).await.map_err(unavailable)? {
        return Ok(None);
    }
    let command = VideoCommand::ReportProgress { percent, stage: stage.to_owned(), eta_s };
    on_video(services, context, video, command).await.map(Some)
}

/// Notes a finished rendition with its measured rates.
pub async fn complete_rendition(
    services: &Services,
    context: &Context,
    video: VideoId,
    rendition: RenditionFacts,
) -> Result<Outcome, CommandError<VideoError>> {
    on_video(services, context, video, VideoCommand::CompleteRendition { rendition }).await
}

/// Notes the stored poster.
pub async fn record_thumbnail(
    services: &Services,
    context: &Context,
    video: VideoId,
    object_key: String,
    size: (u32, u32),
) -> Result<Outcome, CommandError<VideoError>> {
    let (width, height) = size;
    on_video(services, context, video, VideoCommand::RecordThumbnail { object_key, width, height }).await
}

/// Notes stored captions of the source.
pub async fn record_captions(
    services: &Services,
    context: &Context,
    video: VideoId,
    captions: CaptionTrack,
) -> Result<Outcome, CommandError<VideoError>> {
    on_video(services, context, video, VideoCommand::RecordCaptions { captions }).await
}

/// Notes the stored storyboard.
pub async fn record_storyboard(
    services: &Services,
    context: &Context,
    video: VideoId,
    storyboard: Storyboard,
) -> Result<Outcome, CommandError<VideoError>> {
    on_video(services, context, video, VideoCommand::RecordStoryboard { storyboard }).await
}

/// Notes that the film can be watched; its manifests are stored.
pub async fn complete(
    services: &Services,
    context: &Context,
    video: VideoId,
    manifests: (String, String),
    duration: lockstep_domain::time::MediaTime,
) -> Result<Outcome, CommandError<VideoError>> {
    let (hls_key, dash_key) = manifests;
    let command = VideoCommand::CompleteTranscode { hls_key, dash_key, duration };
    let outcome = on_video(services, context, video, command).await?;
    lease::drop_all(&services.pool, video).await;
    Ok(outcome)
}

/// Notes that the film will not be watched, and why, in words for its owner.
pub async fn fail(
    services: &Services,
    context: &Context,
    video: VideoId,
    failure: Failure,
) -> Result<Outcome, CommandError<VideoError>> {
    let outcome = on_video(services, context, video, VideoCommand::FailTranscode { failure }).await?;
    lease::drop_all(&services.pool, video).await;
    Ok(outcome)
}

async fn on_video(
    services: &Services,
    context: &Context,
    video: VideoId,
    command: VideoCommand,
) -> Result<Outcome, CommandError<VideoError>> {
    services.dispatcher.execute::<Video>(StreamId::video(video), None, context, command).await
}

/// The same circumstances under another operation id: for a second command on the same stream.
fn step(context: &Context, what: &str) -> Context {
    Context { command_id: derived_id(context, what).into(), ..context.clone() }
}

fn unavailable<E>(error: sqlx::Error) -> CommandError<E> {
    CommandError::Unavailable(error.to_string())
}
