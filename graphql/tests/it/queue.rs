//! The queue over the API.

use lockstep_domain::{account::PlatformRole, ids::VideoId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

const QUEUE: &str = "query($id: UUID!) { channel(id: $id) { queue { autoplay loop
    items { id by { name } video { title durationUs thumbnailUrl } } lastQueue { id }
    skipVotes { have need mine } } } }";

#[tokio::test]
async fn a_queue_is_filled_ordered_cleared_and_restored() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let gast = app.person("Gast", PlatformRole::Guest).await;
    let channel = app.channel(&ada, "Open", "PUBLIC").await;
    let join = json!({ "operationId": Uuid::new_v4(), "channel": channel });
    app.change(Some(&gast), "joinChannel", join).await;
    let films = [VideoId(Uuid::new_v4()), VideoId(Uuid::new_v4())];
    for (by, film) in [(&ada, films[0]), (&gast, films[1])] {
        app.ready_film(&ada, film).await;
        let input = json!({ "operationId": Uuid::new_v4(), "channel": channel, "video": film.0 });
        assert_eq!(app.change(Some(by), "queueVideo", input).await["changed"], true);
    }
    let shown = async |by| {
        app.settle().await;
        app.data(Some(by), QUEUE, json!({ "id": channel })).await["channel"]["queue"].clone()
    };
    let names = |queue: &Value| -> Vec<String> {
        queue["items"].as_array().unwrap().iter().map(|item| item["by"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let queue = shown(&ada).await;
    assert_eq!(names(&queue), ["Ada", "Gast"]);
    assert_eq!((&queue["autoplay"], &queue["loop"]), (&json!(true), &json!("OFF")));
    assert!(queue["items"][0]["video"]["thumbnailUrl"].is_string());
    assert_eq!(shown(&gast).await["items"][0]["video"]["thumbnailUrl"], Value::Null, "no token before it is on");
    let item = queue["items"][1]["id"].clone();
    let next = json!({ "operationId": Uuid::new_v4(), "channel": channel, "item": item });
    assert_eq!(app.change(Some(&gast), "playNext", next.clone()).await["code"], "not_permitted");
    app.change(Some(&ada), "playNext", next).await;
    assert_eq!(names(&shown(&ada).await), ["Gast", "Ada"]);
    let only = || json!({ "operationId": Uuid::new_v4(), "channel": channel });
    app.change(Some(&ada), "clearQueue", only()).await;
    let queue = shown(&ada).await;
    assert_eq!((&queue["items"], queue["lastQueue"].as_array().unwrap().len()), (&json!([]), 2));
    app.change(Some(&ada), "restoreQueue", only()).await;
    assert_eq!(names(&shown(&ada).await), ["Gast", "Ada"]);
    let again = json!({ "operationId": Uuid::new_v4(), "channel": channel, "mode": "ALL" });
    app.change(Some(&ada), "setLoop", again).await;
    assert_eq!(shown(&ada).await["loop"], "ALL");
    assert_eq!(app.change(Some(&ada), "voteSkip", only()).await["code"], "nothing_to_skip");
    let load = json!({ "operationId": Uuid::new_v4(), "channel": channel, "video": films[0].0 });
    app.change(Some(&ada), "loadVideo", load).await;
    app.change(Some(&gast), "voteSkip", only()).await;
    assert_eq!(shown(&gast).await["skipVotes"], json!({ "have": 1, "need": null, "mine": true }));
    assert_eq!(shown(&ada).await["skipVotes"]["mine"], false);
    let rate = |rate| json!({ "operationId": Uuid::new_v4(), "channel": channel, "ratePpm": rate });
    assert_eq!(app.change(Some(&ada), "changeRate", rate(1_100_000)).await["code"], "rate");
    app.change(Some(&ada), "changeRate", rate(1_500_000)).await;
    app.settle().await;
    let query = "query($id: UUID!) { channel(id: $id) { playback { ratePpm speedPpm held } } }";
    let timeline = app.data(Some(&ada), query, json!({ "id": channel })).await["channel"]["playback"].clone();
    assert_eq!(timeline, json!({ "ratePpm": 0, "speedPpm": 1_500_000, "held": false }));
    // From outside there is no queue to see.
    assert_eq!(app.data(None, QUEUE, json!({ "id": channel })).await["channel"]["queue"], Value::Null);
}
