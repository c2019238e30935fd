//! graphql-transport-ws with a real client on a real socket: messages and close codes.

use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};

use futures::{SinkExt, StreamExt};
use lockstep_commands::{Actor, Context};
use lockstep_domain::{
    ids::{AccountId, StreamId, VideoId},
    video::{Video, VideoCommand},
};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};
use uuid::Uuid;

use super::{ORIGIN, Site};
use crate::routes::graphql::socket::{MESSAGE_BYTES_MAX, OPERATIONS_MAX, PROTOCOL};

/// Nothing here takes that long on a healthy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Client(pub(super) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Site {
    async fn listen(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = self.router.clone().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        address
    }

    async fn client(&self) -> Client {
        self.client_of("session=ada").await
    }

    pub(super) async fn client_of(&self, cookie: &str) -> Client {
        let address = self.listen().await;
        let headers = [("origin", ORIGIN), ("cookie", cookie), ("sec-websocket-protocol", PROTOCOL)];
        Client(connect(address, &headers).await.unwrap())
    }

    /// A client that has been acknowledged.
    async fn ready(&self) -> Client {
        let mut client = self.client().await;
        client.send(json!({ "type": "connection_init", "payload": {} })).await;
        assert_eq!(client.hear().await, json!({ "type": "connection_ack" }));
        client
    }

    pub(super) async fn film(&self, video: VideoId, command: VideoCommand) {
        let context = Context {
            actor: Actor::System,
            command_id: Uuid::new_v4().into(),
            correlation_id: "test".to_owned(),
            causation_id: None,
            now: self.services.clock.now(),
        };
        let stream = StreamId::video(video);
        let done = self.services.dispatcher.execute::<Video>(stream, None, &context, command).await.unwrap();
        while self.reader.wait_for(&["videos"], done.position).await.is_err() {}
    }
}

pub(super) async fn connect(
    address: SocketAddr,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, tungstenite::Error> {
    let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

impl Client {
    pub(super) async fn send(&mut self, message: Value) {
        self.raw(Message::text(message.to_string())).await;
    }

    async fn raw(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    async fn next(&mut self) -> Message {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("something is heard");
            match message.expect("the socket is open").unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                other => return other,
            }
        }
    }

    pub(super) async fn hear(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("not a message: {other:?}"),
        }
    }

    /// The close code; messages before it are skipped.
    pub(super) async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                Message::Close(None) => panic!("closed without a code"),
                _ => {}
            }
        }
    }

    async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }
}

pub(super) fn upload(video: VideoId) -> VideoCommand {
    VideoCommand::RequestUpload {
        owner: AccountId(Uuid::from_u128(7)),
        title: "Film".to_owned(),
        file_name: "f.mp4".to_owned(),
        size_bytes: 1,
        content_type: "video/mp4".to_owned(),
        object_key: format!("u/{video}"),
        fingerprint: None,
    }
}

const STATUS: &str = "subscription($id: UUID!) { videoStatus(id: $id) { eventType replayed } }";

#[tokio::test]
async fn a_subscription_is_heard_until_it_is_completed() {
    let site = Site::new().await;
    let video = VideoId(Uuid::new_v4());
    site.film(video, upload(video)).await;
    let mut client = site.ready().await;
    client.subscribe("a", STATUS, json!({ "id": video.0 })).await;
    let event = |kind: &str, replayed: bool| {
        let event = json!({ "eventType": kind, "replayed": replayed });
        json!({ "type": "next", "id": "a", "payload": { "data": { "videoStatus": event } } })
    };
    assert_eq!(client.hear().await, event("UploadRequested", true));
    site.film(video, VideoCommand::CompleteUpload).await;
    assert_eq!(client.hear().await, event("UploadCompleted", false));
    client.send(json!({ "type": "complete", "id": "a" })).await;
    client.send(json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(client.hear().await, json!({ "type": "pong" }));
    site.film(video, VideoCommand::StartTranscode).await;
    // The id is free again, and nothing more comes for its first use.
    client.subscribe("a", "{ __typename }", json!({})).await;
    let answer = json!({ "type": "next", "id": "a", "payload": { "data": { "__typename": "Query" } } });
    assert_eq!(client.hear().await, answer);
    assert_eq!(client.hear().await, json!({ "type": "complete", "id": "a" }));
}

#[tokio::test]
async fn a_request_that_cannot_run_is_an_error_message() {
    let site = Site::new().await;
    let mut client = site.ready().await;
    client.subscribe("a", "subscription { nonsense }", json!({})).await;
    let error = client.hear().await;
    assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("a")));
    assert!(error["payload"][0]["message"].is_string(), "{error}");
    client.subscribe("a", "{ __typename }", json!({})).await;
    assert_eq!(client.hear().await["type"], "next", "the id is free again");
}

