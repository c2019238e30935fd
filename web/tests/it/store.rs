//! An S3 store for tests: s3s over a folder.

use std::path::Path;

use axum::{body::Body, extract::Request, response::IntoResponse};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tower::ServiceExt;

pub const BUCKETS: [&str; 2] = ["lockstep-interim", "lockstep-media"];

/// A store of its own on a free port, its files in this folder; or the one that `TEST_S3_ENDPOINT` names. Answers its
/// address; the key is `access` with the secret `secret`.
pub async fn s3(folder: &Path) -> String {
    if let Ok(given) = std::env::var("TEST_S3_ENDPOINT") {
        for bucket in BUCKETS {
            reqwest::Client::new().put(format!("{given}/{bucket}")).send().await.expect("a store");
        }
        return given;
    }
    for bucket in BUCKETS {
        std::fs::create_dir_all(folder.join(bucket)).expect("a bucket");
    }
    let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).expect("a store"));
    builder.set_auth(SimpleAuth::from_single("access", "secret"));
    let service = builder.build();
    let router = axum::Router::new().fallback(move |request: Request| {
        let service = service.clone();
        async move {
            match service.oneshot(request).await {
                Ok(response) => response.map(Body::new),
                Err(error) => (http::StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}")).into_response(),
            }
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}
