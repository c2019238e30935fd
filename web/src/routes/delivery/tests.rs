//! Delivery through its router, over an embedded store in a folder of its own.

mod behind;
mod dates;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use lockstep_object_store::{EmbeddedS3, cloudfront::Cdn, delivery::DeliveryKeys};
use tempfile::TempDir;
use tower::ServiceExt;
use uuid::Uuid;

use super::{DeliveryState, Withdrawn, kind, router};

const VIDEO: Uuid = Uuid::from_u128(1);
const OTHER_VIDEO: Uuid = Uuid::from_u128(2);
const NOW_S: i64 = 1_800_000_000;
const LIFE_S: i64 = 600;
const SEGMENT: &str = "720p/00001.m4s";
/// Words and small pictures.
const MORE: [&str; 3] = ["text/s1.vtt", "storyboard.vtt", "tiles/00001.jpg"];

struct Fixture {
    app: Router,
    token: String,
    /// Held for its lifetime: the store's folder goes with it.
    _folder: TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert!(body["message"].is_string());
        body["code"].as_str().unwrap().to_owned()
    }
}

/// 1,000 bytes that differ at neighbouring places.
fn content() -> Bytes {
    (0..1000).map(|at| (at % 251) as u8).collect()
}

fn keys() -> DeliveryKeys {
    DeliveryKeys::new([7; 32], Duration::from_secs(LIFE_S as u64))
}

impl Fixture {
    async fn new() -> Self {
        Self::at(NOW_S).await
    }

    /// A film with one file of each kind and a token made at `NOW_S`, asked for at `now_s`.
    async fn at(now_s: i64) -> Self {
        Self::without(now_s, Withdrawn::fixed([])).await
    }

    async fn without(now_s: i64, withdrawn: Withdrawn) -> Self {
        Self::behind(now_s, withdrawn, None).await
    }

    async fn behind(now_s: i64, withdrawn: Withdrawn, cdn: Option<Cdn>) -> Self {
        let folder = TempDir::new().unwrap();
        let (_, buckets) = EmbeddedS3::open(folder.path(), "http://localhost:1", "interim", "media").unwrap();
        for path in ["master.m3u8", "manifest.mpd", "thumb.jpg", "720p/playlist.m3u8", "720p/init.mp4", SEGMENT] {
            buckets.media.put(&format!("v/{VIDEO}/{path}"), content(), "text/html").await.unwrap();
        }
        for path in MORE {
            buckets.media.put(&format!("v/{VIDEO}/{path}"), content(), "text/html").await.unwrap();
        }
        for path in ["thumb.jpg", "notes.txt", "text/s1.vtt"] {
            let secret = Bytes::from_static(b"secret");
            buckets.media.put(&format!("v/{OTHER_VIDEO}/{path}"), secret, "text/plain").await.unwrap();
        }
        let state = DeliveryState { media: buckets.media, keys: keys(), cdn, withdrawn, now: Arc::new(move || now_s) };
        Self { app: router(state), token: keys().token(VIDEO, NOW_S), _folder: folder }
    }

    async fn send(&self, method: Method, uri: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
        let request = Request::builder().method(method).uri(uri);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, *value));
        let response = self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, 1 << 20).await.unwrap() }
    }

    async fn get(&self, path: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
        self.send(Method::GET, &format!("/v/{}/{path}", self.token), headers).await
    }

    async fn range(&self, range: &str) -> Answer {
        self.get(SEGMENT, &[(header::RANGE, range)]).await
    }
}

