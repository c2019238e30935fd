//! `kill -9` ten times during upload, transcode, chat and playback, three of them with the postmaster: what was
//! acknowledged is in the log exactly once, positions are 1..n, the chain verifies, the film ends ready, and read
//! models equal a fresh rebuild.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    api::Api,
    process::{Server, data_folder, film, run},
};

const KILLS: usize = 10;
/// These kills take the postmaster too.
const WITH_POSTMASTER: [usize; 3] = [2, 5, 8];
/// Commands acknowledged between two kills, at least.
const ACKS_BETWEEN: usize = 12;

/// Operation id → position, of everything acknowledged.
type Acks = Arc<Mutex<BTreeMap<Uuid, String>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_kills() {
    let data = data_folder();
    let clip = film(data.path(), 30, "640x360");
    let mut server = Server::start(data.path(), 0, &[]).await;
    let (url, port) = (server.url.clone(), server.port);
    let ada = Api::set_up(&url, server.setup_link.as_deref().expect("a link")).await;
    let channel = ada.create_channel("Crash test").await;
    let first = ada.upload(&clip).await;
    let uploading = tokio::spawn({
        let (ada, clip) = (ada.clone(), clip.clone());
        async move { ada.upload(&clip).await }
    });
    let acks: Acks = Acks::default();
    let stop = Arc::new(AtomicBool::new(false));
    let chatting = tokio::spawn(chat(ada.clone(), channel, Arc::clone(&acks), Arc::clone(&stop)));
    let playing = tokio::spawn(remote(ada.clone(), channel, first, Arc::clone(&acks), Arc::clone(&stop)));
    for kill in 0..KILLS {
        more_acks(&acks, ACKS_BETWEEN).await;
        if WITH_POSTMASTER.contains(&kill) { server.kill_with_postmaster() } else { server.kill() }
        server = Server::start(data.path(), port, &[]).await;
        let (whole, said) = run(&["events", "verify"], data.path(), &[]);
        assert!(whole, "after kill {kill}: {said}");
    }
    let second = uploading.await.expect("uploads");
    for video in [first, second] {
        let settled = ada.settled(video).await;
        assert_eq!(settled["status"], "READY", "{settled}");
    }
    stop.store(true, Ordering::SeqCst);
    chatting.await.expect("chats");
    playing.await.expect("plays");
    check_log(data.path(), &acks);
    server.stop();
    check_rebuild(data.path());
}

/// Posts messages one after another, each until it is acknowledged.
async fn chat(ada: Api, channel: Uuid, acks: Acks, stop: Arc<AtomicBool>) {
    let query = "mutation($i: PostMessageInput!) { postMessage(input: $i) { ... on MessagePosted { position } } }";
    while !stop.load(Ordering::SeqCst) {
        let operation = Uuid::now_v7();
        let input = json!({ "operationId": operation, "channel": channel, "id": Uuid::now_v7(), "text": "still here" });
        let data = ada.until_answered(query, input).await;
        keep(&acks, operation, &data["postMessage"]);
    }
}

/// Loads the film as soon as it is ready, then plays, seeks and pauses.
async fn remote(ada: Api, channel: Uuid, video: Uuid, acks: Acks, stop: Arc<AtomicBool>) {
    assert_eq!(ada.settled(video).await["status"], "READY");
    let ask = async |name: &str, input: Value| {
        let type_name = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let query = format!("mutation($i: {type_name}!) {{ {name}(input: $i) {{ ... on Changed {{ position changed }} }} }}");
        let operation = Uuid::now_v7();
        let mut input = input;
        input["operationId"] = json!(operation);
        input["channel"] = json!(channel);
        let data = ada.until_answered(&query, input).await;
        if data[name]["changed"] == true {
            keep(&acks, operation, &data[name]);
        }
    };
    ask("loadVideo", json!({ "video": video })).await;
    let mut at = 0;
    while !stop.load(Ordering::SeqCst) {
        at = (at + 1_700_000) % 20_000_000;
        ask("play", json!({})).await;
        ask("seek", json!({ "positionUs": at })).await;
        ask("pause", json!({})).await;
    }
}

fn keep(acks: &Acks, operation: Uuid, answer: &Value) {
    let position = answer["position"].as_str().unwrap_or_else(|| panic!("not acknowledged: {answer}"));
    acks.lock().expect("not poisoned").insert(operation, position.to_owned());
}

async fn more_acks(acks: &Acks, more: usize) {
    let count = || acks.lock().expect("not poisoned").len();
    let wanted = count() + more;
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..6_000 {
        pause.tick().await;
        if count() >= wanted {
            return;
        }
    }
    panic!("commands are not acknowledged any more");
}

fn check_log(data: &Path, acks: &Acks) {
    let (read, text) = run(&["events", "tail", "--no-follow"], data, &[]);
    assert!(read, "{text}");
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["position"], (index + 1).to_string(), "positions are exactly 1..n");
    }
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in &events {
        if let Some(command) = event["metadata"]["command_id"].as_str() {
            found.entry(command.to_owned()).or_default().push(event["position"].as_str().expect("text").to_owned());
        }
    }
    let acks = acks.lock().expect("not poisoned");
    assert!(acks.len() >= KILLS * ACKS_BETWEEN);
    for (operation, position) in acks.iter() {
        assert_eq!(found.get(&operation.to_string()), Some(&vec![position.clone()]), "{operation} is there once");
    }
}

fn check_rebuild(data: &Path) {
    let (listed, names) = run(&["projections", "list"], data, &[]);
    assert!(listed, "{names}");
    let names: Vec<&str> = names.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        let (rebuilt, said) = run(&["projections", "rebuild", name], data, &[]);
        assert!(rebuilt && said.contains("equal"), "{name}: {said}");
    }
}
