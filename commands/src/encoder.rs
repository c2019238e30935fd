//! An encoder outside of this program says what became of a film. Each of its deliveries has one effect, and none changes
//! a film that is ready.

use lockstep_domain::{
    ids::{StreamId, VideoId},
    time::{MediaTime, Timestamp},
    video::{Status, Video, VideoError},
    work::Failure,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Actor, CommandError, Context, LoadError, Services, transcode};

/// A film's length, milliseconds: 24 hours.
pub const DURATION_MS_MAX: i64 = 24 * 3_600 * 1_000;
/// Characters of why a film failed.
pub const REASON_CHARS_MAX: usize = 300;
/// Deliveries are remembered this long: far longer than their signature is good for.
const KEPT_DAYS: i32 = 7;
/// Who acts, in the log.
const WORKER: &str = "encoder";

/// A delivery was refused; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncoderRefusal {
    #[error("another message came under this id")]
    Reused,
    #[error("the film's manifests are not in the media bucket: put them there first")]
    NoManifest,
    #[error("why it failed has 1 to {REASON_CHARS_MAX} characters")]
    Reason,
    #[error(transparent)]
    Rule(#[from] VideoError),
}

/// One delivery, as it came.
#[derive(Debug, Clone)]
pub struct Call {
    /// The sender's name for it, the same for every attempt.
    pub delivery: String,
    pub body_sha256: [u8; 32],
    pub video: VideoId,
    pub at: Timestamp,
}

/// What the encoder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Completed { duration: MediaTime },
    Failed { reason: String },
}

/// A delivery was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// It had been taken before.
    pub duplicate: bool,
    /// How the film stands now.
    pub status: Status,
}

/// Takes one delivery.
pub async fn take(services: &Services, call: &Call, verdict: Verdict) -> Result<Taken, CommandError<EncoderRefusal>> {
    let held = services.dispatcher.load::<Video>(&StreamId::video(call.video)).await?.state;
    if let Some(earlier) = earlier(services, call).await? {
        return match earlier == call.body_sha256 {
            true => Ok(Taken { duplicate: true, status: held.status }),
            false => Err(CommandError::Refused(EncoderRefusal::Reused)),
        };
    }
    if held.owner.is_none() {
        return Err(CommandError::Refused(VideoError::Unknown.into()));
    }
    let context = context(call);
    match verdict {
        Verdict::Completed { duration } => complete(services, &context, call.video, held.status, duration).await?,
        Verdict::Failed { reason } => fail(services, &context, call.video, &reason).await?,
    }
    remember(services, call).await?;
    let status = services.dispatcher.load::<Video>(&StreamId::video(call.video)).await?.state.status;
    Ok(Taken { duplicate: false, status })
}

async fn complete(
    services: &Services,
    context: &Context,
    video: VideoId,
    status: Status,
    duration: MediaTime,
) -> Result<(), CommandError<EncoderRefusal>> {
    if status == Status::Ready {
        return Ok(());
    }
    let (hls, dash) = (format!("v/{video}/master.m3u8"), format!("v/{video}/manifest.mpd"));
    for key in [&hls, &dash] {
        if services.objects.media.head(key).await.map_err(store)?.is_none() {
            return Err(CommandError::Refused(EncoderRefusal::NoManifest));
        }
        services.objects.media.make_durable(key).await.map_err(store)?;
    }
    if status == Status::Uploaded {
        let begun = Context { command_id: derived(context, "start").into(), ..context.clone() };
        transcode::start(services, &begun, video).await.map_err(refused)?;
    }
    transcode::complete(services, context, video, (hls, dash), duration).await.map(|_| ()).map_err(refused)
}

async fn fail(
    services: &Services,
    context: &Context,
    video: VideoId,
    reason: &str,
) -> Result<(), CommandError<EncoderRefusal>> {
    let reason = reason.trim();
    let fits = (1..=REASON_CHARS_MAX).contains(&reason.chars().count()) && !reason.chars().any(char::is_control);
    if !fits {
        return Err(CommandError::Refused(EncoderRefusal::Reason));
    }
    let failure =
        Failure { stage: "encode".to_owned(), code: "external".to_owned(), reason: reason.to_owned(), retryable: true };
    transcode::fail(services, context, video, failure).await.map(|_| ()).map_err(refused)
}

fn store(error: lockstep_object_store::ObjectError) -> CommandError<EncoderRefusal> {
    CommandError::Unavailable(error.to_string())
}

fn refused(error: CommandError<VideoError>) -> CommandError<EncoderRefusal> {
    error.map(EncoderRefusal::Rule)
}

async fn earlier(services: &Services, call: &Call) -> Result<Option<[u8; 32]>, LoadError> {
    let held: Option<Vec<u8>> = sqlx::query_scalar("SELECT body_sha256 FROM encoder_calls WHERE delivery_id = $1")
        .bind(&call.delivery)
        .fetch_optional(&services.pool)
        .await
        .map_err(|error| LoadError::Unavailable(error.to_string()))?;
    Ok(held.and_then(|bytes| bytes.try_into().ok()))
}

async fn remember(services: &Services, call: &Call) -> Result<(), LoadError> {
    sqlx::query("INSERT INTO encoder_calls (delivery_id, body_sha256) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(&call.delivery)
        .bind(call.body_sha256.as_slice())
        .execute(&services.pool)
        .await
        .map(|_| ())
        .map_err(|error| LoadError::Unavailable(error.to_string()))
}

/// Forgets deliveries of long ago.
pub async fn sweep(services: &Services) -> Result<u64, LoadError> {
    let done = sqlx::query("DELETE FROM encoder_calls WHERE received_at < now() - make_interval(days => $1)")
        .bind(KEPT_DAYS)
        .execute(&services.pool)
        .await
        .map_err(|error| LoadError::Unavailable(error.to_string()))?;
    Ok(done.rows_affected())
}

/// The operation id follows from the delivery, so two attempts at the same moment have one effect as well.
fn context(call: &Call) -> Context {
    let seed = Context {
        actor: Actor::Worker(WORKER.to_owned()),
        command_id: Uuid::nil().into(),
        correlation_id: call.delivery.clone(),
        causation_id: None,
        now: call.at,
    };
    Context { command_id: derived(&seed, &call.delivery).into(), ..seed }
}

fn derived(context: &Context, what: &str) -> Uuid {
    let hash = Sha256::new().chain_update(context.command_id.0.as_bytes()).chain_update(what.as_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
