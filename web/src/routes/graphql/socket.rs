//! graphql-transport-ws over one WebSocket: the protocol of the npm package `graphql-ws`
//! (its PROTOCOL.md), with its close codes.
//!
//! Nothing is queued: a subscription is polled only when the socket has taken the frame before, and its stream
//! reads the log again if that took long. A client that takes no frame for [`SEND_MAX`] is dropped.

use std::time::Duration;

use async_graphql::Response as GraphqlResponse;
use axum::{
    extract::{
        WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    response::Response,
};
use futures::{StreamExt, future, stream, stream::BoxStream};
use lockstep_graphql::{RequestContext, is_request_error};
use lockstep_sync_hub::protocol::nesting;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_stream::StreamMap;

use super::{GraphqlState, read::operation};
use crate::gate::Pass;

/// The subprotocol's name.
pub(super) const PROTOCOL: &str = "graphql-transport-ws";
/// How long a client may take to send `connection_init`.
const INIT_MAX: Duration = Duration::from_secs(5);
/// Operations running at once on one socket.
pub(super) const OPERATIONS_MAX: usize = 50;
/// Bytes of one message and of one frame.
pub(super) const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Objects and arrays may nest this deep in a message.
const MESSAGE_DEPTH_MAX: usize = 16;
/// How often the server pings; two silent ones and the client is gone.
const PING_EVERY: Duration = if cfg!(test) { Duration::from_millis(300) } else { Duration::from_secs(20) };
/// How long a client may take to take one frame.
const SEND_MAX: Duration = Duration::from_secs(5);
/// How long we wait for the client's half of a close.
const CLOSE_MAX: Duration = Duration::from_secs(1);
/// Bytes of an operation's id.
const ID_BYTES_MAX: usize = 128;
const READ_BUFFER_BYTES: usize = 4 * 1024;
const WRITE_BUFFER_BYTES_MAX: usize = 1024 * 1024;

/// Takes the socket over in a tracked task.
pub(super) fn upgrade(socket: WebSocketUpgrade, state: GraphqlState, context: RequestContext, pass: Pass) -> Response {
    socket
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .on_upgrade(move |socket| {
            let tracker = state.tracker.clone();
            let connection =
                Connection { socket, state, context, operations: StreamMap::new(), acknowledged: false, _pass: pass };
            // A drain waits for what is tracked.
            tracker.track_future(connection.run())
        })
}

/// Why a connection ends.
struct Close {
    code: u16,
    reason: String,
}

fn close(code: u16, reason: impl Into<String>) -> Ending {
    Ending::Close(Close { code, reason: reason.into() })
}

enum Ending {
    /// We say why.
    Close(Close),
    /// They said why, and wait for our half of the close.
    Closed,
    /// Nobody is there to be told.
    Gone,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Incoming {
    ConnectionInit {},
    Ping {},
    Pong {},
    Subscribe { id: String, payload: Value },
    Complete { id: String },
}

enum Produced {
    Response(Box<GraphqlResponse>),
    End,
}

struct Connection {
    socket: WebSocket,
    state: GraphqlState,
    context: RequestContext,
    operations: StreamMap<String, BoxStream<'static, Produced>>,
    acknowledged: bool,
    _pass: Pass,
}

impl Connection {
    async fn run(mut self) {
        let account = self.context.principal.as_ref().map(|principal| self.state.gate.account(principal.account));
        let ending = match self.socket.protocol() {
            // Held until the socket ends; nobody signed in gets no further than `connection_init`.
            Some(protocol) if protocol == PROTOCOL => match &account {
                Some(None) => close(4429, "Too many connections"),
                Some(Some(_)) | None => self.serve().await,
            },
            _ => close(4406, "Subprotocol not acceptable"),
        };
        // Streams first: they hold database work.
        self.operations.clear();
        let farewell = match ending {
            Ending::Close(Close { code, reason }) => {
                let frame = CloseFrame { code, reason: reason.into() };
                self.send(Message::Close(Some(frame))).await.is_ok()
            }
            Ending::Closed => true,
            Ending::Gone => false,
        };
        if farewell {
            // Reading on writes our half of a close that they began, and waits for theirs if we did.
            let _ = timeout(CLOSE_MAX, async { while let Some(Ok(_)) = self.socket.recv().await {} }).await;
        }
    }

    #[allow(clippy::disallowed_methods)] // Deadlines of this one socket.
    async fn serve(&mut self) -> Ending {
        let shutdown = self.state.shutdown.clone();
        let deadline = Instant::now() + INIT_MAX;
        let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent_pings = 0;
        let (authenticate, principal) = (self.state.authenticate.clone(), self.context.principal.clone());
        let mut ended = std::pin::pin!(async move {
            match &principal {
                Some(principal) => authenticate.ended(principal).await,
                // Nobody: turned away at `connection_init`.
                None => future::pending().await,
            }
        });
        loop {
            let step = tokio::select! {
                () = shutdown.cancelled() => return close(1012, "Service restart"),
                () = sleep_until(deadline), if !self.acknowledged => return close(4408, "Connection initialisation timeout"),
                () = &mut ended => return close(4401, "Unauthorized"),
                message = self.socket.recv() => {
                    silent_pings = 0;
                    self.received(message).await
                }
                Some((id, produced)) = self.operations.next(), if !self.operations.is_empty() => {
                    self.produced(id, produced).await
                }
                _ = ping.tick() => {
                    silent_pings += 1;
                    if silent_pings > 2 { Err(Ending::Gone) } else { self.send(Message::Ping(Default::default())).await }
                }
            };
            if let Err(ending) = step {
                return ending;
            }
        }
    }

    async fn received(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), Ending> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Binary(_))) => return Err(close(4400, "Invalid message received")),
            Some(Ok(Message::Close(_))) => return Err(Ending::Closed),
            None => return Err(Ending::Gone),
            Some(Err(error)) if is_too_long(&error) => return Err(close(1009, "Message too big")),
            Some(Err(_)) => return Err(Ending::Gone),
        };
        if nesting(text.as_str()) > MESSAGE_DEPTH_MAX {
            return Err(close(4400, "Invalid message received"));
        }
        match serde_json::from_str(text.as_str()) {
            Ok(Incoming::ConnectionInit {}) => self.init().await,
            Ok(Incoming::Ping {}) => self.send_json(&json!({ "type": "pong" })).await,
            Ok(Incoming::Pong {}) => Ok(()),
            Ok(Incoming::Subscribe { id, payload }) => self.subscribe(id, payload),
            Ok(Incoming::Complete { id }) => {
                self.operations.remove(&id);
                Ok(())
            }
            Err(_) => Err(close(4400, "Invalid message received")),
        }
    }

    async fn init(&mut self) -> Result<(), Ending> {
        if self.acknowledged {
            return Err(close(4429, "Too many initialisation requests"));
        }
        if self.context.principal.is_none() {
            return Err(close(4403, "Forbidden"));
        }
        self.acknowledged = true;
        self.send_json(&json!({ "type": "connection_ack" })).await
    }

    fn subscribe(&mut self, id: String, payload: Value) -> Result<(), Ending> {
        if !self.acknowledged {
            return Err(close(4401, "Unauthorized"));
        }
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return Err(close(4400, "Invalid message received"));
        }
        if self.operations.contains_key(&id) {
            // The id is the client's and may be long; a close reason has at most 123 bytes.
            let short: String = id.chars().take(20).collect();
            return Err(close(4409, format!("Subscriber for {short} already exists")));
        }
        if self.operations.len() >= OPERATIONS_MAX {
            return Err(close(4429, "Too many subscriptions"));
        }
        let request = operation(payload).map_err(|_| close(4400, "Invalid message received"))?;
        let responses =
            self.state.schema.execute_stream(request, self.context.clone()).map(Box::new).map(Produced::Response);
        self.operations.insert(id, responses.chain(stream::once(future::ready(Produced::End))).boxed());
        Ok(())
    }

    async fn produced(&mut self, id: String, produced: Produced) -> Result<(), Ending> {
        match produced {
            Produced::Response(response) if is_request_error(&response) => {
                self.operations.remove(&id);
                self.send_json(&json!({ "type": "error", "id": id, "payload": response.errors })).await
            }
            Produced::Response(response) => {
                self.send_json(&json!({ "type": "next", "id": id, "payload": response })).await
            }
            Produced::End => {
                self.operations.remove(&id);
                self.send_json(&json!({ "type": "complete", "id": id })).await
            }
        }
    }

    async fn send_json(&mut self, value: &Value) -> Result<(), Ending> {
        self.send(Message::Text(value.to_string().into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Ending> {
        match timeout(SEND_MAX, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Ending::Gone),
        }
    }
}

/// axum hides the cause's type; its text is tungstenite's `Message too long: ..`.
fn is_too_long(error: &axum::Error) -> bool {
    error.to_string().contains("too long")
}
