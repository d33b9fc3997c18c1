//! Every adapter that speaks HTTP, for the tests that hold for all of them.

use std::sync::Arc;

use pooldeck::ci::{Endpoint, Error, SharedCi, buildbot, buildkite, command, github, jenkins};

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
    ("github", |endpoint| {
        let scope = github::Scope::Organization("acme".to_owned());
        let options = github::Options::new(vec![scope]);
        Ok(Arc::new(github::GitHub::open(endpoint, options)?))
    }),
    ("buildkite", |endpoint| {
        let options = buildkite::Options::new("acme");
        Ok(Arc::new(buildkite::Buildkite::open(endpoint, options)?))
    }),
    ("command", |endpoint| {
        let options = command::Options::default();
        Ok(Arc::new(command::CommandCi::open(endpoint, options)?))
    }),
];
