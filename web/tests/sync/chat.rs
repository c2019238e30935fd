//! Chat on real sockets: what became of a message reaches everybody, and mute and slow mode bite.

use lockstep_commands::{channel, member, message};
use lockstep_domain::ids::MessageId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Socket, World};

const THUMB: &str = "\u{1F44D}";

fn chat(text: &str) -> (Uuid, Value) {
    let id = Uuid::now_v7();
    (id, json!({"t": "chat", "op": Uuid::now_v7(), "id": id, "text": text}))
}

async fn refused(socket: &mut Socket, text: &str) -> Value {
    socket.send(chat(text).1).await;
    socket.until("t", "refused").await
}

#[tokio::test]
async fn every_change_of_a_message_reaches_both_viewers() {
    let world = World::new().await;
    let (mut ann, _) = world.join("ann").await;
    let ben = world.viewer("ben").await;
    world.admit(&ben).await;
    let mut his = world.open(&ben).await;
    his.join(&world).await;
    let (id, frame) = chat("first");
    his.send(frame).await;
    ann.until("e", "message").await;
    let (services, message) = (&world.services, MessageId(id));
    message::react(services, &world.context(world.owner), message, THUMB.to_owned(), true).await.expect("reacted");
    message::edit(services, &world.context(ben.account), message, "second".to_owned()).await.expect("edited");
    message::redact(services, &world.context(world.owner), message, Some("spam".to_owned())).await.expect("redacted");
    for socket in [&mut ann, &mut his] {
        let reacted = socket.until("e", "message_changed").await["message"].clone();
        assert_eq!(reacted["reactions"], json!([{"emoji": THUMB, "count": 1}]));
        assert_eq!(reacted["reacted"], json!({"account": world.owner, "emoji": THUMB, "on": true}));
        let edited = socket.until("e", "message_changed").await["message"].clone();
        assert_eq!((&edited["text"], &edited["edited"]), (&json!("second"), &json!(true)));
        assert_eq!(edited["reactions"], reacted["reactions"], "the whole view, not only what changed");
        let gone = socket.until("e", "message_changed").await["message"].clone();
        assert_eq!((&gone["text"], &gone["reactions"]), (&Value::Null, &json!([])));
        assert_eq!((&gone["redacted"]["by"]["name"], &gone["redacted"]["reason"]), (&json!("owner"), &json!("spam")));
    }
}

#[tokio::test]
async fn a_mute_bites_on_the_socket_for_words_and_thrown_emoji() {
    let world = World::new().await;
    let (mut ann, _) = world.join("ann").await;
    let ben = world.viewer("ben").await;
    world.admit(&ben).await;
    let mut his = world.open(&ben).await;
    his.join(&world).await;
    his.send(json!({"t": "react", "emoji": THUMB})).await;
    assert_eq!(ann.until("e", "reactions").await["counts"], json!([{"emoji": THUMB, "count": 1}]));
    let owner = world.context(world.owner);
    member::mute(&world.services, &owner, world.channel, ben.account, None, None).await.expect("muted");
    his.until("e", "changed").await;
    assert_eq!(refused(&mut his, "hello").await["code"], "muted");
    his.send(json!({"t": "react", "emoji": THUMB})).await;
    // Asked and refused before this is: nothing was thrown meanwhile.
    ann.send(json!({"t": "react", "emoji": "\u{2764}"})).await;
    let told = ann.until("e", "reactions").await;
    assert_eq!(told["counts"], json!([{"emoji": "\u{2764}", "count": 1}]));
    assert_eq!(world.messages().await, 0);
}

#[tokio::test]
async fn slow_mode_and_floods_bite_on_the_socket() {
    let world = World::new().await;
    let (mut ann, _) = world.join("ann").await;
    for n in 0..5 {
        ann.send(chat(&format!("line {n}")).1).await;
        ann.until("t", "ack").await;
    }
    let flood = refused(&mut ann, "too fast").await;
    assert_eq!(flood["code"], "too_fast");
    assert!((1..=5_000).contains(&flood["retry_after_ms"].as_i64().unwrap()), "{flood}");
    let (mut ben, _) = world.join("ben").await;
    let owner = world.context(world.owner);
    channel::set_slow_mode(&world.services, &owner, world.channel, 60).await.expect("slow");
    ben.send(chat("one").1).await;
    ben.until("t", "ack").await;
    let wait = refused(&mut ben, "two").await;
    assert_eq!(wait["code"], "slow_mode_wait");
    assert!((50_000..=60_000).contains(&wait["retry_after_ms"].as_i64().unwrap()), "{wait}");
    assert_eq!(world.messages().await, 6);
}
