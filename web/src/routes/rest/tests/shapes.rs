//! Each address with its exact shape.

use serde_json::{Value, json};

use super::{PlatformRole, Site, StatusCode, header};

/// What differs from run to run, checked and put out of the way.
fn timeless(film: &mut Value) {
    let at = film["createdAt"].take();
    assert!(at.as_str().is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok()), "{at}");
}

/// The path below a delivery address.
fn below(url: &mut Value) {
    let text = url.as_str().unwrap_or_else(|| panic!("{url}"));
    let rest = text.strip_prefix("/v/").and_then(|rest| rest.split_once('/')).unwrap_or_else(|| panic!("{text}"));
    assert!(rest.0.len() > 60, "{text}");
    *url = json!(rest.1);
}

#[tokio::test]
async fn a_film_has_its_shape() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let video = site.ready(&ada, "A film").await;
    site.settle().await;
    let mut shown = site.get(&ada, &format!("/api/videos/{video}")).await.json();
    timeless(&mut shown["data"]);
    below(&mut shown["data"]["hlsUrl"]);
    below(&mut shown["data"]["dashUrl"]);
    let expected = json!({ "data": {
        "id": video.0, "title": "A film", "description": "", "tags": [], "fileName": "film.mp4", "fileSize": 1000,
        "status": "ready", "progress": 100, "visibility": "public",
        "owner": { "id": ada.principal.account.0, "name": "Ada" }, "duration": 60.5, "width": null, "height": null,
        "thumbnailUrl": null, "hlsUrl": "master.m3u8", "dashUrl": "manifest.mpd", "error": null, "createdAt": null,
        "trashedAt": null,
    }});
    assert_eq!(shown, expected);
    let status = site.get(&ada, &format!("/api/videos/{video}/status")).await.json();
    let expected = json!({ "data": {
        "videoId": video.0, "status": "ready", "progress": 100, "stage": "", "etaSeconds": null, "error": null,
    }});
    assert_eq!(status, expected);
}

#[tokio::test]
async fn lists_have_pages() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let mut films = vec![];
    for title in ["One river", "Two rivers", "Three hills"] {
        films.push(site.ready(&ada, title).await);
    }
    site.processing(&ada, "Four clouds").await;
    site.settle().await;
    let titles = |answer: &Value| -> Vec<String> {
        let films = answer["data"].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
        films.map(|film| film["title"].as_str().unwrap().to_owned()).collect()
    };
    let first = site.get(&ada, "/api/videos?limit=3").await.json();
    assert_eq!(titles(&first), ["Four clouds", "Three hills", "Two rivers"]);
    assert_eq!(first["pagination"], json!({ "page": 1, "limit": 3, "total": 4, "totalPages": 2 }));
    assert_eq!(first.as_object().unwrap().len(), 2, "{first}");
    let second = site.get(&ada, "/api/videos?limit=3&page=2").await.json();
    assert_eq!(titles(&second), ["One river"]);
    let third = site.get(&ada, "/api/videos?limit=3&page=3").await.json();
    assert_eq!((titles(&third), &third["pagination"]["total"]), (vec![], &json!(4)));
    let found = site.get(&ada, "/api/videos/search?q=river&limit=1").await.json();
    assert_eq!(found["pagination"], json!({ "page": 1, "limit": 1, "total": 2, "totalPages": 2 }));
    let next = site.get(&ada, "/api/videos/search?q=river&limit=1&page=2").await.json();
    let mut both = [titles(&found), titles(&next)].concat();
    both.sort();
    assert_eq!(both, ["One river", "Two rivers"]);
    let processing = site.get(&ada, "/api/videos/status/processing").await.json();
    assert_eq!(titles(&processing), ["Four clouds"]);
    let overview = site.get(&ada, "/api/videos/stats/overview").await.json();
    let expected = json!({ "data": {
        "total": 4, "byStatus": { "processing": 1, "ready": 3 }, "storedBytes": overview["data"]["storedBytes"],
        "duration": 181.5, "trashed": 0,
    }});
    assert_eq!(overview, expected);
}

#[tokio::test]
async fn a_film_is_edited_and_put_into_the_trash() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let video = site.ready(&ada, "A film").await;
    let path = format!("/api/videos/{video}");
    let edit = json!({ "title": "Another", "description": "words", "tags": ["sea"], "visibility": "private" });
    let edited = site.ask(&ada, "PUT", &path, Some(edit)).await;
    assert_eq!(edited.json()["message"], "the film was changed");
    let film = edited.data();
    assert_eq!((&film["title"], &film["description"]), (&json!("Another"), &json!("words")), "shown at once");
    assert_eq!((&film["tags"], &film["visibility"]), (&json!(["sea"]), &json!("private")));
    let same = site.ask(&ada, "PUT", &path, Some(json!({}))).await.data();
    assert_eq!(same["title"], "Another");
    let trashed = site.ask(&ada, "DELETE", &path, None).await;
    let expected = json!({ "data": { "videoId": video.0 }, "message": "the film is in the trash for seven days" });
    assert_eq!(trashed.json(), expected);
    site.settle().await;
    let film = site.get(&ada, &path).await.data();
    assert!(film["trashedAt"].is_string() && film["hlsUrl"].is_null(), "{film}");
    assert_eq!(site.get(&ada, &format!("{path}/master.m3u8")).await.refused(404), "not_found");
    assert_eq!(site.get(&ada, "/api/videos").await.json()["pagination"]["total"], 0);
}

