//! How far apart in true time two viewers on different nodes are.

use rand::Rng;
use serde_json::json;

use super::{each_seed, world::World};

/// What is promised for 95 of 100 moments, µs.
const SKEW_P95_US: i64 = 20_000;
const MINUTE_MS: i64 = 60_000;

/// Plays for this long while viewers on all nodes play, pause, seek, change speed, come and go; every 100 ms: how far
/// the furthest two are apart.
fn watch(world: &mut World, minutes: i64) -> Vec<i64> {
    let nodes = world.nodes.len();
    for node in 0..nodes {
        world.join(node, node as u64, node as u64);
    }
    world.advance_ms(2_000);
    let first = world.open()[0];
    world.load(first);
    world.intent(first, "play", json!({}));
    let mut visits = 100;
    let mut skews = vec![];
    for step in 0..minutes * MINUTE_MS / 100 {
        world.advance_ms(100);
        if step % 100 == 99 {
            act(world, &mut visits);
        }
        skews.extend(skew(world));
        assert!(world.unconverted || world.check_clocks() > 0);
    }
    skews
}

fn act(world: &mut World, visits: &mut u64) {
    let open = world.open();
    let session = open[world.rng.random_range(0..open.len())];
    match world.rng.random_range(0..10) {
        0..2 => world.intent(session, "play", json!({})),
        2 => world.intent(session, "pause", json!({})),
        3..5 => {
            let position = world.rng.random_range(0..600_000_000);
            world.intent(session, "seek", json!({"position_us": position}));
        }
        5 => {
            let rate = 750_000 + 250_000 * world.rng.random_range(0..4);
            world.intent(session, "rate", json!({"rate_ppm": rate}));
        }
        6..8 => {
            *visits += 1;
            let node = world.rng.random_range(0..world.nodes.len());
            world.join(node, *visits, *visits);
        }
        8 if open.len() > 3 => world.disconnect(session),
        _ => {}
    }
}

/// No lead is longer, µs.
const LEAD_US_MAX: i64 = 2_000_000;

/// The furthest two viewers who have joined; nothing while a change that one of them heard has yet to take effect.
fn skew(world: &World) -> Option<i64> {
    let open = world.open();
    let watching: Vec<u64> = open.into_iter().filter(|session| world.takes_effect(*session).is_some()).collect();
    let leads = watching.iter().filter_map(|session| world.takes_effect(*session)).map(|at| at - world.now);
    if leads.into_iter().any(|lead_us| (1..LEAD_US_MAX).contains(&lead_us)) {
        return None;
    }
    let shown: Vec<i64> = watching.iter().filter_map(|session| world.shows(*session, world.now)).collect();
    Some(shown.iter().max()? - shown.iter().min()?)
}

fn p95(mut skews: Vec<i64>) -> i64 {
    skews.sort_unstable();
    skews[skews.len() * 95 / 100]
}

#[test]
fn viewers_on_different_nodes_are_within_twenty_milliseconds() {
    each_seed(6, |seed| {
        let mut world = World::new(seed, 2);
        let skews = watch(&mut world, 10);
        assert!(skews.len() > 5_000, "most of the time the film is somewhere: {}", skews.len());
        let retimed: usize = world.clients.values().map(|client| client.retimed).sum();
        let p95 = p95(skews);
        println!("seed {seed}: p95 {p95} us, {retimed} timelines mended in 10 min");
        assert!(p95 < SKEW_P95_US, "{p95} us");
    });
}

#[test]
fn three_nodes_and_a_bus_that_is_slow_and_loses_much_keep_it_too() {
    each_seed(6, |seed| {
        let mut world = World::new(seed, 3);
        world.line.delay_us = (1_000, 25_000);
        world.line.loss = 0.2;
        let skews = watch(&mut world, 10);
        let p95 = p95(skews);
        println!("seed {seed}: p95 {p95} us");
        assert!(p95 < SKEW_P95_US, "{p95} us");
    });
}

/// The control: without conversion the clocks' hours show.
#[test]
fn times_that_are_not_converted_are_noticed() {
    each_seed(2, |seed| {
        let mut world = World::new(seed, 2);
        world.unconverted = true;
        let skews = watch(&mut world, 2);
        assert!(p95(skews) > SKEW_P95_US, "this measure sees nothing");
    });
}

/// The control: hubs that do not hear each other compute each its own moment, and run apart.
#[test]
fn hubs_that_do_not_hear_each_other_drift_apart() {
    let mut world = World::new(1, 2);
    for node in 0..2 {
        world.join(node, node as u64, node as u64);
    }
    world.advance_ms(2_000);
    let first = world.open()[0];
    world.load(first);
    world.intent(first, "play", json!({}));
    world.advance_ms(3_000);
    world.parted = true;
    world.advance_ms(5 * MINUTE_MS);
    // 200 ppm for 300 s.
    assert!(skew(&world).unwrap() > 50_000, "{:?}", skew(&world));
    world.parted = false;
    world.advance_ms(3_000);
    assert!(skew(&world).unwrap() < SKEW_P95_US, "{:?}", skew(&world));
}
