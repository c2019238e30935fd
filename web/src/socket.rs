//! `/sync`: one task per socket that moves frames between it and the hub, and answers probes on the spot.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{
        State,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use http::{Extensions, HeaderMap, StatusCode, header};
use lockstep_commands::Principal;
use lockstep_sync_hub::{
    HubTime, IN_FLIGHT_BYTES_MAX, Input, SessionId,
    protocol::{ClientFrame, FRAME_BYTES_MAX, FrameError, Person, ProbeReply, close, parse},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::task::TaskTracker;

use crate::{
    auth::Authenticator,
    gate::{Gate, Pass},
    hub::{HubHandle, Line, Outgoing},
};

/// Bytes read from a socket at once: small, an idle connection holds them.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// A frame that does not leave within this ends the socket: who does not read is gone within five seconds.
const WRITE_TIMEOUT: Duration = Duration::from_secs(4);
/// Written bytes are reported to the hub in steps of this: one report for many small frames. Well below what the hub
/// lets be in flight, so that it never waits for a report that does not come.
const REPORT_BYTES: usize = IN_FLIGHT_BYTES_MAX / 4;
/// How long a close frame may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The server's own ping.
const PING_INTERVAL: Duration = Duration::from_secs(25);
/// A socket that sends nothing for this long, not even a pong, is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Probes answered per second; a client needs at most one every 20 ms, and only for half a second.
const PROBES_PER_SECOND_MAX: u32 = 50;
/// Probes waiting to be written; more are dropped, a late answer is worth nothing.
const PROBES_MAX: usize = 8;

/// What `/sync` needs.
#[derive(Clone)]
pub struct SyncState {
    pub hub: HubHandle,
    pub authenticator: Authenticator,
    /// Exactly these origins may open a socket: the public URL's, and what the operator allows.
    pub origins: Arc<[String]>,
    /// Counts what is open.
    pub gate: Gate,
    pub tracker: TaskTracker,
}

/// `GET /sync`.
pub fn router(state: SyncState) -> Router {
    Router::new().route("/sync", get(upgrade)).with_state(state)
}

async fn upgrade(
    State(state): State<SyncState>,
    headers: HeaderMap,
    extensions: Extensions,
    socket: WebSocketUpgrade,
) -> Response {
    if !allowed(&headers, &state.origins) {
        return (StatusCode::FORBIDDEN, "this request comes from another site").into_response();
    }
    let Some(pass) = state.gate.address(state.gate.caller(&extensions, &headers)) else {
        let wait = [(header::RETRY_AFTER, "5")];
        return (StatusCode::TOO_MANY_REQUESTS, wait, "too many people watch from this address").into_response();
    };
    let principal = match state.authenticator.principal(&headers).await {
        Ok(principal) => principal,
        Err(error) => {
            tracing::error!(%error, "a socket was not opened");
            return (StatusCode::SERVICE_UNAVAILABLE, "this cannot be answered now, try again").into_response();
        }
    };
    socket
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .on_upgrade(async move |socket| {
            let tracker = state.tracker.clone();
            // Awaited through the tracker, so that a drain waits for it.
            let _ = tracker.spawn(serve(state, socket, principal, pass)).await;
        })
}

fn allowed(headers: &HeaderMap, origins: &[String]) -> bool {
    let mut given = headers.get_all(header::ORIGIN).iter();
    match (given.next(), given.next()) {
        (Some(origin), None) => origins.iter().any(|ours| ours.as_bytes() == origin.as_bytes()),
        _ => false,
    }
}

async fn serve(state: SyncState, socket: WebSocket, principal: Option<Principal>, _pass: Pass) {
    let Some(principal) = principal else {
        return turn_away(socket, close::NOT_SIGNED_IN, "sign in first").await;
    };
    let Some(_account) = state.gate.account(principal.account) else {
        return turn_away(socket, close::TOO_MANY, "too many windows of this account").await;
    };
    let person = Person { id: principal.account, name: principal.name.clone() };
    let Some((session, line)) = state.hub.open(person, principal.role).await else {
        return turn_away(socket, close::DRAINING, "draining").await;
    };
    let (sink, stream) = socket.split();
    let (probe, probes) = mpsc::channel(PROBES_MAX);
    let reader = Reader { hub: state.hub.clone(), session, stream, probe, probes: ProbeRate::default() }.run();
    let mut reader = std::pin::pin!(reader);
    let mut writer = Writer { hub: state.hub.clone(), session, sink, line, probes, unreported_bytes: 0 };
    // Both ends in one task: a reader that waits for the hub does not hold up answers, and the other way round.
    tokio::select! {
        broken = &mut reader => if let Some(frame) = broken {
            writer.close(frame).await;
            // What is unread cannot be read on; closing now would reset the connection before the close is seen.
            tokio::time::sleep(CLOSE_TIMEOUT).await;
        },
        // Read on until the other side has seen the close: unread bytes would reset the connection before it does.
        () = writer.run(state.authenticator.ended(&principal)) => drop(timeout(CLOSE_TIMEOUT, reader).await),
    }
    state.hub.tell(Input::Disconnected { session }).await;
}

async fn turn_away(mut socket: WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame { code, reason: reason.into() };
    let farewell = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    let _ = timeout(CLOSE_TIMEOUT, farewell).await;
}

/// A probe as read, on its way to the writer.
struct Probe {
    n: u64,
    c0: i64,
    read_at: HubTime,
}

/// Counts probes per second of the hub's clock.
#[derive(Default)]
struct ProbeRate {
    since: HubTime,
    count: u32,
}

impl ProbeRate {
    fn admits(&mut self, now: HubTime) -> bool {
        if now.since_us(self.since) >= 1_000_000 {
            *self = Self { since: now, count: 0 };
        }
        self.count += 1;
        self.count <= PROBES_PER_SECOND_MAX
    }
}

/// The close code of RFC 6455, section 7.4.1, for what the codec refused; axum hides the cause's type, not its text.
fn broken(error: &axum::Error) -> Option<CloseFrame> {
    let text = error.to_string();
    let (code, reason) = match () {
        () if text.contains("too long") => (1009, "message too big"),
        () if text.contains("UTF-8") || text.contains("utf-8") => (1007, "not UTF-8"),
        () if text.contains("protocol error") && !text.contains("without closing handshake") => {
            (1002, "protocol error")
        }
        () => return None,
    };
    Some(CloseFrame { code, reason: reason.into() })
}

struct Reader {
    hub: HubHandle,
    session: SessionId,
    stream: SplitStream<WebSocket>,
    probe: mpsc::Sender<Probe>,
    probes: ProbeRate,
}

impl Reader {
    /// Reads to the end; the close frame to send when the other side broke the protocol of WebSockets.
    async fn run(mut self) -> Option<CloseFrame> {
        let clock = self.hub.clock();
        while let Ok(Some(message)) = timeout(SILENCE_MAX, self.stream.next()).await {
            let message = match message {
                Ok(message) => message,
                Err(error) => return broken(&error),
            };
            let read_at = clock.now();
            let frame = match message {
                Message::Text(text) => parse(&text),
                Message::Binary(_) => Err(FrameError::Shape("binary".to_owned())),
                // After a close the stream ends by itself, once the answer to it is written.
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) => continue,
            };
            if let Ok(ClientFrame::Probe { n, c0 }) = frame {
                if self.probes.admits(read_at) {
                    let _ = self.probe.try_send(Probe { n, c0, read_at });
                }
                continue;
            }
            if !self.hub.tell(Input::Frame { session: self.session, frame }).await {
                return None;
            }
        }
        None
    }
}

