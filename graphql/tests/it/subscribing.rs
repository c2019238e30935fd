//! Subscriptions: what happened, then what happens, no gap and no repetition; and only for those with the right.

use futures::{Stream, StreamExt};
use lockstep_domain::{account::PlatformRole, ids::VideoId, video::VideoCommand};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, upload};

const STATUS: &str = "subscription($id: UUID!) { videoStatus(id: $id) \
                      { position eventType replayed detail video { status percent } } }";
const EVENTS: &str = "subscription($id: UUID!, $after: Position) { channelEvents(channel: $id, after: $after) \
    { position eventType kind actor { name } message { text author { name } } playback { ratePpm video { title } } \
      member { role banned account { name } } } }";

async fn next(stream: &mut (impl Stream<Item = Value> + Unpin), field: &str) -> Value {
    let response = stream.next().await.expect("the stream goes on");
    assert_eq!(response.get("errors"), None, "{response}");
    response["data"][field].clone()
}

fn progress(percent: u32) -> VideoCommand {
    VideoCommand::ReportProgress { percent, stage: "encode".to_owned(), eta_s: Some(100 - percent) }
}

#[tokio::test]
async fn a_late_subscriber_gets_the_last_twenty_events_and_then_each_new_one() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let video = VideoId(Uuid::new_v4());
    app.film(video, upload(&ada, video)).await;
    app.film(video, VideoCommand::CompleteUpload).await;
    app.film(video, VideoCommand::StartTranscode).await;
    for percent in 1..=30 {
        app.film(video, progress(percent)).await;
    }
    let mut stream = app.follow(Some(&ada), STATUS, json!({ "id": video.0 }));
    let mut last = 0;
    for percent in 11..=30 {
        let event = next(&mut stream, "videoStatus").await;
        assert_eq!(event["replayed"], true);
        assert_eq!(event["detail"], format!("encode {percent} %, {} s left", 100 - percent));
        assert_eq!(event["video"]["percent"], 30, "the film as of now");
        let position: i64 = event["position"].as_str().unwrap().parse().unwrap();
        assert!(position > last);
        last = position;
    }
    for percent in 31..=40 {
        app.film(video, progress(percent)).await;
        let event = next(&mut stream, "videoStatus").await;
        assert_eq!((&event["replayed"], &event["video"]["percent"]), (&json!(false), &json!(percent)));
    }
}

#[tokio::test]
async fn subscribing_while_much_happens_misses_nothing() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let video = VideoId(Uuid::new_v4());
    app.film(video, upload(&ada, video)).await;
    app.film(video, VideoCommand::CompleteUpload).await;
    app.film(video, VideoCommand::StartTranscode).await;
    let writing = async {
        for percent in 1..=60 {
            app.film(video, progress(percent)).await;
        }
    };
    let following = async {
        for _ in 0..5 {
            let mut stream = app.follow(Some(&ada), STATUS, json!({ "id": video.0 }));
            let mut seen = Vec::new();
            while seen.last().is_none_or(|(_, detail): &(i64, String)| !detail.starts_with("encode 60 %")) {
                let event = next(&mut stream, "videoStatus").await;
                let position: i64 = event["position"].as_str().unwrap().parse().unwrap();
                seen.push((position, event["detail"].as_str().unwrap().to_owned()));
            }
            let dense = seen.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1);
            assert!(dense, "only this film writes to the log: {seen:?}");
        }
    };
    tokio::join!(writing, following);
}

