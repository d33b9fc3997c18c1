//! Every adapter that speaks HTTP, for the tests that hold for all of them.

use pooldeck::ci::{Endpoint, Error, SharedCi, jenkins};

pub(crate) type Open = fn(Endpoint) -> Result<SharedCi, Error>;

pub(crate) const DOORS: &[(&str, Open)] = &[("jenkins", |endpoint| {
    let door = jenkins::Jenkins::open(endpoint, jenkins::Options::default())?;
    Ok(std::sync::Arc::new(door))
})];
