//! Two processes on one database, one store and one Redis are one for their viewers, although their clocks are two hours
//! apart and drift away from each other; and each goes on when the other, or Redis, is gone.

mod installation;
mod viewer;

use std::time::{Duration, Instant};

use installation::Party;
use serde_json::json;
use uuid::Uuid;
use viewer::{Viewer, true_us};

/// Two viewers' places differ by less, at the 95th percentile.
const SKEW_P95_US: i64 = 20_000;
/// How long a viewer of a lost node may be away.
const BACK_MAX: Duration = Duration::from_secs(3);
/// What the second node's database is further away than the first one's: without one moment for both, its viewers would
/// be so late.
const FURTHER: Duration = Duration::from_millis(40);
const NOBODY: [String; 0] = [];

/// How far the two are apart, again and again for a second and a half, microseconds.
async fn apart_us(one: &mut Viewer, two: &mut Viewer) -> Vec<i64> {
    one.look_at_the_clock().await;
    two.look_at_the_clock().await;
    let mut beat = tokio::time::interval(Duration::from_millis(20));
    let mut apart = Vec::new();
    for _ in 0..75 {
        beat.tick().await;
        one.listen();
        two.listen();
        let now = true_us();
        apart.push((one.place_us(now) - two.place_us(now)).abs());
    }
    apart
}

fn p95(mut apart_us: Vec<i64>) -> i64 {
    apart_us.sort_unstable();
    apart_us[apart_us.len() * 95 / 100]
}

/// Both see this verb's change.
async fn both_see(party: &mut Party, verb: &str) {
    for viewer in [&mut party.one, &mut party.two] {
        viewer.until(|event| event["e"] == "timeline" && event["cause"]["verb"] == verb).await;
    }
}

