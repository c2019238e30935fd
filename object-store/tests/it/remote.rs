//! The client against S3 over the network: the same protocol on a socket, and a store that is absent, silent or refuses.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use lockstep_object_store::{
    Buckets, ObjectError, S3Settings,
    breaker::{Breaker, Elapsed, FAULTS_MAX, OPEN_FOR, State},
};
use tokio::net::TcpListener;

const ABSENT_TIME_MAX: Duration = Duration::from_secs(3);

fn settings(endpoint_url: &str) -> S3Settings {
    S3Settings {
        endpoint_url: endpoint_url.to_owned(),
        public_url: Some("https://objects.example".to_owned()),
        region: "eu-central-1".to_owned(),
        access_key: "access".to_owned(),
        secret_key: "topsecret".to_owned(),
        path_style: true,
        interim: "interim".to_owned(),
        media: "media".to_owned(),
    }
}

/// An S3 service of its own (plain s3s over files) with `access` and `topsecret` as keys and both buckets, or the one that
/// `TEST_S3_ENDPOINT` names.
async fn s3_service(root: &std::path::Path) -> String {
    if let Ok(given) = std::env::var("TEST_S3_ENDPOINT") {
        for bucket in ["interim", "media"] {
            reqwest::Client::new().put(format!("{given}/{bucket}")).send().await.unwrap();
        }
        return given;
    }
    std::fs::create_dir_all(root.join("interim")).unwrap();
    std::fs::create_dir_all(root.join("media")).unwrap();
    let mut builder = s3s::service::S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
    builder.set_auth(s3s::auth::SimpleAuth::from_single("access", "topsecret"));
    let service = builder.build();
    let app = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let service = service.clone();
        async move {
            let answer = service.call(request.map(s3s::Body::http_body_unsync)).await;
            answer.map(|response| response.map(axum::body::Body::new)).map_err(|_| axum::http::StatusCode::BAD_GATEWAY)
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn the_same_calls_work_over_a_socket() {
    let folder = tempfile::TempDir::new().unwrap();
    let buckets = Buckets::connect(&settings(&s3_service(folder.path()).await)).unwrap();
    let media = &buckets.media;
    assert_eq!(media.check().await, Ok(()));
    let content: Bytes = (0..700_000).map(|at| (at % 251) as u8).collect();
    media.put("v/1/a", content.clone(), "video/mp4").await.unwrap();
    let file = folder.path().join("source");
    std::fs::write(&file, &content).unwrap();
    media.put_file("v/1/b", &file, "video/mp4").await.unwrap();
    for key in ["v/1/a", "v/1/b"] {
        let head = media.head(key).await.unwrap().unwrap();
        assert_eq!((head.bytes, head.content_type.as_str()), (700_000, "video/mp4"), "{key}");
        assert_eq!(media.get(key).await.unwrap().unwrap().body.collect(1 << 20).await.unwrap(), content, "{key}");
    }
    assert_eq!(media.get_range("v/1/a", 100, 50).await.unwrap().unwrap(), content[100..150]);
    assert_eq!(media.list("v/1/", 1).await.unwrap(), ["v/1/a"]);
    assert_eq!(media.make_durable("v/1/a").await, Ok(()));
    assert_eq!(media.local_path("v/1/a"), None);
    media.delete("v/1/a").await.unwrap();
    assert_eq!(media.head("v/1/a").await, Ok(None));
}

#[tokio::test]
async fn an_upload_in_parts_works_over_a_socket() {
    let folder = tempfile::TempDir::new().unwrap();
    let url = s3_service(folder.path()).await;
    let own = S3Settings { public_url: None, ..settings(&url) };
    let interim = Buckets::connect(&own).unwrap().interim;
    let id = interim.create_multipart("u/1", "video/mp4").await.unwrap();
    let content: Bytes = (0..6_000_000).map(|at| (at % 251) as u8).collect();
    for (number, part) in [(1, content.slice(..5_500_000)), (2, content.slice(5_500_000..))] {
        let signed = interim.presign_part("u/1", &id, number, part.len() as u64, ABSENT_TIME_MAX).await.unwrap();
        assert_eq!(reqwest::Client::new().put(&signed.url).body(part).send().await.unwrap().status(), 200, "{number}");
    }
    let parts = interim.list_parts("u/1", &id).await.unwrap().unwrap();
    assert_eq!(parts.iter().map(|part| (part.number, part.bytes)).collect::<Vec<_>>(), [(1, 5_500_000), (2, 500_000)]);
    interim.complete_multipart("u/1", &id, &parts).await.unwrap();
    assert_eq!(interim.get("u/1").await.unwrap().unwrap().body.collect(8 << 20).await.unwrap(), content);
    let other = interim.create_multipart("u/2", "video/mp4").await.unwrap();
    interim.abort_multipart("u/2", &other).await.unwrap();
}

#[tokio::test]
async fn wrong_keys_and_missing_buckets_are_told_apart() {
    let folder = tempfile::TempDir::new().unwrap();
    let url = s3_service(folder.path()).await;
    let wrong_secret = S3Settings { secret_key: "other".to_owned(), ..settings(&url) };
    let denied = Buckets::connect(&wrong_secret).unwrap().media.check().await;
    assert!(matches!(denied, Err(ObjectError::Denied(_))), "{denied:?}");
    let elsewhere = S3Settings { media: "elsewhere".to_owned(), ..settings(&url) };
    let elsewhere = Buckets::connect(&elsewhere).unwrap().media;
    assert_eq!(elsewhere.check().await, Err(ObjectError::NoBucket("elsewhere".to_owned())));
    let bad_name = S3Settings { media: "No Bucket".to_owned(), ..settings(&url) };
    assert!(matches!(Buckets::connect(&bad_name), Err(ObjectError::Invalid(_))));
}

#[tokio::test]
async fn addresses_are_signed_for_the_public_host() {
    let buckets = Buckets::connect(&settings("http://127.0.0.1:1")).unwrap();
    let presigned = buckets.interim.presign_put("u/1", "video/mp4", 5, ABSENT_TIME_MAX).await.unwrap();
    assert!(presigned.url.starts_with("https://objects.example/interim/u/1?"), "{}", presigned.url);
    assert!(presigned.url.contains("X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost"), "{}", presigned.url);
    assert!(!format!("{:?}", settings("http://x")).contains("topsecret"));
}

#[tokio::test]
async fn an_absent_or_silent_store_is_unavailable_within_three_seconds() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_address = silent.local_addr().unwrap();
    // 192.0.2.0/24 (RFC 5737) belongs to nobody: packets to it vanish or are refused at once.
    for endpoint in [format!("http://{closed}"), format!("http://{silent_address}"), "http://192.0.2.1:9".to_owned()] {
        let media = Buckets::connect(&settings(&endpoint)).unwrap().media;
        let started = Instant::now();
        let (check, head, list) = tokio::join!(media.check(), media.head("v/1/a"), media.list("v/", 1));
        assert!(started.elapsed() <= ABSENT_TIME_MAX, "{endpoint}: {:?}", started.elapsed());
        assert!(matches!(check, Err(ObjectError::Unavailable(_))), "{endpoint}: {check:?}");
        assert!(matches!(head, Err(ObjectError::Unavailable(_))), "{endpoint}: {head:?}");
        assert!(matches!(list, Err(ObjectError::Unavailable(_))), "{endpoint}: {list:?}");
    }
}

/// A store that answers what the test says, and counts how often it is asked.
async fn scripted(status: Arc<AtomicU16>, asked: Arc<AtomicU64>) -> String {
    let app = axum::Router::new().fallback(move || {
        asked.fetch_add(1, Ordering::SeqCst);
        let status = status.load(Ordering::SeqCst);
        async move { axum::http::StatusCode::from_u16(status).unwrap() }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn a_store_out_of_order_is_not_asked_until_a_try_succeeds() {
    let (status, asked) = (Arc::new(AtomicU16::new(404)), Arc::new(AtomicU64::new(0)));
    let url = scripted(Arc::clone(&status), Arc::clone(&asked)).await;
    let (minutes, buckets) = (Arc::new(AtomicU64::new(0)), Buckets::connect(&settings(&url)).unwrap());
    let read = Arc::clone(&minutes);
    let elapsed: Elapsed = Arc::new(move || OPEN_FOR * u32::try_from(read.load(Ordering::SeqCst)).unwrap());
    let breaker = Breaker::new("the object store", elapsed);
    buckets.guard(&breaker);
    let hurried = buckets.hurried();
    let head = async |bucket: &lockstep_object_store::Bucket| bucket.head("v/1/a").await;
    for refusal in [404, 403, 400, 501] {
        status.store(refusal, Ordering::SeqCst);
        for _ in 0..FAULTS_MAX + 1 {
            let _ = head(&buckets.media).await;
        }
        assert_eq!(breaker.state(), State::Closed, "{refusal} is an answer");
    }
    status.store(503, Ordering::SeqCst);
    for n in 0..FAULTS_MAX {
        // Both buckets, whoever waits, are one service.
        let bucket = if n % 2 == 0 { &hurried.media } else { &buckets.interim };
        assert!(matches!(head(bucket).await, Err(ObjectError::Unavailable(_))));
    }
    assert_eq!(breaker.state(), State::Open);
    let before = asked.load(Ordering::SeqCst);
    for bucket in [&hurried.media, &buckets.interim] {
        assert!(matches!(head(bucket).await, Err(ObjectError::Unavailable(_))));
    }
    assert_eq!(asked.load(Ordering::SeqCst), before, "nothing reached it");
    minutes.store(1, Ordering::SeqCst);
    assert!(head(&buckets.media).await.is_err());
    assert_eq!((breaker.state(), breaker.counts().opened), (State::Open, 2), "the try failed");
    minutes.store(2, Ordering::SeqCst);
    status.store(404, Ordering::SeqCst);
    assert_eq!(head(&buckets.media).await, Ok(None));
    assert_eq!(breaker.state(), State::Closed);
    assert!(buckets.media.probe().await.is_ok(), "a store that refuses is well");
    status.store(500, Ordering::SeqCst);
    assert!(matches!(buckets.media.probe().await, Err(ObjectError::Unavailable(_))));
}
