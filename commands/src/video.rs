//! Uploads: ask, PUT straight to the store, confirm; and what follows from them.

use std::time::Duration;

use lockstep_domain::{
    Aggregate,
    ids::{StreamId, VideoId},
    time::Timestamp,
    video::{PartPlan, Status, Video, VideoCommand, VideoError, VideoState},
};
use lockstep_object_store::ObjectError;
use uuid::Uuid;

use crate::{
    Actor, CommandError, Context, Outcome, Services,
    channel::derived_id,
    magic,
    upload::{self, QuotaKind, SIGNED_PARTS_MAX},
};

/// How long a presigned PUT may start.
pub const UPLOAD_URL_LIFE: Duration = Duration::from_secs(60 * 60);
/// Requested uploads one sweep looks at.
pub(crate) const SWEPT_MAX: i64 = 200;

/// An upload command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VideoRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error("guests cannot upload")]
    Guest,
    #[error("the file has not arrived yet: upload it, then confirm again")]
    NotArrived,
    #[error("{0}")]
    Rejected(String),
    #[error("choose 1 to {} films", crate::library::BULK_MAX)]
    TooMany,
    /// What is used of what is allowed.
    #[error("you have {used} {kind} of {allowed}: remove some first")]
    Quota { kind: QuotaKind, used: u64, allowed: u64 },
    /// The same file of the same account is there.
    #[error("you have uploaded this file already")]
    Duplicate(VideoId),
    #[error("ask for 1 to {SIGNED_PARTS_MAX} parts that the file has")]
    Parts,
    #[error(transparent)]
    Rule(#[from] VideoError),
}

/// What the browser needs to send the file.
#[derive(Debug, Clone)]
pub struct UploadTicket {
    pub video: VideoId,
    /// Empty for a file in parts.
    pub url: String,
    /// Send exactly these headers: length and type are signed.
    pub headers: Vec<(String, String)>,
    /// For a large file: ask for its parts' addresses.
    pub parts: Option<PartPlan>,
    pub expires_at: Timestamp,
    pub outcome: Outcome,
}

/// What is going to be uploaded, as declared.
#[derive(Debug, Clone)]
pub struct Upload {
    pub title: String,
    pub file_name: String,
    pub size_bytes: u64,
    pub content_type: String,
    /// SHA-256 over what tells the file again.
    pub fingerprint: Option<String>,
    /// Upload although the same file is there.
    pub again: bool,
}

/// Notes the wish and signs a PUT of exactly that length and type, or begins an upload in parts. The same operation id
/// gives the same video.
pub async fn request_upload(
    services: &Services,
    context: &Context,
    upload: Upload,
) -> Result<UploadTicket, CommandError<VideoRefusal>> {
    let owner = context.account().ok_or(CommandError::Refused(VideoRefusal::SignedOut))?;
    let video = VideoId(derived_id(context, "video"));
    let object_key = format!("u/{video}");
    let Upload { title, file_name, size_bytes, content_type, fingerprint, again } = upload;
    let fingerprint = fingerprint.map(|text| upload::bound(owner, &text));
    let command = VideoCommand::RequestUpload {
        owner,
        title,
        file_name,
        size_bytes,
        content_type: content_type.clone(),
        object_key: object_key.clone(),
        fingerprint: fingerprint.clone(),
    };
    let stream = StreamId::video(video);
    let outcome = {
        let _turn = services.uploads.turn(owner.0).await;
        let held = services.dispatcher.load::<Video>(&stream).await?;
        Video::decide(&held.state, &command).map_err(|rule| CommandError::Refused(rule.into()))?;
        let fingerprint = fingerprint.as_deref().filter(|_| !again);
        let asked = upload::Asked { account: owner, bytes: size_bytes, fingerprint };
        let _admitted = match held.state.owner {
            None => Some(admitted(services, &asked).await?),
            Some(_) => None,
        };
        let requested = services.dispatcher.execute::<Video>(stream.clone(), None, context, command).await;
        requested.map_err(|error| error.map(VideoRefusal::Rule))?
    };
    let held = services.dispatcher.load::<Video>(&stream).await?;
    if held.state.status != Status::Uploading {
        return Err(CommandError::Refused(VideoError::WrongStatus(held.state.status).into()));
    }
    let expires_at = Timestamp(context.now.0 + UPLOAD_URL_LIFE.as_micros() as i64);
    let ticket = UploadTicket { video, url: String::new(), headers: vec![], parts: None, expires_at, outcome };
    if let Some(plan) = PartPlan::of(size_bytes) {
        upload::start(services, context, video, &held.state).await?;
        return Ok(UploadTicket { parts: Some(plan), ..ticket });
    }
    let interim = &services.objects.interim;
    let signed = interim.presign_put(&object_key, &content_type, size_bytes, UPLOAD_URL_LIFE).await;
    let signed = signed.map_err(unavailable)?;
    Ok(UploadTicket { url: signed.url, headers: signed.headers, ..ticket })
}

