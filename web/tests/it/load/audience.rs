//! The people: each a socket that writes down every message it hears, comes back when it is cut, and says where it was.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{SinkExt, StreamExt};
use lockstep_domain::ids::ChannelId;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::{net::TcpStream, sync::mpsc, task::JoinHandle, time::Instant};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};
use uuid::Uuid;

use super::ORIGIN;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Sockets opened at once when the hall fills.
const DOORS: usize = 25;
/// Between two cuts of one person, ms.
const CUT_EVERY_MS: std::ops::Range<u64> = 1_500..3_500;

pub struct Person {
    pub n: usize,
    pub token: String,
    pub visit: Uuid,
}

#[derive(Clone, Copy)]
pub struct Goal {
    pub seconds: usize,
    pub speakers: usize,
    pub cut: usize,
    pub per_second: usize,
}

/// What one person heard over all of its sockets.
#[derive(Default)]
pub struct Heard {
    pub positions: Vec<i64>,
    pub cuts: usize,
}

struct Hall {
    port: u16,
    channel: ChannelId,
    /// Everybody stays until this position was heard; 0 while it is not known.
    last: AtomicI64,
    acknowledged: AtomicUsize,
    wake: tokio::sync::Notify,
}

pub struct Audience {
    hall: Arc<Hall>,
    goal: Goal,
    seats: Vec<JoinHandle<Heard>>,
    speakers: Vec<mpsc::UnboundedSender<String>>,
}

impl Audience {
    /// Lets everybody in; returns when all have joined.
    pub async fn seat(port: u16, channel: ChannelId, people: Vec<Person>, goal: Goal) -> Self {
        let hall = Arc::new(Hall {
            port,
            channel,
            last: AtomicI64::new(0),
            acknowledged: AtomicUsize::new(0),
            wake: tokio::sync::Notify::new(),
        });
        let (mut seats, mut speakers) = (vec![], vec![]);
        let doors = Arc::new(tokio::sync::Semaphore::new(DOORS));
        let (joined, mut all) = mpsc::channel(people.len());
        for person in people {
            let (mouth, words) = mpsc::unbounded_channel();
            if person.n < goal.speakers {
                speakers.push(mouth);
            }
            let is_cut = (goal.speakers..goal.speakers + goal.cut).contains(&person.n);
            let guest = Guest::new(Arc::clone(&hall), person, words, is_cut);
            let (doors, joined) = (Arc::clone(&doors), joined.clone());
            seats.push(tokio::spawn(async move {
                let permit = doors.acquire_owned().await;
                let mut guest = guest;
                let socket = guest.enter().await;
                drop(permit);
                joined.send(()).await.expect("somebody counts");
                guest.stay(socket).await
            }));
        }
        drop(joined);
        for _ in 0..seats.len() {
            all.recv().await.expect("everybody got in");
        }
        Self { hall, goal, seats, speakers }
    }

    /// The speakers in turn, evenly; returns when everything was acknowledged.
    pub async fn talk(&self) {
        let mut beat = tokio::time::interval(Duration::from_secs(1) / u32::try_from(self.goal.per_second).unwrap());
        let count = self.goal.seconds * self.goal.per_second;
        for n in 0..count {
            beat.tick().await;
            let text = format!("message {n}: is this the part where she finds the letter?");
            let frame = json!({"t": "chat", "op": Uuid::now_v7(), "id": Uuid::now_v7(), "text": text});
            self.speakers[n % self.speakers.len()].send(frame.to_string()).expect("still here");
        }
        while self.hall.acknowledged.load(Ordering::SeqCst) < count {
            self.hall.wake.notified().await;
        }
    }

    /// What everybody heard, when everybody has heard this position.
    pub async fn leave_after(self, last: i64) -> Vec<Heard> {
        self.hall.last.store(last, Ordering::SeqCst);
        futures::future::try_join_all(self.seats).await.expect("nobody was thrown out")
    }
}

struct Guest {
    hall: Arc<Hall>,
    person: Person,
    words: mpsc::UnboundedReceiver<String>,
    rng: Option<StdRng>,
    heard: Heard,
    /// The position to go on after.
    seen: Option<i64>,
}