#[tokio::test]
async fn broken_rules_close_the_socket_with_their_codes() {
    let site = Site::new().await;
    let subscribe = |id: &str| json!({ "type": "subscribe", "id": id, "payload": { "query": STATUS, "variables": { "id": Uuid::nil() } } });
    let text = |value: Value| Message::text(value.to_string());
    let long = "x".repeat(5_000);
    for (first, code) in [
        (text(subscribe("a")), 4401),
        (Message::text("nonsense"), 4400),
        (text(json!({ "type": "nonsense" })), 4400),
        (text(json!({ "type": long })), 4400),
        (text(json!({ "id": "a" })), 4400),
        (text(json!([])), 4400),
        (Message::binary(vec![1, 2, 3]), 4400),
        (Message::text(format!(r#"{{"type":"ping","payload":{}{}}}"#, "[".repeat(16), "]".repeat(16))), 4400),
    ] {
        let mut client = site.client().await;
        client.raw(first.clone()).await;
        let (closed, reason) = client.closed().await;
        assert_eq!(closed, code, "{first:?}");
        assert!(reason.len() <= 123);
    }
    for (then, code) in [
        (json!({ "type": "connection_init" }), 4429),
        (json!({ "type": "subscribe", "id": "", "payload": { "query": "{ me { id } }" } }), 4400),
        (json!({ "type": "subscribe", "id": long, "payload": { "query": "{ me { id } }" } }), 4400),
        (json!({ "type": "subscribe", "id": "a", "payload": {} }), 4400),
        (json!({ "type": "subscribe", "id": "a" }), 4400),
    ] {
        let mut client = site.ready().await;
        client.send(then.clone()).await;
        assert_eq!(client.closed().await.0, code, "{then}");
    }
}

#[tokio::test]
async fn ids_and_numbers_of_subscriptions_are_limited() {
    let site = Site::new().await;
    let video = VideoId(Uuid::new_v4());
    site.film(video, upload(video)).await;
    let mut client = site.ready().await;
    let long = "\u{1F3AC}".repeat(30);
    client.subscribe(&long, STATUS, json!({ "id": video.0 })).await;
    client.subscribe(&long, STATUS, json!({ "id": video.0 })).await;
    let (code, reason) = client.closed().await;
    assert_eq!(code, 4409);
    assert!(reason.starts_with("Subscriber for ") && reason.len() <= 123, "{reason}");
    let mut client = site.ready().await;
    for number in 0..OPERATIONS_MAX {
        client.subscribe(&number.to_string(), STATUS, json!({ "id": video.0 })).await;
    }
    client.send(json!({ "type": "ping" })).await;
    while client.hear().await["type"] != "pong" {}
    client.subscribe("one more", STATUS, json!({ "id": video.0 })).await;
    assert_eq!(client.closed().await.0, 4429);
}

#[tokio::test]
async fn messages_have_at_most_64_kib() {
    let site = Site::new().await;
    let mut client = site.ready().await;
    let filled = |bytes: usize| {
        let empty = json!({ "type": "ping", "payload": "" }).to_string();
        Message::text(empty.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - empty.len()))))
    };
    client.raw(filled(MESSAGE_BYTES_MAX)).await;
    assert_eq!(client.hear().await["type"], "pong");
    client.raw(filled(MESSAGE_BYTES_MAX + 1)).await;
    assert_eq!(client.closed().await.0, 1009);
}

#[tokio::test]
async fn who_says_nothing_is_closed() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let closed = tokio::time::timeout(Duration::from_secs(7), client.closed()).await.expect("after five seconds");
    assert_eq!(closed.0, 4408);
}

#[tokio::test]
async fn a_session_that_ends_takes_its_socket_with_it() {
    let site = Site::new().await;
    let mut client = site.ready().await;
    site.sessions.signed_in.store(false, Ordering::SeqCst);
    site.sessions.signed_out.notify_one();
    assert_eq!(client.closed().await.0, 4401);
    let mut nobody = site.client().await;
    nobody.send(json!({ "type": "connection_init" })).await;
    assert_eq!(nobody.closed().await.0, 4403);
}

#[tokio::test]
async fn a_drain_closes_every_socket_and_waits_for_them() {
    let site = Site::new().await;
    let mut clients = [site.ready().await, site.client().await];
    assert_eq!(site.tracker.len(), 2);
    site.shutdown.cancel();
    for client in &mut clients {
        assert_eq!(client.closed().await.0, 1012);
    }
    drop(clients);
    site.tracker.close();
    tokio::time::timeout(PATIENCE, site.tracker.wait()).await.unwrap();
}

#[tokio::test]
async fn other_sites_and_other_protocols_get_no_socket() {
    let site = Site::new().await;
    let address = site.listen().await;
    for origin in [
        None,
        Some("https://evil.example"),
        Some("null"),
        Some("https://watch.example.org.evil.example"),
        Some("http://watch.example.org"),
        Some("https://watch.example.org:444"),
        Some("https://watch.example.org."),
        Some("https://watch.example.org/"),
        Some("https://evil.watch.example.org"),
        Some("https://watch.example.org@evil.example"),
        Some(""),
        Some("HTTPS://watch.example.org"),
        Some(""),
        Some("https://watch.example.org:443"),
        Some("https://evil-watch.example.org"),
        Some("https://www.watch.example.org"),
        Some("https://watch.example.org/"),
        Some("https://watch.example.org, https://evil.example"),
        Some("https://watch.example.org@evil.example"),
    ] {
        let mut headers = vec![("cookie", "session=ada"), ("sec-websocket-protocol", PROTOCOL)];
        headers.extend(origin.map(|origin| ("origin", origin)));
        match connect(address, &headers).await {
            Err(tungstenite::Error::Http(response)) => assert_eq!(response.status(), 403, "{origin:?}"),
            other => panic!("{origin:?}: {other:?}"),
        }
    }
    let plain = [("cookie", "session=ada"), ("origin", ORIGIN)];
    let mut client = Client(connect(address, &plain).await.unwrap());
    assert_eq!(client.closed().await.0, 4406);
}

#[tokio::test]
async fn who_says_goodbye_is_answered() {
    let site = Site::new().await;
    let mut client = site.ready().await;
    let goodbye = tungstenite::protocol::CloseFrame { code: 1000.into(), reason: "done".into() };
    client.0.send(Message::Close(Some(goodbye))).await.unwrap();
    assert_eq!(client.closed().await.0, 1000, "not 1006: the close is answered before the connection ends");
}
