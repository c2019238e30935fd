//! Somebody who never reads: costs a bounded queue, is closed soon, and holds up nobody.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use lockstep_domain::{message::MessageEvent, personal::Personal};
use lockstep_sync_hub::{Hub, QUEUED_BYTES_MAX};
use serde_json::json;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use uuid::Uuid;

use crate::world::{ORIGIN, PATIENCE, World};

/// More than the buffers of both kernels take.
const FLOOD_BYTES: usize = 6 * 1024 * 1024;
const TEXT_BYTES: usize = 2_000;
/// Messages on their way at once: what the feed hands over together fits a queue.
const AT_ONCE: usize = 8;
/// From the end of the flood to the end of the socket.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_reads_is_closed_soon_and_costs_a_bounded_queue() {
    let world = World::new().await;
    let (mut ann, _) = world.join("ann").await;
    let eve = world.viewer("eve").await;
    world.admit(&eve).await;
    // A small receive buffer, and not a byte of it read after `joined`.
    let tcp = TcpSocket::new_v4().unwrap();
    tcp.set_recv_buffer_size(4_096).unwrap();
    let tcp = tcp.connect(([127, 0, 0, 1], world.port).into()).await.unwrap();
    let mut request = format!("ws://127.0.0.1:{}/sync", world.port).into_client_request().unwrap();
    request.headers_mut().insert("origin", ORIGIN.parse().unwrap());
    request.headers_mut().insert("cookie", format!("lockstep={}", eve.token).parse().unwrap());
    let (mut stalled, _) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
    let join = json!({"t": "join", "channel": world.channel, "visit": Uuid::now_v7()}).to_string();
    futures::SinkExt::send(&mut stalled, Message::text(join)).await.unwrap();
    while !matches!(stalled.next().await, Some(Ok(Message::Text(text))) if text.contains("joined")) {}
    assert_eq!(world.hub.ask(Hub::size).await.unwrap().0, 2);

    let count = FLOOD_BYTES / TEXT_BYTES;
    let text = "y".repeat(TEXT_BYTES);
    let flood = stream::iter(0..count).for_each_concurrent(AT_ONCE, |_| async {
        let text = Personal::new(world.owner, text.clone());
        let (channel, author) = (world.channel, world.owner);
        let posted = MessageEvent::Posted {
            channel,
            author,
            text,
            video: None,
            playback_us: None,
            reply_to: None,
            reply_author: None,
            mentions: vec![],
        };
        world.append_message(&posted).await;
    });
    let listening = async {
        let mut heard = 0;
        while heard < count {
            match ann.inner.next().await {
                Some(Ok(Message::Text(text))) => heard += text.matches(r#"{"e":"message""#).count(),
                Some(Ok(_)) => {}
                other => panic!("{other:?} after {heard} of {count}"),
            }
        }
    };
    let watching = async {
        let (mut most, mut beat) = (0, tokio::time::interval(Duration::from_millis(5)));
        loop {
            beat.tick().await;
            most = most.max(world.hub.ask(Hub::queued_bytes_max).await.unwrap());
            if world.hub.ask(Hub::size).await.unwrap().0 == 1 {
                return (most, Instant::now());
            }
        }
    };
    let flooded = async {
        flood.await;
        Instant::now()
    };
    let together = async { tokio::join!(listening, flooded, watching) };
    let ((), flooded, (most, closed)) = tokio::time::timeout(PATIENCE * 3, together).await.expect("closed at all");
    assert!(closed <= flooded + CLOSED_WITHIN, "closed {:?} after the flood", closed - flooded);
    assert!(most <= QUEUED_BYTES_MAX, "{most} bytes were held for one socket");
    assert!(most > QUEUED_BYTES_MAX / 4, "nothing was held: this shows nothing ({most} bytes)");
    // It reads at last: what it finds ends, and nothing was taken from the others.
    while let Ok(Some(Ok(_))) = tokio::time::timeout(PATIENCE, stalled.next()).await {}
}
