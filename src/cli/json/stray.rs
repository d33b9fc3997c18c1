//! A disagreement between EC2 and the CI controllers, in JSON.

use serde::Serialize;

use crate::fleet::{self, StrayRow, Timestamp};

/// One row of `strays`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stray {
    /// Such as `executors_exceed_desired` or `instance_without_agent`.
    pub kind: &'static str,
    /// The agent's name, or the pool's where no agent is meant.
    pub name: String,
    pub instance: Option<String>,
    pub pool: Option<String>,
    pub why: String,
    pub since: Option<Timestamp>,
    /// Whether an operator has to do something about it; a latent worker is ordinary.
    pub alarming: bool,
}

impl Stray {
    pub(in crate::cli) fn new(row: &StrayRow<'_>) -> Self {
        Self::of(row.0)
    }

    pub(super) fn of(it: &fleet::Stray) -> Self {
        Self {
            kind: it.kind.as_str(),
            name: it.name.clone(),
            instance: it.instance.as_ref().map(ToString::to_string),
            pool: it.pool.as_ref().map(|key| key.name.to_string()),
            why: it.why.clone(),
            since: it.since,
            alarming: it.kind.is_alarming(),
        }
    }
}
