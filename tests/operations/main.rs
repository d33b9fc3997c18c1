//! Operations in a simulated world that lies, loses replies and crashes its driver.
//! The checkers judge the world's true state; they share nothing with `decide`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod asked;
mod bench;
mod case;
mod checks;
mod crashes;
mod drains;
mod faults;
mod fights;
mod found;
mod freezes;
mod journal;
mod meddler;
mod outcomes;
mod outlook;
mod planted;
mod refreshes;
mod removals;
mod rivals;
mod rolls;
mod seeds;
mod shrink;
mod soak;
mod two;
mod withdrawals;
