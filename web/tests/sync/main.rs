//! `/sync` over real sockets and a real log: what only shows outside the hub's own tests.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and draw ids")]

mod chat;
mod limits;
mod oracle;
mod revoking;
mod rights;
mod stalled;
mod world;

use futures::SinkExt;
use lockstep_commands::{
    member,
    message::{self, NewMessage},
    playback,
};
use lockstep_domain::{ids::MessageId, time::MediaTime};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message};
use uuid::Uuid;
use world::World;

#[tokio::test]
async fn only_our_own_pages_open_a_socket() {
    let world = World::new().await;
    let viewer = world.viewer("ann").await;
    for origin in [
        None,
        Some("null"),
        Some(""),
        Some("http://evil.example"),
        Some("https://watch.test"),
        Some("http://watch.test:80"),
        Some("http://watch.test:8080"),
        Some("http://watch.test.evil.example"),
        Some("http://evil-watch.test"),
        Some("http://www.watch.test"),
        Some("http://watch.test/"),
        Some("HTTP://WATCH.TEST"),
        Some("http://watch.test, http://evil.example"),
        Some("http://user@watch.test"),
        Some("http://watch.test@evil.example"),
    ] {
        let refused = world.connect(origin, Some(&viewer.token)).await.expect_err("refused");
        let tungstenite::Error::Http(response) = refused else { panic!("{refused}") };
        assert_eq!(response.status(), 403, "{origin:?}");
    }
}

#[tokio::test]
async fn who_is_not_signed_in_is_closed_with_4401() {
    let world = World::new().await;
    for token in [None, Some("not-a-session")] {
        let mut socket = world.connect(Some(world::ORIGIN), token).await.expect("upgraded");
        assert_eq!(socket.closed().await, 4401);
    }
}

#[tokio::test]
async fn who_is_not_a_member_is_closed_with_4403() {
    let world = World::new().await;
    let stranger = world.viewer("eve").await;
    let mut socket = world.open(&stranger).await;
    socket.until("t", "hello").await;
    socket.send(json!({"t": "join", "channel": world.channel, "visit": Uuid::now_v7()})).await;
    assert_eq!(socket.until("t", "error").await["code"], "not_a_member");
    assert_eq!(socket.closed().await, 4403);
}

#[tokio::test]
async fn probes_are_answered_on_the_clock_of_the_timeline() {
    let world = World::new().await;
    let (mut socket, _) = world.join("ann").await;
    socket.send(json!({"t": "probe", "n": 7, "c0": -5})).await;
    let first = socket.until("t", "probe").await;
    assert_eq!((&first["n"], &first["c0"]), (&json!(7), &json!(-5)));
    let (s1, s2) = (first["s1"].as_i64().unwrap(), first["s2"].as_i64().unwrap());
    assert!(s1 > 0 && s1 <= s2, "{first}");
    let now = world.hub.clock().now().0;
    assert!(now >= s2 && now - s2 < 5_000_000, "the same clock: {now} {s2}");
}