async fn admitted(
    services: &Services,
    asked: &upload::Asked<'_>,
) -> Result<upload::Admitted, CommandError<VideoRefusal>> {
    let answer = upload::admit(&services.pool, services.uploads.limits, asked).await;
    answer.map_err(|error| upload::database(&error))?.map_err(CommandError::Refused)
}

/// Checks the stored object (there, of the declared size, the declared container) and notes its arrival, or its
/// rejection with the reason. Only the owner or the sweep confirms.
pub async fn confirm_upload(
    services: &Services,
    context: &Context,
    video: VideoId,
) -> Result<Outcome, CommandError<VideoRefusal>> {
    let stream = StreamId::video(video);
    let held = services.dispatcher.load::<Video>(&stream).await?;
    let Some(owner) = held.state.owner else {
        return Err(CommandError::Refused(VideoRefusal::Rule(VideoError::Unknown)));
    };
    if context.actor != Actor::Account(owner) && context.actor != Actor::System {
        // Somebody else's upload looks like none.
        return Err(CommandError::Refused(VideoError::Unknown.into()));
    }
    if held.state.status != Status::Uploading {
        let outcome = Outcome { position: held.position, version: held.version, changed: false };
        return match held.state.status {
            ended @ (Status::Rejected | Status::Aborted) => {
                Err(CommandError::Refused(VideoRefusal::Rule(VideoError::WrongStatus(ended))))
            }
            _ => Ok(outcome),
        };
    }
    let _turn = services.uploads.turn(video.0).await;
    upload::assemble(services, &held.state).await?;
    let verdict = examine(services, &held.state).await?;
    let command = match &verdict {
        Ok(()) => VideoCommand::CompleteUpload,
        Err(reason) => VideoCommand::RejectUpload { reason: reason.clone() },
    };
    let outcome = services
        .dispatcher
        .execute::<Video>(stream, None, context, command)
        .await
        .map_err(|error| error.map(VideoRefusal::Rule))?;
    match verdict {
        Ok(()) => Ok(outcome),
        Err(reason) => Err(CommandError::Refused(VideoRefusal::Rejected(reason))),
    }
}

/// `Ok(Err(reason))`: it is there and is not what was declared.
async fn examine(services: &Services, film: &VideoState) -> Result<Result<(), String>, CommandError<VideoRefusal>> {
    let (interim, key, size_bytes) = (&services.objects.interim, &film.object_key, film.size_bytes);
    let Some(head) = interim.head(key).await.map_err(unavailable)? else {
        return Err(CommandError::Refused(VideoRefusal::NotArrived));
    };
    if head.bytes != size_bytes {
        return Ok(Err(format!("The stored file has {} bytes, {size_bytes} were declared.", head.bytes)));
    }
    let wanted = size_bytes.min(magic::HEAD_BYTES as u64);
    let Some(first) = interim.get_range(key, 0, wanted).await.map_err(unavailable)? else {
        return Err(CommandError::Refused(VideoRefusal::NotArrived));
    };
    if let Err(reason) = magic::declared(&first, size_bytes, &film.content_type) {
        return Ok(Err(reason));
    }
    // The PUT was answered by the store; nothing may be appended before the bytes would survive a crash.
    interim.make_durable(key).await.map_err(unavailable)?;
    Ok(Ok(()))
}

