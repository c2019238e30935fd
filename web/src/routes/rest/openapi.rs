//! The API in OpenAPI 3.1, from the handlers themselves: served, and kept as `docs/openapi.json`.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Components, SecurityRequirement,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{encoder, media, notifications, uploads, videos, webhooks};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lockstep",
        description = "The addresses of the older API over the same commands and read models as /graphql. A request is \
            somebody's by an API token or by the session cookie; with the cookie, what changes something must come from \
            the site itself. What somebody may not see is answered as if it did not exist.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        uploads::request, uploads::sign_parts, uploads::confirm, videos::list, videos::search, videos::by_status,
        videos::overview, videos::one, videos::edit, videos::trash, videos::status, media::dash, media::hls,
        media::segment, notifications::list, webhooks::list, webhooks::health, encoder::processing_complete,
    ),
    tags(
        (name = "upload", description = "Sending files straight to the store."),
        (name = "videos", description = "Films: finding, watching, editing, deleting."),
        (name = "notifications", description = "What concerns the caller."),
        (name = "webhooks", description = "Being told, and telling."),
    ),
    modifiers(&Security),
)]
struct Api;

struct Security;

impl Modify for Security {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_with(Components::new);
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API token, made on the account page, within its scopes."))
            .build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        let cookie = ApiKeyValue::with_description("__Host-lockstep", "The session of a browser.");
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        let none: [&str; 0] = [];
        api.security = Some(vec![SecurityRequirement::new("token", none), SecurityRequirement::new("session", none)]);
    }
}

/// The document, as it is served and kept.
pub fn document() -> String {
    let text = Api::openapi().to_pretty_json();
    text.expect("names and texts of our own are JSON") + "\n"
}

pub async fn serve() -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], document()).into_response()
}
