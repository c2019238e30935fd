//! The public door: presigned uploads hold to the byte, everything unsigned or foreign is refused.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::{Method, StatusCode, header};

use crate::support::{INTERIM, MINUTE, Store, TYPE, sent, status};

#[tokio::test]
async fn a_presigned_put_stores_the_object() {
    let store = Store::start().await;
    let presigned = store.presign("u/1", 5).await;
    assert!(presigned.url.starts_with(&format!("{}/{INTERIM}/u/1?", store.origin)), "signed for the public address");
    assert_eq!(presigned.headers, [("content-type".to_owned(), TYPE.to_owned())]);
    let response = sent(store.put(&presigned, "12345").header(header::ORIGIN, &store.origin)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], store.origin.as_str());
    assert_eq!(response.headers()[header::ACCESS_CONTROL_EXPOSE_HEADERS], "ETag");
    let head = store.buckets.interim.head("u/1").await.unwrap().unwrap();
    assert_eq!((head.bytes, head.content_type.as_str()), (5, TYPE));
    assert_eq!(response.headers()[header::ETAG], head.etag.as_str());
}

#[tokio::test]
async fn one_byte_more_or_less_is_refused() {
    let store = Store::start().await;
    let presigned = store.presign("u/1", 5).await;
    for body in ["1234", "123456", ""] {
        assert_eq!(status(store.put(&presigned, body)).await, StatusCode::FORBIDDEN, "{body:?}");
    }
    let chunks = futures::stream::iter(["123", "45"].map(Ok::<_, std::io::Error>));
    let chunked = store.put(&presigned, reqwest::Body::wrap_stream(chunks));
    assert_eq!(status(chunked).await, StatusCode::FORBIDDEN, "no declared length at all");
    assert!(store.buckets.interim.head("u/1").await.unwrap().is_none());
    assert!(store.files().is_empty(), "a refused upload leaves nothing: {:?}", store.files());
    assert_eq!(status(store.put(&presigned, "12345")).await, StatusCode::OK);
}

#[tokio::test]
async fn an_upload_cut_short_leaves_nothing() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let store = Store::start().await;
    let presigned = store.presign("u/1", 1_000_000).await;
    let target = presigned.url.strip_prefix(&store.origin).unwrap();
    let host = store.origin.strip_prefix("http://").unwrap();
    let mut socket = tokio::net::TcpStream::connect(host).await.unwrap();
    let head =
        format!("PUT {target} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {TYPE}\r\ncontent-length: 1000000\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&[b'x'; 1000]).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _closed_or_reset = socket.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    assert!(store.buckets.interim.head("u/1").await.unwrap().is_none());
}

#[tokio::test]
async fn another_type_key_or_signature_is_refused() {
    let store = Store::start().await;
    let presigned = store.presign("u/1", 5).await;
    let put = |url: &str| store.http.put(url).body("12345");
    let typed = |url: &str| put(url).header(header::CONTENT_TYPE, TYPE);
    let other_type = put(&presigned.url).header(header::CONTENT_TYPE, "text/html");
    assert_eq!(status(other_type).await, StatusCode::FORBIDDEN);
    assert_eq!(status(put(&presigned.url)).await, StatusCode::FORBIDDEN, "no type");
    let url = &presigned.url;
    let tampered = [
        url.replace("/u/1?", "/u/2?"),
        url.replace(&format!("/{INTERIM}/"), "/media/"),
        url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"),
        url.replace("SignedHeaders=content-length%3B", "SignedHeaders="),
        format!("{url}&acl"),
        format!("{url}&uploadId=1&partNumber=1"),
        with_other_last_digit(url),
    ];
    for url in tampered {
        assert_ne!(url, presigned.url);
        assert_eq!(status(typed(&url)).await, StatusCode::FORBIDDEN, "{url}");
    }
    assert!(store.files().is_empty());
    assert_eq!(status(typed(&presigned.url)).await, StatusCode::OK, "the address itself is good");
}

