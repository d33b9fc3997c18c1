//! What a fleet costs: prices, splits, integrals, against tables and brute force.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bills;
mod book;
mod ledger;
mod quotes;
mod spent;
mod splits;
mod yard;
