//! The embedded object store's public door: presigned uploads to `/<interim bucket>/…`, when no S3 service is configured.

use axum::{Router, body::Body, extract::Request, response::Response, routing::any};
use lockstep_object_store::EmbeddedS3;

/// Hands everything at and below `/<interim bucket>` to the embedded store, which refuses what is not a presigned upload.
pub fn router(embedded: EmbeddedS3) -> Router {
    let bucket = embedded.public_bucket().to_owned();
    let serve = any(move |request: Request| {
        let embedded = embedded.clone();
        async move { handle(&embedded, request).await }
    });
    Router::new()
        .route(&format!("/{bucket}"), serve.clone())
        .route(&format!("/{bucket}/"), serve.clone())
        .route(&format!("/{bucket}/{{*key}}"), serve)
}

async fn handle(embedded: &EmbeddedS3, request: Request) -> Response {
    embedded.handle(request).await.map(Body::new)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::{Method, StatusCode, header};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_presigned_upload_arrives_and_the_rest_is_refused() {
        let folder = tempfile::TempDir::new().unwrap();
        let (embedded, buckets) = EmbeddedS3::open(folder.path(), "http://localhost:8080", "interim", "media").unwrap();
        let app = router(embedded);
        let signed = buckets.interim.presign_put("u/1", "video/mp4", 5, Duration::from_secs(60)).await.unwrap();
        let target = signed.url.strip_prefix("http://localhost:8080").unwrap();
        let put = Request::builder().method(Method::PUT).uri(target).header(header::HOST, "localhost:8080");
        let put = put.header(header::CONTENT_TYPE, "video/mp4").header(header::CONTENT_LENGTH, "5");
        let answer = app.clone().oneshot(put.body(Body::from("12345")).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(buckets.interim.head("u/1").await.unwrap().unwrap().bytes, 5);
        for path in ["/interim", "/interim/", "/interim/u/1", "/interim?list-type=2"] {
            let get = Request::builder().uri(path).body(Body::empty()).unwrap();
            assert_eq!(app.clone().oneshot(get).await.unwrap().status(), StatusCode::FORBIDDEN, "{path}");
        }
        let media = Request::builder().uri("/media/v/1/thumb.jpg").body(Body::empty()).unwrap();
        assert_eq!(app.oneshot(media).await.unwrap().status(), StatusCode::NOT_FOUND);
    }
}
