//! The whole tree of a private film's files, asked for at every door by everybody who may not have it: nobody, somebody
//! else, who was sent away, and over the bare store.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    api::{Api, change},
    process::{Server, data_folder, film},
    roles::stored,
    store::s3,
};

/// Seconds that a delivery token lives here; the least that may be set.
const TOKEN_LIFE_S: &str = "5";
/// Tokens must have died by then, with a margin for a busy machine.
const DEAD_MAX: Duration = Duration::from_secs(60);

/// Asks for a file; the status.
async fn knock(url: &str, cookie: Option<&str>) -> u16 {
    let request = reqwest::Client::new().get(url);
    let request = if let Some(cookie) = cookie { request.header("cookie", cookie) } else { request };
    request.send().await.expect("answers").status().as_u16()
}

/// What the API tells of the film: null for who may not see it.
async fn shown(api: &Api, video: Uuid) -> Value {
    let query = "query($id: UUID!) { video(id: $id) { delivery { token } } }";
    api.ask(query, json!({ "id": video })).await.expect("answers")["video"].clone()
}

fn token(shown: &Value) -> String {
    shown["delivery"]["token"].as_str().unwrap_or_else(|| panic!("no token: {shown}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_films_files_open_for_nobody_else_at_any_door() {
    let (data, objects) = (data_folder(), data_folder());
    let store = s3(objects.path()).await;
    let env = [
        ("S3_ENDPOINT", store.as_str()),
        ("S3_ACCESS_KEY_ID", "access"),
        ("S3_SECRET_ACCESS_KEY", "secret"),
        ("LOCKSTEP_TOKEN_LIFE_S", TOKEN_LIFE_S),
    ];
    let server = Server::start(data.path(), 0, &env).await;
    let ada = Api::set_up(&server.url, server.setup_link.as_deref().expect("a link")).await;
    let video = ada.upload(&film(data.path(), 6, "320x240")).await;
    assert_eq!(ada.settled(video).await["status"], "READY");
    change(&ada, "editFilm", "EditFilmInput", json!({ "video": video, "visibility": "PRIVATE" })).await;

    // Everything the store holds of it, and what of that is delivered to its owner.
    let prefix = format!("v/{video}/");
    let keys = stored(&store).media.list(&prefix, 1_000).await.expect("lists");
    let opened = async |token: &str| {
        let mut open = BTreeSet::new();
        for key in &keys {
            let file = key.strip_prefix(&prefix).expect("below it");
            if knock(&format!("{}/v/{token}/{file}", server.url), None).await == 200 {
                open.insert(file.to_owned());
            }
        }
        open
    };
    let tree = opened(&token(&shown(&ada, video).await)).await;
    for wanted in ["master.m3u8", "manifest.mpd", "thumb.jpg", "storyboard.vtt"] {
        assert!(tree.contains(wanted), "{wanted} is not in {tree:?}");
    }
    assert!(tree.iter().any(|file| file.ends_with(".m4s")) && tree.len() >= 10, "{tree:?}");

    // Nobody, with tokens of their own making, and over the bare store.
    for token in ["none", &"a".repeat(60), &video.to_string()] {
        assert_eq!(opened(token).await, BTreeSet::new(), "{token}");
    }
    for key in &keys {
        assert_eq!(knock(&format!("{store}/lockstep-media/{key}"), None).await, 403, "{key} at the bare store");
    }
    assert_eq!(knock(&format!("{store}/lockstep-media?list-type=2&prefix={prefix}"), None).await, 403, "its listing");

    // Somebody else: no film, no token, no file by the older API.
    let bob = Api::guest(&server.url, "Bob").await;
    assert!(shown(&bob, video).await.is_null());
    for file in &tree {
        let segment = file.rsplit('/').next().expect("a name");
        for path in ["master.m3u8".to_owned(), "manifest.mpd".to_owned(), format!("segments/{segment}")] {
            let url = format!("{}/api/videos/{video}/{path}", server.url);
            assert_eq!(knock(&url, None).await, 401, "{path}");
            assert!([403, 404].contains(&knock(&url, Some(bob.session())).await), "{path}");
        }
    }

    // A member of a private channel that plays it has every file, and none after being sent away.
    let club =
        change(&ada, "createChannel", "CreateChannelInput", json!({ "name": "Club", "visibility": "PRIVATE" })).await;
    let club = club["id"].as_str().expect("an id");
    change(&ada, "loadVideo", "LoadVideoInput", json!({ "channel": club, "video": video })).await;
    let expires = jiff::Timestamp::now() + Duration::from_secs(3_600);
    let invite = json!({ "channel": club, "expiresAt": expires.to_string(), "usesMax": 1 });
    let code = change(&ada, "issueInvite", "IssueInviteInput", invite).await["code"].clone();
    change(&bob, "redeemInvite", "RedeemInviteInput", json!({ "code": code })).await;
    let mut pause = tokio::time::interval(Duration::from_millis(200));
    while shown(&bob, video).await.is_null() {
        pause.tick().await;
    }
    let held = token(&shown(&bob, video).await);
    assert_eq!(opened(&held).await, tree, "as a member");
    let him = bob.ask("{ me { id } }", json!({})).await.expect("answers")["me"]["id"].clone();
    change(&ada, "removeMember", "ModerateInput", json!({ "channel": club, "account": him })).await;
    let gone = async {
        while !shown(&bob, video).await.is_null() || !opened(&held).await.is_empty() {
            pause.tick().await;
        }
    };
    tokio::time::timeout(DEAD_MAX, gone).await.expect("what was held opens nothing any more");
    assert!(!opened(&token(&shown(&ada, video).await)).await.is_empty(), "its owner still has it");
    server.stop();
}
