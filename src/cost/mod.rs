//! Prices to rates, rates to money: what a fleet costs, what of it is waste.
//!
//! Pure: prices come in as values, time is an argument. What is not known stays
//! unknown, and is never counted as nothing.

mod book;
mod ledger;
mod list;
pub mod past;
mod split;
mod terms;

pub use book::{Kind, PriceBook};
pub use ledger::{Ledger, billed_time};
pub use list::{PriceList, PriceListError};
pub use split::{split, split_all, spot_saving};
pub use terms::{Discount, Rule, Terms};