struct Writer {
    hub: HubHandle,
    session: SessionId,
    sink: SplitSink<WebSocket, Message>,
    line: Line,
    probes: mpsc::Receiver<Probe>,
    /// Written, and not yet told to the hub.
    unreported_bytes: usize,
}

impl Writer {
    async fn run(&mut self, signed_out: impl Future<Output = ()>) {
        let cut = self.line.cut.clone();
        let end = tokio::select! {
            end = self.pump() => end,
            () = cut.cancelled() => Some(CloseFrame { code: close::SLOW_CONSUMER, reason: "slow consumer".into() }),
            () = signed_out => Some(CloseFrame { code: close::NOT_SIGNED_IN, reason: "signed out".into() }),
        };
        if let Some(frame) = end {
            self.close(frame).await;
        }
    }

    async fn close(&mut self, frame: CloseFrame) {
        let _ = timeout(CLOSE_TIMEOUT, self.sink.send(Message::Close(Some(frame)))).await;
    }

    /// Writes until the hub closes the line or the socket fails; the close frame to send, if any.
    async fn pump(&mut self) -> Option<CloseFrame> {
        let clock = self.hub.clock();
        let mut ping = tokio::time::interval(PING_INTERVAL);
        ping.reset();
        loop {
            tokio::select! {
                biased;
                // Probes first: an answer that waits behind a batch measures the batch.
                Some(probe) = self.probes.recv() => {
                    let Probe { n, c0, read_at } = probe;
                    let reply = ProbeReply { n, c0, s1: read_at, s2: clock.now() };
                    self.write(Message::Text(reply.text().into())).await?;
                }
                outgoing = self.line.outgoing.recv() => match outgoing {
                    Some(Outgoing::Frame(bytes)) => self.frame(bytes).await?,
                    Some(Outgoing::Close { code, reason }) => return Some(CloseFrame { code, reason: reason.into() }),
                    None => return Some(CloseFrame { code: close::DRAINING, reason: "draining".into() }),
                },
                _ = ping.tick() => self.write(Message::Ping(Bytes::new())).await?,
            }
        }
    }

    async fn frame(&mut self, bytes: Bytes) -> Option<()> {
        let length = bytes.len();
        let text = Utf8Bytes::try_from(bytes).ok()?;
        self.write(Message::Text(text)).await?;
        self.unreported_bytes += length;
        if self.unreported_bytes < REPORT_BYTES {
            return Some(());
        }
        let bytes = std::mem::take(&mut self.unreported_bytes);
        self.hub.tell(Input::Written { session: self.session, bytes }).await.then_some(())
    }

    async fn write(&mut self, message: Message) -> Option<()> {
        match timeout(WRITE_TIMEOUT, self.sink.send(message)).await {
            Ok(Ok(())) => Some(()),
            Ok(Err(_)) | Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_probes_is_not_answered() {
        let mut rate = ProbeRate::default();
        let mut admitted = |now| (0..2_000).filter(|_| rate.admits(now)).count();
        assert_eq!(admitted(HubTime(5_000_000)), 50);
        assert_eq!(admitted(HubTime(5_999_999)), 0);
        assert_eq!(admitted(HubTime(6_000_000)), 50, "a second later again");
    }

    #[test]
    fn only_listed_origins_open_a_socket() {
        let origins = ["https://watch.example".to_owned()];
        let headers = |given: &[&'static str]| -> HeaderMap {
            given.iter().map(|origin| (header::ORIGIN, http::HeaderValue::from_static(origin))).collect()
        };
        assert!(allowed(&headers(&["https://watch.example"]), &origins));
        for given in [&[][..], &["https://watch.example.evil"], &["null"], &["https://watch.example", "null"]] {
            assert!(!allowed(&headers(given), &origins), "{given:?}");
        }
    }
}
