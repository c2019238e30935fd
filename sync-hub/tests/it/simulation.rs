//! Seeded runs in virtual time: a durable log with the real playback rules, delayed feeds and answers, viewers that
//! come, go, command, chat, read slowly and repeat themselves, and hub restarts. The world checks every rule as it
//! goes and once more when all is quiet. A failure names its seed: `LOCKSTEP_SEED=<n>` runs that one alone.

mod store;
mod viewer;
mod world;

use world::World;

/// Runs per test.
const SEEDS: u64 = 1_000;

#[allow(clippy::disallowed_methods, reason = "only a test reads this setting")]
fn seeds() -> Vec<u64> {
    match std::env::var("LOCKSTEP_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..SEEDS).collect(),
    }
}

#[test]
fn every_rule_holds_in_every_run() {
    let mut totals = world::Totals::default();
    for seed in seeds() {
        let run = std::panic::catch_unwind(|| World::new(seed).run());
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
    if seeds().len() > 1 {
        totals.assert_everything_happened();
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..20 {
        assert_eq!(World::new(seed).run(), World::new(seed).run(), "seed {seed}");
    }
}
