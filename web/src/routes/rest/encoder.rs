//! `POST /api/webhook/processing-complete`: an external encoder says that a film is done. Signed, fresh, and once.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use lockstep_commands::encoder::{self, Call, Verdict};
use lockstep_domain::{ids::VideoId, time::MediaTime};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    RestState,
    body::{bounded, is_json, parsed},
    error::{ApiError, Problem},
    film::FilmStatus,
    signed::SignatureError,
};

/// What became of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EncodingStatus {
    Completed,
    Failed,
}

/// What the encoder says. For a completed film its manifests are in the media bucket.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessingComplete {
    video_id: Uuid,
    status: EncodingStatus,
    /// Of the film, milliseconds; with `completed` only.
    duration_ms: Option<i64>,
    /// Why not, in words for the film's owner; with `failed` only.
    error: Option<String>,
}

/// How the film stands now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Processed {
    pub video_id: Uuid,
    pub status: FilmStatus,
    /// This delivery had been taken before; nothing was done.
    pub duplicate: bool,
}

/// The delivery was taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProcessingNoted {
    pub data: Processed,
    pub message: String,
}

/// Takes the news of an external encoder. Signed as Standard Webhooks describes it; the same `webhook-id` again has no
/// second effect, and a film that is ready stays as it is.
#[utoipa::path(post, path = "/api/webhook/processing-complete", tag = "webhooks", security(()),
    params(("webhook-id" = String, Header, description = "Names the delivery: the same for every attempt."),
           ("webhook-timestamp" = i64, Header, description = "Unix seconds, within 5 minutes of now."),
           ("webhook-signature" = String, Header, description = "`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64.")),
    request_body = ProcessingComplete, responses(
    (status = 200, description = "It was taken, now or before.", body = ProcessingNoted),
    (status = "4XX", description = "Refused.", body = Problem), (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn processing_complete(
    State(state): State<RestState>,
    request: Request,
) -> Result<Json<ProcessingNoted>, ApiError> {
    let Some(secret) = &state.encoder else {
        let message = "no external encoder is set up here";
        return Err(ApiError::new(StatusCode::NOT_FOUND, "not_configured", message));
    };
    if !is_json(request.headers()) {
        let message = "send application/json in UTF-8";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type", message));
    }
    let headers = request.headers().clone();
    let body = bounded(request).await?;
    let now = state.services.clock.now();
    let delivery = secret.verify(&headers, &body, now.as_micros() / 1_000_000).map_err(unsigned)?;
    let sent: ProcessingComplete = parsed(&body)?;
    let video = VideoId(sent.video_id);
    let call = Call { delivery: delivery.to_owned(), body_sha256: Sha256::digest(&body).into(), video, at: now };
    let taken = encoder::take(&state.services, &call, verdict(&sent)?).await?;
    let message = if taken.duplicate { "this delivery was taken before" } else { "the film's state was noted" };
    let data = Processed { video_id: video.0, status: FilmStatus::of(taken.status), duplicate: taken.duplicate };
    Ok(Json(ProcessingNoted { data, message: message.to_owned() }))
}

fn unsigned(error: SignatureError) -> ApiError {
    let code = match error {
        SignatureError::Missing | SignatureError::Wrong => "signature",
        SignatureError::Stale => "stale",
    };
    ApiError::new(StatusCode::UNAUTHORIZED, code, error.to_string())
}

fn verdict(sent: &ProcessingComplete) -> Result<Verdict, ApiError> {
    match (sent.status, sent.duration_ms, &sent.error) {
        (EncodingStatus::Completed, Some(ms), None) => Ok(Verdict::Completed { duration: media_time(ms)? }),
        (EncodingStatus::Failed, None, Some(reason)) => Ok(Verdict::Failed { reason: reason.clone() }),
        (EncodingStatus::Completed | EncodingStatus::Failed, _, _) => {
            Err(ApiError::bad_request("a completed film has durationMs, a failed one has error, and neither has both"))
        }
    }
}

fn media_time(ms: i64) -> Result<MediaTime, ApiError> {
    match ms {
        1..=encoder::DURATION_MS_MAX => Ok(MediaTime::from_millis(ms)),
        _ => Err(ApiError::bad_request("a film has up to 24 hours")),
    }
}