async fn both_here(party: &mut Party) {
    for viewer in [&mut party.one, &mut party.two] {
        viewer.see("both are here", |viewer| viewer.names() == ["Ada", "Bea"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_on_two_nodes_are_in_one_channel() {
    let mut party = Party::start().await;
    both_here(&mut party).await;
    party.one.say("hello from the first").await;
    party.two.say("hello from the second").await;
    for viewer in [&mut party.one, &mut party.two] {
        viewer.see("both messages", |viewer| viewer.messages.len() == 2).await;
        assert_eq!(viewer.messages, ["hello from the first", "hello from the second"]);
    }
    party.one.send(json!({ "t": "typing" })).await;
    party.two.until(|event| event["e"] == "typing" && event["accounts"][0]["name"] == "Ada").await;
    party.two.send(json!({ "t": "react", "emoji": "🎉" })).await;
    party.one.until(|event| event["e"] == "reactions" && event["counts"][0]["emoji"] == "🎉").await;
    assert_eq!((&party.one.left[..], &party.two.left[..]), (&NOBODY[..], &NOBODY[..]));
    party.nodes.into_iter().for_each(crate::process::Server::stop);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_records_wakes_the_other() {
    let mut party = Party::start().await;
    let before = party.told().await;
    // As many words as one person may say at a time; each is a commit of its own, and a look comes every 100 ms.
    for n in 0..5 {
        party.one.say(&format!("Ada {n}")).await;
        party.two.say(&format!("Bea {n}")).await;
    }
    party.two.see("the last message", |viewer| viewer.messages.len() == 10).await;
    let told = party.told().await;
    assert!(told.iter().zip(&before).all(|(told, before)| told > before), "{before:?} and then {told:?}");
    party.nodes.into_iter().for_each(crate::process::Server::stop);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_on_two_nodes_are_at_the_same_place() {
    let mut party = Party::start().await;
    both_here(&mut party).await;
    party.load_film().await;
    party.line.slow(FURTHER);
    party.play().await;
    let mut apart = apart_us(&mut party.one, &mut party.two).await;
    assert!(party.one.plays(true_us()) && party.two.plays(true_us()));
    // The control: the two clocks are what they are said to be, so a moment that is not converted is hours off.
    let moments = [&party.one, &party.two].map(|viewer| viewer.timeline["at_hub_us"].as_i64().expect("a number"));
    assert!((moments[0] - moments[1]).abs() > 7_000_000_000, "{moments:?}");
    for (jump, position_us) in [600_000_000, 1_500_000_000, 90_000_000].into_iter().enumerate() {
        let who = if jump % 2 == 0 { &mut party.two } else { &mut party.one };
        who.intend("seek", Some(position_us)).await;
        both_see(&mut party, "seek").await;
        apart.extend(apart_us(&mut party.one, &mut party.two).await);
        assert!(party.one.plays(true_us()), "it went on");
    }
    party.two.intend("pause", None).await;
    both_see(&mut party, "pause").await;
    let still = apart_us(&mut party.one, &mut party.two).await;
    assert_eq!(still.last(), Some(&0), "on one frame: {} and {}", party.one.timeline, party.two.timeline);
    apart.extend(still);
    let (samples, most, p95) = (apart.len(), apart.iter().copied().max(), p95(apart));
    eprintln!("{samples} looks: p95 {p95} us, at most {most:?}");
    assert!(p95 < SKEW_P95_US, "{p95} us apart");
    party.nodes.into_iter().for_each(crate::process::Server::stop);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_on_one_node_ends_on_the_other() {
    let mut party = Party::start().await;
    let at_the_first = party.bea.at(&party.nodes[0].url);
    at_the_first.ask("mutation { signOut { __typename } }", json!({})).await.expect("answered");
    let asked = Instant::now();
    assert_eq!(party.two.ended().await, Some(4401));
    assert!(asked.elapsed() < Duration::from_secs(1), "within a second: {:?}", asked.elapsed());
    party.one.say("still here").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_node_is_killed_its_viewers_go_on_at_the_other() {
    let mut party = Party::start().await;
    both_here(&mut party).await;
    party.load_film().await;
    party.play().await;
    // As many words as one person may say at a time, over the whole test.
    for n in 0..2 {
        party.one.say(&format!("Ada {n}")).await;
        party.two.say(&format!("Bea {n}")).await;
    }
    party.two.see("what was said so far", |viewer| viewer.messages.len() == 2 * 2).await;
    let op = Uuid::now_v7();
    let unsaid = json!({ "t": "chat", "op": op, "id": Uuid::now_v7(), "text": "Ada, in the midst of it" });
    let before = party.two.timeline.clone();
    party.two.listen();
    party.one.send(unsaid.clone()).await;
    party.nodes.remove(0).kill().await;
    let killed = Instant::now();
    assert_eq!(party.one.ended().await, None, "cut");
    party.two.say("Bea, meanwhile").await;
    party.one.come_back(&party.nodes[0]).await;
    assert!(killed.elapsed() < BACK_MAX, "back after {:?}", killed.elapsed());
    // Nobody knows what became of it: asking again is safe.
    party.one.send(unsaid).await;
    party.one.until(|frame| frame["t"] == "ack" && frame["op"] == json!(op)).await;
    for n in 2..4 {
        party.one.say(&format!("Ada {n}")).await;
        party.two.say(&format!("Bea {n}")).await;
    }
    for viewer in [&mut party.one, &mut party.two] {
        viewer.see("the last message", |viewer| viewer.messages.iter().any(|text| text == "Bea 3")).await;
    }
    assert_eq!(party.one.messages, party.two.messages, "nothing lost, nothing doubled, one order");
    assert_eq!(party.one.messages.len(), 2 * 2 + 2 + 2 * 2);
    assert_eq!(party.two.timeline["rate_ppm"], 1_000_000, "the other's film never stopped");
    let mut since = party.two.heard_timelines.iter().skip_while(|timeline| timeline["rate_ppm"] == 0);
    assert!(since.all(|timeline| timeline["rate_ppm"] == 1_000_000), "not once: {:?}", party.two.heard_timelines);
    let place = |timeline: &serde_json::Value| {
        let number = |field: &str| timeline[field].as_i64().expect("a number");
        number("position_us") - number("at_hub_us")
    };
    let moved = (place(&party.two.timeline) - place(&before)).abs();
    assert!(moved < SKEW_P95_US, "nor jumped: by {moved} us");
    let apart = p95(apart_us(&mut party.one, &mut party.two).await);
    assert!(apart < SKEW_P95_US, "{apart} us apart");
    // Who came back never left; and the lost node's other seats are forgotten.
    both_here(&mut party).await;
    assert_eq!(party.two.left, NOBODY);
    party.nodes.into_iter().for_each(crate::process::Server::stop);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_each_node_goes_on_and_they_meet_again() {
    let mut party = Party::start().await;
    both_here(&mut party).await;
    party.load_film().await;
    party.play().await;
    party.kill_redis();
    // What is durable needs no Redis.
    for n in 0..5 {
        party.one.say(&format!("Ada {n}")).await;
        party.two.say(&format!("Bea {n}")).await;
    }
    party.one.intend("seek", Some(600_000_000)).await;
    both_see(&mut party, "seek").await;
    for viewer in [&mut party.one, &mut party.two] {
        viewer.see("all messages", |viewer| viewer.messages.len() == 10).await;
        assert!(viewer.timeline["position_us"].as_i64().is_some_and(|at| at >= 600_000_000), "{}", viewer.timeline);
    }
    assert_eq!(party.one.messages, party.two.messages);
    party.one.see("Ada by herself", |viewer| viewer.names() == ["Ada"]).await;
    party.two.see("Bea by herself", |viewer| viewer.names() == ["Bea"]).await;
    assert!(party.one.plays(true_us()) && party.two.plays(true_us()), "and the film goes on");
    for node in &party.nodes {
        let ready = reqwest::get(format!("{}/readyz", node.url)).await.expect("answers");
        assert_eq!(ready.status(), 200, "a node without Redis serves");
        let detail: serde_json::Value = ready.json().await.expect("JSON");
        assert_eq!(detail["edges"]["bus"]["nodes"], "away", "{detail}");
    }
    party.restart_redis().await;
    both_here(&mut party).await;
    party.two.intend("seek", Some(90_000_000)).await;
    both_see(&mut party, "seek").await;
    let apart = p95(apart_us(&mut party.one, &mut party.two).await);
    assert!(apart < SKEW_P95_US, "{apart} us apart");
    party.nodes.into_iter().for_each(crate::process::Server::stop);
}
