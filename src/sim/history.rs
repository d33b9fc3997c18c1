//! What truly happened in a world: every launch, every death and why, every job lost.

use std::collections::BTreeMap;

use super::agent::Run;
use crate::fleet::{Call, ImageId, InstanceId, PoolKey, Timestamp};

/// The record that checkers judge by; no reader of the doors sees it.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub launches: Vec<Launch>,
    pub deaths: Vec<Death>,
    pub n_jobs_started: u64,
    pub n_jobs_done: u64,
    /// The calls that the network delivered twice.
    pub duplicates: Vec<Call>,
    /// How jobs ended, by the image that they ran on.
    pub outcomes: BTreeMap<ImageId, Outcomes>,
}

/// How many jobs passed and failed; one that was lost did neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    pub n_passed: u64,
    pub n_failed: u64,
}

impl History {
    /// Returns the deaths that took a running job with them.
    pub fn kills(&self) -> impl Iterator<Item = &Death> {
        self.deaths.iter().filter(|it| !it.jobs.is_empty())
    }

    pub fn n_jobs_lost(&self) -> u64 {
        self.kills().map(|it| it.jobs.len() as u64).sum()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    pub at: Timestamp,
    pub instance: InstanceId,
    pub pool: PoolKey,
    /// The group's own sentence.
    pub cause: String,
}

/// The moment when a machine stopped executing anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Death {
    pub at: Timestamp,
    pub instance: InstanceId,
    pub pool: Option<PoolKey>,
    pub why: Doom,
    /// What ran there at that moment: these jobs are lost.
    pub jobs: Vec<Run>,
}

/// Why a machine has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doom {
    /// More members than desired: the group chose it.
    ScaleIn,
    /// More members in its zone than in others: the group chose it.
    Rebalance,
    /// An instance refresh replaced it.
    Refresh,
    /// It grew older than its group allows.
    Lifetime,
    /// The group found it unhealthy.
    Unhealthy,
    /// Named in a termination through the Auto Scaling API, by us.
    TerminatedByUs,
    /// Named in a termination through either API, by somebody else.
    TerminatedByOther,
    /// Its launching hook was abandoned, or ran out of time.
    LaunchAbandoned,
    SpotInterruption,
    /// It stopped itself, or its host failed.
    Failed,
}
