//! A log, services, a hub and its route on a port of this test's own, and sockets into it.

use std::{sync::Arc, time::Duration};

use futures::{SinkExt, StreamExt};
use lockstep::{
    auth::{Authenticator, SessionCookie},
    gate::Gate,
    hub::{HubHandle, HubOptions},
    listening,
    socket::{self, SyncState},
    system::{SystemClock, SystemIds},
};
use lockstep_commands::{Actor, Clock, Context, Dispatcher, Services, account, channel, member};
use lockstep_domain::{
    aggregate::Event,
    channel::Visibility,
    ids::{AccountId, ChannelId, CommandId, MessageId, Position, StreamId, VideoId},
    message::MessageEvent,
    playback::{Playback, PlaybackEvent, PlaybackState},
    time::MediaTime,
};
use lockstep_event_store::{Append, EventStore, Expected, MasterKey, Metadata, NewEvent, PostgresStore};
use lockstep_migrations::testing::TestDatabase;
use lockstep_object_store::EmbeddedS3;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

/// The public URL's origin in these tests, whatever the port.
pub const ORIGIN: &str = "http://watch.test";
/// Sockets from one address in these tests.
pub const PER_ADDRESS_MAX: usize = 25;
/// Nothing here takes this long; what does is stuck.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct World {
    pub services: Services,
    pub hub: HubHandle,
    pub channel: ChannelId,
    pub owner: AccountId,
    pub shutdown: CancellationToken,
    pub tracker: TaskTracker,
    pub port: u16,
    _database: TestDatabase,
    _objects: tempfile::TempDir,
}

pub struct Viewer {
    pub account: AccountId,
    pub session_hash: String,
    pub token: String,
}

/// Another hub process on the same log.
pub struct OtherHub {
    pub hub: HubHandle,
    port: u16,
}