#[tokio::test]
async fn a_channels_events_come_with_what_they_are_about() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let gast = app.person("Gast", PlatformRole::Guest).await;
    let video = VideoId(Uuid::new_v4());
    app.ready_film(&ada, video).await;
    let channel = app.channel(&ada, "Club", "PUBLIC").await;
    let after = app.settle().await.to_string();
    let with = |more: Value| {
        let mut input = json!({ "operationId": Uuid::new_v4(), "channel": channel });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    app.change(Some(&gast), "joinChannel", with(json!({}))).await;
    let mut stream = app.follow(Some(&ada), EVENTS, json!({ "id": channel, "after": after }));
    let joined = next(&mut stream, "channelEvents").await;
    assert_eq!((&joined["kind"], &joined["eventType"]), (&json!("member"), &json!("Joined")));
    assert_eq!(joined["member"], json!({ "role": "VIEWER", "banned": false, "account": { "name": "Gast" } }));
    app.change(Some(&ada), "loadVideo", with(json!({ "video": video.0 }))).await;
    let loaded = next(&mut stream, "channelEvents").await;
    assert_eq!(loaded["playback"], json!({ "ratePpm": 0, "video": { "title": "A film" } }));
    assert_eq!(
        (&loaded["actor"]["name"], &loaded["message"], &loaded["member"]),
        (&json!("Ada"), &json!(null), &json!(null))
    );
    let said = with(json!({ "id": Uuid::new_v4(), "text": "hello" }));
    app.change(Some(&gast), "postMessage", said).await;
    let heard = next(&mut stream, "channelEvents").await;
    assert_eq!(heard["message"], json!({ "text": "hello", "author": { "name": "Gast" } }));
    let rename = with(json!({ "name": "Kino" }));
    app.change(Some(&ada), "renameChannel", rename).await;
    assert_eq!(next(&mut stream, "channelEvents").await["eventType"], "Renamed");
}

#[tokio::test]
async fn a_ban_ends_the_subscription_of_the_banned() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let bob = app.person("Bob", PlatformRole::Member).await;
    let channel = app.channel(&ada, "Club", "PUBLIC").await;
    let mut stream = app.follow(Some(&bob), EVENTS, json!({ "id": channel, "after": app.settle().await.to_string() }));
    let input = || json!({ "operationId": Uuid::new_v4(), "channel": channel });
    app.change(Some(&bob), "joinChannel", input()).await;
    assert_eq!(next(&mut stream, "channelEvents").await["eventType"], "Joined");
    let mut ban = input();
    ban["account"] = json!(bob.account.0);
    app.change(Some(&ada), "banMember", ban).await;
    let said = json!({ "operationId": Uuid::new_v4(), "channel": channel, "id": Uuid::new_v4(), "text": "gone?" });
    app.change(Some(&ada), "postMessage", said).await;
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_film_is_followed_by_the_right_it_was_opened_by() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let bob = app.person("Bob", PlatformRole::Member).await;
    let video = VideoId(Uuid::new_v4());
    app.ready_film(&ada, video).await;
    let edit = |more: Value| {
        let mut input = json!({ "operationId": Uuid::new_v4(), "video": video.0 });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    app.change(Some(&ada), "editFilm", edit(json!({ "visibility": "PRIVATE" }))).await;
    let channel = app.channel(&ada, "Club", "PUBLIC").await;
    let load = json!({ "operationId": Uuid::new_v4(), "channel": channel, "video": video.0 });
    app.change(Some(&ada), "loadVideo", load).await;
    app.settle().await;
    // Not his and private: he follows it because a channel of his plays it.
    let mut stream = app.follow(Some(&bob), STATUS, json!({ "id": video.0 }));
    while next(&mut stream, "videoStatus").await["eventType"] != "VisibilityChanged" {}
    app.change(Some(&ada), "editFilm", edit(json!({ "title": "Another" }))).await;
    let event = next(&mut stream, "videoStatus").await;
    assert_eq!((&event["eventType"], &event["replayed"]), (&json!("Retitled"), &json!(false)));
}

#[tokio::test]
async fn who_may_not_see_it_may_not_follow_it() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let eve = app.person("Eve", PlatformRole::Guest).await;
    let video = VideoId(Uuid::new_v4());
    app.film(video, upload(&ada, video)).await;
    let channel = app.channel(&ada, "Secret", "PRIVATE").await;
    let refused = async |by, query, id: Uuid| {
        let response = app.follow(by, query, json!({ "id": id })).next().await.unwrap();
        response["errors"][0]["extensions"]["code"].clone()
    };
    assert_eq!(refused(Some(&eve), STATUS, video.0).await, "not_found");
    assert_eq!(refused(Some(&eve), STATUS, Uuid::new_v4()).await, "not_found");
    assert_eq!(refused(None, STATUS, video.0).await, "not_found");
    assert_eq!(refused(Some(&eve), EVENTS, channel).await, "not_found");
    assert_eq!(refused(Some(&eve), EVENTS, Uuid::new_v4()).await, "not_found");
    assert_eq!(refused(None, EVENTS, channel).await, "signed_out");
}
