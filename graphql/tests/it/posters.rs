//! The picture that stands for a film: chosen by its keeper, told by its bytes, and never kept when it is replaced.

use base64::{Engine, prelude::BASE64_STANDARD};
use lockstep_commands::poster;
use lockstep_domain::{account::PlatformRole, ids::VideoId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

const FILM: &str =
    "query($id: UUID!, $at: Position) { video(id: $id, minPosition: $at) { thumbnailUrl posterChosen } }";

/// The beginning of a PNG of this width, with its end.
fn png(width: u32) -> Vec<u8> {
    let chunk = |name: &[u8; 4], body: &[u8]| {
        [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], name, body, &[0; 4]].concat()
    };
    let head = [&width.to_be_bytes()[..], &360_u32.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &head), &chunk(b"IDAT", b"pixels"), &chunk(b"IEND", b"")].concat()
}

fn wish(video: VideoId, file: &[u8]) -> Value {
    json!({ "operationId": Uuid::new_v4(), "video": video.0, "picture": BASE64_STANDARD.encode(file) })
}

#[tokio::test]
async fn a_picture_is_chosen_shown_replaced_and_taken_back() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let video = VideoId(Uuid::new_v4());
    app.ready_film(&ada, video).await;
    let shown = async |done: &Value| {
        let film = app.data(Some(&ada), FILM, json!({ "id": video.0, "at": done["position"] })).await;
        (film["video"]["thumbnailUrl"].as_str().map(str::to_owned), film["video"]["posterChosen"] == json!(true))
    };
    let stored = async || app.services.objects.media.list(&format!("v/{video}/poster/"), 10).await.unwrap();
    let input = wish(video, &png(640));
    let first = app.change(Some(&ada), "choosePoster", input.clone()).await;
    assert_eq!(first["changed"], true, "{first}");
    assert_eq!(app.change(Some(&ada), "choosePoster", input).await["position"], first["position"], "one effect");
    let (url, chosen) = shown(&first).await;
    let key = stored().await.pop().unwrap();
    assert_eq!(
        (url.unwrap(), chosen),
        (format!("/v/t-{video}/{}", key.strip_prefix(&format!("v/{video}/")).unwrap()), true)
    );

    let mut moment = wish(video, &png(320));
    moment["atUs"] = json!(0);
    let second = app.change(Some(&ada), "choosePoster", moment).await;
    assert_eq!(second["changed"], true, "{second}");
    // What the reaction does.
    poster::discard(&app.services, video, &key).await.unwrap();
    let left = stored().await;
    assert!(left.len() == 1 && left[0] != key, "{left:?}");
    let back = json!({ "operationId": Uuid::new_v4(), "video": video.0 });
    let back = app.change(Some(&ada), "resetPoster", back).await;
    assert!(!shown(&back).await.1);
}

#[tokio::test]
async fn only_keepers_choose_and_only_pictures_stand() {
    let app = App::new().await;
    let (ada, bob) = (app.person("Ada", PlatformRole::Member).await, app.person("Bob", PlatformRole::Member).await);
    let video = VideoId(Uuid::new_v4());
    app.ready_film(&ada, video).await;
    let code = async |by, file: &[u8]| app.change(Some(by), "choosePoster", wish(video, file)).await["code"].clone();
    assert_eq!(code(&bob, &png(640)).await, "not_found");
    assert_eq!(code(&ada, b"<svg/>").await, "picture_kind");
    assert_eq!(code(&ada, &png(5)).await, "picture_side");
    assert_eq!(code(&ada, &png(640)[..20]).await, "picture_damaged");
    let garbled = json!({ "operationId": Uuid::new_v4(), "video": video.0, "picture": "%%%" });
    assert_eq!(app.change(Some(&ada), "choosePoster", garbled).await["code"], "picture_damaged");
    let mut late = wish(video, &png(640));
    late["atUs"] = json!(9e15);
    assert_eq!(app.change(Some(&ada), "choosePoster", late).await["code"], "past_end");
    let stored = app.services.objects.media.list(&format!("v/{video}/"), 10).await.unwrap();
    assert!(stored.is_empty(), "nothing refused is stored: {stored:?}");
}