#[tokio::test]
async fn manifests_lead_to_the_delivery_address_and_segments_are_handed_on() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let (video, waiting) = (site.ready(&ada, "A film").await, site.processing(&ada, "Not yet").await);
    site.settle().await;
    let media = &site.state.services.objects.media;
    let bytes = bytes::Bytes::from_static(b"0123456789");
    media.put(&format!("v/{video}/720p/00001.m4s"), bytes, "video/iso.segment").await.unwrap();
    for (path, file) in [("manifest.mpd", "manifest.mpd"), ("master.m3u8", "master.m3u8")] {
        let led = site.get(&ada, &format!("/api/videos/{video}/{path}")).await;
        assert_eq!(led.status, StatusCode::FOUND);
        let mut location = json!(led.headers[header::LOCATION].to_str().unwrap());
        below(&mut location);
        assert_eq!(location, file);
        assert_eq!(site.get(&ada, &format!("/api/videos/{waiting}/{path}")).await.refused(409), "wrong_status");
    }
    let segment = format!("/api/videos/{video}/segments/720p_00001.m4s");
    let whole = site.get(&ada, &segment).await;
    assert_eq!((whole.status, &whole.body[..]), (StatusCode::OK, &b"0123456789"[..]));
    assert_eq!(whole.headers[header::CONTENT_TYPE], "video/iso.segment");
    let headers = [("cookie", ada.cookie.as_str()), ("range", "bytes=2-4")];
    let part = site.send("GET", &segment, &headers, "").await;
    assert_eq!((part.status, &part.body[..]), (StatusCode::PARTIAL_CONTENT, &b"234"[..]));
    let headers = [("cookie", ada.cookie.as_str()), ("range", "bytes=99-")];
    assert_eq!(site.send("GET", &segment, &headers, "").await.refused(416), "range_not_satisfiable");
    for wrong in ["720p_00002.m4s", "720p", "..%2f..%2fx_y", "720p_secret.txt", "_", "a_b_c"] {
        let path = format!("/api/videos/{video}/segments/{wrong}");
        assert_eq!(site.get(&ada, &path).await.refused(404), "not_found", "{wrong}");
    }
}

#[tokio::test]
async fn notifications_have_their_shape() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let video = site.ready(&ada, "A film").await;
    let other = site.ready(&ada, "Another").await;
    site.settle().await;
    let mut first = site.get(&ada, "/api/notifications?limit=1").await.json();
    let notification = &mut first["data"][0];
    assert!(notification["id"].take().is_string());
    timeless(notification);
    let cursor = first["pagination"]["nextCursor"].take();
    let expected = json!({
        "data": [{
            "id": null, "type": "video_ready", "read": false, "createdAt": null, "actor": null, "videoId": other.0,
            "channelName": null, "detail": null,
        }],
        "unread": 2, "pagination": { "limit": 1, "hasMore": true, "nextCursor": null },
    });
    assert_eq!(first, expected);
    let path = format!("/api/notifications?limit=5&unreadOnly=true&before={}", cursor.as_str().unwrap());
    let rest = site.get(&ada, &path).await.json();
    assert_eq!(rest["data"][0]["videoId"], json!(video.0));
    assert_eq!(rest["pagination"], json!({ "limit": 5, "hasMore": false, "nextCursor": null }));
}

#[tokio::test]
async fn health_needs_nobody_and_counts_sockets() {
    let site = Site::new().await;
    let health = site.send("GET", "/api/webhook/health", &[], "").await;
    assert_eq!((health.status, health.json()), (StatusCode::OK, json!({ "status": "ok", "connections": 0 })));
    let ada = site.person("Ada", PlatformRole::Member).await;
    let open = site.state.authenticator.clone();
    let socket = tokio::spawn(async move { open.ended(&ada.principal).await });
    while site.send("GET", "/api/webhook/health", &[], "").await.json()["connections"] != 1 {
        tokio::task::yield_now().await;
    }
    socket.abort();
}

#[tokio::test]
async fn webhooks_are_listed_for_their_owner() {
    use lockstep_commands::webhook::{self, Wanted};
    use lockstep_domain::webhook::Topic;
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let eve = site.person("Eve", PlatformRole::Member).await;
    let context = super::Context { actor: super::Actor::Account(ada.principal.account), ..site.system() };
    let wanted = Wanted { url: "https://a.example".to_owned(), topics: [Topic::VideoReady].into(), everybody: false };
    let (id, _) = webhook::register(&site.state.services, &context, wanted).await.unwrap();
    let mut listed = site.get(&ada, "/api/webhooks").await.json();
    timeless(&mut listed["data"][0]);
    let expected = json!({ "data": [{
        "id": id.0, "url": "https://a.example", "topics": ["video.ready"], "everybody": false, "disabled": false,
        "createdAt": null,
    }]});
    assert_eq!(listed, expected);
    assert_eq!(site.get(&eve, "/api/webhooks").await.json(), json!({ "data": [] }));
}