impl Guest {
    fn new(hall: Arc<Hall>, person: Person, words: mpsc::UnboundedReceiver<String>, is_cut: bool) -> Self {
        let rng = is_cut.then(|| StdRng::seed_from_u64(person.n as u64));
        Self { hall, person, words, rng, heard: Heard::default(), seen: None }
    }

    async fn enter(&mut self) -> Socket {
        let mut request = format!("ws://127.0.0.1:{}/sync", self.hall.port).into_client_request().unwrap();
        request.headers_mut().insert("origin", ORIGIN.parse().unwrap());
        request.headers_mut().insert("cookie", format!("lockstep={}", self.person.token).parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("upgraded");
        let mut join = json!({"t": "join", "channel": self.hall.channel, "visit": self.person.visit});
        if let Some(seen) = self.seen {
            join["after"] = json!(seen.to_string());
        }
        socket.send(Message::text(join.to_string())).await.expect("sent");
        loop {
            let text = next(&mut socket).await;
            if text.starts_with(r#"{"t":"joined""#) {
                let resumed = text.contains(r#""resumed":true"#);
                assert_eq!(resumed, self.seen.is_some(), "person {} could not go on", self.person.n);
                self.seen = self.seen.or_else(|| positions(&text).next().map(|(position, _)| position));
                return socket;
            }
            assert!(text.starts_with(r#"{"t":"hello""#), "{text:.200}");
        }
    }

    /// Listens until the last message was heard, over as many sockets as it takes.
    async fn stay(mut self, mut socket: Socket) -> Heard {
        let mut cut_at = self.next_cut();
        loop {
            let last = self.hall.last.load(Ordering::SeqCst);
            if last > 0 && self.heard.positions.last().is_some_and(|heard| *heard >= last) {
                return self.heard;
            }
            tokio::select! {
                text = next(&mut socket) => self.hear(&text),
                Some(word) = self.words.recv() => socket.send(Message::text(word)).await.expect("sent"),
                () = tokio::time::sleep_until(cut_at) => {
                    cut_at = self.next_cut();
                    if self.rng.is_some() && last == 0 {
                        // No farewell: the connection is gone, as when somebody walks out of reach.
                        drop(socket);
                        self.heard.cuts += 1;
                        socket = self.enter().await;
                    }
                }
            }
        }
    }

    /// When to look up next: for the cut ones that is when they are cut.
    fn next_cut(&mut self) -> Instant {
        let ms = self.rng.as_mut().map_or(200, |rng| rng.random_range(CUT_EVERY_MS));
        Instant::now() + Duration::from_millis(ms)
    }

    fn hear(&mut self, text: &str) {
        if text.starts_with(r#"{"t":"ack""#) {
            self.hall.acknowledged.fetch_add(1, Ordering::SeqCst);
            self.hall.wake.notify_one();
        }
        assert!(!text.starts_with(r#"{"t":"refused""#), "{text}");
        if !text.starts_with(r#"{"t":"batch""#) {
            return;
        }
        for (position, is_message) in positions(text) {
            self.seen = self.seen.max(Some(position));
            if is_message {
                self.heard.positions.push(position);
            }
        }
    }
}

async fn next(socket: &mut Socket) -> String {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return text.as_str().to_owned(),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("{other:?} instead of a frame"),
        }
    }
}

/// Every position in a frame and whether it is a message's: found, not parsed, so that 500 people fit one test. A
/// quote inside a text is escaped, so no text looks like this.
fn positions(text: &str) -> impl Iterator<Item = (i64, bool)> {
    const KEY: &str = r#""position":""#;
    text.match_indices(KEY).map(|(at, _)| {
        let digits = &text[at + KEY.len()..];
        let end = digits.find('"').expect("a string ends");
        (digits[..end].parse().expect("a position"), text[..at].ends_with(r#"{"e":"message","#))
    })
}

/// Where two lists part.
pub fn difference(heard: &[i64], said: &[i64]) -> String {
    let at = heard.iter().zip(said).take_while(|(heard, said)| heard == said).count();
    let rest = |list: &[i64]| list.iter().skip(at).take(3).copied().collect::<Vec<_>>();
    format!("{} of {}, from {at} on {:?} instead of {:?}", heard.len(), said.len(), rest(heard), rest(said))
}
