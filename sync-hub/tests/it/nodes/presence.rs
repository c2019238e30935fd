//! Who is here, wherever the socket is.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_domain::ids::AccountId;
use rand::Rng;
use serde_json::json;

use super::{each_seed, world::World};
use crate::rig::{account, visit};

/// More than any grace and any silence.
const REST_MS: i64 = 18_000;

fn two() -> (World, u64, u64) {
    let mut world = World::new(3, 2);
    let (a, b) = (world.join(0, 1, 1), world.join(1, 2, 2));
    world.advance_ms(2_000);
    (world, a, b)
}

fn sees(world: &World, session: u64) -> BTreeSet<AccountId> {
    world.clients[&session].members.values().copied().collect()
}

#[test]
fn viewers_of_both_nodes_see_each_other() {
    let (mut world, a, b) = two();
    let both = BTreeSet::from([account(1), account(2)]);
    assert_eq!((sees(&world, a), sees(&world, b)), (both.clone(), both));
    assert_eq!((world.clients[&a].people, world.clients[&b].people), (2, 2));
    let (members, people) = world.nodes[0].hub.as_ref().unwrap().present(crate::rig::CHANNEL);
    assert_eq!((members.len(), people), (2, 2));
    // Who comes later is told at once who is here, and one person on two nodes is one.
    let again = world.join(0, 2, 22);
    world.advance_ms(1_000);
    assert_eq!((world.clients[&again].members.len(), world.clients[&a].people), (3, 2));
}

#[test]
fn who_moves_to_another_node_never_left() {
    let (mut world, a, b) = two();
    let seat = world.clients[&a].seat.clone();
    world.disconnect(a);
    world.advance_ms(1_000);
    assert!(world.clients[&b].away.contains(&seat));
    let moved = world.join(1, 1, 1);
    world.advance_ms(REST_MS);
    assert_eq!(world.clients[&moved].seat, seat, "the same seat");
    assert!(!world.clients[&b].away.contains(&seat));
    assert!(world.clients[&b].left.is_empty(), "{:?}", world.clients[&b].left);
    assert!(world.departed.is_empty(), "the visit goes on");
    // And back again, before its old socket is known to be gone.
    let back = world.join(0, 1, 1);
    world.advance_ms(500);
    world.disconnect(moved);
    world.advance_ms(REST_MS);
    assert_eq!(world.clients[&back].seat, seat);
    assert!(world.clients[&b].left.is_empty() && world.departed.is_empty());
    world.disconnect(back);
    world.advance_ms(REST_MS);
    assert_eq!(world.clients[&b].left, BTreeSet::from([seat]));
    assert_eq!(world.departed, BTreeMap::from([(visit(1), 1)]), "departed once");
}

#[test]
fn viewers_of_a_node_that_died_are_away_until_they_come_back() {
    let (mut world, a, b) = two();
    let (seat, other) = (world.clients[&a].seat.clone(), world.join(0, 3, 3));
    world.advance_ms(1_000);
    world.kill(0);
    world.advance_ms(2_000);
    // Back before anybody knows that the node is gone.
    let back = world.join(1, 1, 1);
    world.advance_ms(4_500);
    assert_eq!(world.clients[&back].seat, seat);
    let lost = world.clients[&other].seat.clone();
    assert_eq!(world.clients[&b].away, BTreeSet::from([lost.clone()]), "known to be gone after five seconds");
    world.advance_ms(REST_MS);
    assert_eq!(world.clients[&b].left, BTreeSet::from([lost]));
    assert_eq!(world.departed, BTreeMap::from([(visit(3), 1)]), "the node that is left says so, once");
}

#[test]
fn a_node_that_ends_says_so() {
    let (mut world, a, b) = two();
    let seat = world.clients[&a].seat.clone();
    world.input(0, lockstep_sync_hub::Input::Drain);
    world.kill(0);
    world.advance_ms(1_000);
    assert_eq!(world.clients[&b].away, BTreeSet::from([seat.clone()]), "not after five seconds");
    assert!(world.nodes[1].hub.as_ref().unwrap().peers().is_empty());
    let back = world.join(1, 1, 1);
    world.advance_ms(REST_MS);
    assert_eq!(world.clients[&back].seat, seat);
    assert!(world.clients[&b].left.is_empty() && world.departed.is_empty());
}

#[test]
fn a_hub_that_hears_nobody_sends_nobody_away_for_good() {
    let (mut world, a, _) = two();
    world.parted = true;
    for node in 0..2 {
        world.input(node, lockstep_sync_hub::Input::BusDown);
    }
    world.advance_ms(REST_MS);
    assert_eq!(world.clients[&a].people, 1, "alone as far as it knows");
    assert!(world.departed.is_empty(), "but nobody is known to have gone");
    world.parted = false;
    for node in 0..2 {
        world.input(node, lockstep_sync_hub::Input::BusUp);
    }
    world.advance_ms(1_000);
    assert_eq!(world.clients[&a].people, 2, "they meet again");
}

