//! What this process does not do, because another one does: said plainly, so that nobody takes it for a missing page.

use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::json;

use crate::role::{Role, Roles};

/// 421 (RFC 9110, 15.5.20) for everything that belongs to a role that this process does not have. Where it has the API, unknown
/// addresses are the pages'.
pub fn router(roles: Roles) -> Router {
    let mut router = Router::new();
    if !roles.has(Role::Hub) {
        router = router.route("/sync", any(move || async move { misdirected(roles) }));
    }
    if !roles.has(Role::Api) {
        router = router.fallback(move || async move { misdirected(roles) });
    }
    router
}

fn misdirected(roles: Roles) -> Response {
    let message = format!("this process does not do that: it runs as {roles}");
    (StatusCode::MISDIRECTED_REQUEST, Json(json!({ "code": "wrong_role", "message": message }))).into_response()
}
