//! The doors to AWS against real servers on loopback, which the tests start by themselves.

#[path = "../common/mod.rs"]
mod common;

mod servers;
