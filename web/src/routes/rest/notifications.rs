//! `/api/notifications`: what concerns the caller.

use axum::{Json, extract::State};
use lockstep_domain::{ids::Position, token::Scope};
use lockstep_projections::notifications::{self, List, NotificationRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    RestState,
    body::Asked,
    caller::Caller,
    error::{ApiError, Problem},
    film::{Person, moment, people},
};

const LIMIT_MAX: u32 = 100;
const LIMIT_DEFAULT: u32 = 20;

/// Which of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct Listing {
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `nextCursor` of the page before: those older than it.
    before: Option<String>,
    /// Only those that were not read.
    unread_only: Option<bool>,
}

/// Something that concerns the caller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    pub id: Uuid,
    /// What happened: `video_ready`, `mention`, `muted` and so on.
    #[serde(rename = "type")]
    pub kind: String,
    pub read: bool,
    pub created_at: String,
    /// Who did it, if somebody did.
    pub actor: Option<Person>,
    /// The film it is about.
    pub video_id: Option<Uuid>,
    /// As it was called then, of a channel that the caller was in.
    pub channel_name: Option<String>,
    /// The new role, the right, or why a film failed.
    pub detail: Option<String>,
}

/// Notifications, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationPage {
    pub data: Vec<Notification>,
    /// How many are unread, on all pages.
    pub unread: i64,
    pub pagination: CursorPagination,
}

/// Where a page ends.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CursorPagination {
    pub limit: u32,
    pub has_more: bool,
    /// Give it as `before` for the page of older ones.
    pub next_cursor: Option<String>,
}

/// What concerns the caller, the newest first.
#[utoipa::path(get, path = "/api/notifications", tag = "notifications", params(Listing), responses(
    (status = 200, description = "A page of notifications.", body = NotificationPage),
    (status = "4XX", description = "Refused.", body = Problem), (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn list(
    State(state): State<RestState>,
    caller: Caller,
    Asked(Listing { limit, before, unread_only }): Asked<Listing>,
) -> Result<Json<NotificationPage>, ApiError> {
    caller.within(Scope::NotificationsRead)?;
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::bad_request("a page has 1 to 100 notifications"));
    }
    let before = before.map(|text| text.parse::<Position>()).transpose();
    let before = before.map_err(|_| ApiError::bad_request("before is no cursor"))?;
    let (pool, of) = (state.reader.pool(), caller.principal.account);
    let wanted = List { limit: i64::from(limit) + 1, before, since: None, unread_only: unread_only.unwrap_or(false) };
    let mut rows = notifications::list(pool, of, wanted).await?;
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let actors: Vec<_> = rows.iter().filter_map(|row| row.actor).collect();
    let names = people(&state, &actors).await?;
    let next_cursor = rows.last().filter(|_| has_more).map(|row| row.position.to_string());
    let unread = notifications::unread(pool, of).await?;
    let person = |row: &NotificationRow| {
        let id = row.actor?;
        Some(Person { id: id.0, name: names.get(&id).cloned().unwrap_or_default() })
    };
    let data = rows.iter().map(|row| Notification {
        id: row.notification.0,
        kind: row.kind.clone(),
        read: row.read,
        created_at: moment(row.at),
        actor: person(row),
        video_id: row.video.map(|id| id.0),
        channel_name: row.channel_name.clone(),
        detail: row.detail.clone(),
    });
    let pagination = CursorPagination { limit, has_more, next_cursor };
    Ok(Json(NotificationPage { data: data.collect(), unread, pagination }))
}
