//! One claimed work item, from the claim to its completion, with the lease kept alive meanwhile.

use std::{collections::BTreeMap, time::Duration};

use lockstep_commands::{
    CommandError,
    transcode::{self, Claim, Claimed, HEARTBEAT_EVERY},
};
use lockstep_domain::{
    Personal,
    ids::VideoId,
    video::{CaptionOrigin, CaptionTrack, Source},
    work::{Failure, Segment, WorkError, WorkItem, WorkKind, WorkState},
};
use tokio_util::sync::CancellationToken;

use super::{
    board::Film,
    package,
    publish::{Publisher, Upload, captions_id},
    schedule::{End, TRIES_MAX},
    shared::{Shared, insist},
};
use crate::{
    child::{ByteSource, ChildError, Finished, Sink},
    keys,
    manifest::Ledger,
    plan,
    protocol::{Job, TEXT, Task, failure},
};

/// How long an item held by another worker is left alone.
pub const BUSY_REST: Duration = Duration::from_secs(1);
/// Heartbeats in a row that may miss the database before the work is dropped: eight to sixteen seconds.
const HEARTBEATS_MISSED_MAX: u32 = 4;
/// How long a task waits after the log, the object store or the program failed it.
pub const FAULT_REST: Duration = Duration::from_secs(3);

/// Claims and does one planned item.
pub async fn run(
    shared: &Shared,
    video: VideoId,
    film: &Film,
    item: &WorkItem,
    tries: u32,
    cancel: &CancellationToken,
) -> End {
    let Some(source) = &film.state.source else { return End::Later(BUSY_REST) };
    let (claim, state) = match take(shared, video, film, item.number).await {
        Ok(held) => held,
        Err(end) => return end,
    };
    let work = encode(shared, &claim, film, source, item, *state);
    let ended = while_held(shared, &claim, cancel, work).await;
    shared.live().remove(&(video, item.number));
    conclude(shared, &claim, film, tries, ended).await
}

/// Claims an item, or says how long to leave it alone.
pub async fn take(shared: &Shared, video: VideoId, film: &Film, item: u32) -> Result<(Claim, Box<WorkState>), End> {
    let context = shared.context(&film.correlation);
    match transcode::claim(&shared.services, &context, video, item, &shared.worker).await {
        Ok(Claimed::Held(claim, state)) => Ok((claim, state)),
        Ok(Claimed::Busy) => Err(End::Later(BUSY_REST)),
        Ok(Claimed::Done) => Err(End::Over),
        Err(error) => {
            tracing::warn!(%video, item, %error, "work cannot be claimed");
            Err(End::Later(FAULT_REST))
        }
    }
}

/// Why claimed work ended without being done.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// The child, or what it works on.
    Child(ChildError),
    /// The claim went to another worker.
    Lost,
    /// The film ended or the process stops.
    Stopped,
    /// The log does not answer, or the rules say no.
    Log(String),
}

impl<E: std::fmt::Display> From<CommandError<E>> for Trouble {
    fn from(error: CommandError<E>) -> Self {
        Self::Log(error.to_string())
    }
}

/// Does the work while the lease holds; dropping the work kills its child.
pub async fn while_held<T>(
    shared: &Shared,
    claim: &Claim,
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Trouble::Stopped),
        () = lease_lost(shared, claim) => Err(Trouble::Lost),
        done = work => done,
    }
}

/// Keeps the lease alive; returns when it is lost, or when the database was silent for about its whole life.
async fn lease_lost(shared: &Shared, claim: &Claim) {
    let mut missed = 0;
    while missed < HEARTBEATS_MISSED_MAX {
        match tokio::time::timeout(HEARTBEAT_EVERY, transcode::heartbeat(&shared.services, claim)).await {
            Ok(Ok(true)) => missed = 0,
            Ok(Ok(false)) => return,
            Ok(Err(_)) | Err(_) => missed += 1,
        }
        tokio::time::sleep(HEARTBEAT_EVERY).await;
    }
}

/// Runs one child on the uploaded file.
pub async fn child(shared: &Shared, film: &Film, task: Task, sink: &mut dyn Sink) -> Result<Finished, Trouble> {
    let bucket = &shared.services.objects.interim;
    let upload = Upload { bucket, key: &film.state.object_key };
    let source_bytes = match bucket.head(upload.key).await {
        Ok(Some(head)) => head.bytes,
        Ok(None) => {
            let gone =
                failure("encode", "source_missing", "The uploaded file is no longer there. Please upload it again.");
            return Err(Trouble::Child(ChildError::Failed(gone)));
        }
        Err(error) => return Err(Trouble::Log(error.to_string())),
    };
    let job = Job { source_bytes, task };
    let source: &dyn ByteSource = &upload;
    // Cancelling is dropping: the caller's `while_held` ends this future, and the child with it.
    shared.program.run(&job, source, sink, &CancellationToken::new()).await.map_err(Trouble::Child)
}

