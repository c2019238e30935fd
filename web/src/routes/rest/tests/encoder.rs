//! What an external encoder says: signed, fresh, once, and never to the harm of a film that is ready.

use bytes::Bytes;
use lockstep_domain::{
    ids::{Position, VideoId},
    video::VideoCommand,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, ENCODER, PlatformRole, SharedSecret, Site, StreamId};
use crate::routes::rest::{ID, SIGNATURE, TIMESTAMP};

const PATH: &str = "/api/webhook/processing-complete";

fn now_s(site: &Site) -> i64 {
    site.state.services.clock.now().as_micros() / 1_000_000
}

async fn call(site: &Site, id: &str, at_s: i64, body: &Value, signed: &str) -> Answer {
    let at = at_s.to_string();
    let headers = [(ID, id), (TIMESTAMP, at.as_str()), (SIGNATURE, signed), ("content-type", "application/json")];
    site.send("POST", PATH, &headers, body.to_string()).await
}

/// As the encoder does it.
async fn told(site: &Site, id: &str, body: &Value) -> Answer {
    let at_s = now_s(site);
    let signed = SharedSecret::new(&ENCODER).sign(id, at_s, body.to_string().as_bytes());
    call(site, id, at_s, body, &signed).await
}

fn completed(video: VideoId) -> Value {
    json!({ "videoId": video.0, "status": "completed", "durationMs": 60_000 })
}

fn failed(video: VideoId) -> Value {
    json!({ "videoId": video.0, "status": "failed", "error": "The picture is broken." })
}

async fn manifests(site: &Site, video: VideoId) {
    for file in ["master.m3u8", "manifest.mpd"] {
        let media = &site.state.services.objects.media;
        media.put(&format!("v/{video}/{file}"), Bytes::from_static(b"x"), "text/plain").await.unwrap();
    }
}

async fn head(site: &Site) -> Position {
    site.state.services.store.head().await.unwrap()
}

#[tokio::test]
async fn a_film_is_completed_once_and_stays_ready() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let video = site.processing(&ada, "A film").await;
    assert_eq!(told(&site, "d1", &completed(video)).await.refused(422), "no_manifest");
    manifests(&site, video).await;
    let first = told(&site, "d1", &completed(video)).await;
    let data = json!({ "videoId": video.0, "status": "ready", "duplicate": false });
    assert_eq!(first.json(), json!({ "data": data, "message": "the film's state was noted" }));
    let ready = head(&site).await;
    let again = told(&site, "d1", &completed(video)).await;
    let data = json!({ "videoId": video.0, "status": "ready", "duplicate": true });
    assert_eq!(again.json(), json!({ "data": data, "message": "this delivery was taken before" }));
    assert_eq!(told(&site, "d2", &completed(video)).await.data()["status"], "ready", "late, and harmless");
    assert_eq!(told(&site, "d3", &failed(video)).await.refused(409), "wrong_status");
    assert_eq!(told(&site, "d1", &failed(video)).await.refused(409), "reused");
    assert_eq!(head(&site).await, ready, "nothing was appended since");
    let events = site.state.services.store.read_stream(&StreamId::video(video), 0, 100).await.unwrap();
    assert_eq!(events.last().unwrap().metadata.actor, "worker:encoder");
    site.settle().await;
    assert_eq!(site.get(&ada, &format!("/api/videos/{video}")).await.data()["duration"], 60.0);
}

#[tokio::test]
async fn a_film_that_only_arrived_is_completed_or_fails_with_its_reason() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let video = VideoId(Uuid::new_v4());
    let request = VideoCommand::RequestUpload {
        owner: ada.principal.account,
        title: "A film".to_owned(),
        file_name: "film.mp4".to_owned(),
        size_bytes: 9,
        content_type: "video/mp4".to_owned(),
        object_key: format!("u/{video}"),
        fingerprint: None,
    };
    site.film(video, request).await;
    manifests(&site, video).await;
    assert_eq!(told(&site, "d0", &completed(video)).await.refused(409), "wrong_status", "it has not arrived");
    site.film(video, VideoCommand::CompleteUpload).await;
    assert_eq!(told(&site, "d1", &completed(video)).await.data()["status"], "ready");
    let other = site.processing(&ada, "Another").await;
    assert_eq!(told(&site, "d2", &failed(other)).await.data()["status"], "failed");
    site.settle().await;
    let error = site.get(&ada, &format!("/api/videos/{other}")).await.data()["error"].clone();
    assert_eq!(error, json!({ "code": "external", "reason": "The picture is broken.", "retryable": true }));
    assert_eq!(told(&site, "d3", &completed(VideoId(Uuid::new_v4()))).await.refused(404), "not_found");
}

