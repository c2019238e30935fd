//! `/healthz`: the process lives. `/readyz`: everything it needs works.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use lockstep_commands::Services;
use lockstep_object_store::Buckets;
use lockstep_projections::Reader;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{edges::Edges, vitals::RETRY_AFTER_S};

/// How long one check may take.
const CHECK_TIMEOUT: Duration = Duration::from_millis(900);

/// What `/readyz` looks at.
pub struct Health {
    pub services: Services,
    pub reader: Reader,
    /// `Err` says why films cannot be transcoded here.
    pub media: Result<String, String>,
    pub draining: CancellationToken,
    pub edges: Edges,
}

/// `/healthz`: asked by whoever starts and stops processes, as often as they like.
pub fn living() -> Router {
    Router::new().route("/healthz", get(|| async { Json(json!({ "status": "ok" })) }))
}

/// `/readyz`.
pub fn router(health: Health) -> Router {
    Router::new().route("/readyz", get(ready)).with_state(Arc::new(health))
}

async fn ready(State(health): State<Arc<Health>>) -> Response {
    let Buckets { interim, media } = health.services.objects.hurried();
    let (database, interim, media_bucket, projections) = tokio::join!(
        checked(async { health.services.store.database_now().await.map(|_| ()).map_err(|error| error.to_string()) }),
        checked(async { interim.check().await.map_err(|error| error.to_string()) }),
        checked(async { media.check().await.map_err(|error| error.to_string()) }),
        checked(projections(&health.reader)),
    );
    let draining = if health.draining.is_cancelled() { Err("draining".to_owned()) } else { Ok(()) };
    let media = health.media.clone().map(|_| ());
    let checks = [
        ("database", database),
        ("interim_bucket", interim),
        ("media_bucket", media_bucket),
        ("projections", projections),
        ("media_program", media),
        ("serving", draining),
    ];
    let all = checks.iter().all(|(_, check)| check.is_ok());
    let details: serde_json::Map<String, Value> = checks
        .into_iter()
        // The public answer names what fails; why is in the log and in `lockstep doctor`.
        .map(|(name, check)| {
            if let Err(error) = &check {
                tracing::warn!(check = name, %error, "not ready");
            }
            (name.to_owned(), json!(if check.is_ok() { "ok" } else { "failing" }))
        })
        .collect();
    let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // Redis is not among the checks: without it each process counts for itself, and serves.
    let body = json!({ "ready": all, "checks": details, "edges": health.edges.detail() });
    let mut response = (status, Json(body)).into_response();
    if !all {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
    }
    response
}

async fn projections(reader: &Reader) -> Result<(), String> {
    let statuses = reader.statuses().await.map_err(|error| error.to_string())?;
    match statuses.into_iter().find(|status| status.faulted) {
        None => Ok(()),
        Some(status) => Err(format!("{} stands still", status.name)),
    }
}

async fn checked(check: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    match tokio::time::timeout(CHECK_TIMEOUT, check).await {
        Ok(outcome) => outcome,
        Err(_) => Err("no answer in time".to_owned()),
    }
}
