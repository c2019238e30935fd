//! What people do, through the schema: set up, sign in, upload, make a channel, watch, talk.

use lockstep_commands::session;
use lockstep_domain::{account::PlatformRole, ids::VideoId, time::Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

fn op() -> Uuid {
    Uuid::new_v4()
}

#[tokio::test]
async fn the_first_administrator_is_set_up_once() {
    let app = App::new().await;
    let needed = async || app.data(None, "{ setUpNeeded }", json!({})).await["setUpNeeded"].clone();
    assert_eq!(needed().await, true);
    let token = app.setup.open([7; 32], Timestamp(1_700_000_000_000_000));
    let input = |token: &str| json!({ "token": token, "name": "Ada", "password": "correct horse battery" });
    assert_eq!(app.change(None, "setUp", input("wrong")).await["code"], "setup_link");
    let done = app.change(None, "setUp", input(&token)).await;
    assert_eq!(done["account"]["role"], "ADMINISTRATOR");
    assert_eq!(app.change(None, "setUp", input(&token)).await["code"], "setup_link", "the link is used up");
    assert_eq!(needed().await, false);
}

#[tokio::test]
async fn a_session_travels_in_a_guarded_cookie_and_ends() {
    let app = App::new().await;
    app.person("Ada", PlatformRole::Member).await;
    let query = "mutation($p: String!) { signIn(input: { name: \"ada\", password: $p }) \
                 { __typename ... on SignedIn { account { name } } ... on Refused { code } } }";
    let wrong = app.respond(None, query, json!({ "p": "not the password" })).await;
    assert_eq!(wrong.data.into_json().unwrap()["signIn"]["code"], "wrong_credentials");
    assert!(wrong.http_headers.is_empty());
    let right = app.respond(None, query, json!({ "p": "correct horse battery" })).await;
    let cookie = right.http_headers["set-cookie"].to_str().unwrap().to_owned();
    let token = cookie.strip_prefix("__Host-lockstep=").unwrap().split(';').next().unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=7776000; Secure"), "{cookie}");
    let principal = session::authenticate(&app.services, token).await.unwrap().unwrap();
    assert_eq!(app.data(Some(&principal), "{ me { name role } }", json!({})).await["me"]["name"], "Ada");
    let query = "mutation { signOut { ... on Changed { changed } } }";
    let out = app.respond(Some(&principal), query, json!({})).await;
    assert!(out.http_headers["set-cookie"].to_str().unwrap().starts_with("__Host-lockstep=; "));
    assert_eq!(session::authenticate(&app.services, token).await.unwrap(), None);
    assert_eq!(app.data(None, query, json!({})).await["signOut"]["changed"], false);
}

#[tokio::test]
async fn an_upload_is_asked_for_once_per_operation() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let input = json!({ "operationId": op(), "title": "Film", "fileName": "f.mp4", "sizeBytes": 5e6, "contentType": "video/mp4" });
    let first = app.change(Some(&ada), "requestUpload", input.clone()).await;
    let again = app.change(Some(&ada), "requestUpload", input).await;
    assert_eq!(first["__typename"], "UploadRequested", "{first}");
    assert_eq!((&first["video"], &first["position"]), (&again["video"], &again["position"]));
    assert!(first["url"].as_str().unwrap().contains(first["video"].as_str().unwrap()));
    let confirm = json!({ "operationId": op(), "video": first["video"] });
    assert_eq!(app.change(Some(&ada), "confirmUpload", confirm.clone()).await["code"], "not_arrived");
    let other = app.person("Bob", PlatformRole::Member).await;
    assert_eq!(app.change(Some(&other), "confirmUpload", confirm).await["code"], "not_found");
    let query = "query($id: UUID!, $at: Position) { video(id: $id, minPosition: $at) \
                 { title status sizeBytes owner { name } hlsUrl thumbnailUrl createdAt } }";
    let variables = json!({ "id": first["video"], "at": first["position"] });
    let video = app.data(Some(&ada), query, variables).await["video"].clone();
    assert_eq!(
        (&video["title"], &video["status"], &video["sizeBytes"]),
        (&json!("Film"), &json!("UPLOADING"), &json!(5e6))
    );
    assert_eq!((&video["owner"]["name"], &video["hlsUrl"]), (&json!("Ada"), &Value::Null));
}