/// Confirms uploads that arrived although nobody confirmed them (the browser died). Works from the log, a page of it at a
/// time: those that never arrive keep nobody else waiting.
#[derive(Debug)]
pub struct UploadSweep {
    /// Uploads looked at each time.
    page: i64,
    /// Where the page before ended in the log.
    after: i64,
}

impl Default for UploadSweep {
    fn default() -> Self {
        Self::by(SWEPT_MAX)
    }
}

impl UploadSweep {
    /// Looks at so many uploads each time.
    pub fn by(page: i64) -> Self {
        Self { page, after: 0 }
    }

    /// Looks at the next page; how many uploads had arrived.
    pub async fn run(&mut self, services: &Services, new_context: impl Fn() -> Context) -> Result<u32, sqlx::Error> {
        let waiting = waiting(services, self.after, self.page).await?;
        let is_last = i64::try_from(waiting.len()).is_ok_and(|found| found < self.page);
        self.after = waiting.last().filter(|_| !is_last).map_or(0, |(_, position)| *position);
        let mut arrived = 0;
        for (id, _) in waiting {
            let Ok(video) = id.parse::<VideoId>() else { continue };
            match confirm_upload(services, &new_context(), video).await {
                Ok(_) | Err(CommandError::Refused(VideoRefusal::Rejected(_))) => arrived += 1,
                Err(CommandError::Refused(VideoRefusal::NotArrived)) => {}
                Err(error) => tracing::warn!(%video, %error, "an upload could not be confirmed by the sweep"),
            }
        }
        Ok(arrived)
    }
}

/// Uploads of the last day that nobody confirmed, and where they were asked for, the oldest first.
async fn waiting(services: &Services, after: i64, most: i64) -> Result<Vec<(String, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT r.aggregate_id, r.global_position FROM events r
         WHERE r.event_type = 'UploadRequested' AND r.aggregate_type = 'video' AND r.global_position > $2
           AND r.recorded_at > now() - interval '1 day' AND r.recorded_at < now() - interval '20 seconds'
           AND NOT EXISTS (SELECT 1 FROM events d WHERE d.aggregate_type = 'video' AND d.aggregate_id = r.aggregate_id
                           AND d.event_type IN ('UploadCompleted', 'UploadRejected', 'UploadAborted'))
         ORDER BY r.global_position LIMIT $1",
    )
    .bind(most)
    .bind(after)
    .fetch_all(&services.pool)
    .await
}

/// Removes the uploaded file once the film is finished (or was rejected or given up), parts included, and notes it.
pub async fn remove_interim(
    services: &Services,
    context: &Context,
    video: VideoId,
) -> Result<Outcome, CommandError<VideoRefusal>> {
    let stream = StreamId::video(video);
    let held = services.dispatcher.load::<Video>(&stream).await?;
    if !held.state.interim_removed && !held.state.object_key.is_empty() {
        let (interim, key) = (&services.objects.interim, &held.state.object_key);
        if let Some(upload_id) = &held.state.upload_id {
            interim.abort_multipart(key, upload_id).await.map_err(unavailable)?;
        }
        interim.delete(key).await.map_err(unavailable)?;
    }
    services
        .dispatcher
        .execute::<Video>(stream, None, context, VideoCommand::RecordInterimRemoved)
        .await
        .map_err(|error| error.map(VideoRefusal::Rule))
}

/// A system context with an operation id of its own.
pub fn system_context(id: Uuid, now: Timestamp, causation_id: Option<String>) -> Context {
    Context { actor: Actor::System, command_id: id.into(), correlation_id: id.to_string(), causation_id, now }
}

pub(crate) fn unavailable(error: ObjectError) -> CommandError<VideoRefusal> {
    CommandError::Unavailable(format!("the object store: {error}"))
}
