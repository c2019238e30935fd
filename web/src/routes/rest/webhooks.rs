//! Webhooks of the caller's, and whether this process takes any.

use axum::{Json, extract::State};
use lockstep_commands::webhook::{self, WebhookRow};
use lockstep_domain::{token::Scope, webhook::Topic};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    RestState,
    caller::Caller,
    error::{ApiError, Problem},
    film::moment,
};

/// Whether webhooks are taken here.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// Sockets that are open on this process now, of people who are signed in.
    pub connections: usize,
}

/// An address that is told what happens.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookShown {
    pub id: Uuid,
    pub url: String,
    /// `video.uploaded`, `video.ready`, `video.failed`, `video.deleted`.
    pub topics: Vec<String>,
    /// Of everybody's films; else of the caller's own.
    pub everybody: bool,
    /// It did not answer for too long and is told nothing.
    pub disabled: bool,
    pub created_at: String,
}

/// The caller's webhooks, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookList {
    pub data: Vec<WebhookShown>,
}

/// Whether this process takes webhooks, and how many sockets it holds.
#[utoipa::path(get, path = "/api/webhook/health", tag = "webhooks", security(()), responses(
    (status = 200, description = "It does.", body = Health),
    (status = "4XX", description = "Refused.", body = Problem), (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn health(State(state): State<RestState>) -> Json<Health> {
    Json(Health { status: "ok".to_owned(), connections: state.authenticator.watched() })
}

/// The caller's webhooks.
#[utoipa::path(get, path = "/api/webhooks", tag = "webhooks", responses(
    (status = 200, description = "Those that were not removed.", body = WebhookList),
    (status = "4XX", description = "Refused.", body = Problem), (status = "5XX", description = "Not now.", body = Problem)))]
pub async fn list(State(state): State<RestState>, caller: Caller) -> Result<Json<WebhookList>, ApiError> {
    caller.within(Scope::WebhooksRead)?;
    let rows = webhook::list(&state.services, caller.principal.account).await?;
    Ok(Json(WebhookList { data: rows.into_iter().filter_map(shown).collect() }))
}

fn shown(row: WebhookRow) -> Option<WebhookShown> {
    let terms = row.state.terms?;
    Some(WebhookShown {
        id: row.id.0,
        url: terms.url.value().cloned().unwrap_or_default(),
        topics: terms.topics.into_iter().map(Topic::word).map(str::to_owned).collect(),
        everybody: terms.everybody,
        disabled: row.state.disabled,
        created_at: moment(row.registered_at),
    })
}
