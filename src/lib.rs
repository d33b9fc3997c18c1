//! pooldeck: a terminal console for fleets of CI workers on EC2.
//!
//! Reads are values, writes are values, time is an argument. The rooms, from
//! the bottom up; `tests/layers.rs` says which may import which.

pub mod action;
pub mod ci;
pub mod cli;
pub mod cloud;
pub mod cost;
pub mod engine;
pub mod fleet;
pub mod operation;
pub mod settings;
pub mod sim;
pub mod tui;
