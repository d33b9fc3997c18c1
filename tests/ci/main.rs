//! The doors to CI controllers, against loopback servers that answer as the real ones do,
//! and as badly as they can.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod buildbot;
mod buildkite;
mod command;
#[path = "../common/mod.rs"]
mod common;
mod doors;
mod faults;
mod github;
mod jenkins;
mod joining;
mod nonsense;
mod secrets;
mod server;
mod tls;

use pooldeck::{
    ci::{Ci, Error, Reading},
    fleet::{Executor, Timestamp, Work},
};

/// The time that tests read at.
const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);
/// Planted wherever a token goes, and looked for wherever one must not be.
const TOKEN: &str = "pl4nted-t0ken-1f00d";

async fn observe(door: &dyn Ci) -> Result<Reading, Error> {
    door.observe(NOW).await
}

/// Returns the executor of this name; there must be exactly one.
fn executor<'a>(reading: &'a Reading, name: &str) -> &'a Executor {
    let mut found = reading.part.executors.iter().filter(|it| it.name == name);
    let executor = found.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(found.next().is_none(), "two {name}");
    executor
}

/// Returns why the executor of this name is unknown; it must be.
fn why_unknown<'a>(reading: &'a Reading, name: &str) -> &'a str {
    match &executor(reading, name).work {
        Work::Unknown(why) => why,
        other => panic!("{name} is {other:?}"),
    }
}
