//! Films as the API shows them, and which of them somebody may see.

use std::collections::HashMap;

use lockstep_domain::{
    channel::Visibility,
    ids::{AccountId, VideoId},
    time::Timestamp,
    video::Status,
    work::Failure,
};
use lockstep_projections::{
    QueryError, accounts, channels,
    videos::{self, VideoRow},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{RestState, caller::Caller, error::ApiError};

/// How far a film is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FilmStatus {
    /// Requested; the file has not arrived.
    Uploading,
    /// The file arrived.
    Uploaded,
    /// Being transcoded.
    Processing,
    /// It can be watched.
    Ready,
    /// It could not be transcoded.
    Failed,
    /// The file is not what was declared.
    Rejected,
    /// The upload was given up.
    Aborted,
}

impl FilmStatus {
    pub fn of(status: Status) -> Self {
        match status {
            Status::Unknown | Status::Uploading => Self::Uploading,
            Status::Uploaded => Self::Uploaded,
            Status::Processing => Self::Processing,
            Status::Ready => Self::Ready,
            Status::Failed => Self::Failed,
            Status::Rejected => Self::Rejected,
            Status::Aborted => Self::Aborted,
        }
    }
}

impl From<FilmStatus> for Status {
    fn from(status: FilmStatus) -> Self {
        match status {
            FilmStatus::Uploading => Self::Uploading,
            FilmStatus::Uploaded => Self::Uploaded,
            FilmStatus::Processing => Self::Processing,
            FilmStatus::Ready => Self::Ready,
            FilmStatus::Failed => Self::Failed,
            FilmStatus::Rejected => Self::Rejected,
            FilmStatus::Aborted => Self::Aborted,
        }
    }
}

/// Who finds a film: every member, who has its link, or its owner alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FilmVisibility {
    Public,
    Unlisted,
    Private,
}

impl FilmVisibility {
    fn of(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Public => Self::Public,
            Visibility::Unlisted => Self::Unlisted,
            Visibility::Private => Self::Private,
        }
    }
}

impl From<FilmVisibility> for Visibility {
    fn from(visibility: FilmVisibility) -> Self {
        match visibility {
            FilmVisibility::Public => Self::Public,
            FilmVisibility::Unlisted => Self::Unlisted,
            FilmVisibility::Private => Self::Private,
        }
    }
}

/// An account as others see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Person {
    pub id: Uuid,
    /// Empty once the person was erased.
    pub name: String,
}

/// Why a film cannot be watched.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilmFailure {
    /// A stable word.
    pub code: String,
    /// A sentence for its owner.
    pub reason: String,
    /// Whether trying again can help.
    pub retryable: bool,
}

impl From<&Failure> for FilmFailure {
    fn from(failure: &Failure) -> Self {
        Self { code: failure.code.clone(), reason: failure.reason.clone(), retryable: failure.retryable }
    }
}

/// An uploaded film.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Film {
    pub id: Uuid,
    pub title: String,
    pub description: String,
    pub tags: Vec<String>,
    /// As it was called where it came from.
    pub file_name: String,
    /// Bytes of the uploaded file.
    pub file_size: i64,
    pub status: FilmStatus,
    /// Of the transcode, 0 to 100.
    pub progress: i32,
    pub visibility: FilmVisibility,
    pub owner: Person,
    /// Seconds; null until the file was looked into.
    pub duration: Option<f64>,
    pub width: Option<i32>,
    pub height: Option<i32>,
    /// Paths of this site that work for a few minutes; null until there is such a file.
    pub thumbnail_url: Option<String>,
    pub hls_url: Option<String>,
    pub dash_url: Option<String>,
    pub error: Option<FilmFailure>,
    pub created_at: String,
    /// When it was put into the trash, while it is there.
    pub trashed_at: Option<String>,
}

/// How far one film is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilmProgress {
    pub video_id: Uuid,
    pub status: FilmStatus,
    /// Of the transcode, 0 to 100.
    pub progress: i32,
    /// What is being done.
    pub stage: String,
    /// Estimated seconds to the end of the transcode.
    pub eta_seconds: Option<i64>,
    pub error: Option<FilmFailure>,
}

impl From<&VideoRow> for FilmProgress {
    fn from(row: &VideoRow) -> Self {
        Self {
            video_id: row.video.0,
            status: FilmStatus::of(row.status),
            progress: row.percent,
            stage: row.stage.clone(),
            eta_seconds: row.eta_s,
            error: row.failure.as_ref().map(FilmFailure::from),
        }
    }
}

/// RFC 3339 in UTC.
pub fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

/// These films as everybody who may see them does; who owns them is asked once for all.
pub async fn shown(state: &RestState, rows: &[VideoRow]) -> Result<Vec<Film>, QueryError> {
    let owners: Vec<AccountId> = rows.iter().map(|row| row.owner).collect();
    let names = people(state, &owners).await?;
    Ok(rows.iter().map(|row| film(state, row, &names)).collect())
}

/// The names of these accounts.
pub async fn people(state: &RestState, ids: &[AccountId]) -> Result<HashMap<AccountId, String>, QueryError> {
    let rows = accounts::by_ids(state.reader.pool(), ids).await?;
    Ok(rows.into_iter().map(|row| (row.account, row.name)).collect())
}

fn film(state: &RestState, row: &VideoRow, names: &HashMap<AccountId, String>) -> Film {
    // Programs have no cookies and swap nothing: what they follow begins here, also where a CDN serves the rest.
    let token = row.is_kept().then(|| state.delivery.keys.token(row.video.0, (state.delivery.now)()));
    let url = |path: Option<&String>| Some(format!("/v/{}/{}", token.as_ref()?, path?));
    Film {
        id: row.video.0,
        title: row.title.clone(),
        description: row.description.clone(),
        tags: row.tags.clone(),
        file_name: row.file_name.clone(),
        file_size: row.size_bytes,
        status: FilmStatus::of(row.status),
        progress: row.percent,
        visibility: FilmVisibility::of(row.visibility),
        owner: Person { id: row.owner.0, name: names.get(&row.owner).cloned().unwrap_or_default() },
        duration: row.duration.map(|duration| duration.as_micros() as f64 / 1e6),
        width: row.width,
        height: row.height,
        thumbnail_url: url(row.thumbnail_path.as_ref()),
        hls_url: url(row.hls_path.as_ref()),
        dash_url: url(row.dash_path.as_ref()),
        error: row.failure.as_ref().map(FilmFailure::from),
        created_at: moment(row.created_at),
        trashed_at: row.trashed_at.map(moment),
    }
}

/// The film, if the caller may watch it: by itself, or because a channel of theirs plays it.
///
/// # Errors
/// The same for what they may not see and for what does not exist.
pub async fn readable(state: &RestState, caller: &Caller, id: VideoId) -> Result<VideoRow, ApiError> {
    let pool = state.reader.pool();
    let row = videos::by_ids(pool, &[id]).await?.pop().ok_or_else(ApiError::not_found)?;
    if caller.is_member() && row.opens_for(&caller.viewer()) {
        return Ok(row);
    }
    let plays = row.is_kept() && channels::plays_for(pool, caller.principal.account, id).await?;
    if plays { Ok(row) } else { Err(ApiError::not_found()) }
}
