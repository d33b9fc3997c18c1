//! The doors to AWS against real servers on loopback, which the tests start by themselves.
//!
//! Auto Scaling is moto with working lifecycles, a stand-in that is written
//! from AWS' documentation: see tests/servers/lifecycle_moto.py.

#[path = "../common/mod.rs"]
mod common;

mod pools;
mod region;
mod servers;