#[test]
fn who_is_banned_is_gone_on_every_node_at_once() {
    let (mut world, a, b) = two();
    world.store.ban(crate::rig::CHANNEL, account(1), true);
    world.wake_feeds();
    world.advance_ms(600);
    assert_eq!(world.clients[&a].closed, Some(4403));
    assert_eq!(sees(&world, b), BTreeSet::from([account(2)]));
    assert!(world.clients[&b].away.is_empty());
}

#[test]
fn typing_and_thrown_emoji_reach_the_other_node() {
    let (mut world, a, b) = two();
    world.line.loss = 0.0;
    world.frame(a, &json!({"t": "typing"}));
    world.advance_ms(100);
    let typing = world.clients[&b].other.iter().find(|event| event["e"] == "typing").expect("told");
    assert_eq!(typing["accounts"][0]["id"], json!(account(1)));
    for _ in 0..3 {
        world.frame(a, &json!({"t": "react", "emoji": "🎉"}));
    }
    world.frame(b, &json!({"t": "react", "emoji": "🎉"}));
    world.advance_ms(2_000);
    for session in [a, b] {
        let thrown = world.clients[&session].other.iter().filter(|event| event["e"] == "reactions");
        let count: u64 = thrown.map(|event| event["counts"][0]["count"].as_u64().unwrap()).sum();
        assert_eq!(count, 4, "each throw once, on both nodes");
    }
}

#[test]
fn a_crowd_on_another_node_is_a_sample_and_a_number() {
    let mut world = World::new(5, 2);
    world.line.loss = 0.0;
    let watcher = world.join(1, 9_999, 9_999);
    world.readers.insert(watcher);
    for who in 0..500 {
        world.join(0, who, who);
    }
    world.advance_ms(3_000);
    let client = &world.clients[&watcher];
    assert_eq!(client.people, 501, "everybody counts");
    assert!((100..=200).contains(&client.members.len()), "some are named: {}", client.members.len());
}

/// Random comings and goings, moves and deaths of nodes; when all is quiet, everybody sees who is here.
#[test]
fn in_the_end_everybody_sees_who_is_here() {
    each_seed(60, |seed| {
        let nodes = 2 + (seed % 2) as usize;
        let mut world = World::new(seed, nodes);
        world.line.loss = 0.1;
        let mut visits = 0;
        for _ in 0..60 {
            stir(&mut world, &mut visits);
            let wait = world.rng.random_range(0..1_500);
            world.advance_ms(wait);
        }
        world.parted = false;
        world.advance_ms(REST_MS);
        check_presence(&world, seed);
    });
}

fn stir(world: &mut World, visits: &mut u64) {
    let nodes = world.nodes.len();
    let alive: Vec<usize> = (0..nodes).filter(|node| world.nodes[*node].hub.is_some()).collect();
    let node = alive[world.rng.random_range(0..alive.len())];
    let open = world.open();
    match world.rng.random_range(0..20) {
        0..6 => {
            *visits += 1;
            // Few people, so that one is often here twice.
            let who = world.rng.random_range(0..6);
            world.join(node, who, *visits);
        }
        6..9 if !open.is_empty() => {
            let session = open[world.rng.random_range(0..open.len())];
            world.disconnect(session);
        }
        // Somebody's connection breaks or not, and the visit goes on at another node.
        9..14 if *visits > 0 => {
            let sessions: Vec<u64> = world.clients.keys().copied().collect();
            let session = sessions[world.rng.random_range(0..sessions.len())];
            let (who, visit) = (world.clients[&session].who, world.clients[&session].visit);
            if world.departed.contains_key(&crate::rig::visit(visit)) {
                return;
            }
            if world.clients[&session].closed.is_none() {
                world.disconnect(session);
            }
            world.join(node, who, visit);
        }
        14 if alive.len() > 1 => world.kill(node),
        15 => {
            if let Some(dead) = (0..nodes).find(|node| world.nodes[*node].hub.is_none()) {
                world.start(dead);
            }
        }
        16 => world.parted = !world.parted,
        _ => {}
    }
}

fn check_presence(world: &World, seed: u64) {
    let open = world.open();
    let here: BTreeSet<u64> = open.iter().map(|session| world.clients[session].visit).collect();
    let people: BTreeSet<u64> = open.iter().map(|session| world.clients[session].who).collect();
    for session in &open {
        let client = &world.clients[session];
        assert!(client.joined_at.is_some(), "never joined");
        let expected: BTreeSet<AccountId> = people.iter().map(|who| account(*who)).collect();
        assert_eq!(sees(world, *session), expected, "seed {seed}: others than are here");
        assert_eq!(client.people, people.len() as u64);
        assert!(client.away.is_empty(), "seed {seed}: nobody is away any more: {:?}", client.away);
        assert_eq!(client.members, world.clients[&open[0]].members, "seed {seed}: others than elsewhere");
        assert!(client.members.contains_key(&client.seat), "sees itself");
        assert!(client.members.len() >= here.len());
    }
}
