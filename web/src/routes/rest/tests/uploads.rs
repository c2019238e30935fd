//! A file's way in, and what is refused on it.

use lockstep_commands::upload::Limits;
use serde_json::json;
use uuid::Uuid;

use super::{PlatformRole, Site, VideoId, upload};

#[tokio::test]
async fn an_upload_is_granted_sent_and_confirmed() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    // The beginning of an MP4 file.
    let file: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08mdat";
    let granted = site.ask(&ada, "POST", "/api/upload/generate-presigned-url", Some(upload(file.len() as u64))).await;
    let body = granted.json();
    assert_eq!(body["message"], "PUT the file to this address, then confirm it");
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    let data = granted.data();
    let mut fields: Vec<&String> = data.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["expiresAt", "presignedUrl", "videoId"]);
    assert!(data["presignedUrl"].as_str().unwrap().starts_with("https://watch.example.org/interim/u/"), "{data}");
    assert!(data["expiresAt"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    let id: Uuid = data["videoId"].as_str().unwrap().parse().unwrap();
    let confirm = format!("/api/upload/confirm/{id}");
    assert_eq!(site.ask(&ada, "POST", &confirm, None).await.refused(409), "not_arrived");
    let interim = &site.state.services.objects.interim;
    interim.put(&format!("u/{id}"), bytes::Bytes::from_static(file), "video/mp4").await.unwrap();
    let confirmed = site.ask(&ada, "POST", &confirm, None).await;
    let expected = json!({ "data": { "videoId": id }, "message": "the file has arrived and will be transcoded" });
    assert_eq!(confirmed.json(), expected);
    assert_eq!(site.ask(&ada, "POST", &confirm, None).await.json(), expected, "again to no effect");
    site.settle().await;
    let film = site.get(&ada, &format!("/api/videos/{id}")).await.data();
    assert_eq!((&film["title"], &film["status"]), (&json!("holiday"), &json!("uploaded")));
}

#[tokio::test]
async fn a_large_file_is_sent_in_parts() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let size = 100_u64 << 20;
    let granted = site.ask(&ada, "POST", "/api/upload/generate-presigned-url", Some(upload(size))).await.data();
    assert_eq!(
        (&granted["presignedUrl"], &granted["parts"]),
        (&json!(""), &json!({ "partSize": 8 << 20, "count": 13 }))
    );
    let path = format!("/api/upload/parts/{}", granted["videoId"].as_str().unwrap());
    let signed = site.ask(&ada, "POST", &path, Some(json!({ "numbers": [1, 13] }))).await.data();
    let sizes: Vec<_> = signed["parts"].as_array().unwrap().iter().map(|part| part["size"].clone()).collect();
    assert_eq!(sizes, [json!(8 << 20), json!(4 << 20)]);
    assert!(signed["parts"][0]["presignedUrl"].as_str().unwrap().contains("partNumber=1"), "{signed}");
    assert_eq!(site.ask(&ada, "POST", &path, Some(json!({ "numbers": [14] }))).await.refused(422), "parts");
    let eve = site.person("Eve", PlatformRole::Member).await;
    assert_eq!(site.ask(&eve, "POST", &path, Some(json!({ "numbers": [1] }))).await.refused(404), "not_found");
}

#[tokio::test]
async fn the_same_wish_has_one_effect() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let key = Uuid::new_v4().to_string();
    let send = async |key: &str| {
        let headers = [
            ("cookie", ada.cookie.as_str()),
            ("origin", super::ORIGIN),
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        site.send("POST", "/api/upload/generate-presigned-url", &headers, upload(1_000).to_string()).await
    };
    let (first, again) = (send(&key).await.data(), send(&key).await.data());
    assert_eq!(first["videoId"], again["videoId"]);
    assert_ne!(send(&Uuid::new_v4().to_string()).await.data()["videoId"], first["videoId"]);
    assert_eq!(send("once").await.refused(400), "bad_request");
}

#[tokio::test]
async fn what_may_not_be_uploaded_is_refused_in_words() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let path = "/api/upload/generate-presigned-url";
    for (change, status, code) in [
        (json!({ "fileSize": 0 }), 422, "empty"),
        (json!({ "contentType": "text/html" }), 422, "content_type"),
        (json!({ "title": "" }), 422, "title_length"),
        (json!({ "fileSize": 1_u64 << 50 }), 413, "too_large"),
        (json!({ "fileSize": -1 }), 400, "bad_request"),
        (json!({ "fileSize": "1" }), 400, "bad_request"),
        (json!({ "owner": Uuid::new_v4() }), 400, "bad_request"),
        (json!({ "object_key": "u/other" }), 400, "bad_request"),
    ] {
        let mut body = upload(1_000);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(site.ask(&ada, "POST", path, Some(body)).await.refused(status), code, "{change}");
    }
    let small = Site::with(Limits { bytes_max: 500, ..Limits::default() }).await;
    let bob = small.person("Bob", PlatformRole::Member).await;
    assert_eq!(small.ask(&bob, "POST", path, Some(upload(1_000))).await.refused(403), "quota_bytes");
    let random = format!("/api/upload/confirm/{}", VideoId(Uuid::new_v4()));
    assert_eq!(site.ask(&ada, "POST", &random, None).await.refused(404), "not_found");
}