/// Clients tidy such paths up before they send them, so these do not go through one.
#[tokio::test]
async fn a_path_that_climbs_is_refused() {
    let store = Store::start().await;
    let presigned = store.presign("u/1", 5).await;
    let (_, query) = presigned.url.split_once('?').unwrap();
    let answer = async |path: &str| {
        let request = http::Request::put(format!("{path}?{query}")).header("host", &store.origin["http://".len()..]);
        let request = request.header("content-type", TYPE).header("content-length", "5");
        store.embedded.handle(request.body(axum::body::Body::from("12345")).unwrap()).await.status()
    };
    let climbing =
        ["/u/../u/1", "/../media/u/1", "/%2e%2e/media/u/1", "/u/%2e%2e/%2e%2e/x", "//u/1", "/u/./1", "/u%2f1"];
    for path in climbing {
        assert_eq!(answer(&format!("/{INTERIM}{path}")).await, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(store.files().is_empty());
    assert_eq!(answer(&format!("/{INTERIM}/u/1")).await, StatusCode::OK);
}

/// The signature is the last parameter.
fn with_other_last_digit(url: &str) -> String {
    let (start, last) = url.split_at(url.len() - 1);
    format!("{start}{}", if last == "0" { "1" } else { "0" })
}

#[tokio::test]
async fn an_expired_address_is_refused() {
    let store = Store::start().await;
    let earlier = SystemTime::now() - Duration::from_secs(61);
    let interim = &store.buckets.interim;
    let late = interim.presign_put_from("u/1", TYPE, 5, MINUTE, earlier).await.unwrap();
    assert_eq!(status(store.put(&late, "12345")).await, StatusCode::FORBIDDEN);
    let alive = interim.presign_put_from("u/1", TYPE, 5, 2 * MINUTE, earlier).await.unwrap();
    assert_eq!(status(store.put(&alive, "12345")).await, StatusCode::OK);
}

#[tokio::test]
async fn nothing_is_served_without_a_signature() {
    let store = Store::start().await;
    store.buckets.interim.put("u/1", Bytes::from_static(b"secret"), TYPE).await.unwrap();
    store.buckets.media.put("v/1/thumb.jpg", Bytes::from_static(b"secret"), "image/jpeg").await.unwrap();
    let paths =
        ["", "/", "/u/1", "/u/2", "?list-type=2", "/?list-type=2&prefix=u", "/?location", "/u/1?acl", "/u/1?uploads"];
    for path in paths {
        let url = format!("{}/{INTERIM}{path}", store.origin);
        for method in [Method::GET, Method::HEAD, Method::PUT] {
            let request = store.http.request(method.clone(), &url);
            assert_eq!(status(request).await, StatusCode::FORBIDDEN, "{method} {url}");
        }
    }
    for path in ["/", "/media/v/1/thumb.jpg", "/media", "/other/u/1", "/keys.json"] {
        let answer = sent(store.http.get(format!("{}{path}", store.origin))).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
        assert!(!answer.text().await.unwrap().contains("secret"));
    }
    for method in [Method::DELETE, Method::POST, Method::PATCH] {
        let request = store.http.request(method, format!("{}/{INTERIM}/u/1", store.origin));
        assert_eq!(status(request).await, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn the_media_bucket_has_no_public_door_even_when_signed() {
    let store = Store::start().await;
    let presigned = store.buckets.media.presign_put("v/1/thumb.jpg", "image/jpeg", 5, MINUTE).await.unwrap();
    assert_eq!(status(store.put(&presigned, "12345")).await, StatusCode::FORBIDDEN);
    assert!(store.files().is_empty());
}

#[tokio::test]
async fn preflights_are_answered_for_the_public_origin_only() {
    let store = Store::start().await;
    let url = format!("{}/{INTERIM}/u/1", store.origin);
    let preflight = |origin: &str| {
        let request = store.http.request(Method::OPTIONS, &url).header(header::ORIGIN, origin);
        request.header(header::ACCESS_CONTROL_REQUEST_METHOD, "PUT")
    };
    let own = sent(preflight(&store.origin)).await;
    assert_eq!(own.status(), StatusCode::NO_CONTENT);
    assert_eq!(own.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], store.origin.as_str());
    assert_eq!(own.headers()[header::ACCESS_CONTROL_ALLOW_METHODS], "PUT, HEAD, GET");
    assert_eq!(own.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS], "content-type");
    let look_alikes = [
        "https://evil.example".to_owned(),
        "null".to_owned(),
        format!("{}0", store.origin),
        format!("{}.evil.example", store.origin),
        store.origin.replace("http:", "https:"),
    ];
    for origin in look_alikes {
        let foreign = sent(preflight(&origin)).await;
        assert_eq!(foreign.status(), StatusCode::FORBIDDEN, "{origin}");
        assert!(!foreign.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{origin}");
    }
    let presigned = store.presign("u/1", 5).await;
    let from_elsewhere = store.put(&presigned, "12345").header(header::ORIGIN, "https://evil.example");
    let refused = sent(from_elsewhere).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(!refused.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
}

#[tokio::test]
async fn the_answer_to_an_upload_comes_after_the_flush() {
    let store = Store::start().await;
    store.disk.flushed.lock().unwrap().clear();
    let presigned = store.presign("u/1", 5).await;
    assert_eq!(status(store.put(&presigned, "12345")).await, StatusCode::OK);
    let root = store.folder.path().join("buckets");
    let flushed = store.disk.flushed.lock().unwrap().clone();
    let bucket = root.join(INTERIM);
    for path in [bucket.join("u/1"), bucket.join("u"), bucket, root.clone()] {
        assert!(flushed.contains(&path), "{path:?} is not in {flushed:?}");
    }
    let sides = flushed.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    assert_eq!(sides.count(), 2);
    *store.disk.broken.lock().unwrap() = true;
    let presigned = store.presign("u/2", 5).await;
    let answer = status(store.put(&presigned, "12345")).await;
    assert_eq!(answer, StatusCode::INTERNAL_SERVER_ERROR, "no 200 for what may be lost");
}
