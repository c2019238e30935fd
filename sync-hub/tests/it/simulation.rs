//! Seeded runs in virtual time: a durable log with the real playback rules, delayed feeds and answers, viewers that
//! come, go, command, chat, read slowly and repeat themselves, and hub restarts. The world checks every rule as it
//! goes and once more when all is quiet. A failure names its seed: `LOCKSTEP_SEED=<n>` runs that one alone.

pub mod store;
mod viewer;
mod world;

use world::World;

/// Runs in all, shared by four tests so that they use the machine's cores.
const SEEDS: u64 = 1_000;
const SHARES: u64 = 4;

#[allow(clippy::disallowed_methods, reason = "only a test reads this setting")]
fn seeds(share: u64) -> Vec<u64> {
    match std::env::var("LOCKSTEP_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..SEEDS).filter(|seed| seed % SHARES == share).collect(),
    }
}

fn check(share: u64) {
    let mut totals = world::Totals::default();
    let seeds = seeds(share);
    for seed in &seeds {
        let run = std::panic::catch_unwind(|| World::new(*seed).run());
        match run {
            Ok(run) => totals.add(&run),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                let text = panic.downcast_ref::<&str>().map_or(text, |text| (*text).to_owned());
                panic!("seed {seed}: {text}");
            }
        }
    }
    println!("{totals:?}");
    if seeds.len() > 1 {
        totals.assert_everything_happened();
    }
}

#[test]
fn every_rule_holds_in_every_run_0() {
    check(0);
}

#[test]
fn every_rule_holds_in_every_run_1() {
    check(1);
}

#[test]
fn every_rule_holds_in_every_run_2() {
    check(2);
}

#[test]
fn every_rule_holds_in_every_run_3() {
    check(3);
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..20 {
        assert_eq!(World::new(seed).run(), World::new(seed).run(), "seed {seed}");
    }
}