impl World {
    pub async fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock)).await.0
    }

    /// On a clock of the test's own; with the channel's owner.
    pub async fn with_clock(clock: Arc<dyn Clock>) -> (Self, Viewer) {
        let database = TestDatabase::create().await;
        let folder = tempfile::tempdir().unwrap();
        let (_, objects) = EmbeddedS3::open(folder.path(), "http://localhost:1", "interim", "media").unwrap();
        let store: Arc<dyn EventStore> =
            PostgresStore::connect(&database.url(), MasterKey::from_bytes([1; 32]), "test".to_owned()).await.unwrap();
        let services = Services {
            dispatcher: Dispatcher::new(Arc::clone(&store)),
            store,
            pool: database.pool().await,
            objects,
            clock,
            ids: Arc::new(SystemIds),
            uploads: lockstep_commands::upload::Uploads::default(),
        };
        let (shutdown, tracker) = (CancellationToken::new(), TaskTracker::new());
        let (hub, port) = listen(&services, &shutdown, &tracker);
        let signed_in = account::admit_guest(&services, &context(None), "owner").await.unwrap();
        let owner = signed_in.principal.account;
        let (session_hash, token) = (signed_in.principal.session_hash, signed_in.token.expose().to_owned());
        let made = channel::create(&services, &context(Some(owner)), "Movie night", None, Visibility::Public).await;
        let channel = made.unwrap().channel;
        let world =
            Self { services, hub, channel, owner, shutdown, tracker, port, _database: database, _objects: folder };
        (world, Viewer { account: owner, session_hash, token })
    }

    pub fn restart_hub(&self) -> OtherHub {
        // Another node has a dispatcher of its own.
        let services =
            Services { dispatcher: Dispatcher::new(Arc::clone(&self.services.store)), ..self.services.clone() };
        let (hub, port) = listen(&services, &self.shutdown, &self.tracker);
        OtherHub { hub, port }
    }

    pub fn context(&self, account: AccountId) -> Context {
        context(Some(account))
    }

    pub async fn viewer(&self, name: &str) -> Viewer {
        let signed_in = account::admit_guest(&self.services, &context(None), name).await.unwrap();
        let (account, session_hash) = (signed_in.principal.account, signed_in.principal.session_hash);
        Viewer { account, session_hash, token: signed_in.token.expose().to_owned() }
    }

    pub async fn admit(&self, viewer: &Viewer) {
        member::join(&self.services, &self.context(viewer.account), self.channel, None).await.unwrap();
    }

    pub async fn connect(&self, origin: Option<&str>, token: Option<&str>) -> Result<Socket, tungstenite::Error> {
        connect(self.port, origin, token).await
    }

    pub async fn open(&self, viewer: &Viewer) -> Socket {
        self.connect(Some(ORIGIN), Some(&viewer.token)).await.expect("upgraded")
    }

    /// A new member of the channel on a socket that has joined; with the `joined` frame.
    pub async fn join(&self, name: &str) -> (Socket, Value) {
        let viewer = self.viewer(name).await;
        self.admit(&viewer).await;
        let mut socket = self.open(&viewer).await;
        let joined = socket.join(self).await;
        (socket, joined)
    }

    /// Loads a 100 s film, as if one were ready.
    pub async fn load_film(&self) {
        let at_us = self.services.clock.now();
        let video = VideoId(Uuid::now_v7());
        let event = PlaybackEvent::VideoLoaded { video, duration_us: MediaTime(100_000_000), at_us, item: None };
        let append = Append {
            stream: StreamId::playback(self.channel),
            expected: Expected::Any,
            guards: vec![],
            command_id: CommandId(Uuid::now_v7()),
            metadata: Metadata {
                actor: self.owner.to_string(),
                channel_id: Some(self.channel.to_string()),
                ..Metadata::default()
            },
            occurred_at: at_us,
            events: vec![NewEvent {
                event_type: event.event_type().to_owned(),
                event_version: event.event_version().to_owned(),
                payload: json!(event),
            }],
        };
        self.services.store.append(append).await.unwrap();
    }

    /// A message that went past the rules for those who write.
    pub async fn append_message(&self, message: &MessageEvent) {
        let append = Append {
            stream: StreamId::message(MessageId(Uuid::now_v7())),
            expected: Expected::Any,
            guards: vec![],
            command_id: CommandId(Uuid::now_v7()),
            metadata: Metadata {
                actor: self.owner.to_string(),
                channel_id: Some(self.channel.to_string()),
                ..Metadata::default()
            },
            occurred_at: lockstep_commands::Clock::now(&SystemClock),
            events: vec![NewEvent {
                event_type: message.event_type().to_owned(),
                event_version: message.event_version().to_owned(),
                payload: json!(message),
            }],
        };
        self.services.store.append(append).await.unwrap();
    }

    pub async fn film(&self) -> PlaybackState {
        let stream = StreamId::playback(self.channel);
        self.services.dispatcher.load::<Playback>(&stream).await.unwrap().state
    }

    /// How many messages the log holds.
    pub async fn messages(&self) -> usize {
        let events = self.services.store.read_after(Position::START, 1_000).await.unwrap();
        events.iter().filter(|event| event.stream.kind() == "message").count()
    }
}

impl OtherHub {
    pub async fn open(&self, _world: &World, viewer: &Viewer) -> Socket {
        connect(self.port, Some(ORIGIN), Some(&viewer.token)).await.expect("upgraded")
    }
}

fn listen(services: &Services, shutdown: &CancellationToken, tracker: &TaskTracker) -> (HubHandle, u16) {
    let hub = HubHandle::start(services.clone(), HubOptions::default(), shutdown.clone(), tracker);
    let authenticator = Authenticator::new(services.clone(), SessionCookie::for_url(ORIGIN));
    let origins = Arc::new([ORIGIN.to_owned()]);
    tracker.spawn(authenticator.clone().follow(shutdown.clone()));
    let gate = Gate::new(PER_ADDRESS_MAX).behind([std::net::Ipv4Addr::LOCALHOST.into()]);
    let state = SyncState { hub: hub.clone(), authenticator, origins, gate, tracker: tracker.clone() };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let listener = TcpListener::from_std(listener).unwrap();
    tokio::spawn(listening::serve(listener, socket::router(state), shutdown.clone()));
    (hub, port)
}

