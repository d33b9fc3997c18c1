//! Every adapter that speaks HTTP, for the tests that hold for all of them.

use std::sync::Arc;

use pooldeck::ci::{Endpoint, Error, SharedCi, buildbot, jenkins};

pub(crate) type Open = fn(Endpoint) -> Result<SharedCi, Error>;

pub(crate) const DOORS: &[(&str, Open)] = &[
    ("jenkins", |endpoint| {
        let options = jenkins::Options::default();
        Ok(Arc::new(jenkins::Jenkins::open(endpoint, options)?))
    }),
    ("buildbot", |endpoint| {
        let options = buildbot::Options::default();
        Ok(Arc::new(buildbot::Buildbot::open(endpoint, options)?))
    }),
];
