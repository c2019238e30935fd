//! A database that is connected and says nothing: its processes are stopped, not ended.

use std::process::Command;

use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    api::Api,
    outage::{PATIENCE, RECOVERY_MAX, until},
    process::{Server, data_folder},
};

/// The processes of a server's own database, stopped; they go on when this is dropped.
struct Stopped(Vec<String>);

impl Stopped {
    fn of(server: &Server) -> Self {
        let file =
            std::fs::read_to_string(server.data().join("postgres/data/postmaster.pid")).expect("a running database");
        let postmaster = file.lines().next().expect("its pid").to_owned();
        let mut stopped = Self(vec![postmaster.clone()]);
        // It makes no more of them from here on.
        signal("STOP", &postmaster);
        for child in children(&postmaster) {
            signal("STOP", &child);
            stopped.0.push(child);
        }
        stopped
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for process in &self.0 {
            signal("CONT", process);
        }
    }
}

fn signal(name: &str, process: &str) {
    // Whoever ended meanwhile need not be told.
    let _ = Command::new("kill").args([&format!("-{name}"), process]).status();
}

/// From `/proc/<pid>/stat`: `pid (name) state parent …`.
fn children(parent: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("lists").flatten();
    let stats = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let child = |stat: String| {
        let (before, after) = stat.rsplit_once(") ")?;
        (after.split(' ').nth(1) == Some(parent)).then(|| before.split(' ').next().unwrap_or_default().to_owned())
    };
    stats.filter_map(child).collect()
}

/// Status, `Retry-After` and code of an answer.
async fn asked(request: reqwest::RequestBuilder) -> (u16, String, String) {
    let answer = request.timeout(PATIENCE).send().await.expect("answers while the database is silent");
    let after = answer.headers().get("retry-after").map_or("", |value| value.to_str().expect("text")).to_owned();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap_or_default();
    let code = body["errors"][0]["extensions"]["code"].as_str().or(body["error"]["code"].as_str());
    (status, after, code.unwrap_or_default().to_owned())
}

/// How the database stands, as the server says.
pub async fn standing(server: &Server) -> String {
    let Ok(answer) = reqwest::get(format!("{}/readyz", server.url)).await else { return String::new() };
    let body: Value = answer.json().await.unwrap_or_default();
    body["edges"]["database"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_a_silent_database_is_answered_before_it_counts_as_away() {
    const MAKE: &str = "mutation($i: CreateChannelInput!) { createChannel(input: $i) { __typename } }";
    let data = data_folder();
    let server = Server::start(data.path(), 0, &[]).await;
    let ada = Api::set_up(&server.url, server.setup_link.as_deref().expect("a link")).await;
    let client = reqwest::Client::new();
    let input = json!({ "operationId": Uuid::now_v7(), "name": "Club", "visibility": "PUBLIC" });
    let graphql = |cookie: &str, body: Value| {
        let request = client.post(format!("{}/graphql", server.url)).header("origin", &server.url);
        request.header("cookie", cookie).json(&body)
    };
    let requests = || {
        [
            graphql("", json!({ "query": "{ setUpNeeded }" })),
            graphql(ada.cookie(), json!({ "query": "{ channels { id } }" })),
            graphql(ada.cookie(), json!({ "query": MAKE, "variables": { "i": input } })),
            client.get(format!("{}/api/videos", server.url)).header("cookie", ada.cookie()),
        ]
    };
    let stopped = Stopped::of(&server);
    let away = until(PATIENCE, "it counts as away", async || standing(&server).await == "away");
    let answers = tokio::select! {
        biased;
        answers = join_all(requests().map(asked)) => answers,
        () = away => panic!("answered only once it counted as away"),
    };
    assert_eq!(standing(&server).await, "silent", "they were not answered because it counted as away");
    for answer in answers {
        assert_eq!(answer, (503, "1".to_owned(), "unavailable".to_owned()));
    }
    assert_eq!(reqwest::get(format!("{}/healthz", server.url)).await.expect("lives").status(), 200);
    until(PATIENCE, "it counts as away", async || standing(&server).await == "away").await;
    for answer in join_all(requests().map(asked)).await {
        assert_eq!((answer.0, answer.1.as_str()), (503, "1"));
    }

    drop(stopped);
    until(RECOVERY_MAX, "answered again", async || {
        asked(graphql("", json!({ "query": "{ setUpNeeded }" }))).await.0 == 200
    })
    .await;
    // What was asked meanwhile has one effect, whether it was done then or now.
    let made = ada.until_answered(MAKE, input.clone()).await;
    assert_eq!(made["createChannel"]["__typename"], "ChannelCreated");
    let channels = server
        .events()
        .iter()
        .filter(|event| {
            event["stream"].as_str().is_some_and(|name| name.starts_with("channel-")) && event["type"] == "Created"
        })
        .count();
    assert_eq!(channels, 1);
    server.stop();
}
