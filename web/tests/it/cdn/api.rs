//! A stand-in for CloudFront's API: takes invalidations that are signed, and can be out of order.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode};

use super::{edge::Edge, sigv4};

pub const DISTRIBUTION: &str = "E2TESTDISTRIBUTION";

/// Cheap to clone.
#[derive(Clone)]
pub struct CloudFront {
    pub url: String,
    edge: Edge,
    away: Arc<AtomicBool>,
    /// References and paths of the wishes that came, refused ones too.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl CloudFront {
    pub async fn start(edge: Edge) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let api = Self { url, edge, away: Arc::default(), asked: Arc::default() };
        let router = Router::new().fallback(invalidate).with_state(api.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        api
    }

    /// It answers 503, or no longer.
    pub fn be_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    pub fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().expect("unpoisoned").clone()
    }
}

fn between<'a>(text: &'a str, tag: &str) -> &'a str {
    let rest = text.split_once(&format!("<{tag}>")).map_or("", |(_, rest)| rest);
    rest.split_once(&format!("</{tag}>")).map_or("", |(inner, _)| inner)
}

async fn invalidate(State(api): State<CloudFront>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 64 << 10).await.expect("a body");
    let path = format!("/2020-05-31/distribution/{DISTRIBUTION}/invalidation");
    if parts.method != Method::POST || parts.uri.path() != path {
        return StatusCode::NOT_FOUND.into_response();
    }
    if !sigv4::is_genuine(&path, &parts.headers, &body) {
        let error = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>";
        return (StatusCode::FORBIDDEN, error).into_response();
    }
    let text = String::from_utf8(body.to_vec()).expect("text");
    let (reference, paths) = (between(&text, "CallerReference"), between(&text, "Path"));
    assert_eq!(between(&text, "Quantity"), text.matches("<Path>").count().to_string(), "{text}");
    api.asked.lock().expect("unpoisoned").push((reference.to_owned(), paths.to_owned()));
    if api.away.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    api.edge.forget(paths);
    (StatusCode::CREATED, "<Invalidation><Status>InProgress</Status></Invalidation>").into_response()
}
