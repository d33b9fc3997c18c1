//! A CI agent in JSON, and a job that one runs.

use serde::Serialize;

use super::instance::Job;
use crate::fleet::{self, ExecutorRow, JobRow, Timestamp};

/// One row of `executors`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Executor {
    pub name: String,
    pub controller: String,
    /// What the controller's API calls it; unique there, which a name need not be.
    pub id: String,
    /// The machine that it runs on; null while that is not known.
    pub instance: Option<String>,
    /// The name of the pool of that machine.
    pub pool: Option<String>,
    /// How the machine was found, or why it was not.
    pub joined: String,
    /// `busy`, `idle`, `offline` or `unknown`. Only `idle` means that it runs nothing.
    pub work: &'static str,
    /// Why its work is not known; null when it is.
    pub why: Option<String>,
    /// When it became idle or offline; null where the controller does not tell.
    pub since: Option<Timestamp>,
    /// Takes no new jobs.
    pub cordoned: bool,
    /// The controller's note on the cordon.
    pub note: Option<String>,
    pub slots: u32,
    pub busy_slots: u32,
    /// Has no machine until a job needs one.
    pub latent: bool,
    pub labels: Vec<String>,
    /// What it runs, as far as the controller shows it. Empty is not idle: only `work` tells.
    pub jobs: Vec<Job>,
    /// Where all this comes from.
    pub evidence: Vec<Evidence>,
}

/// One thing that a source said of an agent, and when.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    pub source: String,
    pub at: Timestamp,
    pub what: String,
}

/// One row of `jobs`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunningJob {
    #[serde(flatten)]
    pub job: Job,
    /// The name of the agent that runs it.
    pub executor: String,
    pub controller: String,
    pub instance: Option<String>,
    pub pool: Option<String>,
}

impl Executor {
    pub(in crate::cli) fn new(row: &ExecutorRow<'_>) -> Self {
        let it = row.0;
        Self {
            name: it.name.clone(),
            controller: it.controller.to_string(),
            id: it.id.clone(),
            instance: it.instance.as_ref().map(ToString::to_string),
            pool: it.pool.as_ref().map(|key| key.name.to_string()),
            joined: it.joining.to_string(),
            work: it.work.as_str(),
            why: row.why().map(str::to_owned),
            since: match it.work {
                fleet::Work::Idle { since } | fleet::Work::Offline { since } => since,
                fleet::Work::Busy(_) | fleet::Work::Unknown(_) => None,
            },
            cordoned: it.cordoned,
            note: it.note.clone(),
            slots: it.n_slots,
            busy_slots: it.n_busy_slots,
            latent: it.is_latent,
            labels: it.labels.clone(),
            jobs: it.jobs().iter().map(Job::new).collect(),
            evidence: it.evidence.iter().map(Evidence::new).collect(),
        }
    }
}

impl Evidence {
    fn new(it: &fleet::Evidence) -> Self {
        Self {
            source: it.source.clone(),
            at: it.at,
            what: it.what.clone(),
        }
    }
}

impl RunningJob {
    pub(in crate::cli) fn new(row: &JobRow<'_>) -> Self {
        let executor = row.executor;
        Self {
            job: Job::new(row.job),
            executor: executor.name.clone(),
            controller: executor.controller.to_string(),
            instance: executor.instance.as_ref().map(ToString::to_string),
            pool: executor.pool.as_ref().map(|key| key.name.to_string()),
        }
    }
}
