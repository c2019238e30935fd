//! `/api/videos`: finding, looking at, editing and deleting films.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use lockstep_commands::library as keep;
use lockstep_domain::{ids::VideoId, token::Scope, video::Edit};
use lockstep_projections::library::{self, Filter, Search, Sort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    RestState,
    body::{Asked, Named, Sent},
    caller::Caller,
    error::{ApiError, Problem},
    film::{Film, FilmProgress, FilmStatus, FilmVisibility, readable, shown},
};

/// The read models that a film is shown from.
const READ: &[&str] = &["videos", "accounts"];
/// Rows of a page.
const LIMIT_MAX: u32 = 100;
const LIMIT_DEFAULT: u32 = 20;

/// Which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// From 1.
    #[param(minimum = 1, maximum = 10000, default = 1)]
    page: Option<u32>,
    /// Films of a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// What is searched for, and which page of it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Searching {
    /// Words of title, tags and description; their beginnings suffice. Only the first 100 characters count.
    q: String,
    /// From 1.
    #[param(minimum = 1, maximum = 10000, default = 1)]
    page: Option<u32>,
    /// Films of a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Where a page is among all.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    pub page: u32,
    pub limit: u32,
    /// 10,001 stands for more than 10,000; a search finds at most 500.
    pub total: i64,
    pub total_pages: i64,
}

/// Films of one page, the newest or the best match first.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilmPage {
    pub data: Vec<Film>,
    pub pagination: Pagination,
}

/// One film.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneFilm {
    pub data: Film,
}

/// A film after a change.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilmChanged {
    pub data: Film,
    pub message: String,
}

/// How far a film is.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneFilmProgress {
    pub data: FilmProgress,
}

/// Which film it was.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilmNamed {
    pub video_id: Uuid,
}

/// A film went into the trash.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilmTrashed {
    pub data: FilmNamed,
    pub message: String,
}

/// What of the library the caller may find.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Films, without the trash.
    pub total: i64,
    /// Films of each status that there are some of.
    pub by_status: BTreeMap<String, i64>,
    /// Bytes in the store.
    pub stored_bytes: i64,
    /// Seconds of all films together.
    pub duration: f64,
    /// Films in the trash that the caller keeps.
    pub trashed: i64,
}

/// Counts, bytes and lengths.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneOverview {
    pub data: Overview,
}

/// What is to be changed of a film; the rest stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditVideo {
    title: Option<String>,
    description: Option<String>,
    /// All tags anew.
    tags: Option<Vec<String>>,
    visibility: Option<FilmVisibility>,
}

