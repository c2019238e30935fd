//! `kill -9` ten times during upload, transcode, chat and playback, three of them with the postmaster: what was
//! acknowledged is in the log exactly once, positions are 1..n, the chain verifies, the film ends ready, and read
//! models equal a fresh rebuild.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use reqwest::Body;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    api::Api,
    process::{Server, data_folder, events, film, run, stable_port},
};

const KILLS: usize = 10;
/// These kills take the postmaster too.
const WITH_POSTMASTER: [usize; 3] = [1, 4, 8];
/// These kills come while the film's file is on its way, those after them while it is transcoded.
const WHILE_UPLOADING: std::ops::Range<usize> = 0..2;
/// So many kills find a media program at work, at least; the film may be ready before the last.
const WHILE_TRANSCODING_MIN: usize = 5;
/// How much further the film gets between two kills, at least: they come in every part of a transcode.
const PERCENT_BETWEEN: i64 = 6;
/// Commands acknowledged between two kills, at least.
const ACKS_BETWEEN: usize = 12;

/// Operation id → position, of everything acknowledged.
type Acks = Arc<Mutex<BTreeMap<Uuid, String>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_kills() {
    let started = Instant::now();
    let data = data_folder();
    let mut server = Server::start(data.path(), stable_port(), &[]).await;
    let (url, port) = (server.url.clone(), server.port);
    let ada = Api::set_up(&url, server.setup_link.as_deref().expect("a link")).await;
    let channel = ada.create_channel("Crash test").await;
    let bea = Api::guest(&url, "Bea").await;
    bea.join_channel(channel).await;
    let short = ada.upload(&film(data.path(), 4, "320x240")).await;
    let upload = SlowUpload::default();
    let long = film(data.path(), 32, "640x360");
    let uploading = tokio::spawn({
        let (ada, upload) = (ada.clone(), upload.clone());
        async move { upload.run(&ada, &long).await }
    });
    assert_eq!(ada.settled(short).await["status"], "READY");
    let (acks, stop) = (Acks::default(), Arc::new(AtomicBool::new(false)));
    let chatting = tokio::spawn(chat(bea, channel, Arc::clone(&acks), Arc::clone(&stop)));
    let playing = tokio::spawn(remote(ada.clone(), channel, short, Arc::clone(&acks), Arc::clone(&stop)));
    let (mut caught, mut percent) = (0, -PERCENT_BETWEEN);
    for kill in 0..KILLS {
        more_acks(&acks).await;
        if WHILE_UPLOADING.contains(&kill) {
            upload.half_sent().await;
        } else {
            upload.go_on();
            caught += usize::from(at_work(&mut server, &ada, &mut percent).await);
        }
        eprintln!("{:?}: kill {kill}, the film at {} %", started.elapsed(), percent.max(0));
        if WITH_POSTMASTER.contains(&kill) {
            server.kill_with_postmaster().await
        } else {
            server.kill().await
        }
        server = Server::start(data.path(), port, &[]).await;
        let (whole, said) = run(&["events", "verify"], data.path(), &[]);
        assert!(whole, "after kill {kill}: {said}");
    }
    more_acks(&acks).await;
    stop.store(true, Ordering::SeqCst);
    chatting.await.expect("chats");
    playing.await.expect("plays");
    let long = uploading.await.expect("uploads");
    let settled = ada.settled(long).await;
    assert_eq!(settled["status"], "READY", "{settled}");
    eprintln!("{:?}: the film is ready", started.elapsed());
    // 32 s in two renditions: eight segments and a beginning each.
    assert_eq!(ada.stream_files(&settled).await, 2 * 9);
    assert!(caught >= WHILE_TRANSCODING_MIN, "only {caught} kills came during the transcode");
    let acks = acks.lock().expect("not poisoned").clone();
    assert!(acks.len() >= KILLS * ACKS_BETWEEN);
    let complaints = complaints(&events(data.path(), &[]), &acks);
    assert!(complaints.is_empty(), "{complaints:?}");
    server.stop();
    rebuilds_change_nothing(data.path());
    let seconds = started.elapsed();
    eprintln!("{seconds:?}: {} acknowledged commands are in the log, {caught} kills during the transcode", acks.len());
}

