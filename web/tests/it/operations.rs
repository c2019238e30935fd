//! What operators see of a running program: metrics, spans, the log, readiness, and an end in order.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    api::Api,
    process::{Server, data_folder, stable_port},
};

/// From the signal to the end of the process, whatever is open.
const END_MAX: Duration = Duration::from_secs(25);
const CREATE: &str =
    "mutation($i: CreateChannelInput!) { createChannel(input: $i) { ... on ChannelCreated { id slug } } }";

/// An internal address that nobody else has.
fn internal() -> String {
    format!("127.0.0.1:{}", stable_port())
}

async fn text(url: &str) -> (u16, String) {
    let answer = reqwest::get(url).await.expect("answers");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

/// The value of a line of metrics that begins like this.
fn value(metrics: &str, line: &str) -> f64 {
    let found = metrics.lines().find(|candidate| candidate.starts_with(line));
    let found = found.unwrap_or_else(|| panic!("no {line} in\n{metrics}"));
    found.rsplit(' ').next().expect("a value").parse().expect("a number")
}

async fn channel(api: &Api, name: &str) -> String {
    let input = json!({ "operationId": Uuid::new_v4(), "name": name, "visibility": "PUBLIC" });
    let made = api.until_answered(CREATE, input).await;
    made["createChannel"]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn metrics_are_on_the_internal_listener_and_nowhere_else() {
    let data = data_folder();
    let address = internal();
    let server = Server::start(data.path(), 0, &[("LOCKSTEP_INTERNAL", &address)]).await;
    let api = Api::set_up(&server.url, server.setup_link.as_deref().expect("a link")).await;
    let url = format!("http://{address}/metrics");
    let before = text(&url).await.1;
    channel(&api, "Club").await;
    let after = text(&url).await.1;
    let events = "lockstep_append_events_total";
    assert!(value(&after, events) >= value(&before, events) + 1.0, "a channel is at least one event");
    assert!(
        value(&after, "lockstep_append_batch_commands_count") > value(&before, "lockstep_append_batch_commands_count")
    );
    assert_eq!(value(&after, "lockstep_projection_lag_events{projection=\"channels\"}"), 0.0);
    assert_eq!(value(&after, "lockstep_projection_faulted{projection=\"channels\"}"), 0.0);
    assert_eq!(value(&after, "lockstep_hub_sessions"), 0.0);
    assert_eq!(value(&after, "lockstep_films_processing"), 0.0);
    assert_eq!(value(&after, "lockstep_database_there"), 1.0);
    let posts = "lockstep_http_requests_total{route=\"/graphql\",method=\"POST\",status=\"200\"}";
    assert!(value(&after, posts) > value(&before, posts));
    assert!(value(&after, "process_resident_memory_bytes") > 1e6);
    let (status, page) = text(&format!("{}/metrics", server.url)).await;
    assert!(!page.contains("lockstep_"), "the public port answers {status}: {page}");
    for state in ["closed", "half-open", "open"] {
        assert_eq!(value(&after, &format!("lockstep_webhook_breakers{{state=\"{state}\"}}")), 0.0);
    }
    let (status, ready) = text(&format!("http://{address}/readyz")).await;
    assert_eq!(status, 200);
    assert!(ready.contains(r#""webhooks":{"closed":0,"half-open":0,"open":0}"#), "{ready}");
    assert_eq!(text(&format!("http://{address}/graphql")).await.0, 404, "and nothing else is there");
    server.stop();
}

#[tokio::test]
async fn a_drain_is_announced_then_done_and_loses_nothing() {
    let data = data_folder();
    let address = internal();
    let env = [("LOCKSTEP_INTERNAL", address.as_str()), ("LOCKSTEP_DRAIN_NOTICE_S", "60")];
    let server = Server::start(data.path(), 0, &env).await;
    let api = Api::set_up(&server.url, server.setup_link.as_deref().expect("a link")).await;
    server.signal("TERM");
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    while text(&format!("{}/readyz", server.url)).await.0 != 503 {
        pause.tick().await;
    }
    assert_eq!(text(&format!("http://{address}/readyz")).await.0, 503);
    assert_eq!(text(&format!("{}/healthz", server.url)).await.0, 200);
    let id = channel(&api, "Made in the notice").await;
    // A second signal does not wait for balancers.
    let ended = tokio::task::spawn_blocking(move || server.stop());
    tokio::time::timeout(END_MAX, ended).await.expect("in time").expect("ends cleanly");
    let again = Server::start(data.path(), 0, &[]).await;
    let shown = again.events();
    assert!(shown.iter().any(|event| event.to_string().contains(&id)), "what was answered is in the log");
    again.stop();
}

/// Bodies that a collector was sent.
type Received = Arc<Mutex<Vec<Bytes>>>;

#[tokio::test]
async fn spans_go_to_the_collector_that_is_named() {
    let received = Received::default();
    let collect = async |State(received): State<Received>, body: Bytes| received.lock().unwrap().push(body);
    let router = Router::new().route("/v1/traces", post(collect)).with_state(received.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let data = data_folder();
    let server = Server::start(data.path(), 0, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    let trace = Uuid::new_v4();
    let client = reqwest::Client::new();
    let query = json!({ "query": "query Seen { setUpNeeded }" });
    let asked = client.post(format!("{}/graphql", server.url)).json(&query);
    let parent = format!("00-{}-00f067aa0ba902b7-01", trace.simple());
    let answer = asked.header("traceparent", parent).send().await.unwrap();
    assert!(answer.headers()["x-request-id"].to_str().unwrap().parse::<Uuid>().is_ok());
    tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
    let bodies = received.lock().unwrap();
    let holds = |wanted: &[u8]| bodies.iter().any(|body| body.windows(wanted.len()).any(|bytes| bytes == wanted));
    assert!(holds(b"lockstep"), "the service is named");
    assert!(holds(trace.as_bytes()), "the caller's trace goes on");
    assert!(holds(b"/graphql"), "the route is told");
}

#[tokio::test]
async fn the_log_is_lines_of_json_and_holds_no_secret() {
    let data = data_folder();
    let log = data.path().join("log");
    let server = Server::start_logging(data.path(), &log, "debug").await;
    let link = server.setup_link.clone().expect("a link");
    let setup = link.split("token=").nth(1).expect("a token").to_owned();
    let api = Api::set_up(&server.url, &link).await;
    let (password, wrong) = ("correct horse battery", "wrong-horse-battery-staple");
    let name = "Eve\r\n{\"level\":\"FORGED\"}";
    let sign_in = "mutation($i: SignInInput!) { signIn(input: $i) { __typename } }";
    assert!(api.ask(sign_in, json!({ "i": { "name": name, "password": wrong } })).await.is_some());
    let id = channel(&api, "Club").await;
    let issue = "mutation($i: IssueInviteInput!) { issueInvite(input: $i) { ... on InviteIssued { code } } }";
    let expires = jiff::Timestamp::now() + Duration::from_secs(3_600);
    let input = json!({ "operationId": Uuid::new_v4(), "channel": id, "expiresAt": expires.to_string(), "usesMax": 2 });
    let invited = api.until_answered(issue, input).await;
    let invite = invited["issueInvite"]["code"].as_str().expect("a code").to_owned();
    for path in ["/join/", "/v/"] {
        let _ = reqwest::get(format!("{}{path}{invite}/master.m3u8", server.url)).await.expect("answers");
    }
    let cookie = api.session().split('=').nth(1).expect("a cookie").to_owned();
    tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
    let written = std::fs::read_to_string(&log).expect("a log");
    assert!(written.lines().count() > 20, "debug says a lot");
    for line in written.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["level"] != "FORGED" && line["timestamp"].is_string(), "{line}");
    }
    assert!(written.contains("\"request_id\":"), "lines of a request name it");
    for (what, secret) in [
        ("the password", password),
        ("a wrong password", wrong),
        ("the session", cookie.as_str()),
        ("the set-up link", setup.as_str()),
        ("an invite", invite.as_str()),
    ] {
        let line = written.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{what} is in the log");
    }
}
