//! Limits of `/sync` over real connections: how many, how long, how large.

use std::time::{Duration, Instant};

use futures::SinkExt;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::{self, Message};
use uuid::Uuid;

use crate::world::{ORIGIN, PATIENCE, PER_ADDRESS_MAX, World};

/// An upgrade that gets this far has its WebSocket.
const SWITCHED: &str = "HTTP/1.1 101";

/// The connection's next bytes as text, empty at its end.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4_096];
    let count = tokio::time::timeout(PATIENCE, stream.read(&mut bytes)).await.expect("in time").unwrap_or(0);
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

fn upgrade(token: &str, more: &str) -> String {
    format!(
        "GET /sync HTTP/1.1\r\nHost: watch.test\r\nOrigin: {ORIGIN}\r\nCookie: lockstep={token}\r\n{more}\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
}

#[tokio::test]
async fn who_does_not_finish_asking_is_closed_within_ten_seconds() {
    let world = World::new().await;
    let viewer = world.viewer("ann").await;
    let request = upgrade(&viewer.token, "");
    let begun = Instant::now();
    let trickle = async |sent: &str, then: Option<&str>| {
        let mut stream = TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut beat = tokio::time::interval(Duration::from_millis(500));
        let ended = loop {
            tokio::select! {
                text = read(&mut stream) => break text,
                _ = beat.tick() => if let Some(then) = then {
                    let _ = stream.write_all(then.as_bytes()).await;
                },
            }
        };
        (ended, begun.elapsed())
    };
    // Nothing at all, half a request, and one more header every half second.
    let (silent, half, drip) =
        tokio::join!(trickle("", None), trickle(&request, None), trickle(&request, Some("X-More: 1\r\n")));
    for (text, took) in [silent, half, drip] {
        assert!(!text.starts_with(SWITCHED), "{text}");
        assert!((Duration::from_secs(5)..Duration::from_secs(10)).contains(&took), "{took:?}");
    }
    // Others were served all the while, and a whole request still is.
    let mut stream = TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
    stream.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
    assert!(read(&mut stream).await.starts_with(SWITCHED));
}

#[tokio::test]
async fn who_does_not_join_is_closed_with_4410() {
    let world = World::new().await;
    let viewer = world.viewer("ann").await;
    let begun = Instant::now();
    let mut socket = world.open(&viewer).await;
    assert_eq!(socket.closed().await, 4410);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_account_has_twenty_sockets_and_gets_a_place_back() {
    let world = World::new().await;
    let ann = world.viewer("ann").await;
    world.admit(&ann).await;
    let mut sockets = vec![];
    for _ in 0..20 {
        let mut socket = world.open(&ann).await;
        socket.join(&world).await;
        sockets.push(socket);
    }
    assert_eq!(world.open(&ann).await.closed().await, 4429);
    let (_ben, _) = world.join("ben").await;
    let mut last = sockets.pop().unwrap();
    last.inner.close(None).await.unwrap();
    while let Some(Ok(_)) = futures::StreamExt::next(&mut last.inner).await {}
    let mut again = world.open(&ann).await;
    again.join(&world).await;
    for socket in &mut sockets {
        socket.send(json!({"t": "probe", "n": 1, "c0": 1})).await;
        socket.until("t", "probe").await;
    }
}

#[tokio::test]
async fn an_address_has_as_many_sockets_as_the_operator_says() {
    let world = World::new().await;
    let ann = world.viewer("ann").await;
    // A proxy on this machine says for whom it asks.
    let open = async |token: &str, address: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
        let request = upgrade(token, &format!("X-Forwarded-For: {address}\r\n"));
        stream.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
        (read(&mut stream).await, stream)
    };
    let ben = world.viewer("ben").await;
    // Nobody joins: each is open until its time is over.
    let mut held = vec![];
    for n in 0..PER_ADDRESS_MAX {
        let token = [&ann.token, &ben.token][n % 2];
        let (answer, stream) = open(token, "192.0.2.7").await;
        assert!(answer.starts_with(SWITCHED), "{answer}");
        held.push(stream);
    }
    let (refused, _) = open(&ann.token, "192.0.2.7").await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(refused.to_lowercase().contains("retry-after"), "{refused}");
    let (elsewhere, _) = open(&ann.token, "192.0.2.8").await;
    assert!(elsewhere.starts_with(SWITCHED), "{elsewhere}");
    assert!(world.connect(Some(ORIGIN), Some(&ann.token)).await.is_ok(), "somebody at this machine");
}

#[tokio::test]
async fn frames_that_break_a_rule_close_with_their_code() {
    let world = World::new().await;
    let ann = world.viewer("ann").await;
    world.admit(&ann).await;
    let deep = format!(r#"{{"t":"typing","x":{}{}}}"#, "[".repeat(20), "]".repeat(20));
    let raw = |bytes: &[u8]| {
        Message::Frame(tungstenite::protocol::frame::Frame::message(
            bytes.to_vec(),
            tungstenite::protocol::frame::coding::OpCode::Data(tungstenite::protocol::frame::coding::Data::Text),
            true,
        ))
    };
    for (message, code) in [
        (Message::text(r#"{"t":"dance"}"#), 4400),
        (Message::text("["), 4400),
        (Message::text(deep), 4400),
        (Message::binary(vec![1, 2, 3]), 4400),
        (Message::text("x".repeat(64 * 1024)), 4400),
        (Message::text("x".repeat(64 * 1024 + 1)), 1009),
        (raw(&[0xff, 0xfe]), 1007),
    ] {
        let mut socket = world.open(&ann).await;
        socket.until("t", "hello").await;
        let _ = socket.inner.send(message.clone()).await;
        assert_eq!(socket.closed().await, code, "{:.40}", format!("{message:?}"));
    }
    // A frame before `join` is answered, not obeyed.
    let mut socket = world.open(&ann).await;
    socket.send(json!({"t": "intent", "op": Uuid::now_v7(), "verb": "play"})).await;
    assert_eq!(socket.until("t", "refused").await["code"], "not_joined");
}