/// Bodies that stop in their middle until told to go on.
#[derive(Clone)]
struct SlowUpload {
    /// Bodies that have come to their middle.
    halves: Arc<watch::Sender<usize>>,
    whole: Arc<watch::Sender<bool>>,
}

impl Default for SlowUpload {
    fn default() -> Self {
        Self { halves: Arc::new(watch::Sender::new(0)), whole: Arc::new(watch::Sender::new(false)) }
    }
}

impl SlowUpload {
    async fn run(&self, ada: &Api, file: &Path) -> Uuid {
        let bytes = Bytes::from(std::fs::read(file).expect("reads"));
        ada.upload_as(bytes.len(), || self.body(&bytes)).await
    }

    fn body(&self, bytes: &Bytes) -> Body {
        let (first, rest) = (bytes.slice(..bytes.len() / 2), bytes.slice(bytes.len() / 2..));
        let (halves, mut whole) = (Arc::clone(&self.halves), self.whole.subscribe());
        let rest = async move {
            // Asked for only when the first half has left.
            halves.send_modify(|halves| *halves += 1);
            let _ = whole.wait_for(|whole| *whole).await;
            Ok::<_, Infallible>(rest)
        };
        let first = futures::stream::once(std::future::ready(Ok(first)));
        Body::wrap_stream(futures::StreamExt::chain(first, futures::stream::once(rest)))
    }

    /// A PUT that nobody asked about yet stands in its middle.
    async fn half_sent(&self) {
        let mut halves = self.halves.subscribe();
        let waiting = halves.wait_for(|halves| *halves > 0);
        tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("a PUT comes to its middle").expect("open");
        self.halves.send_replace(0);
    }

    fn go_on(&self) {
        self.whole.send_replace(true);
    }
}

/// Waits for a media program at work on a film that got further since `percent`; false when every film is ready and
/// none will come.
async fn at_work(server: &mut Server, ada: &Api, percent: &mut i64) -> bool {
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    let mut seen = Value::Null;
    for _ in 0..6_000 {
        pause.tick().await;
        server.assert_running();
        let Some(data) =
            ada.ask("{ videos { nodes { status percent stage failure { code reason } } } }", json!({})).await
        else {
            continue;
        };
        let films = data["videos"]["nodes"].as_array().expect("films");
        let Some(film) = films.iter().find(|film| film["status"] != "READY") else { return false };
        assert_ne!(film["status"], "FAILED", "{film}");
        let reached = film["percent"].as_i64().expect("a number");
        if reached >= *percent + PERCENT_BETWEEN && !server.media_programs().is_empty() {
            *percent = reached;
            return true;
        }
        seen = data;
    }
    panic!("nobody gets on with the film: {seen}\n{}", standing(server));
}

/// Where everything stands, for a failure's message.
fn standing(server: &Server) -> String {
    let work = |event: &&Value| {
        ["video-", "work-"].iter().any(|kind| event["stream"].as_str().expect("text").starts_with(kind))
    };
    let log = events(server.data(), &[]);
    let last: Vec<String> = log.iter().rev().filter(work).take(20).map(Value::to_string).collect();
    let (_, projections) = run(&["projections", "list"], server.data(), &[]);
    format!("{}\n{projections}\nmedia programs: {:?}", last.join("\n"), server.media_programs())
}

/// Posts messages one after another, each until it is acknowledged.
async fn chat(bea: Api, channel: Uuid, acks: Acks, stop: Arc<AtomicBool>) {
    let query = "mutation($i: PostMessageInput!) { postMessage(input: $i) {
        ... on MessagePosted { position } ... on Refused { code message } } }";
    // As fast as one person may talk without end.
    let turn = lockstep_commands::pace::WINDOW_MS / i64::from(lockstep_commands::pace::MESSAGES_MAX) + 50;
    let mut turn = tokio::time::interval(Duration::from_millis(turn.unsigned_abs()));
    while !stop.load(Ordering::SeqCst) {
        turn.tick().await;
        let operation = Uuid::now_v7();
        let input = json!({ "operationId": operation, "channel": channel, "id": Uuid::now_v7(), "text": "still here" });
        let data = bea.until_answered(query, input).await;
        turn.reset();
        keep(&acks, operation, &data["postMessage"]);
    }
}

