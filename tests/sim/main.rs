//! The simulated region: same seed, same story; as unkind as AWS; and never untrue about itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod big;
mod ci_faults;
mod cloud_faults;
mod common;
mod demo;
mod doors;
mod jobs;
mod launches;
mod refresh;
mod refusals;
mod scaling;
mod soak;
mod transitions;
mod upkeep;
mod warm;
mod weather;
