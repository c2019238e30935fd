//! Captions of a film: who adds them, what a file must be, and who sees them.

use lockstep_domain::{
    Personal,
    account::PlatformRole,
    ids::VideoId,
    time::MediaTime,
    video::{CaptionOrigin, CaptionTrack, Storyboard, VideoCommand},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

const FILM: &str = "query($id: UUID!, $at: Position) { video(id: $id, minPosition: $at) { storyboardUrl captions { id \
    language label origin url } } }";

fn file(video: VideoId, text: &str) -> Value {
    json!({ "operationId": Uuid::new_v4(), "video": video.0, "language": "ger", "label": " Deutsch ", "text": text })
}

const WORDS: &str = "1\n00:00:01,000 --> 00:00:02,000\nGuten Tag\n";

#[tokio::test]
async fn an_uploaded_file_is_stored_and_shown_once() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let video = VideoId(Uuid::new_v4());
    app.ready_film(&ada, video).await;
    let input = file(video, WORDS);
    let first = app.change(Some(&ada), "uploadCaptions", input.clone()).await;
    assert_eq!(first["changed"], true, "{first}");
    let again = app.change(Some(&ada), "uploadCaptions", input).await;
    assert_eq!(first["position"], again["position"], "the same operation has one effect");
    let shown = app.data(Some(&ada), FILM, json!({ "id": video.0, "at": first["position"] })).await;
    let captions = shown["video"]["captions"].as_array().unwrap().clone();
    assert_eq!(captions.len(), 1);
    let track = &captions[0];
    assert_eq!((&track["language"], &track["label"]), (&json!("de"), &json!("Deutsch")));
    assert_eq!(track["origin"], "UPLOAD");
    let id = track["id"].as_str().unwrap();
    assert_eq!(track["url"], format!("/v/t-{video}/text/{id}.vtt"));
    let stored = app.services.objects.media.get_range(&format!("v/{video}/text/{id}.vtt"), 0, 1000).await.unwrap();
    assert_eq!(stored.unwrap(), "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nGuten Tag\n");

    let remove = json!({ "operationId": Uuid::new_v4(), "video": video.0, "captions": id });
    let removed = app.change(Some(&ada), "removeCaptions", remove).await;
    let shown = app.data(Some(&ada), FILM, json!({ "id": video.0, "at": removed["position"] })).await;
    assert_eq!(shown["video"]["captions"], json!([]));
}

#[tokio::test]
async fn only_the_owner_and_administrators_add_captions() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let bob = app.person("Bob", PlatformRole::Member).await;
    let root = app.person("Root", PlatformRole::Administrator).await;
    let video = VideoId(Uuid::new_v4());
    app.ready_film(&ada, video).await;
    // What is in the file plays no part for who may not.
    let refused = app.change(Some(&bob), "uploadCaptions", file(video, "nonsense")).await;
    assert_eq!(refused["code"], "not_permitted");
    let by_root = app.change(Some(&root), "uploadCaptions", file(video, WORDS)).await;
    assert_eq!(by_root["changed"], true, "{by_root}");
    let nothing = app.change(Some(&ada), "uploadCaptions", file(VideoId(Uuid::new_v4()), WORDS)).await;
    assert_eq!(nothing["code"], "not_found");
}

#[tokio::test]
async fn a_wrong_file_is_refused_with_its_line_and_stored_nowhere() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let video = VideoId(Uuid::new_v4());
    let at = app.ready_film(&ada, video).await;
    let wrong = app.change(Some(&ada), "uploadCaptions", file(video, &format!("{WORDS}\nHello\n"))).await;
    assert_eq!(wrong["__typename"], "CaptionsUnreadable");
    assert_eq!((&wrong["code"], &wrong["line"]), (&json!("captions_times"), &json!(5)));
    let mut unnamed = file(video, WORDS);
    unnamed["label"] = json!(" ");
    assert_eq!(app.change(Some(&ada), "uploadCaptions", unnamed).await["code"], "label_length");
    let shown = app.data(Some(&ada), FILM, json!({ "id": video.0, "at": at.to_string() })).await;
    assert_eq!(shown["video"]["captions"], json!([]));
}

#[tokio::test]
async fn what_the_transcoder_found_is_shown_with_addresses() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let video = VideoId(Uuid::new_v4());
    app.film(video, crate::app::upload(&ada, video)).await;
    app.film(video, VideoCommand::CompleteUpload).await;
    app.film(video, VideoCommand::StartTranscode).await;
    let captions = CaptionTrack {
        id: "s1".to_owned(),
        language: None,
        label: Personal::new(ada.account, "Notes".to_owned()),
        object_key: format!("v/{video}/text/s1.vtt"),
        origin: CaptionOrigin::Source,
    };
    app.film(video, VideoCommand::RecordCaptions { captions }).await;
    let storyboard = Storyboard {
        object_key: format!("v/{video}/storyboard.vtt"),
        tile_width: 160,
        tile_height: 90,
        interval_us: MediaTime(2_000_000),
        tiles: 4,
    };
    let at = app.film(video, VideoCommand::RecordStoryboard { storyboard }).await;
    let shown = app.data(Some(&ada), FILM, json!({ "id": video.0, "at": at.to_string() })).await;
    assert_eq!(shown["video"]["storyboardUrl"], format!("/v/t-{video}/storyboard.vtt"));
    let url = format!("/v/t-{video}/text/s1.vtt");
    let track = json!({ "id": "s1", "language": null, "label": "Notes", "origin": "SOURCE", "url": url });
    assert_eq!(shown["video"]["captions"], json!([track]));
    let guest = app.person("Gast", PlatformRole::Guest).await;
    let hidden = app.data(Some(&guest), FILM, json!({ "id": video.0, "at": null })).await;
    assert_eq!(hidden["video"], Value::Null, "who may not watch the film reads none of it");
}
