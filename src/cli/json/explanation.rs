//! What is known of one instance, in JSON.

use serde::Serialize;

use super::{Executor, Instance, SourceError, Stray, VERSION};
use crate::{
    cli::session::Sight,
    engine::Explained,
    fleet::{self, ExecutorRow, Timestamp},
};

/// The document of `explain -o json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    pub version: u32,
    pub at: Timestamp,
    pub instance: Instance,
    pub executors: Vec<Executor>,
    /// What a proof of idleness lacks, a sentence each; never empty.
    pub missing: Vec<String>,
    pub waiting: Vec<Waiting>,
    pub strays: Vec<Stray>,
    pub errors: Vec<SourceError>,
}

/// Something that the instance or its pool waits for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    /// Null when the whole pool waits.
    pub instance: Option<String>,
    pub why: String,
    pub until: Option<Timestamp>,
    pub alarming: bool,
}

impl Explanation {
    pub(in crate::cli) fn new(explained: &Explained<'_>, sight: &Sight) -> Self {
        Self {
            version: VERSION,
            at: sight.observation.at,
            instance: Instance::new(&explained.row, sight.observation.at),
            executors: explained
                .agents
                .iter()
                .map(|it| Executor::new(&ExecutorRow(it)))
                .collect(),
            missing: explained.missing.clone(),
            waiting: explained.waiting.iter().map(Waiting::new).collect(),
            strays: explained.strays.iter().map(Stray::of).collect(),
            errors: sight.failures.iter().map(SourceError::new).collect(),
        }
    }
}

impl Waiting {
    fn new(it: &fleet::Waiting) -> Self {
        Self {
            instance: it.instance.as_ref().map(ToString::to_string),
            why: it.why.clone(),
            until: it.until,
            alarming: it.is_alarming,
        }
    }
}
