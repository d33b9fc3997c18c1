//! The command line: transcripts of the real binary on the simulated region,
//! and the same code against a world that a test makes worse.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the snapshots are written by a program"
)]

mod actions;
#[cfg(feature = "aws")]
#[path = "../common/mod.rs"]
mod common;
mod contract;
mod exits;
mod manual;
mod mistakes;
mod money;
mod past;
mod publish;
mod reads;
mod sandbox;
mod secrets;
mod stage;
mod streams;
mod terminal;
#[cfg(feature = "aws")]
mod verbs;
mod watch;
#[cfg(feature = "aws")]
mod wire;
