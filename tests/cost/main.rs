//! What a fleet costs: prices, splits, integrals, against tables and brute force.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bills;
mod book;
mod ledger;
mod quotes;
#[path = "../common/rows.rs"]
mod rows;
mod spent;
mod splits;
mod yard;
