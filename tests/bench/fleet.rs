//! What a fresh observation and a key in the filter cost: joining and filtering
//! 10,000 instances, and the memory that they take.
//!
//! `cargo bench --no-default-features --bench fleet` prints the numbers.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints what it measured"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use pooldeck::{
    fleet::{Filter, Fleet, InstanceRow, Part, Timestamp},
    sim,
};

const N_INSTANCES: u32 = 10_000;
const N_ROUNDS: usize = 200;

fn main() {
    let now = Timestamp::from_secs(1_800_000_000);
    let before = resident_kib();
    let parts = parts(now);
    let fleet = Fleet::join(&parts);
    let after = resident_kib();
    println!(
        "{} instances, {} pools, {} agents",
        fleet.instances.len(),
        fleet.pools.len(),
        fleet.executors.len()
    );
    println!(
        "memory of the fleet and the world that made it: {} MiB",
        (after.saturating_sub(before)) / 1024
    );
    report("join a fresh reading of every source", || {
        Fleet::join(black_box(&parts))
    });
    // The board keeps the joined agents; a fresh reading of EC2 meets them joined.
    let mut again = parts.clone();
    for (executor, joined) in again
        .iter_mut()
        .flat_map(|it| &mut it.executors)
        .zip(&fleet.executors)
    {
        executor.clone_from(joined);
    }
    report("join a fresh reading of EC2", || {
        Fleet::join(black_box(&again))
    });
    let rows = InstanceRow::all(&fleet);
    for text in [
        "worker",
        "state=InService az=*a age>2h !spot",
        "work=busy",
        "zzzz",
        "i-0",
    ] {
        let filter = Filter::parse::<InstanceRow<'_>>(text).unwrap();
        report(&format!("filter `{text}` (limit 16 ms)"), || {
            filter.select(black_box(&rows), now)
        });
    }
}

fn parts(now: Timestamp) -> Vec<Part> {
    let mut world = sim::big(N_INSTANCES, 1, now);
    let scopes: Vec<_> = world.scopes().map(|it| it.id.clone()).collect();
    let controllers: Vec<_> = world.controllers().map(|it| it.name.clone()).collect();
    let mut parts = Vec::new();
    for scope in &scopes {
        parts.push(world.observe(scope).unwrap().part);
    }
    for name in &controllers {
        parts.push(world.observe_ci(name).unwrap().part);
    }
    parts
}

fn report<T>(what: &str, mut round: impl FnMut() -> T) {
    let mut times: Vec<Duration> = (0..N_ROUNDS)
        .map(|_| {
            let began = Instant::now();
            black_box(round());
            began.elapsed()
        })
        .collect();
    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    println!("{what}: p50 {:?}, p99 {:?}", at(50), at(99));
}

/// Reads the resident set of this process, in KiB; zero where the platform does not tell.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|it| it.starts_with("VmRSS:"));
    let number = line.and_then(|it| it.split_whitespace().nth(1));
    number.and_then(|it| it.parse().ok()).unwrap_or(0)
}