#[tokio::test]
async fn who_does_not_sign_is_not_heard() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let video = site.processing(&ada, "A film").await;
    manifests(&site, video).await;
    let (body, before) = (completed(video), head(&site).await);
    let text = body.to_string();
    let (secret, at_s) = (SharedSecret::new(&ENCODER), now_s(&site));
    let right = secret.sign("d1", at_s, text.as_bytes());
    let other = SharedSecret::new(&[8; 32]).sign("d1", at_s, text.as_bytes());
    for wrong in ["", "v1,", "v1", "v1,AAAA", "v2,AAAA", &other, &right.replace("v1,", "v1a,"), &right[3..]] {
        assert_eq!(call(&site, "d1", at_s, &body, wrong).await.refused(401), "signature", "{wrong}");
    }
    assert_eq!(call(&site, "d2", at_s, &body, &right).await.refused(401), "signature", "another id");
    assert_eq!(call(&site, "d1", at_s + 1, &body, &right).await.refused(401), "signature", "another time");
    assert_eq!(call(&site, "d1", at_s, &failed(video), &right).await.refused(401), "signature", "another body");
    for odd in ["", "a b", "a/b", &"x".repeat(65)] {
        let signed = secret.sign(odd, at_s, text.as_bytes());
        assert_eq!(call(&site, odd, at_s, &body, &signed).await.refused(401), "signature", "{odd}");
    }
    let headers = [("content-type", "application/json"), ("cookie", ada.cookie.as_str())];
    assert_eq!(site.send("POST", PATH, &headers, text).await.refused(401), "signature");
    assert_eq!(head(&site).await, before);
    let both = format!("{other} {right}");
    assert_eq!(call(&site, "d1", at_s, &body, &both).await.data()["status"], "ready", "one of two secrets");
}

#[tokio::test]
async fn old_and_early_messages_are_refused() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let video = site.processing(&ada, "A film").await;
    manifests(&site, video).await;
    let body = completed(video);
    let at = async |skew_s: i64| {
        let at_s = now_s(&site) + skew_s;
        let signed = SharedSecret::new(&ENCODER).sign("d1", at_s, body.to_string().as_bytes());
        call(&site, "d1", at_s, &body, &signed).await
    };
    for stale in [-310, 310, -86_400, i64::MAX / 2, i64::MIN / 2] {
        assert_eq!(at(stale).await.refused(401), "stale", "{stale}");
    }
    assert_eq!(at(-290).await.data()["status"], "ready");
    assert_eq!(at(290).await.data()["duplicate"], true);
}

#[tokio::test]
async fn a_message_says_what_is_documented() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let video = site.processing(&ada, "A film").await;
    for wrong in [
        json!({}),
        json!([]),
        json!({ "videoId": video.0, "status": "completed" }),
        json!({ "videoId": video.0, "status": "completed", "durationMs": 0 }),
        json!({ "videoId": video.0, "status": "completed", "durationMs": 86_400_001 }),
        json!({ "videoId": video.0, "status": "completed", "durationMs": 1, "error": "x" }),
        json!({ "videoId": video.0, "status": "failed" }),
        json!({ "videoId": video.0, "status": "done" }),
        json!({ "videoId": video.0, "status": "failed", "error": "x", "hlsKey": "v/other/master.m3u8" }),
    ] {
        assert_eq!(told(&site, "d1", &wrong).await.refused(400), "bad_request", "{wrong}");
    }
    for reason in ["", " ", "a\u{7}b", &"x".repeat(301)] {
        let body = json!({ "videoId": video.0, "status": "failed", "error": reason });
        assert_eq!(told(&site, "d1", &body).await.refused(422), "reason_length", "{reason}");
    }
}

#[tokio::test]
async fn without_an_encoder_nobody_is_heard() {
    let site = Site::new().await;
    let state = super::RestState { encoder: None, ..site.state.clone() };
    let request = super::Request::builder().method("POST").uri(PATH).body(super::Body::empty()).unwrap();
    let answer =
        tower::ServiceExt::oneshot(super::router(state.clone(), &super::limits(&state)), request).await.unwrap();
    assert_eq!(answer.status(), 404);
}
