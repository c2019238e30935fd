//! A film's manifests and segments, for programs that carry a token with every request. Manifests lead to the delivery
//! address, whose files name each other; a segment is handed on from the store, or leads to the CDN in front of it.

use super::{
    RestState,
    body::Named,
    caller::Caller,
    error::{ApiError, Problem},
    film::readable,
};
use crate::routes::delivery;
use axum::{
    extract::{FromRequestParts, Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use lockstep_domain::{ids::VideoId, token::Scope};

/// Leads to the film's DASH manifest, at an address that works for a few minutes.
#[utoipa::path(get, path = "/api/videos/{id}/manifest.mpd", tag = "videos",
    params(("id" = Uuid, Path, description = "The film.")), responses(
    (status = 302, description = "The delivery address, in `Location`."),
    (status = "4XX", description = "Refused, not there, or not ready.", body = Problem),
    (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn dash(
    State(state): State<RestState>,
    caller: Caller,
    Named(id): Named<VideoId>,
) -> Result<Response, ApiError> {
    let row = watchable(&state, &caller, id).await?;
    lead(&state, id, row.dash_path)
}

/// Leads to the film's HLS playlist, at an address that works for a few minutes.
#[utoipa::path(get, path = "/api/videos/{id}/master.m3u8", tag = "videos",
    params(("id" = Uuid, Path, description = "The film.")), responses(
    (status = 302, description = "The delivery address, in `Location`."),
    (status = "4XX", description = "Refused, not there, or not ready.", body = Problem),
    (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn hls(
    State(state): State<RestState>,
    caller: Caller,
    Named(id): Named<VideoId>,
) -> Result<Response, ApiError> {
    let row = watchable(&state, &caller, id).await?;
    lead(&state, id, row.hls_path)
}

/// One file of a rendition, named `<rendition>_<file>`: `720p_00001.m4s`, `720p_init.mp4`, `720p_playlist.m3u8`.
#[utoipa::path(get, path = "/api/videos/{id}/segments/{segment}", tag = "videos",
    params(("id" = Uuid, Path, description = "The film."),
           ("segment" = String, Path, description = "For example `720p_00001.m4s`."),
           ("Range" = Option<String>, Header, description = "One range of bytes.")), responses(
    (status = 200, description = "The file.", content_type = "application/octet-stream"),
    (status = 206, description = "The range.", content_type = "application/octet-stream"),
    (status = 302, description = "Behind a CDN: the file's address there, in `Location`, good for a few minutes."),
    (status = 304, description = "It has not changed."),
    (status = "4XX", description = "Refused, or not there.", body = Problem),
    (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn segment(State(state): State<RestState>, caller: Caller, request: Request) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    let Named(id) = Named::<VideoId>::from_request_parts(&mut parts, &()).await?;
    let named = Path::<(String, String)>::from_request_parts(&mut parts, &()).await;
    let Path((_, segment)) = named.map_err(|_| ApiError::not_found())?;
    watchable(&state, &caller, id).await?;
    let path = segment.split_once('_').map(|(rendition, file)| format!("{rendition}/{file}"));
    let path = path.ok_or_else(ApiError::not_found)?;
    let answer = delivery::file(&state.delivery, id.0, &path, &parts.method, &parts.headers).await;
    match answer.status() {
        StatusCode::NOT_FOUND => Err(ApiError::not_found()),
        StatusCode::RANGE_NOT_SATISFIABLE => {
            let message = "the range starts behind the end";
            Err(ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", message))
        }
        StatusCode::SERVICE_UNAVAILABLE => Err(ApiError::unavailable("the store is out of reach")),
        _ => Ok(answer),
    }
}

async fn watchable(
    state: &RestState,
    caller: &Caller,
    id: VideoId,
) -> Result<lockstep_projections::videos::VideoRow, ApiError> {
    caller.within(Scope::VideosRead)?;
    let row = readable(state, caller, id).await?;
    if row.is_kept() { Ok(row) } else { Err(ApiError::not_found()) }
}

fn lead(state: &RestState, id: VideoId, path: Option<String>) -> Result<Response, ApiError> {
    let not_ready = || ApiError::new(StatusCode::CONFLICT, "wrong_status", "the film cannot be watched yet");
    let path = path.ok_or_else(not_ready)?;
    let token = state.delivery.keys.token(id.0, (state.delivery.now)());
    let location = HeaderValue::from_str(&format!("/v/{token}/{path}")).map_err(|_| not_ready())?;
    Ok((StatusCode::FOUND, [(header::LOCATION, location)]).into_response())
}
