//! The simulation (DESIGN.md): the desk, the clerk and the store in one thread, under a seeded generator with a manual clock.
//!
//! Real: every decision, the journal, replay. Fake: the disk under it (which tears, forgets and fails), the inbox, the courier, the people. After every
//! step the promises are checked. `TICKETD_SEEDS` says how many seeds (200 without it), `TICKETD_SEED` runs one alone and says what it does.

mod orders;
mod promises;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use world::World;

#[test]
fn every_seed_keeps_the_promises() {
    if let Some(seed) = number("TICKETD_SEED") {
        World::new(seed, true).live();
        return;
    }
    let seeds = number("TICKETD_SEEDS").unwrap_or(200);
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let failed: Vec<u64> = std::thread::scope(|scope| {
        let part = |thread: u64| {
            move || {
                (0..seeds)
                    .filter(|s| s % threads == thread)
                    .filter(|s| !holds(*s))
                    .take(5)
                    .collect::<Vec<_>>()
            }
        };
        let running: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(part(thread)))
            .collect();
        running
            .into_iter()
            .flat_map(|t| t.join().expect("a thread of seeds"))
            .collect()
    });
    println!("{seeds} seeds, {} failed", failed.len());
    assert!(
        failed.is_empty(),
        "run one alone: TICKETD_SEED={} cargo test --test simulation",
        failed[0]
    );
}

/// A checker that has never been seen to object proves nothing.
#[test]
fn each_promise_is_seen_failing() {
    promises::each_is_seen_failing();
}

fn holds(seed: u64) -> bool {
    catch_unwind(AssertUnwindSafe(|| World::new(seed, false).live())).is_ok()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
