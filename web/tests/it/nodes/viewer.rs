//! A viewer as a browser is one: follows the timeline on its own estimate of the hub's clock, keeps what it heard, and
//! comes back on another node from where it was.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::OnceLock,
    time::{Duration, Instant},
};

use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};
use uuid::Uuid;

use crate::{api::Api, process::Server};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Nothing here takes this long; what does is stuck.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Questions about the hub's clock; the quickest answer counts.
const PROBES: u64 = 15;

/// True time in microseconds: of this process, which no node knows.
pub fn true_us() -> i64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    i64::try_from(ORIGIN.get_or_init(Instant::now).elapsed().as_micros()).expect("fits")
}

/// Something that came, and when.
enum Heard {
    Frame(i64, Value),
    Closed(u16),
    Cut,
}

/// Somebody in a channel, on one node at a time.
pub struct Viewer {
    api: Api,
    channel: Uuid,
    visit: Uuid,
    mouth: SplitSink<Socket, Message>,
    ears: mpsc::UnboundedReceiver<Heard>,
    unread: VecDeque<Value>,
    /// Hub time minus true time.
    offset_us: i64,
    /// The last position that was seen.
    after: Option<String>,
    pub timeline: Value,
    /// All timelines that came as events.
    pub heard_timelines: Vec<Value>,
    /// The texts of all messages, over all sockets.
    pub messages: Vec<String>,
    /// Names of those who are here, by seat.
    present: BTreeMap<String, String>,
    /// Who ever left, as far as this viewer was told.
    pub left: Vec<String>,
}

impl Viewer {
    pub async fn join(node: &Server, api: &Api, channel: Uuid) -> Self {
        let (mouth, ears) = connect(node.port, &node.url, api).await.expect("a socket");
        let mut viewer = Self {
            api: api.clone(),
            channel,
            visit: Uuid::now_v7(),
            mouth,
            ears,
            unread: VecDeque::new(),
            offset_us: 0,
            after: None,
            timeline: Value::Null,
            heard_timelines: Vec::new(),
            messages: Vec::new(),
            present: BTreeMap::new(),
            left: Vec::new(),
        };
        viewer.enter().await;
        viewer
    }

    /// On another node, or on another socket: the same visit, from the last position on.
    pub async fn come_back(&mut self, node: &Server) {
        (self.mouth, self.ears) = connect(node.port, &node.url, &self.api).await.expect("a socket");
        self.unread.clear();
        let joined = self.enter().await;
        assert_eq!(joined["resumed"], true, "nothing is missing: {joined}");
    }

    async fn enter(&mut self) -> Value {
        let mut join = json!({ "t": "join", "channel": self.channel, "visit": self.visit });
        if let Some(after) = &self.after {
            join["after"] = json!(after);
        }
        self.send(join).await;
        let joined = self.until(|frame| frame["t"] == "joined").await;
        self.look_at_the_clock().await;
        joined
    }

    pub async fn send(&mut self, frame: Value) {
        self.mouth.send(Message::Text(frame.to_string().into())).await.expect("sent");
    }

    /// What becomes of a wish: `ack` or `refused`.
    pub async fn wish(&mut self, mut frame: Value) -> Value {
        let op = Uuid::now_v7();
        frame["op"] = json!(op);
        self.send(frame).await;
        self.until(|frame| frame["op"] == json!(op) && matches!(frame["t"].as_str(), Some("ack" | "refused"))).await
    }

    /// Says it and sees it acknowledged.
    pub async fn say(&mut self, text: &str) {
        let answer = self.wish(json!({ "t": "chat", "id": Uuid::now_v7(), "text": text })).await;
        assert_eq!(answer["t"], "ack", "{answer}");
    }

    /// Changes the timeline and sees it acknowledged.
    pub async fn intend(&mut self, verb: &str, position_us: Option<i64>) {
        let answer = self.wish(json!({ "t": "intent", "verb": verb, "position_us": position_us })).await;
        assert_eq!(answer["t"], "ack", "{verb}: {answer}");
    }

    /// Its player has buffered what the timeline waits at.
    pub async fn ready(&mut self) {
        let ready = self.timeline["seq"].clone();
        self.send(json!({ "t": "report", "state": "paused", "error_us": null, "bound_us": null, "ready": ready }))
            .await;
    }

