//! What a token opens: its scopes, its owner's rights, and nothing once it has ended.

use axum::{Router, middleware, routing::post};
use lockstep_commands::{administration, token};
use lockstep_domain::{ids::TokenId, token::Scope};
use serde_json::json;
use tower::ServiceExt;

use super::{Actor, Body, Context, PlatformRole, Request, Site, StatusCode, upload};
use crate::auth::only_live_tokens;

#[tokio::test]
async fn a_token_does_what_its_scopes_say() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let video = site.ready(&ada, "A film").await;
    site.settle().await;
    let film = format!("/api/videos/{video}");
    let asked = [
        (Scope::VideosRead, "GET", "/api/videos".to_owned(), None),
        (Scope::VideosRead, "GET", "/api/videos/search?q=film".to_owned(), None),
        (Scope::VideosRead, "GET", "/api/videos/status/ready".to_owned(), None),
        (Scope::VideosRead, "GET", "/api/videos/stats/overview".to_owned(), None),
        (Scope::VideosRead, "GET", film.clone(), None),
        (Scope::VideosRead, "GET", format!("{film}/status"), None),
        (Scope::VideosRead, "GET", format!("{film}/manifest.mpd"), None),
        (Scope::VideosRead, "GET", format!("{film}/master.m3u8"), None),
        (Scope::VideosRead, "GET", format!("{film}/segments/720p_00001.m4s"), None),
        (Scope::Upload, "POST", "/api/upload/generate-presigned-url".to_owned(), Some(upload(9))),
        (Scope::Upload, "POST", format!("/api/upload/confirm/{video}"), None),
        (Scope::Upload, "POST", format!("/api/upload/parts/{video}"), Some(json!({ "numbers": [1] }))),
        (Scope::NotificationsRead, "GET", "/api/notifications".to_owned(), None),
        (Scope::WebhooksRead, "GET", "/api/webhooks".to_owned(), None),
        (Scope::VideosWrite, "DELETE", film, None),
    ];
    for (scope, method, path, body) in asked {
        let others: Vec<Scope> = Scope::ALL.into_iter().filter(|other| *other != scope).collect();
        let token = site.token(&ada, &others).await;
        assert_eq!(site.with_token(&token, method, &path, body.clone()).await.refused(403), "scope", "{method} {path}");
        let token = site.token(&ada, &[scope]).await;
        let answer = site.with_token(&token, method, &path, body).await;
        assert!(
            answer.status != StatusCode::FORBIDDEN && answer.status != StatusCode::UNAUTHORIZED,
            "{path}: {answer:?}"
        );
        // Twenty tokens are all that somebody may have.
        for row in token::list(&site.state.services, ada.principal.account).await.unwrap() {
            let context = Context { actor: Actor::Account(ada.principal.account), ..site.system() };
            token::revoke(&site.state.services, &context, row.id).await.unwrap();
        }
    }
    let read = site.token(&ada, &[Scope::VideosRead]).await;
    let put = site.with_token(&read, "PUT", &format!("/api/videos/{video}"), Some(json!({ "title": "x" }))).await;
    assert_eq!(put.refused(403), "scope");
}

#[tokio::test]
async fn a_token_has_no_more_rights_than_its_owner() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let eve = site.person("Eve", PlatformRole::Member).await;
    let video = site.ready(&ada, "A film").await;
    site.settle().await;
    let path = format!("/api/videos/{video}");
    let token = site.token(&eve, &Scope::ALL).await;
    assert_eq!(site.with_token(&token, "DELETE", &path, None).await.refused(404), "not_found");
    let token = site.token(&ada, &Scope::ALL).await;
    assert_eq!(site.with_token(&token, "DELETE", &path, None).await.status, StatusCode::OK, "no Origin is needed");
}

#[tokio::test]
async fn a_token_that_ended_is_answered_with_401_at_once() {
    let site = Site::new().await;
    let (ada, root) =
        (site.person("Ada", PlatformRole::Member).await, site.person("Root", PlatformRole::Administrator).await);
    let services = &site.state.services;
    let (first, second) = (site.token(&ada, &Scope::ALL).await, site.token(&ada, &Scope::ALL).await);
    assert_eq!(site.with_token(&first, "GET", "/api/videos", None).await.status, StatusCode::OK);
    let context = Context { actor: Actor::Account(ada.principal.account), ..site.system() };
    let newest: TokenId = token::list(services, ada.principal.account).await.unwrap()[1].id;
    token::revoke(services, &context, newest).await.unwrap();
    assert_eq!(site.with_token(&first, "GET", "/api/videos", None).await.refused(401), "token");
    assert_eq!(site.with_token(&second, "GET", "/api/videos", None).await.status, StatusCode::OK);
    let context = Context { actor: Actor::Account(root.principal.account), ..site.system() };
    administration::suspend(services, &context, ada.principal.account, None).await.unwrap();
    assert_eq!(site.with_token(&second, "GET", "/api/videos", None).await.refused(401), "token");
}

#[tokio::test]
async fn what_is_no_token_is_never_ignored() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let good = site.token(&ada, &Scope::ALL).await;
    let secret = good.strip_prefix("Bearer ").unwrap();
    let session = format!("Bearer {}", ada.cookie.split_once('=').unwrap().1);
    let altered = format!("{}x", &good[..good.len() - 1]);
    let long = format!("Bearer lsk_{}", "x".repeat(5_000));
    for wrong in ["", "Bearer", "Bearer ", "Basic YTpi", secret, "Bearer lsk_nothing", &session, &altered, &long] {
        // Not even the cookie beside it helps.
        let headers = [("authorization", wrong), ("cookie", ada.cookie.as_str())];
        assert_eq!(site.send("GET", "/api/videos", &headers, "").await.refused(401), "token", "{wrong}");
    }
    let twice = [("authorization", good.as_str()), ("authorization", good.as_str())];
    assert_eq!(site.send("GET", "/api/videos", &twice, "").await.refused(401), "token");
    assert_eq!(
        site.send("GET", "/api/videos", &[("authorization", &good.replace("Bearer", "bearer"))], "").await.status,
        200
    );
}

#[tokio::test]
async fn graphql_refuses_dead_tokens_and_opens_no_socket_for_live_ones() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let good = site.token(&ada, &Scope::ALL).await;
    let layer = middleware::from_fn_with_state(site.state.authenticator.clone(), only_live_tokens);
    let app = Router::new().route("/graphql", post(|| async { "through" }).get(|| async { "through" })).layer(layer);
    let status = async |method: &str, headers: &[(&str, &str)]| {
        let request = Request::builder().method(method).uri("/graphql");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
    };
    assert_eq!(status("POST", &[]).await, 200);
    assert_eq!(status("POST", &[("authorization", &good)]).await, 200);
    assert_eq!(status("POST", &[("authorization", "Bearer lsk_dead")]).await, 401);
    assert_eq!(status("GET", &[("authorization", &good), ("upgrade", "websocket")]).await, 403);
    assert_eq!(status("GET", &[("upgrade", "websocket")]).await, 200);
}
