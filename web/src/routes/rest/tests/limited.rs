//! Every address is within the limits of its tier, and says where the caller stands.

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo, http::Request};
use tower::ServiceExt;

use super::Site;

/// Each address of the older API, and the tier it had.
const TIERS: &[(&str, &str, &str, u32)] = &[
    ("POST", "/api/upload/generate-presigned-url", "upload", 20),
    ("POST", "/api/upload/confirm/x", "general", 100),
    ("GET", "/api/videos", "general", 100),
    ("GET", "/api/videos/stats/overview", "general", 100),
    ("GET", "/api/videos/x", "general", 100),
    ("DELETE", "/api/videos/x", "general", 100),
    ("GET", "/api/notifications", "general", 100),
    ("GET", "/api/videos/search", "search", 30),
    ("GET", "/api/videos/x/status", "status", 60),
    ("GET", "/api/videos/x/manifest.mpd", "streaming", 300),
    ("GET", "/api/videos/x/master.m3u8", "streaming", 300),
    ("GET", "/api/videos/x/segments/y", "streaming", 300),
    ("GET", "/api/webhook/health", "webhook", 100),
    ("POST", "/api/webhook/processing-complete", "webhook", 100),
];

impl Site {
    async fn from(&self, address: [u8; 4], method: &str, path: &str) -> axum::response::Response {
        let mut request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 1))));
        self.router.clone().oneshot(request).await.unwrap()
    }
}

#[tokio::test]
async fn every_address_is_limited_by_its_tier() {
    let site = Site::new().await;
    for (n, (method, path, tier, limit)) in TIERS.iter().enumerate() {
        let answer = site.from([192, 0, 2, n as u8], method, path).await;
        let header = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!(header("x-ratelimit-limit"), limit.to_string(), "{path}");
        assert_eq!(header("x-ratelimit-remaining"), (limit - 1).to_string(), "{path}");
        assert!(header("ratelimit-policy").starts_with(&format!("\"{tier}\";q={limit};")), "{path}");
    }
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let site = Site::new().await;
    let (address, path) = ([198, 51, 100, 1], "/api/upload/generate-presigned-url");
    for _ in 0..20 {
        assert_eq!(site.from(address, "POST", path).await.status(), 401);
    }
    let refused = site.from(address, "POST", path).await;
    let after_s: u32 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=900).contains(&after_s), "{after_s}");
    assert_eq!(refused.headers()["x-ratelimit-remaining"], "0");
    assert_eq!(refused.status(), 429);
    let body = axum::body::to_bytes(refused.into_body(), 10_000).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["code"], "rate_limited", "the shape of every other refusal: {body}");
    assert_eq!(site.from(address, "GET", "/api/videos").await.status(), 401, "another tier has its own share");
    assert_eq!(site.from([198, 51, 100, 2], "POST", path).await.status(), 401, "another address too");
}