#[tokio::test]
async fn a_film_is_watched_and_talked_about() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let gast = app.person("Gast", PlatformRole::Guest).await;
    let video = VideoId(op());
    app.ready_film(&ada, video).await;
    let channel = app.channel(&ada, "Movie night", "PUBLIC").await;
    let joined = app.change(Some(&gast), "joinChannel", json!({ "operationId": op(), "channel": channel })).await;
    assert_eq!(joined["changed"], true, "{joined}");
    let of = |more: Value| {
        let mut input = json!({ "operationId": op(), "channel": channel });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    app.change(Some(&ada), "loadVideo", of(json!({ "video": video.0 }))).await;
    app.change(Some(&gast), "play", of(json!({}))).await;
    app.change(Some(&gast), "seek", of(json!({ "positionUs": 5_000_000.0 }))).await;
    let beyond = app.change(Some(&gast), "seek", of(json!({ "positionUs": 61_000_000.0 }))).await;
    assert_eq!(beyond["code"], "past_end");
    app.change(Some(&gast), "pause", of(json!({ "positionUs": 7_000_000.0 }))).await;
    let message = of(json!({ "id": op(), "text": " Hello ", "playbackUs": 7_000_000.0 }));
    let posted = app.change(Some(&gast), "postMessage", message.clone()).await;
    assert_eq!(app.change(Some(&gast), "postMessage", message).await, posted, "the same operation is one message");
    let query = "query($id: UUID!, $at: Position) { channel(id: $id, minPosition: $at) { name memberCount myRole \
        members { account { name } role present } \
        playback { positionUs ratePpm video { title durationUs hlsUrl dashUrl thumbnailUrl delivery { token } renditions { name complete } } } \
        messages(last: 10) { nodes { text author { name } playbackUs } hasMore } } }";
    let shown = app.data(Some(&gast), query, json!({ "id": channel, "at": posted["position"] })).await;
    let shown = &shown["channel"];
    assert_eq!((&shown["memberCount"], &shown["myRole"]), (&json!(2), &json!("VIEWER")));
    assert_eq!(shown["members"][0]["account"]["name"], "Ada");
    assert_eq!((&shown["playback"]["positionUs"], &shown["playback"]["ratePpm"]), (&json!(7e6), &json!(0)));
    let film = &shown["playback"]["video"];
    assert_eq!(film["hlsUrl"], format!("/v/t-{video}/master.m3u8"));
    assert_eq!(film["dashUrl"], format!("/v/t-{video}/manifest.mpd"));
    assert_eq!(film["thumbnailUrl"], format!("/v/t-{video}/thumb.jpg"));
    assert_eq!(film["renditions"], json!([{ "name": "720p", "complete": true }]));
    let said = json!([{ "text": "Hello", "author": { "name": "Gast" }, "playbackUs": 7e6 }]);
    assert_eq!(shown["messages"], json!({ "nodes": said, "hasMore": false }));
}

#[tokio::test]
async fn roles_and_bans_follow_the_rules() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let bob = app.person("Bob", PlatformRole::Member).await;
    let channel = app.channel(&ada, "Club", "PUBLIC").await;
    let join = || json!({ "operationId": op(), "channel": channel });
    app.change(Some(&bob), "joinChannel", join()).await;
    let on = |account: Uuid| json!({ "operationId": op(), "channel": channel, "account": account });
    assert_eq!(app.change(Some(&bob), "banMember", on(ada.account.0)).await["code"], "not_permitted");
    let rename = |name: &str| json!({ "operationId": op(), "channel": channel, "name": name });
    assert_eq!(app.change(Some(&bob), "renameChannel", rename("Mine")).await["code"], "not_permitted");
    let mut grant = on(bob.account.0);
    grant["role"] = json!("ADMIN");
    assert_eq!(app.change(Some(&ada), "grantRole", grant).await["changed"], true);
    assert_eq!(app.change(Some(&bob), "renameChannel", rename("Ours")).await["changed"], true);
    assert_eq!(app.change(Some(&ada), "banMember", on(bob.account.0)).await["changed"], true);
    assert_eq!(app.change(Some(&bob), "joinChannel", join()).await["code"], "banned");
    assert_eq!(app.change(Some(&ada), "unbanMember", on(bob.account.0)).await["changed"], true);
    assert_eq!(app.change(Some(&bob), "joinChannel", join()).await["changed"], true);
    assert_eq!(app.change(Some(&bob), "leaveChannel", join()).await["changed"], true);
}

#[tokio::test]
async fn pages_of_films_and_messages_go_on_where_the_last_ended() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    for _ in 0..5 {
        let video = VideoId(op());
        app.film(video, crate::app::upload(&ada, video)).await;
    }
    let channel = app.channel(&ada, "Club", "PUBLIC").await;
    for number in 0..5 {
        let text = format!("message {number}");
        let input = json!({ "operationId": op(), "channel": channel, "id": op(), "text": text });
        app.change(Some(&ada), "postMessage", input).await;
    }
    app.settle().await;
    let query =
        "query($after: String) { videos(first: 2, after: $after) { nodes { id } hasMore endCursor totalCount } }";
    let (mut after, mut seen) = (Value::Null, Vec::new());
    loop {
        let page = app.data(Some(&ada), query, json!({ "after": after })).await["videos"].clone();
        assert_eq!(page["totalCount"], 5);
        seen.extend(page["nodes"].as_array().unwrap().clone());
        after = page["endCursor"].clone();
        if page["hasMore"] == false {
            break;
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 5);
    let query = "query($id: UUID!, $before: Position) { channel(id: $id) { messages(last: 2, before: $before) \
                 { nodes { text } hasMore startCursor } } }";
    let (mut before, mut texts) = (Value::Null, Vec::new());
    loop {
        let answer = app.data(Some(&ada), query, json!({ "id": channel, "before": before })).await;
        let page = &answer["channel"]["messages"];
        let mut older: Vec<String> =
            page["nodes"].as_array().unwrap().iter().map(|node| node["text"].as_str().unwrap().to_owned()).collect();
        older.append(&mut texts);
        texts = older;
        before = page["startCursor"].clone();
        if page["hasMore"] == false {
            break;
        }
    }
    assert_eq!(texts, (0..5).map(|number| format!("message {number}")).collect::<Vec<_>>());
}
