//! Nodes that do not hear each other, or the log, for a while: one order for all, and one timeline again afterwards.

use rand::Rng;
use serde_json::json;

use super::{each_seed, world::World};

/// Viewers on both nodes ask for things while the bus is parted and one node is cut from the log.
fn quarrel(seed: u64) -> World {
    let nodes = 2 + (seed % 2) as usize;
    let mut world = World::new(seed, nodes);
    for node in 0..nodes as u64 * 2 {
        world.join(node as usize % nodes, node, node);
    }
    world.advance_ms(2_000);
    let first = world.open()[0];
    world.load(first);
    world.intent(first, "play", json!({}));
    world.advance_ms(2_000);
    world.parted = true;
    for _ in 0..12 {
        // Each side at the same time.
        for session in world.open() {
            ask(&mut world, session);
        }
        let wait = world.rng.random_range(50..2_000);
        world.advance_ms(wait);
        if world.rng.random_bool(0.3) {
            let node = world.rng.random_range(0..nodes);
            world.nodes[node].cut = !world.nodes[node].cut;
            world.wake_feeds();
        }
    }
    world.parted = false;
    for node in &mut world.nodes {
        node.cut = false;
    }
    world.wake_feeds();
    world
}

fn ask(world: &mut World, session: u64) {
    match world.rng.random_range(0..6) {
        0 => world.intent(session, "play", json!({})),
        1 => world.intent(session, "pause", json!({})),
        2 => {
            let position = world.rng.random_range(0..600_000_000);
            world.intent(session, "seek", json!({"position_us": position}));
        }
        3 => world.chat(session),
        4 => world.intent(session, "rate", json!({"rate_ppm": 1_500_000})),
        _ => {}
    }
}

#[test]
fn after_a_split_everybody_has_seen_one_order_and_sees_one_film() {
    let told = std::sync::atomic::AtomicUsize::new(0);
    each_seed(60, |seed| {
        let mut world = quarrel(seed);
        world.advance_ms(8_000);
        let changes = world.changes();
        let open = world.open();
        for session in &open {
            let client = &world.clients[session];
            let since = client.joined_at.expect("everybody joined before the split");
            let expected: Vec<i64> = changes.iter().copied().filter(|at| *at > since).collect();
            assert_eq!(client.changes, expected, "another sequence of changes than the log's");
            assert_eq!(client.news, world.clients[&open[0]].news, "another chat");
            told.fetch_add(expected.len(), std::sync::atomic::Ordering::Relaxed);
        }
        let line = |session: &u64| {
            let timeline = world.clients[session].timeline.unwrap();
            (timeline.video, timeline.rate_ppm, timeline.speed_ppm, timeline.hold_until_us.is_some())
        };
        assert!(open.iter().all(|session| line(session) == line(&open[0])), "different films");
        for ms in [0, 1_000] {
            let shown: Vec<i64> =
                open.iter().map(|session| world.shows(*session, world.now + ms * 1_000).unwrap()).collect();
            let apart_us = shown.iter().max().unwrap() - shown.iter().min().unwrap();
            assert!(apart_us < 10_000, "{apart_us} us apart: {shown:?}");
        }
    });
    let told = told.into_inner();
    assert!(told > 60 || super::seeds(60).len() == 1, "a quarrel without changes proves nothing: {told}");
}

/// The control: while they are parted, the films do differ.
#[test]
fn a_split_shows() {
    let apart = (0..20).filter(|seed| {
        let world = quarrel(*seed);
        let shown: Vec<i64> = world.open().iter().map(|session| world.shows(*session, world.now).unwrap()).collect();
        shown.iter().max().unwrap() - shown.iter().min().unwrap() > 10_000
    });
    assert!(apart.count() > 5);
}