    /// The next frame or event of this kind; others stay for later.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            loop {
                if let Some(index) = self.unread.iter().position(&wanted) {
                    return self.unread.remove(index).expect("it is there");
                }
                match self.ears.recv().await {
                    Some(Heard::Frame(at_us, frame)) => self.note(at_us, frame),
                    Some(Heard::Closed(code)) => panic!("closed with {code}"),
                    Some(Heard::Cut) | None => panic!("the socket was cut"),
                }
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("it did not come; unread: {:?}", self.unread),
        }
    }

    /// Until what this viewer sees is so.
    pub async fn see(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            self.listen();
            if is_so(self) {
                return;
            }
            match tokio::time::timeout_at(until, self.ears.recv()).await {
                Ok(Some(Heard::Frame(at_us, frame))) => self.note(at_us, frame),
                Ok(Some(Heard::Closed(code))) => panic!("{what}: closed with {code}"),
                Ok(Some(Heard::Cut) | None) => panic!("{what}: the socket was cut"),
                Err(_) => panic!("not seen: {what}; {:?}, {}, {:?}", self.present, self.timeline, self.messages),
            }
        }
    }

    /// Takes what has come already.
    pub fn listen(&mut self) {
        while let Ok(heard) = self.ears.try_recv() {
            match heard {
                Heard::Frame(at_us, frame) => self.note(at_us, frame),
                Heard::Closed(code) => panic!("closed with {code}"),
                Heard::Cut => panic!("the socket was cut"),
            }
        }
    }

    /// Returns when the socket has ended: with its code, where there was one.
    pub async fn ended(&mut self) -> Option<u16> {
        let ending = async {
            loop {
                match self.ears.recv().await {
                    Some(Heard::Frame(at_us, frame)) => self.note(at_us, frame),
                    Some(Heard::Closed(code)) => return Some(code),
                    Some(Heard::Cut) | None => return None,
                }
            }
        };
        tokio::time::timeout(PATIENCE, ending).await.expect("it ends in time")
    }

    /// Names of those who are here, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.present.values().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Where the film is at a true time, microseconds.
    pub fn place_us(&self, at_us: i64) -> i64 {
        let number =
            |field: &str| self.timeline[field].as_i64().unwrap_or_else(|| panic!("{field}: {}", self.timeline));
        let since_us = (at_us + self.offset_us - number("at_hub_us")).max(0);
        number("position_us") + since_us * number("rate_ppm") / 1_000_000
    }

    /// Whether the film runs at this true time.
    pub fn plays(&self, at_us: i64) -> bool {
        self.timeline["rate_ppm"] != 0
            && self.timeline["at_hub_us"].as_i64().is_some_and(|start| at_us + self.offset_us >= start)
    }

    /// Estimates the hub's clock again, as it drifts.
    pub async fn look_at_the_clock(&mut self) {
        let mut quickest: Option<(i64, i64)> = None;
        for n in 0..PROBES {
            let sent = true_us();
            self.send(json!({ "t": "probe", "n": n, "c0": sent })).await;
            let reply = self.until(|frame| frame["t"] == "probe" && frame["c0"] == json!(sent)).await;
            let number = |field: &str| reply[field].as_i64().expect("a number");
            let (got, s1, s2) = (number("heard_us"), number("s1"), number("s2"));
            let (trip, offset) = ((got - sent) - (s2 - s1), ((s1 - sent) + (s2 - got)) / 2);
            if quickest.is_none_or(|(least, _)| trip < least) {
                quickest = Some((trip, offset));
            }
        }
        self.offset_us = quickest.expect("answered").1;
    }

    fn note(&mut self, at_us: i64, mut frame: Value) {
        match frame["t"].as_str() {
            Some("probe") => frame["heard_us"] = json!(at_us),
            Some("joined") => {
                self.timeline = frame["timeline"].clone();
                // What comes after what was named follows; the position here is where that ends.
                if self.after.is_none() {
                    self.after = frame["position"].as_str().map(str::to_owned);
                }
                self.present = seats(&frame["members"]);
            }
            Some("batch") => {
                let events = frame["events"].as_array().expect("events").clone();
                events.into_iter().for_each(|event| self.note_event(event));
                return;
            }
            _ => {}
        }
        self.unread.push_back(frame);
    }

    fn note_event(&mut self, event: Value) {
        if let Some(position) = event["position"].as_str() {
            let number = |text: &str| text.parse::<i64>().expect("a number, for this test");
            if self.after.as_deref().is_none_or(|after| number(after) < number(position)) {
                self.after = Some(position.to_owned());
            }
        }
        match event["e"].as_str() {
            Some("timeline" | "retimed") => {
                self.timeline = event["timeline"].clone();
                self.heard_timelines.push(self.timeline.clone());
            }
            Some("message") => self.messages.push(event["message"]["text"].as_str().expect("a text").to_owned()),
            Some("presence") => {
                self.present.append(&mut seats(&event["joined"]));
                for seat in event["left"].as_array().expect("seats") {
                    self.left.extend(self.present.remove(&seat.to_string()));
                }
            }
            _ => {}
        }
        self.unread.push_back(event);
    }
}

fn seats(members: &Value) -> BTreeMap<String, String> {
    let members = members.as_array().expect("members");
    members
        .iter()
        .map(|member| (member["session"].to_string(), member["account"]["name"].as_str().expect("a name").to_owned()))
        .collect()
}

async fn connect(
    port: u16,
    origin: &str,
    api: &Api,
) -> anyhow::Result<(SplitSink<Socket, Message>, mpsc::UnboundedReceiver<Heard>)> {
    let mut request = format!("ws://127.0.0.1:{port}/sync").into_client_request()?;
    request.headers_mut().insert("origin", origin.parse()?);
    request.headers_mut().insert("cookie", api.cookie().parse()?);
    let (socket, _) = tokio_tungstenite::connect_async(request).await?;
    let (mouth, stream) = socket.split();
    let (sender, ears) = mpsc::unbounded_channel();
    tokio::spawn(hear(stream, sender));
    Ok((mouth, ears))
}

/// Reads at once whatever the test does meanwhile, so that times are those of arrival.
async fn hear(mut stream: SplitStream<Socket>, sender: mpsc::UnboundedSender<Heard>) {
    loop {
        let heard = match stream.next().await {
            Some(Ok(Message::Text(text))) => {
                let at_us = true_us();
                Heard::Frame(at_us, serde_json::from_str(&text).expect("JSON"))
            }
            Some(Ok(Message::Close(Some(frame)))) => Heard::Closed(frame.code.into()),
            Some(Ok(_)) => continue,
            Some(Err(_)) | None => Heard::Cut,
        };
        let is_last = !matches!(heard, Heard::Frame(..));
        if sender.send(heard).is_err() || is_last {
            return;
        }
    }
}
