//! What the hubs ask for by themselves is asked for by one of them: the conductor, and the next one when it is gone.

use lockstep_domain::playback::ReleaseCause;
use lockstep_sync_hub::{Command, Fact};
use serde_json::json;

use super::{each_seed, world::World};
use crate::rig::{CHANNEL, VIDEO, account};

/// A film of ten seconds, and a viewer on each node.
fn short_film(seed: u64, nodes: usize) -> (World, Vec<u64>) {
    let mut world = World::new(seed, nodes);
    world.store.duration = Some(lockstep_domain::time::MediaTime(10_000_000));
    let sessions: Vec<u64> = (0..nodes).map(|node| world.join(node, node as u64, node as u64)).collect();
    world.advance_ms(2_000);
    world.load(sessions[0]);
    (world, sessions)
}

fn play(world: &mut World, session: u64) {
    world.intent(session, "seek", json!({"position_us": 1}));
    world.advance_ms(600);
    world.intent(session, "play", json!({}));
    world.advance_ms(1_000);
}

fn asked(world: &World, wanted: impl Fn(&Command) -> bool) -> Vec<usize> {
    world.ran.iter().filter(|(_, command)| wanted(command)).map(|(node, _)| *node).collect()
}

fn is_end(command: &Command) -> bool {
    *command == Command::End { video: VIDEO }
}
fn is_release(command: &Command) -> bool {
    matches!(command, Command::Release { .. })
}

/// Everybody says that they could start what they were told last.
fn ready(world: &mut World, session: u64) {
    let seq = world.clients[&session].timeline.unwrap().seq;
    world.frame(session, &json!({"t": "report", "state": "paused", "error_us": null, "bound_us": null, "ready": seq}));
}

#[test]
fn the_end_of_a_film_is_asked_for_by_one() {
    each_seed(20, |seed| {
        let (mut world, sessions) = short_film(seed, 2 + (seed % 2) as usize);
        play(&mut world, sessions[0]);
        for session in &sessions {
            ready(&mut world, *session);
        }
        world.advance_ms(25_000);
        let conductor = world.lowest(0..world.nodes.len());
        assert_eq!(asked(&world, is_end), [conductor], "seed {seed}");
        assert!(sessions.iter().all(|session| world.clients[session].timeline.unwrap().rate_ppm == 0));
    });
}

#[test]
fn when_the_conductor_dies_the_next_one_asks() {
    let (mut world, sessions) = short_film(2, 2);
    play(&mut world, sessions[0]);
    sessions.iter().for_each(|session| ready(&mut world, *session));
    world.advance_ms(3_000);
    let conductor = world.lowest([0, 1]);
    world.kill(conductor);
    let left_us = 10_000_000 - world.shows(sessions[1 - conductor], world.now).unwrap();
    assert!(left_us > 5_500_000, "it is known to be dead before the film ends: {left_us} us");
    world.advance(world.now + left_us + 1_000_000);
    // Not as a deputy, later.
    assert_eq!(asked(&world, is_end), [1 - conductor]);
    world.advance_ms(20_000);
    assert_eq!(asked(&world, is_end), [1 - conductor]);
}

#[test]
fn a_conductor_that_is_cut_from_the_log_does_not_stop_the_others() {
    let (mut world, sessions) = short_film(2, 2);
    play(&mut world, sessions[0]);
    sessions.iter().for_each(|session| ready(&mut world, *session));
    world.advance_ms(3_000);
    let conductor = world.lowest([0, 1]);
    world.nodes[conductor].cut = true;
    world.advance_ms(25_000);
    assert!(asked(&world, is_end).contains(&(1 - conductor)));
    let there = world.clients.values().find(|client| client.node != conductor).unwrap();
    assert_eq!(there.timeline.unwrap().rate_ppm, 0, "ended");
    world.nodes[conductor].cut = false;
    world.wake_feeds();
    world.advance_ms(5_000);
    assert!(sessions.iter().all(|session| world.clients[session].timeline.unwrap().rate_ppm == 0));
    let ends = world.changes().len();
    world.advance_ms(20_000);
    assert_eq!(world.changes().len(), ends, "a second end has no effect");
}

#[test]
fn a_held_film_waits_for_viewers_of_all_nodes_and_starts_once() {
    each_seed(20, |seed| {
        let (mut world, sessions) = short_film(seed, 2);
        world.intent(sessions[0], "play", json!({}));
        world.advance_ms(1_000);
        let held = |world: &World, session: u64| world.clients[&session].timeline.unwrap().hold_until_us.is_some();
        assert!(sessions.iter().all(|session| held(&world, *session)), "others are here: it is held");
        ready(&mut world, sessions[0]);
        world.advance_ms(3_000);
        assert!(asked(&world, is_release).is_empty(), "seed {seed}: the viewer of the other node is waited for");
        let waiting = world.clients[&sessions[0]].other.iter().rfind(|event| event["e"] == "waiting").unwrap();
        assert_eq!(waiting["sessions"], json!([world.clients[&sessions[1]].seat]));
        ready(&mut world, sessions[1]);
        world.advance_ms(3_000);
        assert_eq!(asked(&world, is_release), [world.lowest([0, 1])], "seed {seed}");
        assert!(matches!(
            world.ran.iter().find(|(_, command)| is_release(command)),
            Some((_, Command::Release { cause: ReleaseCause::Ready }))
        ));
        assert!(sessions.iter().all(|session| world.clients[session].timeline.unwrap().rate_ppm > 0));
    });
}