#[tokio::test]
async fn a_token_for_a_film_that_left_the_library_opens_nothing() {
    let gone = Fixture::without(NOW_S, Withdrawn::fixed([VIDEO])).await;
    for path in ["master.m3u8", "thumb.jpg", SEGMENT] {
        assert_eq!(gone.get(path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let kept = Fixture::without(NOW_S, Withdrawn::fixed([OTHER_VIDEO])).await;
    assert_eq!(kept.get(SEGMENT, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_kind_of_file_has_its_type_and_its_time_in_caches() {
    let film = Fixture::new().await;
    let (checked, for_ever) = ("private, no-cache", "private, max-age=86400, immutable");
    let kinds = [
        ("master.m3u8", "application/vnd.apple.mpegurl", checked),
        ("manifest.mpd", "application/dash+xml", checked),
        ("720p/playlist.m3u8", "application/vnd.apple.mpegurl", checked),
        ("720p/init.mp4", "video/mp4", for_ever),
        (SEGMENT, "video/iso.segment", for_ever),
        ("thumb.jpg", "image/jpeg", for_ever),
    ];
    for (path, content_type, cache) in kinds {
        let answer = film.get(path, &[]).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &content()), "{path}");
        assert_eq!(answer.header(header::CONTENT_TYPE), content_type, "{path}: not the stored type");
        assert_eq!(answer.header(header::CACHE_CONTROL), cache, "{path}");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(answer.header(header::CONTENT_LENGTH), "1000");
        assert!(answer.header(header::ETAG).starts_with('"'));
    }
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let film = Fixture::new().await;
    let uri = format!("/v/{}/{SEGMENT}", film.token);
    let ranged: &[(header::HeaderName, &str)] = &[(header::RANGE, "bytes=0-1")];
    for headers in [&[], ranged] {
        let answer = film.send(Method::HEAD, &uri, headers).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
        assert_eq!(answer.header(header::CONTENT_LENGTH), "1000");
    }
    let answer = film.send(Method::POST, &uri, &[]).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn one_range_is_answered_with_its_part() {
    let film = Fixture::new().await;
    let ranges = [
        ("bytes=0-0", 0..1),
        ("bytes=100-199", 100..200),
        ("bytes=990-", 990..1000),
        ("bytes=990-5000", 990..1000),
        ("bytes=-10", 990..1000),
        ("bytes=-5000", 0..1000),
        ("bytes=5-18446744073709551615", 5..1000),
    ];
    for (range, part) in ranges {
        let answer = film.range(range).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(answer.body, content()[part.clone()], "{range}");
        let content_range = format!("bytes {}-{}/1000", part.start, part.end - 1);
        assert_eq!(answer.header(header::CONTENT_RANGE), content_range);
        assert_eq!(answer.header(header::CONTENT_LENGTH), part.len().to_string());
    }
}

#[tokio::test]
async fn ranges_behind_the_end_are_refused_and_strange_ones_ignored() {
    let film = Fixture::new().await;
    for range in ["bytes=1000-", "bytes=1000-2000", "bytes=-0"] {
        let answer = film.range(range).await;
        assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
        assert_eq!(answer.header(header::CONTENT_RANGE), "bytes */1000");
        assert_eq!(answer.code(), "range_not_satisfiable");
    }
    for range in ["bytes=0-1,5-6", "bytes=9-5", "bytes=", "bytes=-", "bytes=a-b", "items=0-1", "bytes=+1-5", "0-1"] {
        let answer = film.range(range).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &content()), "{range}");
    }
    let etag = film.get(SEGMENT, &[]).await.header(header::ETAG).to_owned();
    for (tag, status) in [(etag.as_str(), StatusCode::PARTIAL_CONTENT), ("\"older\"", StatusCode::OK)] {
        let answer = film.get(SEGMENT, &[(header::RANGE, "bytes=0-1"), (header::IF_RANGE, tag)]).await;
        assert_eq!(answer.status, status, "{tag}");
    }
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let film = Fixture::new().await;
    let etag = film.get("master.m3u8", &[]).await.header(header::ETAG).to_owned();
    for tags in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
        let answer = film.get("master.m3u8", &[(header::IF_NONE_MATCH, &tags)]).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0), "{tags}");
        assert_eq!(answer.header(header::ETAG), etag);
        assert_eq!(answer.header(header::CACHE_CONTROL), "private, no-cache");
    }
    let changed = film.get("master.m3u8", &[(header::IF_NONE_MATCH, "\"other\"")]).await;
    assert_eq!((changed.status, changed.body), (StatusCode::OK, content()));
}

