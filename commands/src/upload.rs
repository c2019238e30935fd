//! Uploads that survive: parts signed just in time, what has arrived, giving up, and what may be uploaded at all.
//! Which parts arrived is asked of the store; the log knows that an upload began and how it ended.

mod quota;
mod sweep;

use std::time::Duration;

use lockstep_domain::{
    ids::{AccountId, StreamId, VideoId},
    time::Timestamp,
    video::{AbortReason, PartPlan, Status, Step, Video, VideoCommand, VideoError, VideoState},
};
use lockstep_object_store::StoredPart;
use sha2::{Digest, Sha256};

pub(crate) use quota::{Admitted, Asked, admit, database};
pub use quota::{Limits, QuotaKind, Uploads, Usage, usage};
pub use sweep::{sweep_abandoned, sweep_store};

use crate::{
    Actor, CommandError, Context, Loaded, Outcome, Services,
    channel::derived_id,
    video::{UPLOAD_URL_LIFE, VideoRefusal, unavailable},
};

/// Parts one request signs.
pub const SIGNED_PARTS_MAX: usize = 10;
/// Unfinished uploads shown to their owner.
pub const UNFINISHED_SHOWN_MAX: i64 = 50;
/// An upload that is not finished after this is given up.
pub const UPLOAD_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// A part ready to be sent.
#[derive(Debug, Clone)]
pub struct SignedPart {
    pub number: u32,
    pub bytes: u64,
    pub url: String,
    /// Send exactly these headers: the length is signed.
    pub headers: Vec<(String, String)>,
}

/// An upload its owner can go on with.
#[derive(Debug, Clone)]
pub struct Unfinished {
    pub video: VideoId,
    pub state: VideoState,
    pub requested_at: Timestamp,
    /// Numbers of the parts that have arrived; empty for a file that is sent whole.
    pub received: Vec<u32>,
}

/// Signs PUTs of these parts: at most [`SIGNED_PARTS_MAX`], each of exactly its planned length.
pub async fn sign_parts(
    services: &Services,
    context: &Context,
    video: VideoId,
    numbers: &[u32],
) -> Result<(Vec<SignedPart>, Timestamp), CommandError<VideoRefusal>> {
    let held = own(services, context, video).await?;
    if numbers.is_empty() || numbers.len() > SIGNED_PARTS_MAX {
        return Err(CommandError::Refused(VideoRefusal::Parts));
    }
    if held.state.status != Status::Uploading {
        return Err(CommandError::Refused(VideoError::WrongStatus(held.state.status).into()));
    }
    let Some(plan) = PartPlan::of(held.state.size_bytes) else {
        return Err(CommandError::Refused(VideoError::SentWhole.into()));
    };
    let upload_id = start(services, context, video, &held.state).await?;
    let mut signed = Vec::with_capacity(numbers.len());
    for &number in numbers {
        let bytes = plan.bytes_of(number).ok_or(CommandError::Refused(VideoRefusal::Parts))?;
        let interim = &services.objects.interim;
        let part = interim.presign_part(&held.state.object_key, &upload_id, number, bytes, UPLOAD_URL_LIFE).await;
        let part = part.map_err(unavailable)?;
        signed.push(SignedPart { number, bytes, url: part.url, headers: part.headers });
    }
    Ok((signed, Timestamp(context.now.0 + UPLOAD_URL_LIFE.as_micros() as i64)))
}

/// Begins the upload in parts in the store and notes its id; goes on with the one that is there.
pub(crate) async fn start(
    services: &Services,
    context: &Context,
    video: VideoId,
    state: &VideoState,
) -> Result<String, CommandError<VideoRefusal>> {
    if let Some(id) = going(services, state).await? {
        return Ok(id);
    }
    let _turn = services.uploads.turn(video.0).await;
    let stream = StreamId::video(video);
    let state = services.dispatcher.load::<Video>(&stream).await?.state;
    if let Some(id) = going(services, &state).await? {
        return Ok(id);
    }
    let interim = &services.objects.interim;
    // A crash may have left one that the log does not know.
    let open = interim.list_multiparts(&state.object_key).await.map_err(unavailable)?;
    let upload_id = match open.into_iter().find(|open| open.key == state.object_key) {
        Some(open) => open.upload_id,
        None => interim.create_multipart(&state.object_key, &state.content_type).await.map_err(unavailable)?,
    };
    let what = format!("multipart {}", state.upload_id.as_deref().unwrap_or_default());
    let step =
        VideoCommand::Upload(Step::StartMultipart { upload_id: upload_id.clone(), lost: state.upload_id.clone() });
    let begun = Context { command_id: derived_id(context, &what).into(), ..context.clone() };
    let begun = services.dispatcher.execute::<Video>(stream.clone(), None, &begun, step).await;
    if let Err(error) = begun {
        interim.abort_multipart(&state.object_key, &upload_id).await.map_err(unavailable)?;
        return Err(error.map(VideoRefusal::Rule));
    }
    // Another process may have been first: its id stands.
    let stands = services.dispatcher.load::<Video>(&stream).await?.state.upload_id;
    if stands.as_ref() != Some(&upload_id) {
        interim.abort_multipart(&state.object_key, &upload_id).await.map_err(unavailable)?;
    }
    stands.ok_or(CommandError::Contended)
}

