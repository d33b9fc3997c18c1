//! What the proof of safety costs: whole operations a second in the simulated region, with
//! everything going wrong that a bad day brings, by what is asked for.
//!
//! `cargo bench --no-default-features --bench operations` prints the numbers.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints what it measured"
)]
#![allow(
    dead_code,
    unused_imports,
    reason = "the benchmark runs the cases of the tests, and no more of them"
)]

#[path = "../operations/asked.rs"]
mod asked;
#[path = "../operations/bench.rs"]
mod bench;
#[path = "../operations/case.rs"]
mod case;
#[path = "../operations/checks/mod.rs"]
mod checks;
#[path = "../operations/drains.rs"]
mod drains;
#[path = "../operations/faults.rs"]
mod faults;
#[path = "../operations/meddler.rs"]
mod meddler;
#[path = "../operations/planted.rs"]
mod planted;
#[path = "../operations/shrink.rs"]
mod shrink;

use std::time::{Duration, Instant};

use case::{Case, VERBS};

/// How long each kind is measured.
const SPAN: Duration = Duration::from_secs(3);

fn main() {
    println!("verb             seeds/s   steps/s   journal lines a seed");
    for (name, verb) in VERBS {
        let (mut n_seeds, mut n_steps, mut n_lines) = (0_u32, 0_u32, 0_usize);
        let started = Instant::now();
        // The same seeds for every verb, as far as time allows.
        for seed in 0.. {
            if SPAN < started.elapsed() {
                break;
            }
            let case = Case {
                verb,
                ..Case::of(seed)
            };
            // Whether it held is for the tests to say; here it only costs time.
            let driver = case.run().unwrap_or_else(|(_, driver)| *driver);
            n_seeds += 1;
            n_steps += driver.n_steps;
            n_lines += driver.journal.len();
        }
        let secs = started.elapsed().as_secs_f64();
        let (seeds, steps) = (f64::from(n_seeds) / secs, f64::from(n_steps) / secs);
        let lines = n_lines / n_seeds.max(1) as usize;
        println!("{name:<16} {seeds:>7.0}   {steps:>7.0}   {lines:>7}");
    }
}