#[tokio::test]
async fn only_a_genuine_token_of_the_time_opens_the_door() {
    let film = Fixture::new().await;
    let foreign = DeliveryKeys::new([8; 32], Duration::from_secs(600)).token(VIDEO, NOW_S);
    for token in [foreign.as_str(), "x", &film.token[1..]] {
        let answer = film.send(Method::GET, &format!("/v/{token}/{SEGMENT}"), &[]).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "token_invalid"), "{token}");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    }
    let last_second = Fixture::at(NOW_S + LIFE_S - 1).await;
    assert_eq!(last_second.get(SEGMENT, &[]).await.status, StatusCode::OK);
    let late = Fixture::at(NOW_S + LIFE_S).await;
    for path in [SEGMENT, "missing.txt"] {
        let answer = late.get(path, &[]).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "token_expired"), "{path}");
    }
}

#[tokio::test]
async fn a_token_reaches_its_own_video_only() {
    let film = Fixture::new().await;
    let paths = [
        format!("../{OTHER_VIDEO}/thumb.jpg"),
        format!("..%2f{OTHER_VIDEO}%2fthumb.jpg"),
        format!("%2e%2e/{OTHER_VIDEO}/thumb.jpg"),
        format!("720p/../../{OTHER_VIDEO}/thumb.jpg"),
        "720p/%2e%2e/thumb.jpg".to_owned(),
        "720p/..%5c00001.m4s".to_owned(),
        "720p//00001.m4s".to_owned(),
        "/thumb.jpg".to_owned(),
        "thumb.jpg%00".to_owned(),
        "missing.txt".to_owned(),
        "720p/00002.m4s".to_owned(),
    ];
    for path in paths {
        let answer = film.get(&path, &[]).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{path}");
    }
    let other = keys().token(OTHER_VIDEO, NOW_S);
    let stored_but_not_a_film_file = film.send(Method::GET, &format!("/v/{other}/notes.txt"), &[]).await;
    assert_eq!(stored_but_not_a_film_file.status, StatusCode::NOT_FOUND);
    let own = film.send(Method::GET, &format!("/v/{other}/thumb.jpg"), &[]).await;
    assert_eq!(own.body, "secret");
}

#[test]
fn shapes_are_exact() {
    for path in ["master.m3u8", "audio/init.mp4", "1080p/99999.m4s"] {
        assert!(kind(path).is_some(), "{path}");
    }
    for path in [
        "",
        "Master.m3u8",
        "master.m3u8/",
        "a/master.m3u8",
        "720p/1.m4s",
        "720p/000001.m4s",
        "720p/0000a.m4s",
        "720P/init.mp4",
        "/init.mp4",
        "./init.mp4",
        "../init.mp4",
        "720p/init.mp4/",
        "720p/a/init.mp4",
        "720p/thumb.jpg",
        "00001.m4s",
        "seventeen12345678/init.mp4",
    ] {
        assert_eq!(kind(path), None, "{path}");
    }
}

#[tokio::test]
async fn words_and_small_pictures_are_delivered_with_the_right_alone() {
    let fixture = Fixture::new().await;
    for (path, content_type) in MORE.iter().zip(["text/vtt; charset=utf-8", "text/vtt; charset=utf-8", "image/jpeg"]) {
        let answer = fixture.get(path, &[]).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &content()), "{path}");
        assert_eq!(answer.header(header::CONTENT_TYPE), content_type);
        assert!(answer.header(header::CACHE_CONTROL).contains("private"), "{path}");
        let mut forged = fixture.token.clone();
        forged.replace_range(..1, if forged.starts_with('B') { "C" } else { "B" });
        let refused = fixture.send(Method::GET, &format!("/v/{forged}/{path}"), &[]).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "token_invalid"), "{path}");
    }
    let late = Fixture::at(NOW_S + LIFE_S + 1).await;
    for path in MORE {
        assert_eq!(late.get(path, &[]).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let other = keys().token(OTHER_VIDEO, NOW_S);
    let theirs = fixture.send(Method::GET, &format!("/v/{other}/text/s1.vtt"), &[]).await;
    assert_eq!(theirs.body, Bytes::from_static(b"secret"), "a token opens its own film's words");
    for path in ["text/../thumb.jpg", "text/S1.vtt", "text/.vtt", "text/s1.srt", "tiles/1.jpg", "tiles/0000x.png"] {
        assert_eq!(kind(path), None, "{path}");
    }
}
