//! The doors to AWS against real servers on loopback, which the tests start by themselves.
//!
//! Auto Scaling is moto with working lifecycles, a stand-in that is written
//! from AWS' documentation: see `tests/servers/lifecycle_moto.py`.

#![expect(
    clippy::unwrap_used,
    reason = "what a test needs is there, or the test fails"
)]

#[path = "../common/mod.rs"]
mod common;

mod bill;
mod budget;
mod calls;
mod credentials;
mod drain;
mod faults;
mod lifecycle;
mod loose;
mod metrics;
mod operator;
mod past;
mod pools;
mod prices;
mod reami;
mod region;
mod secrets;
mod servers;
mod upkeep;
mod verbs;