#[test]
fn votes_are_counted_once_among_everybody() {
    let (mut world, _) = short_film(4, 2);
    world.ran.clear();
    world.store.append(CHANNEL, Some(account(0)), None, Fact::SkipVote);
    world.wake_feeds();
    world.advance_ms(3_000);
    let counts: Vec<&(usize, Command)> =
        world.ran.iter().filter(|(_, command)| matches!(command, Command::CountVotes { .. })).collect();
    let present = vec![account(0), account(1)];
    assert_eq!(counts, [&(world.lowest([0, 1]), Command::CountVotes { present })]);
}

#[test]
fn the_one_remote_is_not_inherited_while_its_holder_is_on_another_node() {
    let (mut world, sessions) = short_film(4, 2);
    world.store.append(CHANNEL, None, None, Fact::Remote { holder: Some(account(0)) });
    world.wake_feeds();
    world.advance_ms(60_000);
    let inherits = |command: &Command| matches!(command, Command::InheritRemote { .. });
    assert!(asked(&world, inherits).is_empty());
    world.disconnect(sessions[0]);
    world.advance_ms(29_000);
    assert!(asked(&world, inherits).is_empty());
    world.advance_ms(2_500);
    assert_eq!(asked(&world, inherits), [1], "by the node that has viewers");
}

#[test]
fn a_lower_node_that_comes_later_takes_the_moment_that_viewers_know() {
    each_seed(20, |seed| {
        let mut world = World::new(seed, 2);
        let low = world.lowest([0, 1]);
        let first = world.join(1 - low, 1, 1);
        world.advance_ms(1_000);
        world.load(first);
        world.intent(first, "play", json!({}));
        world.advance_ms(10_000);
        let told = world.clients[&first].timeline.unwrap();
        let late = world.join(low, 2, 2);
        world.advance_ms(5_000);
        // Five seconds at 200 ppm are a millisecond.
        let moved = told.position_at(world.clock_of(first)).0 - world.shows(first, world.now).unwrap();
        assert!(moved.abs() < 3_000, "seed {seed}: who watched is not disturbed, {moved} us");
        let apart = world.shows(first, world.now).unwrap() - world.shows(late, world.now).unwrap();
        assert!(apart.abs() < 5_000, "seed {seed}: {apart} us");
    });
}

#[test]
fn a_lower_node_that_is_new_takes_the_moment_that_viewers_know() {
    each_seed(20, |seed| {
        let mut world = World::new(seed, 2);
        world.line.delay_us = (25_000, 30_000);
        let low = world.lowest([0, 1]);
        world.kill(low);
        let first = world.join(1 - low, 1, 1);
        world.advance_ms(1_000);
        world.load(first);
        world.intent(first, "play", json!({}));
        world.advance_ms(10_000);
        let told = world.clients[&first].timeline.unwrap();
        world.start_as(low, uuid::Uuid::from_u128(1));
        // It knows nobody yet, not even that there is somebody.
        let late = world.join(low, 2, 2);
        world.advance_ms(5_000);
        let moved = told.position_at(world.clock_of(first)).0 - world.shows(first, world.now).unwrap();
        assert!(moved.abs() < 3_000, "seed {seed}: who watched is not disturbed, {moved} us");
        let apart = world.shows(first, world.now).unwrap() - world.shows(late, world.now).unwrap();
        assert!(apart.abs() < 10_000, "seed {seed}: {apart} us");
    });
}

#[test]
fn who_learns_of_a_change_late_takes_the_moment_it_was_told() {
    each_seed(20, |seed| {
        let (mut world, sessions) = short_film(seed, 2);
        world.line.loss = 0.0;
        let low = world.lowest([0, 1]);
        let (early, late) = (sessions[1 - low], sessions[low]);
        // The conductor's log comes a quarter of a second late.
        world.nodes[low].cut = true;
        world.intent(early, "seek", json!({"position_us": 5_000_000}));
        world.advance_ms(250);
        let told = world.clients[&early].timeline.unwrap();
        world.nodes[low].cut = false;
        world.wake_feeds();
        world.advance_ms(1_500);
        assert_eq!(world.clients[&early].timeline, Some(told), "seed {seed}: nothing to mend");
        let apart_us = world.takes_effect(early).unwrap() - world.takes_effect(late).unwrap();
        assert!(apart_us.abs() < 3_000, "seed {seed}: {apart_us} us");
    });
}

/// From the wish to jump until the film is there, µs.
fn a_jump_takes(nodes: usize) -> i64 {
    let (mut world, sessions) = short_film(1, nodes);
    world.line.delay_us = (60_000, 60_000);
    // Long enough for the faster probes to be forgotten.
    world.advance_ms(40_000);
    let asked_at = world.now;
    world.intent(sessions[0], "seek", json!({"position_us": 1}));
    world.advance_ms(2_000);
    world.takes_effect(sessions[0]).unwrap() - asked_at
}

#[test]
fn a_lead_is_longer_by_the_way_to_the_other_node() {
    let (alone, shared) = (a_jump_takes(1), a_jump_takes(2));
    // Command and feed take up to 30 ms of it.
    assert!((400_000..430_000).contains(&alone), "{alone} us");
    assert!((460_000..490_000).contains(&shared), "{shared} us");
}