fn context(account: Option<AccountId>) -> Context {
    let id = Uuid::now_v7();
    Context {
        actor: account.map_or(Actor::System, Actor::Account),
        command_id: CommandId(id),
        correlation_id: id.to_string(),
        causation_id: None,
        now: lockstep_commands::Clock::now(&SystemClock),
    }
}

async fn connect(port: u16, origin: Option<&str>, token: Option<&str>) -> Result<Socket, tungstenite::Error> {
    let mut request = format!("ws://127.0.0.1:{port}/sync").into_client_request().unwrap();
    let headers = request.headers_mut();
    origin.map(|origin| headers.insert("origin", origin.parse().unwrap()));
    token.map(|token| headers.insert("cookie", format!("lockstep={token}").parse().unwrap()));
    let (inner, _) = tokio_tungstenite::connect_async(request).await?;
    Ok(Socket { inner, unread: Default::default() })
}

/// One client.
#[derive(Debug)]
pub struct Socket {
    pub inner: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Frames and events not yet asked for, batches taken apart.
    unread: std::collections::VecDeque<Value>,
}

impl Socket {
    pub async fn send(&mut self, frame: Value) {
        self.inner.send(Message::Text(frame.to_string().into())).await.expect("sent");
    }

    pub async fn join(&mut self, world: &World) -> Value {
        self.send(json!({"t": "join", "channel": world.channel, "visit": Uuid::now_v7()})).await;
        self.until("t", "joined").await
    }

    /// The next frame or event of this kind; others stay for later.
    pub async fn until(&mut self, key: &str, kind: &str) -> Value {
        if let Some(index) = self.unread.iter().position(|frame| frame[key] == kind) {
            return self.unread.remove(index).unwrap();
        }
        loop {
            let message = tokio::time::timeout(PATIENCE, self.inner.next()).await;
            let message = message.unwrap_or_else(|_| panic!("no {kind} came; unread: {:?}", self.unread));
            match message {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    match frame["t"].as_str() {
                        Some("batch") => self.unread.extend(frame["events"].as_array().unwrap().iter().cloned()),
                        _ => self.unread.push_back(frame),
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                other => panic!("{other:?} instead of {kind}"),
            }
            if let Some(index) = self.unread.iter().position(|frame| frame[key] == kind) {
                return self.unread.remove(index).unwrap();
            }
        }
    }

    /// Sends a wish and waits for its answer; `None` when the socket is closed instead.
    pub async fn answer(&mut self, frame: &Value) -> Option<Value> {
        let answer = self.first(frame, &["ack", "refused"]).await?;
        assert_eq!(answer["op"], frame["op"], "one wish at a time");
        Some(answer)
    }

    /// Sends a frame and waits for the first one of these kinds; `None` when the socket is closed instead.
    pub async fn first(&mut self, frame: &Value, kinds: &[&str]) -> Option<Value> {
        self.inner.send(Message::Text(frame.to_string().into())).await.ok()?;
        loop {
            match tokio::time::timeout(PATIENCE, self.inner.next()).await.expect("an answer in time") {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if kinds.iter().any(|kind| frame["t"] == *kind) {
                        return Some(frame);
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            }
        }
    }

    /// The code it is closed with.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match tokio::time::timeout(PATIENCE, self.inner.next()).await.expect("closed in time") {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("{other:?} instead of a close frame"),
            }
        }
    }
}

/// Everybody's player has buffered what this timeline waits at.
pub async fn ready<const N: usize>(viewers: [&mut Socket; N], held: &Value) {
    for viewer in viewers {
        let report =
            json!({"t": "report", "state": "paused", "error_us": null, "bound_us": null, "ready": held["seq"]});
        viewer.send(report).await;
    }
}

/// The next timeline caused by this verb.
pub async fn timeline(socket: &mut Socket, verb: &str) -> Value {
    loop {
        let event = socket.until("e", "timeline").await;
        if event["cause"]["verb"] == verb {
            return event["timeline"].clone();
        }
    }
}
