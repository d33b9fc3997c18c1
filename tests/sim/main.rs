//! The simulated region: same seed, same story; as unkind as AWS; and never untrue about itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod demo;