async fn encode(
    shared: &Shared,
    claim: &Claim,
    film: &Film,
    source: &Source,
    item: &WorkItem,
    state: WorkState,
) -> Result<(), Trouble> {
    let task = match item.kind {
        WorkKind::Chunk { first_segment, last_segment } => {
            Task::Chunk(plan::chunk_task(source, first_segment, last_segment))
        }
        WorkKind::Audio => Task::Audio(plan::audio_task(source, 1)),
        WorkKind::Sound { track } => Task::Audio(plan::audio_task(source, track)),
        WorkKind::Captions => Task::Captions(plan::captions_task(source)),
        WorkKind::Thumbnail => Task::Thumbnail(plan::thumbnail_task(source)),
    };
    let mut publisher =
        Publisher { shared, claim, correlation: &film.correlation, segments: state.segments, labels: BTreeMap::new() };
    child(shared, film, task, &mut publisher).await?;
    let Publisher { segments, labels, .. } = publisher;
    match item.kind {
        WorkKind::Chunk { .. } => {}
        WorkKind::Audio => note_sound(shared, claim, film, source, 1, &segments).await?,
        WorkKind::Sound { track } => note_sound(shared, claim, film, source, track, &segments).await?,
        WorkKind::Captions => note_captions(shared, claim, film, source, &segments, &labels).await?,
        WorkKind::Thumbnail => note_poster(shared, claim, film, source).await?,
    }
    let context = shared.context(&film.correlation);
    insist(|| transcode::complete_item(&shared.services, &context, claim)).await?;
    Ok(())
}

async fn note_sound(
    shared: &Shared,
    claim: &Claim,
    film: &Film,
    source: &Source,
    track: u32,
    segments: &[Segment],
) -> Result<(), Trouble> {
    let name = plan::sound_name(track);
    let renditions: Vec<_> = film.state.renditions.iter().filter(|plan| plan.name == name).cloned().collect();
    let Ok(ledger) = Ledger::new(source, &renditions, segments) else { return Ok(()) };
    let Some(track) = ledger.audio.first() else { return Ok(()) };
    let context = shared.context(&film.correlation);
    let facts = track.facts();
    insist(|| transcode::complete_rendition(&shared.services, &context, claim.video, facts.clone())).await?;
    Ok(())
}

/// Tells what the text tracks became; one without words became nothing.
async fn note_captions(
    shared: &Shared,
    claim: &Claim,
    film: &Film,
    source: &Source,
    segments: &[Segment],
    labels: &BTreeMap<u32, String>,
) -> Result<(), Trouble> {
    let Some(owner) = film.state.owner else { return Ok(()) };
    for segment in segments.iter().filter(|segment| segment.rendition == TEXT) {
        let track = usize::try_from(segment.number).ok().and_then(|number| source.texts.get(number.wrapping_sub(1)));
        let id = captions_id(segment.number);
        let captions = CaptionTrack {
            object_key: keys::captions(claim.video, &id),
            id,
            language: track.and_then(|track| track.language.clone()),
            label: Personal::new(owner, labels.get(&segment.number).cloned().unwrap_or_default()),
            origin: CaptionOrigin::Source,
        };
        let context = shared.context(&film.correlation);
        insist(|| transcode::record_captions(&shared.services, &context, claim.video, captions.clone())).await?;
    }
    Ok(())
}

async fn note_poster(shared: &Shared, claim: &Claim, film: &Film, source: &Source) -> Result<(), Trouble> {
    let context = shared.context(&film.correlation);
    let (key, poster) = (keys::thumbnail(claim.video), plan::thumbnail_task(source));
    let size = (poster.width, poster.height);
    insist(|| transcode::record_thumbnail(&shared.services, &context, claim.video, key.clone(), size)).await?;
    Ok(())
}

/// Ends a claim as its work ended: done, given back, or failed with words for the uploader.
pub async fn conclude(shared: &Shared, claim: &Claim, film: &Film, tries: u32, ended: Result<(), Trouble>) -> End {
    let trouble = match ended {
        Ok(()) => return End::Over,
        Err(trouble) => trouble,
    };
    if !matches!(trouble, Trouble::Stopped) {
        tracing::warn!(video = %claim.video, item = claim.item, ?trouble, "work ended early");
    }
    match verdict(&trouble, tries) {
        Some(failure) => fail(shared, claim, film, failure).await,
        None if trouble == Trouble::Lost => End::Later(BUSY_REST),
        None => {
            let context = shared.context(&film.correlation);
            let _ = transcode::release(&shared.services, &context, claim).await;
            match trouble {
                Trouble::Child(ChildError::Crashed { .. } | ChildError::Silent(_)) => End::Broken(BUSY_REST),
                Trouble::Child(ChildError::Failed(_)) => End::Broken(FAULT_REST),
                _ => End::Later(FAULT_REST),
            }
        }
    }
}

/// The failure this trouble amounts to after `tries` earlier ones; `None`: try again.
fn verdict(trouble: &Trouble, tries: u32) -> Option<Failure> {
    let last = tries + 1 >= TRIES_MAX;
    match trouble {
        Trouble::Child(ChildError::Failed(told)) if !told.retryable => Some(told.clone()),
        Trouble::Child(ChildError::Crashed { .. }) if last => {
            Some(failure("encode", "crashed", "Something in this file breaks our video reader."))
        }
        Trouble::Child(ChildError::Silent(_)) if last => {
            Some(failure("encode", "watchdog", "Reading this film came to a standstill; the file is probably damaged."))
        }
        _ => None,
    }
}

async fn fail(shared: &Shared, claim: &Claim, film: &Film, failure: Failure) -> End {
    let context = shared.context(&film.correlation);
    let failed = insist(|| transcode::fail_item(&shared.services, &context, claim, failure.clone())).await;
    match failed {
        Ok(_) | Err(CommandError::Refused(WorkError::Done)) => {
            package::fail(shared, claim.video, &film.correlation, failure).await
        }
        Err(_) => End::Later(FAULT_REST),
    }
}
