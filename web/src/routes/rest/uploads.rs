//! `/api/upload`: where to PUT a file, and that it was PUT.

use axum::{Json, extract::State, http::StatusCode};
use lockstep_commands::{
    upload,
    video::{self, Upload, UploadTicket, VideoRefusal},
};
use lockstep_domain::{ids::VideoId, token::Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    RestState,
    body::{Named, Sent},
    caller::Caller,
    error::{ApiError, Problem},
    film::moment,
    videos::FilmNamed,
};

/// A file to be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UploadWanted {
    #[schema(example = "holiday.mp4")]
    file_name: String,
    /// Exactly so many bytes are accepted.
    #[schema(minimum = 1)]
    file_size: u64,
    /// Exactly this type is accepted.
    #[schema(example = "video/mp4")]
    content_type: String,
    /// The file's name without its ending, if left out.
    title: Option<String>,
    /// SHA-256 in lower-case hexadecimal over size, time of change and the first and last MiB: finds the same file again.
    fingerprint: Option<String>,
    /// Upload although the same file is there.
    again: Option<bool>,
}

/// How a large file is divided.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Parts {
    /// Bytes of each part but the last.
    pub part_size: u64,
    /// How many there are.
    pub count: u32,
}

/// Where to PUT the file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// Send the declared type and length with it. Empty for a file in parts.
    pub presigned_url: String,
    pub video_id: Uuid,
    pub expires_at: String,
    /// Only for a file of more than 64 MiB: ask `/api/upload/parts/{id}` for the addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
}

impl From<UploadTicket> for Ticket {
    fn from(ticket: UploadTicket) -> Self {
        Self {
            presigned_url: ticket.url,
            video_id: ticket.video.0,
            expires_at: moment(ticket.expires_at),
            parts: ticket.parts.map(|plan| Parts { part_size: plan.part_bytes, count: plan.parts }),
        }
    }
}

/// An upload may begin.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadGranted {
    pub data: Ticket,
    pub message: String,
}

/// An upload has arrived.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadConfirmed {
    pub data: FilmNamed,
    pub message: String,
}

/// Which parts are to be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartsWanted {
    /// One to ten, from 1.
    numbers: Vec<u32>,
}

/// Where to PUT one part.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartTicket {
    pub number: u32,
    /// Exactly so many bytes are accepted.
    pub size: u64,
    pub presigned_url: String,
}

/// Where to PUT the parts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartTickets {
    pub parts: Vec<PartTicket>,
    pub expires_at: String,
}

/// Parts may be sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartsGranted {
    pub data: PartTickets,
    pub message: String,
}

/// Asks where to PUT a file of exactly this size and type. With an `Idempotency-Key`, the same one gives the same film.
#[utoipa::path(post, path = "/api/upload/generate-presigned-url", tag = "upload",
    params(("Idempotency-Key" = Option<Uuid>, Header, description = "Names the wish: the same one again has one effect.")),
    request_body = UploadWanted, responses(
    (status = 200, description = "Where to PUT it.", body = UploadGranted),
    (status = "4XX", description = "Refused.", body = Problem), (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn request(
    State(state): State<RestState>,
    caller: Caller,
    Sent(wanted): Sent<UploadWanted>,
) -> Result<(StatusCode, Json<UploadGranted>), ApiError> {
    caller.within(Scope::Upload)?;
    if !caller.is_member() {
        return Err(ApiError::refused(&VideoRefusal::Guest));
    }
    let UploadWanted { file_name, file_size, content_type, title, fingerprint, again } = wanted;
    let title = title.unwrap_or_else(|| match file_name.rsplit_once('.') {
        Some((name, _)) if !name.is_empty() => name.to_owned(),
        Some(_) | None => file_name.clone(),
    });
    let again = again.unwrap_or(false);
    let upload = Upload { title, file_name, size_bytes: file_size, content_type, fingerprint, again };
    let ticket = video::request_upload(&state.services, &caller.acting(&state), upload).await?;
    let message = "PUT the file to this address, then confirm it".to_owned();
    Ok((StatusCode::OK, Json(UploadGranted { data: ticket.into(), message })))
}

/// Asks where to PUT parts of a large file; again for an address that has expired.
#[utoipa::path(post, path = "/api/upload/parts/{id}", tag = "upload",
    params(("id" = Uuid, Path, description = "The film.")), request_body = PartsWanted, responses(
    (status = 200, description = "Where to PUT them.", body = PartsGranted),
    (status = "4XX", description = "Refused, or not there.", body = Problem),
    (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn sign_parts(
    State(state): State<RestState>,
    caller: Caller,
    Named(id): Named<VideoId>,
    Sent(wanted): Sent<PartsWanted>,
) -> Result<Json<PartsGranted>, ApiError> {
    caller.within(Scope::Upload)?;
    let (parts, expires_at) = upload::sign_parts(&state.services, &caller.acting(&state), id, &wanted.numbers).await?;
    let ticket =
        |part: upload::SignedPart| PartTicket { number: part.number, size: part.bytes, presigned_url: part.url };
    let data = PartTickets { parts: parts.into_iter().map(ticket).collect(), expires_at: moment(expires_at) };
    Ok(Json(PartsGranted { data, message: "PUT each part to its address, then confirm the upload".to_owned() }))
}

/// Says that the file has been PUT. What is stored is checked; then it is transcoded.
#[utoipa::path(post, path = "/api/upload/confirm/{id}", tag = "upload",
    params(("id" = Uuid, Path, description = "The film."),
           ("Idempotency-Key" = Option<Uuid>, Header, description = "Names the wish: the same one again has one effect.")),
    responses(
    (status = 200, description = "It has arrived.", body = UploadConfirmed),
    (status = "4XX", description = "Refused, or not there.", body = Problem),
    (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn confirm(
    State(state): State<RestState>,
    caller: Caller,
    Named(id): Named<VideoId>,
) -> Result<Json<UploadConfirmed>, ApiError> {
    caller.within(Scope::Upload)?;
    video::confirm_upload(&state.services, &caller.acting(&state), id).await?;
    let message = "the file has arrived and will be transcoded".to_owned();
    Ok(Json(UploadConfirmed { data: FilmNamed { video_id: id.0 }, message }))
}
