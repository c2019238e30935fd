//! Several hubs of one installation: one log with the real playback rules, clocks an hour and 100 ppm apart, and a bus
//! that loses, delays and parts. All in virtual time and from seeds; `LOCKSTEP_SEED=<n>` runs one alone.

mod conducting;
mod presence;
mod skew;
mod split;
mod world;

#[allow(clippy::disallowed_methods, reason = "only a test reads this setting")]
fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("LOCKSTEP_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..count).collect(),
    }
}

/// Runs every seed and names the one that fails.
fn each_seed(count: u64, run: impl Fn(u64) + std::panic::RefUnwindSafe) {
    for seed in seeds(count) {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
