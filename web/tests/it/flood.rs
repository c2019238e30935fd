//! Twenty thousand connections that never finish asking: rooms that are open go on, and new people get in.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
};

use crate::{
    api::Api,
    outage::Viewer,
    process::{Server, data_folder},
};

/// Half a request each.
const ATTEMPTS: usize = 20_000;
/// So many are open at a time: both ends are in reach of the limit on descriptors.
const HELD: usize = 8_000;
/// People in a room are looked at each time so many have come.
const LOOK_EVERY: usize = 5_000;
/// How long a message may take meanwhile.
const MESSAGE_MAX: Duration = Duration::from_secs(3);

/// A connection from one of several addresses of this machine that says half of what it wants.
async fn half_open(port: u16, from: u8) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 1, from], 0).into())?;
    let mut stream = socket.connect(([127, 0, 0, 1], port).into()).await?;
    stream.write_all(b"GET /sync HTTP/1.1\r\nHost: localhost\r\nUpgrade: webso").await?;
    Ok(stream)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_half_open_connections_stop_no_room() {
    let data = data_folder();
    let server = Server::start(data.path(), 0, &[]).await;
    let ada = Api::set_up(&server.url, server.setup_link.as_deref().expect("a link")).await;
    let channel = ada.create_channel("Movie night").await;
    let mut viewer = Viewer::join(&server, &ada, channel).await;
    let (mut held, mut failed) = (VecDeque::with_capacity(HELD), 0);
    for n in 0..ATTEMPTS {
        match half_open(server.port, u8::try_from(n % 8).expect("small") + 1).await {
            Ok(stream) => held.push_back(stream),
            // One that the server gave up while it was made.
            Err(_) => failed += 1,
        }
        if held.len() > HELD {
            held.pop_front();
        }
        if n % LOOK_EVERY == LOOK_EVERY - 1 {
            let asked = Instant::now();
            let answer = viewer.say(&format!("after {n}")).await;
            assert_eq!(answer["t"], "ack", "{answer}");
            assert!(asked.elapsed() < MESSAGE_MAX, "a message took {:?} after {n}", asked.elapsed());
        }
    }
    assert!(failed < ATTEMPTS / 100, "{failed} did not even connect");
    let guest = Api::guest(&server.url, "Bea").await;
    guest.join_channel(channel).await;
    let mut other = Viewer::join(&server, &guest, channel).await;
    viewer.send(json!({ "t": "typing" })).await;
    other.until(|event| event["e"] == "typing").await;
    server.stop();
}
