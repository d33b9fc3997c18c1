//! A fleet that is real enough to lose a job: EC2 and Auto Scaling as moto serves them with
//! working lifecycles, a real Buildbot master, and a real worker process for each instance,
//! under a steady stream of builds. The binary operates it, and is killed again and again.
//!
//! A build that ends as `retry` or `exception` because its worker went away is a killed job.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "real processes take real time, and a run that fails is understood by when they died"
)]

#[path = "../common/mod.rs"]
mod common;

mod driver;
mod fleet;
mod killed;
