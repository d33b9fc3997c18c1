//! A CI controller as it truly is, and its agents.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{job::QueuedJob, scenario::LoadSpec};
use crate::fleet::{ControllerName, Ended, Grade, InstanceId, Timestamp};

#[derive(Clone, Debug)]
pub struct Controller {
    pub name: ControllerName,
    pub url: String,
    pub grade: Grade,
    pub agents: BTreeMap<String, Agent>,
    pub(super) loads: Vec<LoadSpec>,
    /// What waits, by label; oldest first.
    pub(super) queues: BTreeMap<String, VecDeque<QueuedJob>>,
    /// The agents with a free slot, by label: what the scheduler looks at.
    pub(super) free: BTreeMap<String, BTreeSet<String>>,
    pub(super) build_numbers: BTreeMap<String, u32>,
    pub(super) n_runs: u64,
    /// Why it hands out no jobs, while it does not.
    pub quieting_down: Option<String>,
    pub(super) started_at: Timestamp,
    /// When it came back from its last restart; may lie ahead while it is down.
    pub(super) restarted_at: Option<Timestamp>,
}

/// An agent as it truly is.
#[derive(Clone, Debug)]
pub struct Agent {
    pub name: String,
    pub instance: InstanceId,
    /// The first is the one that jobs ask for.
    pub labels: Vec<String>,
    pub n_slots: u32,
    /// What the host calls itself.
    pub hints: Vec<String>,
    pub is_online: bool,
    /// Since when it is connected, or not.
    pub since: Timestamp,
    pub idle_since: Option<Timestamp>,
    /// The note of the cordon, while there is one.
    pub cordon: Option<String>,
    /// Counts its cordons; the end of an older one is void.
    pub(super) n_cordons: u32,
    /// Finishes what it runs and takes nothing more, by its own decision.
    pub is_stopping: bool,
    /// Its machine is gone; the controller may not know yet.
    pub is_dead: bool,
    /// What it runs; of a dead agent, what it ran when it died.
    pub runs: Vec<Run>,
    /// What ended on it, oldest first.
    pub(super) ended: VecDeque<Ended>,
}

/// One job on an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: u64,
    pub name: String,
    pub url: String,
    pub started_at: Timestamp,
    /// When it truly ends.
    pub ends_at: Timestamp,
    /// When the controller expects its end.
    pub expected_end: Timestamp,
    /// From when on the controller shows it.
    pub shown_from: Timestamp,
}

impl Agent {
    pub(super) fn is_free(&self) -> bool {
        self.is_online
            && !self.is_dead
            && !self.is_stopping
            && self.cordon.is_none()
            && (self.runs.len() as u64) < u64::from(self.n_slots)
    }
}

impl Controller {
    /// Returns what it says of itself.
    pub(super) fn describe(&self) -> crate::fleet::Controller {
        crate::fleet::Controller {
            url: Some(self.url.clone()),
            version: Some("2.528".to_owned()),
            started_at: Some(self.restarted_at.unwrap_or(self.started_at)),
            quieting_down: self.quieting_down.clone(),
            ..crate::fleet::Controller::new(self.name.clone(), "simulated", self.grade)
        }
    }

    /// Returns how many jobs wait for a label.
    pub fn n_queued(&self, label: &str) -> u32 {
        self.queues
            .get(label)
            .map_or(0, |it| u32::try_from(it.len()).unwrap_or(u32::MAX))
    }

    /// Returns how many agents of a label could take a job now.
    pub fn n_free(&self, label: &str) -> u32 {
        self.free
            .get(label)
            .map_or(0, |it| u32::try_from(it.len()).unwrap_or(u32::MAX))
    }

    /// Keeps the scheduler's view of one agent true.
    pub(super) fn refresh_free(&mut self, name: &str) {
        let (is_free, labels) = match self.agents.get(name) {
            Some(agent) => (agent.is_free(), agent.labels.clone()),
            None => return,
        };
        for label in labels {
            let free = self.free.entry(label).or_default();
            if is_free {
                free.insert(name.to_owned());
            } else {
                free.remove(name);
            }
        }
    }
}
