//! Faults: masked for the client, logged once, and the process lives on.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use lockstep_domain::{
    account::PlatformRole,
    ids::{Position, VideoId},
};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;
use uuid::Uuid;

use crate::app::App;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Everything that is logged from here on in this thread.
    fn capture() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let subscriber =
            tracing_subscriber::fmt().with_writer(log.clone()).with_max_level(tracing::Level::ERROR).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn a_broken_database_is_masked_and_logged_once() {
    let mut app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    app.quiet().await;
    sqlx::query("ALTER TABLE rm_videos RENAME TO rm_gone").execute(&app.services.pool).await.unwrap();
    let (log, guard) = Log::capture();
    let answer = app.ask(Some(&ada), "{ position videos { hasMore } }", json!({})).await;
    drop(guard);
    let error = &answer["errors"][0];
    assert_eq!(error["message"], "something went wrong on our side");
    assert_eq!(error["extensions"], json!({ "code": "internal", "requestId": "request-1" }));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
    assert_eq!(answer["data"].get("videos"), Some(&Value::Null), "there and null: {answer}");
    assert!(answer["data"]["position"].is_string(), "the rest is answered: {answer}");
    assert!(!answer.to_string().contains("rm_videos"), "{answer}");
    let text = log.text();
    assert_eq!(text.matches("a request failed").count(), 1, "{text}");
    assert!(text.contains("rm_videos") && text.contains("request-1"), "{text}");
}

#[tokio::test]
async fn what_may_not_be_null_takes_its_surroundings_with_it() {
    let mut app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    app.ready_film(&ada, VideoId(Uuid::new_v4())).await;
    app.quiet().await;
    sqlx::query("ALTER TABLE rm_video_renditions RENAME TO rm_gone").execute(&app.services.pool).await.unwrap();
    let query = "{ me { name } videos { nodes { id renditions { name } } } }";
    let answer = app.ask(Some(&ada), query, json!({})).await;
    assert_eq!(answer["data"], Value::Null, "no film without its ladder: {answer}");
    assert_eq!(answer["errors"][0]["path"], json!(["videos", "nodes", 0, "renditions"]));
}

#[tokio::test]
async fn a_panic_is_contained_and_tells_nothing() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let nil = VideoId(Uuid::nil());
    app.ready_film(&ada, nil).await;
    app.settle().await;
    let query = "query($id: UUID!) { video(id: $id) { title hlsUrl } }";
    let answer = app.ask(Some(&ada), query, json!({ "id": nil.0 })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "internal");
    assert!(!answer.to_string().contains("secret of the token maker"), "{answer}");
    assert_eq!(app.data(Some(&ada), "{ me { name } }", json!({})).await["me"]["name"], "Ada");
}

#[tokio::test]
async fn what_was_written_is_read_and_what_is_not_there_yet_is_said() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let query = "query($id: UUID!, $at: Position) { video(id: $id, minPosition: $at) { title } }";
    for _ in 0..10 {
        let video = VideoId(Uuid::new_v4());
        let position = app.film(video, crate::app::upload(&ada, video)).await;
        let shown = app.data(Some(&ada), query, json!({ "id": video.0, "at": position.to_string() })).await;
        assert_eq!(shown["video"]["title"], "A film");
    }
    let beyond = Position::from_i64(app.settle().await.as_i64() + 7).to_string();
    let answer = app.ask(Some(&ada), query, json!({ "id": Uuid::new_v4(), "at": beyond })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "behind");
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("7 events behind"), "{answer}");
    let answer = app.ask(Some(&ada), query, json!({ "id": Uuid::new_v4(), "at": "seven" })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "bad_request", "{answer}");
}