/// Films that the caller may find, the newest first.
#[utoipa::path(get, path = "/api/videos", tag = "videos", params(Paging), responses(
    (status = 200, description = "A page of films.", body = FilmPage),
    (status = "4XX", description = "Refused.", body = Problem), (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn list(
    State(state): State<RestState>,
    caller: Caller,
    Asked(paging): Asked<Paging>,
) -> Result<Json<FilmPage>, ApiError> {
    page_of(&state, &caller, paging, Filter::default()).await
}

/// Films whose title, tags or description have words like these, the best match first.
#[utoipa::path(get, path = "/api/videos/search", tag = "videos", params(Searching), responses(
    (status = 200, description = "A page of what was found.", body = FilmPage),
    (status = "4XX", description = "Refused.", body = Problem), (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn search(
    State(state): State<RestState>,
    caller: Caller,
    Asked(Searching { q, page, limit }): Asked<Searching>,
) -> Result<Json<FilmPage>, ApiError> {
    let search = Search::of(&q).ok_or_else(|| ApiError::bad_request("q has no word in it"))?;
    let filter = Filter { search: Some(search), ..Filter::default() };
    page_of(&state, &caller, Paging { page, limit }, filter).await
}

/// Films of one status, the newest first.
#[utoipa::path(get, path = "/api/videos/status/{status}", tag = "videos",
    params(("status" = FilmStatus, Path, description = "How far they are."), Paging), responses(
    (status = 200, description = "A page of films.", body = FilmPage),
    (status = "4XX", description = "Refused.", body = Problem), (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn by_status(
    State(state): State<RestState>,
    caller: Caller,
    status: Result<Path<String>, PathRejection>,
    Asked(paging): Asked<Paging>,
) -> Result<Json<FilmPage>, ApiError> {
    let status = status.ok().and_then(|Path(word)| serde_json::from_value(word.into()).ok());
    let status: FilmStatus = status.ok_or_else(|| ApiError::bad_request("there is no such status"))?;
    page_of(&state, &caller, paging, Filter { statuses: vec![status.into()], ..Filter::default() }).await
}

async fn page_of(
    state: &RestState,
    caller: &Caller,
    paging: Paging,
    filter: Filter,
) -> Result<Json<FilmPage>, ApiError> {
    caller.within(Scope::VideosRead)?;
    caller.member()?;
    let (page, limit) = (paging.page.unwrap_or(1), paging.limit.unwrap_or(LIMIT_DEFAULT));
    let skipped = i64::from(page.saturating_sub(1)) * i64::from(limit);
    if page == 0 || !(1..=LIMIT_MAX).contains(&limit) || skipped > library::COUNTED_MAX {
        return Err(ApiError::bad_request("pages count from 1, have 1 to 100 films, and end after 10,000"));
    }
    let (pool, filter) = (state.reader.pool(), Filter { asker: caller.viewer(), ..filter });
    let found = library::page(pool, &filter, Sort::default(), skipped, i64::from(limit)).await?;
    let total = match (&filter.search, found.first()) {
        (None, _) => library::count(pool, &filter).await?,
        (Some(_), first) => first.and_then(|found| found.total).unwrap_or(0),
    };
    let rows: Vec<_> = found.into_iter().map(|found| found.film).collect();
    let total_pages = (total + i64::from(limit) - 1) / i64::from(limit);
    let pagination = Pagination { page, limit, total, total_pages };
    Ok(Json(FilmPage { data: shown(state, &rows).await?, pagination }))
}

/// Counts, bytes and lengths of what the caller may find.
#[utoipa::path(get, path = "/api/videos/stats/overview", tag = "videos", responses(
    (status = 200, description = "The sums.", body = OneOverview),
    (status = "4XX", description = "Refused.", body = Problem), (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn overview(State(state): State<RestState>, caller: Caller) -> Result<Json<OneOverview>, ApiError> {
    use lockstep_projections::{videos::Shelf, words::Word};
    caller.within(Scope::VideosRead)?;
    caller.member()?;
    let tallies = library::tally(state.reader.pool(), &caller.viewer()).await?;
    let (trash, kept): (Vec<_>, Vec<_>) = tallies.into_iter().partition(|tally| tally.shelf == Shelf::Trash);
    let data = Overview {
        total: kept.iter().map(|tally| tally.films).sum(),
        by_status: kept.iter().map(|tally| (tally.status.word().to_owned(), tally.films)).collect(),
        stored_bytes: kept.iter().map(|tally| tally.stored_bytes).sum(),
        duration: kept.iter().map(|tally| tally.duration_us).sum::<i64>() as f64 / 1e6,
        trashed: trash.iter().map(|tally| tally.films).sum(),
    };
    Ok(Json(OneOverview { data }))
}

/// One film.
#[utoipa::path(get, path = "/api/videos/{id}", tag = "videos",
    params(("id" = Uuid, Path, description = "The film.")), responses(
    (status = 200, description = "The film.", body = OneFilm),
    (status = "4XX", description = "Refused, or not there.", body = Problem),
    (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn one(
    State(state): State<RestState>,
    caller: Caller,
    Named(id): Named<VideoId>,
) -> Result<Json<OneFilm>, ApiError> {
    caller.within(Scope::VideosRead)?;
    Ok(Json(OneFilm { data: film(&state, &caller, id).await? }))
}

async fn film(state: &RestState, caller: &Caller, id: VideoId) -> Result<Film, ApiError> {
    let row = readable(state, caller, id).await?;
    shown(state, &[row]).await?.pop().ok_or_else(ApiError::not_found)
}

/// How far one film is.
#[utoipa::path(get, path = "/api/videos/{id}/status", tag = "videos",
    params(("id" = Uuid, Path, description = "The film.")), responses(
    (status = 200, description = "How far it is.", body = OneFilmProgress),
    (status = "4XX", description = "Refused, or not there.", body = Problem),
    (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn status(
    State(state): State<RestState>,
    caller: Caller,
    Named(id): Named<VideoId>,
) -> Result<Json<OneFilmProgress>, ApiError> {
    caller.within(Scope::VideosRead)?;
    let row = readable(&state, &caller, id).await?;
    Ok(Json(OneFilmProgress { data: FilmProgress::from(&row) }))
}

/// Changes what is given of a film; for its owner and administrators.
#[utoipa::path(put, path = "/api/videos/{id}", tag = "videos",
    params(("id" = Uuid, Path, description = "The film."),
           ("Idempotency-Key" = Option<Uuid>, Header, description = "Names the wish: the same one again has one effect.")),
    request_body = EditVideo, responses(
    (status = 200, description = "The film as it is now.", body = FilmChanged),
    (status = "4XX", description = "Refused, or not there.", body = Problem),
    (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn edit(
    State(state): State<RestState>,
    caller: Caller,
    Named(id): Named<VideoId>,
    Sent(sent): Sent<EditVideo>,
) -> Result<Json<FilmChanged>, ApiError> {
    caller.within(Scope::VideosWrite)?;
    let EditVideo { title, description, tags, visibility } = sent;
    let edit = Edit { title, description, tags, visibility: visibility.map(Into::into), ..Edit::default() };
    let outcome = keep::edit(&state.services, &caller.acting(&state), id, edit).await?;
    state.reader.wait_for(READ, outcome.position).await?;
    Ok(Json(FilmChanged { data: film(&state, &caller, id).await?, message: "the film was changed".to_owned() }))
}

/// Puts a film into the trash, for seven days; for its owner and administrators.
#[utoipa::path(delete, path = "/api/videos/{id}", tag = "videos",
    params(("id" = Uuid, Path, description = "The film."),
           ("Idempotency-Key" = Option<Uuid>, Header, description = "Names the wish: the same one again has one effect.")),
    responses(
    (status = 200, description = "It is in the trash.", body = FilmTrashed),
    (status = "4XX", description = "Refused, or not there.", body = Problem),
    (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn trash(
    State(state): State<RestState>,
    caller: Caller,
    Named(id): Named<VideoId>,
) -> Result<(StatusCode, Json<FilmTrashed>), ApiError> {
    caller.within(Scope::VideosWrite)?;
    keep::trash(&state.services, &caller.acting(&state), id).await?;
    let message = "the film is in the trash for seven days".to_owned();
    Ok((StatusCode::OK, Json(FilmTrashed { data: FilmNamed { video_id: id.0 }, message })))
}