/// The upload's id, where one has begun and the store still has it or has made the object of it. A store that is killed
/// while it puts the parts together may have lost them: such an upload begins again.
async fn going(services: &Services, state: &VideoState) -> Result<Option<String>, CommandError<VideoRefusal>> {
    let Some(id) = &state.upload_id else { return Ok(None) };
    let (interim, key) = (&services.objects.interim, &state.object_key);
    let kept = interim.has_multipart(key, id).await.map_err(unavailable)?
        || interim.head(key).await.map_err(unavailable)?.is_some();
    Ok(kept.then(|| id.clone()))
}

/// The upload of its owner, with the numbers of the parts that have arrived whole.
pub async fn parts(
    services: &Services,
    context: &Context,
    video: VideoId,
) -> Result<(VideoState, Vec<u32>), CommandError<VideoRefusal>> {
    let held = own(services, context, video).await?;
    let received = received(services, &held.state).await?;
    Ok((held.state, received))
}

/// The numbers of the parts that have arrived; all of them where the object is made already and nobody was told.
async fn received(services: &Services, state: &VideoState) -> Result<Vec<u32>, CommandError<VideoRefusal>> {
    let numbers: Vec<u32> = stored(services, state).await?.iter().map(|part| part.number).collect();
    let Some(plan) = PartPlan::of(state.size_bytes).filter(|_| numbers.is_empty() && state.upload_id.is_some()) else {
        return Ok(numbers);
    };
    let made = services.objects.interim.head(&state.object_key).await.map_err(unavailable)?.is_some();
    Ok(if made { (1..=plan.parts).collect() } else { numbers })
}

/// What the store holds of an upload in parts, as planned: parts of another size do not count.
async fn stored(services: &Services, state: &VideoState) -> Result<Vec<StoredPart>, CommandError<VideoRefusal>> {
    let (Some(upload_id), Some(plan)) = (&state.upload_id, PartPlan::of(state.size_bytes)) else { return Ok(vec![]) };
    let parts = services.objects.interim.list_parts(&state.object_key, upload_id).await.map_err(unavailable)?;
    let planned = |part: &StoredPart| plan.bytes_of(part.number) == Some(part.bytes);
    Ok(parts.unwrap_or_default().into_iter().filter(planned).collect())
}

/// Makes one object of the parts when all have arrived. Nothing to do for a file that was sent whole, or twice.
pub(crate) async fn assemble(services: &Services, state: &VideoState) -> Result<(), CommandError<VideoRefusal>> {
    let (Some(upload_id), Some(plan)) = (&state.upload_id, PartPlan::of(state.size_bytes)) else { return Ok(()) };
    let interim = &services.objects.interim;
    if interim.head(&state.object_key).await.map_err(unavailable)?.is_some() {
        return Ok(());
    }
    let parts = stored(services, state).await?;
    if parts.len() < plan.parts as usize {
        return Err(CommandError::Refused(VideoRefusal::NotArrived));
    }
    interim.complete_multipart(&state.object_key, upload_id, &parts).await.map_err(unavailable)
}

/// Gives an unfinished upload up: its parts go, and it counts no more. Again is no error.
pub async fn abort(
    services: &Services,
    context: &Context,
    video: VideoId,
    reason: AbortReason,
) -> Result<Outcome, CommandError<VideoRefusal>> {
    own(services, context, video).await?;
    let step = VideoCommand::Upload(Step::Abort { reason });
    let aborted = services.dispatcher.execute::<Video>(StreamId::video(video), None, context, step).await;
    aborted.map_err(|error| error.map(VideoRefusal::Rule))
}

/// The account's unfinished uploads, newest first, with what has arrived of each.
pub async fn unfinished(
    services: &Services,
    account: AccountId,
) -> Result<Vec<Unfinished>, CommandError<VideoRefusal>> {
    let open = quota::unfinished(&services.pool, account).await.map_err(|error| quota::database(&error))?;
    let mut uploads = Vec::with_capacity(open.len());
    for (video, requested_at) in open {
        let state = services.dispatcher.load::<Video>(&StreamId::video(video)).await?.state;
        if state.status == Status::Uploading {
            let received = received(services, &state).await?;
            uploads.push(Unfinished { video, state, requested_at, received });
        }
    }
    Ok(uploads)
}

/// The film, when the actor may act on its upload; somebody else's looks like none.
async fn own(
    services: &Services,
    context: &Context,
    video: VideoId,
) -> Result<Loaded<VideoState>, CommandError<VideoRefusal>> {
    let held = services.dispatcher.load::<Video>(&StreamId::video(video)).await?;
    match held.state.owner {
        Some(owner) if context.actor == Actor::Account(owner) || context.actor == Actor::System => Ok(held),
        _ => Err(CommandError::Refused(VideoError::Unknown.into())),
    }
}

/// As it is stored: bound to the account, so that no two accounts' files can be told to be the same.
pub(crate) fn bound(owner: AccountId, fingerprint: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(owner.0.as_bytes());
    hash.update(fingerprint.as_bytes());
    hex::encode(hash.finalize())
}
