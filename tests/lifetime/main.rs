//! Operations that outlive the process that began them: real processes on one simulated region.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod adopting;
mod console;
mod host;
mod journals;
mod leaving;
#[path = "../pty/terminal.rs"]
#[allow(dead_code, reason = "the tests of the terminal itself use the rest")]
mod terminal;