/// Loads the film, then plays, seeks and pauses again and again.
async fn remote(ada: Api, channel: Uuid, video: Uuid, acks: Acks, stop: Arc<AtomicBool>) {
    let ask = async |name: &str, input_type: &str, mut input: Value| {
        let query = format!(
            "mutation($i: {input_type}!) {{ {name}(input: $i) {{
                ... on Changed {{ position changed }} ... on Refused {{ code message }} }} }}"
        );
        let operation = Uuid::now_v7();
        input["operationId"] = json!(operation);
        input["channel"] = json!(channel);
        let data = ada.until_answered(&query, input).await;
        if data[name]["changed"] != false {
            keep(&acks, operation, &data[name]);
        }
    };
    ask("loadVideo", "LoadVideoInput", json!({ "video": video })).await;
    let mut at = 0;
    while !stop.load(Ordering::SeqCst) {
        at = (at + 1_700_000) % 3_000_000;
        ask("play", "PlayInput", json!({})).await;
        ask("seek", "SeekInput", json!({ "positionUs": at })).await;
        ask("pause", "PlayInput", json!({})).await;
    }
}

fn keep(acks: &Acks, operation: Uuid, answer: &Value) {
    let position = answer["position"].as_str().unwrap_or_else(|| panic!("not acknowledged: {answer}"));
    acks.lock().expect("not poisoned").insert(operation, position.to_owned());
}

async fn more_acks(acks: &Acks) {
    let count = || acks.lock().expect("not poisoned").len();
    let wanted = count() + ACKS_BETWEEN;
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..3_000 {
        pause.tick().await;
        if count() >= wanted {
            return;
        }
    }
    panic!("commands are not acknowledged any more");
}

/// What is wrong with a log: positions that are not 1..n, and acknowledged commands that are not there exactly once.
fn complaints(events: &[Value], acks: &BTreeMap<Uuid, String>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (event, expected) in events.iter().zip(1..) {
        let position = event["position"].as_str().expect("text");
        if position != expected.to_string() {
            complaints.push(format!("{position} stands where {expected} belongs"));
        }
        if let Some(command) = event["metadata"]["command_id"].as_str() {
            found.entry(command).or_default().push(position);
        }
    }
    for (operation, position) in acks {
        let at = found.get(operation.to_string().as_str()).map_or(&[][..], Vec::as_slice);
        if at != [position.as_str()] {
            complaints.push(format!("{operation} was acknowledged at {position} and is at {at:?}"));
        }
    }
    complaints
}

#[test]
fn a_log_that_lost_or_doubled_a_command_is_complained_about() {
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let event = |position: u32, command: Uuid| json!({ "position": position.to_string(), "metadata": { "command_id": command } });
    let acks = BTreeMap::from([(one, "1".to_owned()), (two, "2".to_owned())]);
    let cases = [
        (vec![event(1, one), event(2, two)], 0),
        (vec![event(1, one)], 1),
        (vec![event(1, one), event(2, two), event(3, two)], 1),
        (vec![event(1, two), event(2, one)], 2),
        (vec![event(1, one), event(3, two)], 2),
    ];
    for (events, expected) in cases {
        let complaints = complaints(&events, &acks);
        assert_eq!(complaints.len(), expected, "{complaints:?}");
    }
}

fn rebuilds_change_nothing(data: &Path) {
    let (listed, names) = run(&["projections", "list"], data, &[]);
    assert!(listed, "{names}");
    let names: Vec<&str> = names.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        let (rebuilt, said) = run(&["projections", "rebuild", name], data, &[]);
        assert!(rebuilt && said.contains(": equal"), "{name}: {said}");
    }
}
