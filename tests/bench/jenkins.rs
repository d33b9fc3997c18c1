//! How long a reading of 2,000 Jenkins computers takes to understand: `cargo bench --bench jenkins`.
//!
//! Fails when half of the readings take longer than 50 ms.

use std::{
    hint::black_box,
    process::ExitCode,
    time::{Duration, Instant},
};

use pooldeck::{
    ci::{
        Endpoint,
        jenkins::{Jenkins, Options},
    },
    fleet::Timestamp,
};
use serde_json::{Value, json};

const N_COMPUTERS: usize = 2000;
const N_ROUNDS: usize = 200;
const MOST: Duration = Duration::from_millis(50);

#[expect(clippy::print_stdout, reason = "a benchmark reports")]
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn main() -> ExitCode {
    let recorded = include_str!("../ci/recorded/jenkins_computers.json");
    let answer = replicated(recorded).to_string();
    let endpoint = Endpoint::new("jenkins", "http://localhost/");
    let door = Jenkins::open(endpoint, Options::default()).expect("a plain endpoint");
    let now = Timestamp::from_secs(1_790_000_000);
    let mut times: Vec<Duration> = (0..N_ROUNDS)
        .map(|_| {
            let began = Instant::now();
            let executors = door.read_computers(black_box(&answer), now);
            let took = began.elapsed();
            assert_eq!(executors.expect("a recorded answer").len(), N_COMPUTERS);
            took
        })
        .collect();
    times.sort_unstable();
    let (p50, p99) = (times[N_ROUNDS / 2], times[N_ROUNDS * 99 / 100]);
    println!(
        "{N_COMPUTERS} computers, {} KiB: p50 {:.1} ms, p99 {:.1} ms of {N_ROUNDS}",
        answer.len() / 1024,
        p50.as_secs_f64() * 1e3,
        p99.as_secs_f64() * 1e3
    );
    if p50 <= MOST {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Repeats the recorded agents under new names.
fn replicated(recorded: &str) -> Value {
    let recorded: Value = serde_json::from_str(recorded).expect("a recorded answer");
    let agents = recorded["computer"].as_array().expect("a list");
    let computers: Vec<Value> = (0..N_COMPUTERS)
        .map(|computer_idx| {
            // Without the first, which is Jenkins itself.
            let mut computer = agents[1 + computer_idx % (agents.len() - 1)].clone();
            computer["displayName"] = json!(format!("linux-i-{computer_idx:017x}"));
            computer
        })
        .collect();
    json!({"computer": computers})
}
