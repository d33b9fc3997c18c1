//! Prices to rates, rates to money: what a fleet costs, what of it is waste.
//!
//! Pure: prices come in as values, time is an argument. What is not known stays
//! unknown, and is never counted as nothing.

mod book;
mod list;
mod split;
mod terms;

pub use book::{Kind, PriceBook};
pub use list::{PriceList, PriceListError};
pub use split::{split, split_all};
pub use terms::{Discount, Rule, Terms};
