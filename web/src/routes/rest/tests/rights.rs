//! Who may do what, from where, and what is told to those who may not.

use lockstep_commands::library;
use lockstep_domain::{channel::Visibility, video::Edit};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Actor, Context, ORIGIN, Person, PlatformRole, Site, VideoId, header, upload};

/// Every address, with a body where one is read; `{}` stands for a film.
const ADDRESSES: [(&str, &str, Option<&str>); 17] = [
    (
        "POST",
        "/api/upload/generate-presigned-url",
        Some(r#"{"fileName":"a.mp4","fileSize":9,"contentType":"video/mp4"}"#),
    ),
    ("POST", "/api/upload/parts/{}", Some(r#"{"numbers":[1]}"#)),
    ("POST", "/api/upload/confirm/{}", None),
    ("GET", "/api/videos", None),
    ("GET", "/api/videos/search?q=a", None),
    ("GET", "/api/videos/status/ready", None),
    ("GET", "/api/videos/stats/overview", None),
    ("GET", "/api/videos/{}", None),
    ("GET", "/api/videos/{}/status", None),
    ("PUT", "/api/videos/{}", Some(r#"{"title":"Mine"}"#)),
    ("DELETE", "/api/videos/{}", None),
    ("GET", "/api/videos/{}/manifest.mpd", None),
    ("GET", "/api/videos/{}/master.m3u8", None),
    ("GET", "/api/videos/{}/segments/720p_00001.m4s", None),
    ("HEAD", "/api/videos/{}", None),
    ("GET", "/api/notifications", None),
    ("GET", "/api/webhooks", None),
];

fn body_of(text: Option<&str>) -> Option<Value> {
    text.map(|text| serde_json::from_str(text).unwrap())
}

async fn private(site: &Site, owner: &Person) -> VideoId {
    let video = site.ready(owner, "A secret").await;
    let context = Context { actor: Actor::Account(owner.principal.account), ..site.system() };
    let edit = Edit { visibility: Some(Visibility::Private), ..Edit::default() };
    library::edit(&site.state.services, &context, video, edit).await.unwrap();
    site.settle().await;
    video
}

#[tokio::test]
async fn nobody_is_told_anything_without_signing_in() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let video = site.ready(&ada, "A film").await;
    site.settle().await;
    for (method, path, body) in ADDRESSES {
        let headers = [("origin", ORIGIN), ("content-type", "application/json")];
        let answer = site.send(method, &path.replace("{}", &video.to_string()), &headers, body.unwrap_or("")).await;
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer", "{method} {path}");
        if method != "HEAD" {
            assert_eq!(answer.refused(401), "signed_out", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn what_one_may_not_see_is_answered_like_what_does_not_exist() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let eve = site.person("Eve", PlatformRole::Member).await;
    let secret = private(&site, &ada).await;
    let mut seen = 0;
    for (method, path, body) in ADDRESSES.into_iter().filter(|(_, path, _)| path.contains("{}")) {
        let mut answers = vec![];
        for id in [secret.to_string(), Uuid::new_v4().to_string(), "no-id".to_owned()] {
            let answer = site.ask(&eve, method, &path.replace("{}", &id), body_of(body)).await;
            if method == "HEAD" {
                answers.push((answer.status, String::new()));
                continue;
            }
            answer.refused(404);
            let mut told = answer.json();
            told["error"]["requestId"].take();
            answers.push((answer.status, told.to_string()));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{method} {path}: {answers:?}");
        seen += 1;
    }
    assert_eq!(seen, 10);
    for list in ["/api/videos", "/api/videos/search?q=secret", "/api/videos/status/ready"] {
        assert_eq!(site.get(&eve, list).await.json()["pagination"]["total"], 0, "{list}");
        assert_eq!(site.get(&ada, list).await.json()["pagination"]["total"], 1, "{list}");
    }
    assert_eq!(site.get(&eve, "/api/videos/stats/overview").await.data()["total"], 0);
}

#[tokio::test]
async fn others_look_and_do_not_touch_and_guests_do_not_look() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let eve = site.person("Eve", PlatformRole::Member).await;
    let gus = site.person("Gus", PlatformRole::Guest).await;
    let root = site.person("Root", PlatformRole::Administrator).await;
    let video = site.ready(&ada, "A film").await;
    site.settle().await;
    let path = format!("/api/videos/{video}");
    assert_eq!(site.get(&eve, &path).await.data()["title"], "A film");
    assert_eq!(site.ask(&eve, "PUT", &path, Some(json!({ "title": "Mine" }))).await.refused(404), "not_found");
    assert_eq!(site.ask(&eve, "DELETE", &path, None).await.refused(404), "not_found");
    assert_eq!(site.get(&gus, &path).await.refused(404), "not_found");
    assert_eq!(site.get(&gus, "/api/videos").await.refused(403), "not_permitted");
    assert_eq!(site.get(&gus, "/api/videos/stats/overview").await.refused(403), "not_permitted");
    let wish = Some(upload(9));
    assert_eq!(site.ask(&gus, "POST", "/api/upload/generate-presigned-url", wish).await.refused(403), "guest");
    assert_eq!(site.ask(&root, "PUT", &path, Some(json!({ "title": "Kept" }))).await.data()["title"], "Kept");
}

#[tokio::test]
async fn a_cookie_changes_nothing_from_another_site() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let video = site.ready(&ada, "A film").await;
    site.settle().await;
    for (method, path, body) in ADDRESSES.into_iter().filter(|(method, ..)| !matches!(*method, "GET" | "HEAD")) {
        let path = path.replace("{}", &video.to_string());
        for origin in [None, Some("https://evil.example"), Some("https://watch.example.org.evil"), Some("null")] {
            let mut headers = vec![("cookie", ada.cookie.as_str()), ("content-type", "application/json")];
            headers.extend(origin.map(|origin| ("origin", origin)));
            let answer = site.send(method, &path, &headers, body.unwrap_or("")).await;
            assert_eq!(answer.refused(403), "origin", "{method} {path} {origin:?}");
        }
    }
    assert_eq!(site.get(&ada, &format!("/api/videos/{video}")).await.data()["trashedAt"], Value::Null);
}

#[tokio::test]
async fn bodies_are_json_bounded_and_hold_nothing_unasked() {
    let site = Site::new().await;
    let ada = site.person("Ada", PlatformRole::Member).await;
    let video = site.ready(&ada, "A film").await;
    let path = format!("/api/videos/{video}");
    let put = async |kind: &str, body: String| {
        let headers = [("cookie", ada.cookie.as_str()), ("origin", ORIGIN), ("content-type", kind)];
        site.send("PUT", &path, &headers, body).await
    };
    let good = || json!({ "title": "x" }).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=latin1"] {
        assert_eq!(put(kind, good()).await.refused(415), "content_type", "{kind}");
    }
    assert_eq!(put("application/json; charset=UTF-8", good()).await.status, 200);
    let long = json!({ "description": "x".repeat(70_000) }).to_string();
    assert_eq!(put("application/json", long).await.refused(413), "too_large");
    for body in [
        "",
        "{",
        "[]",
        "null",
        r#"{"title":1}"#,
        r#"{"title":"a","title":"b"}"#,
        r#"{"owner":"x"}"#,
        r#"{"title":"a","status":"ready"}"#,
        r#"{"visibility":"secret"}"#,
        &"[".repeat(10_000),
    ] {
        let answer = put("application/json", body.to_owned()).await;
        assert_eq!(answer.refused(400), "bad_request", "{body}");
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(!message.contains("EditVideo") && !message.contains("FilmVisibility"), "{message}");
    }
    assert_eq!(put("application/json", json!({ "title": "a\0b" }).to_string()).await.refused(422), "title_length");
    for query in
        ["?page=0", "?limit=0", "?limit=101", "?page=x", "?page=1000000&limit=100", "?pages=1", "?page=1&page=2"]
    {
        assert_eq!(site.get(&ada, &format!("/api/videos{query}")).await.refused(400), "bad_request", "{query}");
    }
    for path in [
        "/api/videos/search",
        "/api/videos/search?q=",
        "/api/videos/search?q=%21",
        "/api/videos/status/done",
        "/api/videos/status/%FF",
    ] {
        assert_eq!(site.get(&ada, path).await.refused(400), "bad_request", "{path}");
    }
    for query in ["?limit=0", "?before=x", "?unreadOnly=2"] {
        assert_eq!(site.get(&ada, &format!("/api/notifications{query}")).await.refused(400), "bad_request", "{query}");
    }
}

#[tokio::test]
async fn every_refusal_has_the_one_shape() {
    let site = Site::new().await;
    for path in ["/api", "/api/", "/api/nothing", "/api/videos/a/b/c", "/api/graphql"] {
        assert_eq!(site.send("GET", path, &[], "").await.refused(404), "not_found", "{path}");
    }
    let wrong = site.send("PATCH", "/api/videos", &[], "").await;
    assert_eq!(wrong.refused(405), "method");
    assert!(wrong.headers[header::ALLOW].to_str().unwrap().contains("GET"), "{wrong:?}");
    // The database goes away: nothing of why is told.
    let ada = site.person("Ada", PlatformRole::Member).await;
    site.state.services.pool.close().await;
    let away = site.get(&ada, "/api/videos").await;
    assert_eq!(away.refused(503), "unavailable");
    assert_eq!(away.headers[header::RETRY_AFTER], "1");
    let text = String::from_utf8_lossy(&away.body).to_lowercase();
    for word in ["sql", "pool", "closed", "postgres", "database"] {
        assert!(!text.contains(word), "{text}");
    }
}
