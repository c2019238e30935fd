//! `/api/…`: the older API's addresses and shapes over the same commands and read models as `/graphql`. One noun per file.
//!
//! A request is somebody's by an API token or by the session cookie; with the cookie, what changes something must come from
//! our own pages. Every refusal has one shape: `{"error": {"code", "message", "requestId"}}`.

mod body;
mod caller;
mod encoder;
mod error;
mod film;
mod media;
mod notifications;
mod openapi;
mod signed;
mod uploads;
mod videos;
mod webhooks;

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use axum::{
    Router, middleware,
    routing::{get, post},
};
use lockstep_commands::Services;
use lockstep_projections::Reader;

pub use film::moment;
pub use openapi::document;
pub use signed::{ID, SIGNATURE, SharedSecret, TIMESTAMP};

use crate::{
    auth::Authenticator,
    limits::{Limits, Tier},
    routes::delivery::DeliveryState,
};

/// What the API needs.
#[derive(Clone)]
pub struct RestState {
    pub services: Services,
    pub reader: Reader,
    pub authenticator: Authenticator,
    /// The one origin that changes things by cookie.
    pub public_url: Arc<str>,
    pub delivery: DeliveryState,
    /// What the external encoder signs with, if there is one.
    pub encoder: Option<SharedSecret>,
}

impl fmt::Debug for RestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestState").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

/// Everything below `/api/`, each address within the limits of its tier.
pub fn router(state: RestState, limits: &Limits) -> Router {
    let uploads = Router::new().route("/api/upload/generate-presigned-url", post(uploads::request));
    let general = Router::new()
        .route("/api/openapi.json", get(openapi::serve))
        .route("/api/upload/parts/{id}", post(uploads::sign_parts))
        .route("/api/upload/confirm/{id}", post(uploads::confirm))
        .route("/api/videos", get(videos::list))
        .route("/api/videos/status/{status}", get(videos::by_status))
        .route("/api/videos/stats/overview", get(videos::overview))
        .route("/api/videos/{id}", get(videos::one).put(videos::edit).delete(videos::trash))
        .route("/api/notifications", get(notifications::list))
        .route("/api/webhooks", get(webhooks::list));
    let searches = Router::new().route("/api/videos/search", get(videos::search));
    let statuses = Router::new().route("/api/videos/{id}/status", get(videos::status));
    let streaming = Router::new()
        .route("/api/videos/{id}/manifest.mpd", get(media::dash))
        .route("/api/videos/{id}/master.m3u8", get(media::hls))
        .route("/api/videos/{id}/segments/{segment}", get(media::segment));
    let webhooks = Router::new()
        .route("/api/webhook/health", get(webhooks::health))
        .route("/api/webhook/processing-complete", post(encoder::processing_complete));
    Router::new()
        .merge(uploads.route_layer(limits.layer(Tier::Upload)))
        .merge(general.route_layer(limits.layer(Tier::General)))
        .merge(searches.route_layer(limits.layer(Tier::Search)))
        .merge(statuses.route_layer(limits.layer(Tier::Status)))
        .merge(streaming.route_layer(limits.layer(Tier::Streaming)))
        .merge(webhooks.route_layer(limits.layer(Tier::Webhook)))
        .route("/api", axum::routing::any(error::no_such_address))
        .route("/api/", axum::routing::any(error::no_such_address))
        .route("/api/{*rest}", axum::routing::any(error::no_such_address))
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(middleware::from_fn(error::finish))
        .with_state(state)
}
