//! The CI agents on the instances, what they do, and how we know.

use serde::{Deserialize, Serialize};

use super::{ControllerName, InstanceId, Joining, PoolKey, Timestamp};

/// A CI agent: a Jenkins computer, a Buildbot worker, a GitHub runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Executor {
    /// What the controller's API calls it, unique there; a `Call` names it by this.
    pub id: String,
    /// What people call it; two agents may share a name.
    pub name: String,
    pub controller: ControllerName,
    /// The machine that it runs on, once the two were joined.
    pub instance: Option<InstanceId>,
    /// How we know the machine, or why we do not.
    pub joining: Joining,
    pub pool: Option<PoolKey>,
    pub labels: Vec<String>,
    pub work: Work,
    /// Takes no new jobs: cordoned, paused, marked offline by an operator.
    pub cordoned: bool,
    /// The controller's note on the cordon: who, why, which operation.
    pub note: Option<String>,
    pub n_slots: u32,
    /// How many of them run something; the jobs themselves may be hidden from us.
    pub n_busy_slots: u32,
    /// Has no machine until a job needs one, so being offline is ordinary.
    pub is_latent: bool,
    /// The last jobs that ended on it, newest first, where the controller tells; not all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<Ended>,
    pub evidence: Vec<Evidence>,
    /// What the controller says of the host, for joining: names and addresses.
    pub host_hints: Vec<String>,
}

impl Executor {
    /// Makes an agent of which nothing is known yet but its name.
    pub fn new(controller: ControllerName, name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            id: name.clone(),
            name,
            controller,
            instance: None,
            joining: Joining::default(),
            pool: None,
            labels: Vec::new(),
            work: Work::Unknown("the controller was not asked yet".to_owned()),
            cordoned: false,
            note: None,
            n_slots: 1,
            n_busy_slots: 0,
            is_latent: false,
            ended: Vec::new(),
            evidence: Vec::new(),
            host_hints: Vec::new(),
        }
    }

    pub fn jobs(&self) -> &[Job] {
        match &self.work {
            Work::Busy(jobs) => jobs,
            Work::Idle { .. } | Work::Offline { .. } | Work::Unknown(_) => &[],
        }
    }

    /// Returns whether the agent could take a job now. A cordoned one never counts as capacity.
    pub fn is_available(&self) -> bool {
        !self.cordoned && matches!(self.work, Work::Idle { .. })
    }

    /// Returns the same agent after a reading that failed: what it does is not known any more.
    ///
    /// The old evidence stays, with its time, so that an operator sees how old it is.
    #[must_use]
    pub fn turned_unknown(&self, why: &str) -> Self {
        Self {
            work: Work::Unknown(why.to_owned()),
            ..self.clone()
        }
    }
}

/// What an agent does. Unknown is not idle, and neither is offline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Runs these jobs; the list may be empty when the controller hides them from us.
    Busy(Vec<Job>),
    /// The controller said, of this agent, that it runs nothing.
    Idle { since: Option<Timestamp> },
    /// The controller has no connection to the agent. What runs there is not known.
    Offline { since: Option<Timestamp> },
    /// We cannot tell, and this is why.
    Unknown(String),
}

impl Work {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Busy(_) => "busy",
            Self::Idle { .. } => "idle",
            Self::Offline { .. } => "offline",
            Self::Unknown(_) => "unknown",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub name: String,
    pub url: Option<String>,
    pub started_at: Option<Timestamp>,
    /// From the controller's own estimate.
    pub expected_end: Option<Timestamp>,
}

/// A job that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub at: Timestamp,
    /// Whether it did what it should; one that was retried or broke off did not.
    pub passed: bool,
}

impl Ended {
    /// So many of an agent's are kept.
    pub const N_KEPT: usize = 20;
}

/// One thing that a source said, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub source: String,
    pub at: Timestamp,
    pub what: String,
}

/// The jobs that wait for one label of one controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    pub controller: ControllerName,
    pub label: String,
    pub length: u32,
    pub oldest_since: Option<Timestamp>,
    /// The controller's own words for why the oldest waits.
    pub why: Option<String>,
}