#[tokio::test]
async fn both_viewers_get_the_same_timeline_and_the_same_chat() {
    let world = World::new().await;
    let (mut ann, joined) = world.join("ann").await;
    assert_eq!(joined["timeline"], Value::Null);
    let (mut ben, _) = world.join("ben").await;
    world.load_film().await;
    for viewer in [&mut ann, &mut ben] {
        assert_eq!(viewer.until("e", "timeline").await["cause"]["verb"], "load");
    }
    let op = Uuid::now_v7();
    ann.send(json!({"t": "intent", "op": op, "verb": "play"})).await;
    let (held, seen) = (ann.until("e", "timeline").await, ben.until("e", "timeline").await);
    assert_eq!(held, seen);
    assert_eq!((&held["cause"]["op"], &held["cause"]["actor"]["name"]), (&json!(op), &json!("ann")));
    assert_eq!(held["timeline"]["rate_ppm"], 0, "it waits until both have buffered it");
    world::ready([&mut ann, &mut ben], &held["timeline"]).await;
    let (played, seen) = (ann.until("e", "timeline").await, ben.until("e", "timeline").await);
    assert_eq!(played, seen);
    assert_eq!(played["timeline"]["rate_ppm"], 1_000_000);
    let ahead = played["timeline"]["at_hub_us"].as_i64().unwrap() - world.hub.clock().now().0;
    assert!((0..=600_000).contains(&ahead), "starts together, soon: {ahead}");
    let acknowledged = ann.until("t", "ack").await;
    assert_eq!((&acknowledged["op"], &acknowledged["changed"]), (&json!(op), &json!(true)));
    assert_eq!(acknowledged["position"], held["position"]);

    for n in 0..10 {
        let chat = json!({"t": "chat", "op": Uuid::now_v7(), "id": Uuid::now_v7(), "text": format!("line {n}")});
        let speaker = if n % 2 == 0 { &mut ann } else { &mut ben };
        speaker.send(chat).await;
    }
    let (mut heard, mut positions) = (vec![], vec![]);
    for viewer in [&mut ann, &mut ben] {
        let mut messages = vec![];
        while messages.len() < 10 {
            messages.push(viewer.until("e", "message").await);
        }
        positions
            .push(messages.iter().map(|m| m["position"].as_str().unwrap().parse::<i64>().unwrap()).collect::<Vec<_>>());
        heard.push(messages);
    }
    assert_eq!(heard[0], heard[1]);
    assert!(positions[0].is_sorted());
    assert!(heard[0][0]["message"]["sent_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_pause_stops_on_one_frame_for_everybody_and_in_the_log() {
    let world = World::new().await;
    let (mut ann, _) = world.join("ann").await;
    let (mut ben, _) = world.join("ben").await;
    world.load_film().await;
    ann.send(json!({"t": "intent", "op": Uuid::now_v7(), "verb": "play"})).await;
    let held = world::timeline(&mut ann, "hold").await;
    world::ready([&mut ann, &mut ben], &held).await;
    let played = world::timeline(&mut ann, "release").await;
    world::timeline(&mut ben, "release").await;
    ben.send(json!({"t": "intent", "op": Uuid::now_v7(), "verb": "pause"})).await;
    let paused = world::timeline(&mut ann, "pause").await;
    assert_eq!(paused, world::timeline(&mut ben, "pause").await);
    assert_eq!(paused["rate_ppm"], 0);
    assert!(paused["at_hub_us"].as_i64() >= played["at_hub_us"].as_i64());
    assert_eq!(world.film().await.position.0, paused["position_us"].as_i64().unwrap());
}

#[tokio::test]
async fn the_same_operation_has_one_effect_on_any_socket() {
    let world = World::new().await;
    let ann = world.viewer("ann").await;
    world.admit(&ann).await;
    let mut first = world.open(&ann).await;
    first.join(&world).await;
    let chat = json!({"t": "chat", "op": Uuid::now_v7(), "id": Uuid::now_v7(), "text": "once"});
    first.send(chat.clone()).await;
    let acknowledged = first.until("t", "ack").await;
    let mut second = world.open(&ann).await;
    second.join(&world).await;
    second.send(chat.clone()).await;
    assert_eq!(second.until("t", "ack").await, acknowledged);
    // Another hub on the same log knows nothing of it but what the log says.
    let restarted = world.restart_hub();
    let mut third = restarted.open(&world, &ann).await;
    third.join(&world).await;
    third.send(chat).await;
    assert_eq!(third.until("t", "ack").await, acknowledged);
    assert_eq!(world.messages().await, 1);
}

#[tokio::test]
async fn what_happens_past_the_socket_reaches_it() {
    let world = World::new().await;
    let (mut ann, _) = world.join("ann").await;
    let ben = world.viewer("ben").await;
    world.admit(&ben).await;
    let context = world.context(ben.account);
    let new = NewMessage { id: MessageId(Uuid::now_v7()), text: "hi".to_owned(), ..NewMessage::default() };
    message::post(&world.services, &context, world.channel, new).await.expect("posted");
    let heard = ann.until("e", "message").await;
    assert_eq!((&heard["message"]["text"], &heard["message"]["author"]["name"]), (&json!("hi"), &json!("ben")));
    world.load_film().await;
    ann.until("e", "timeline").await;
    playback::seek(&world.services, &world.context(ben.account), world.channel, MediaTime(7_000_000))
        .await
        .expect("sought");
    assert_eq!(world::timeline(&mut ann, "seek").await["position_us"], 7_000_000);
}

#[tokio::test]
async fn a_banned_viewer_is_told_closed_and_kept_out() {
    let world = World::new().await;
    let eve = world.viewer("eve").await;
    world.admit(&eve).await;
    let mut socket = world.open(&eve).await;
    socket.join(&world).await;
    member::ban(&world.services, &world.context(world.owner), world.channel, eve.account, None).await.expect("banned");
    assert_eq!(socket.until("e", "banned").await["account"], json!(eve.account));
    assert_eq!(socket.closed().await, 4403);
    let mut again = world.open(&eve).await;
    again.send(json!({"t": "join", "channel": world.channel, "visit": Uuid::now_v7()})).await;
    assert_eq!(again.until("t", "error").await["code"], "banned");
    assert_eq!(again.closed().await, 4403);
}

#[tokio::test]
async fn a_new_hub_goes_on_from_the_log() {
    let world = World::new().await;
    let ann = world.viewer("ann").await;
    world.admit(&ann).await;
    let mut socket = world.open(&ann).await;
    socket.join(&world).await;
    world.load_film().await;
    socket.until("e", "timeline").await;
    socket.send(json!({"t": "intent", "op": Uuid::now_v7(), "verb": "play"})).await;
    let before = world::timeline(&mut socket, "play").await;
    let origin = world.hub.clock();
    let restarted = world.restart_hub();
    let mut again = restarted.open(&world, &ann).await;
    let after = again.join(&world).await["timeline"].clone();
    assert_ne!(before["epoch"], after["epoch"]);
    // The same instant on both hubs' clocks: the film is at the same place, within what two clocks' reading costs.
    let place = |timeline: &Value, now: i64| {
        let since = now - timeline["at_hub_us"].as_i64().unwrap();
        timeline["position_us"].as_i64().unwrap() + since
    };
    let (old, new) = (origin.now().0, restarted.hub.clock().now().0);
    let apart = place(&before, old) - place(&after, new);
    assert!(apart.abs() < 200_000, "{apart} us apart");
}

#[tokio::test]
async fn bad_and_large_frames_close_the_socket() {
    let world = World::new().await;
    let (mut ann, _) = world.join("ann").await;
    ann.send(json!({"t": "dance"})).await;
    assert_eq!(ann.until("t", "error").await["code"], "bad_frame");
    assert_eq!(ann.closed().await, 4400);
    let (mut ben, _) = world.join("ben").await;
    let _ = ben.inner.send(Message::Text("x".repeat(70_000).into())).await;
    assert_eq!(ben.closed().await, 1009);
}

#[tokio::test]
async fn a_drain_closes_with_1012_and_ends_every_task() {
    let world = World::new().await;
    let (mut ann, _) = world.join("ann").await;
    world.shutdown.cancel();
    assert_eq!(ann.closed().await, 1012);
    world.tracker.close();
    tokio::time::timeout(world::PATIENCE, world.tracker.wait()).await.expect("every task ended");
}

#[tokio::test]
async fn presence_follows_who_comes_and_goes() {
    let world = World::new().await;
    let (mut ann, _) = world.join("ann").await;
    ann.until("e", "presence").await;
    let (ben, joined) = world.join("ben").await;
    assert_eq!(joined["members"].as_array().unwrap().len(), 2);
    let came = ann.until("e", "presence").await;
    assert_eq!(came["joined"][0]["account"]["name"], "ben");
    drop(ben);
    let went = ann.until("e", "presence").await;
    let seat = &came["joined"][0]["session"];
    assert_eq!((&went["changed"][0]["session"], &went["changed"][0]["state"]), (seat, &json!("away")));
    assert_eq!(ann.until("e", "presence").await["left"], json!([seat]));
}
