//! What a reading says of a target: the evidence for and against idleness.

use serde::{Deserialize, Serialize};

use super::{Happening, Operation, Spec, Standing, TargetState, roll};
use crate::fleet::{
    ControllerName, Executor, Fleet, Instance, InstanceId, Job, MachineState, Phase, Timestamp,
    Work,
};

/// What one reading says of one instance and all its agents together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "snake_case")]
pub enum Sight {
    /// Every agent is cordoned, and its controller says that it runs nothing.
    Idle { at: Timestamp },
    /// A job runs, whether we may see it or not.
    Busy {
        at: Timestamp,
        jobs: Vec<Job>,
        /// Whether every agent is cordoned, so that it gets no other job.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_closed: bool,
    },
    /// An agent may still be given a job.
    Open { at: Timestamp, executor: String },
    /// It cannot be told. Not idle.
    Unknown { at: Timestamp, why: String },
    /// It is on its way out, and no hook holds it any more.
    Leaving {
        at: Timestamp,
        /// Whether an agent of it did not look idle: a hook that holds it later is not answered
        /// by a proof from before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_doubted: bool,
    },
    /// The machine is not in the reading, while its pool is.
    Gone { at: Timestamp },
}

/// An agent that a reading showed on a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    pub controller: ControllerName,
    /// What the controller's API calls it.
    pub id: String,
    pub name: String,
    /// Leaves by itself after a job, so that it is not there any more means nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_ephemeral: bool,
}

impl Agent {
    fn of(executor: &Executor) -> Self {
        Self {
            controller: executor.controller.clone(),
            id: executor.id.clone(),
            name: executor.name.clone(),
            is_ephemeral: executor.is_latent,
        }
    }

    pub(super) fn key(&self) -> (ControllerName, String) {
        (self.controller.clone(), self.id.clone())
    }
}

const NO_AGENT: &str = "no agent of it is known to a controller";

impl Sight {
    /// Returns whether no controller knows of an agent of it.
    pub(super) fn is_agentless(&self) -> bool {
        matches!(self, Self::Unknown { why, .. } if why == NO_AGENT)
    }

    pub fn at(&self) -> Timestamp {
        match self {
            Self::Idle { at }
            | Self::Busy { at, .. }
            | Self::Open { at, .. }
            | Self::Unknown { at, .. }
            | Self::Leaving { at, .. }
            | Self::Gone { at } => *at,
        }
    }

    /// Returns whether the two say the same, at whatever time.
    fn says_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Idle { .. }, Self::Idle { .. }) | (Self::Gone { .. }, Self::Gone { .. }) => true,
            (
                Self::Leaving { is_doubted, .. },
                Self::Leaving {
                    is_doubted: other, ..
                },
            ) => is_doubted == other,
            (
                Self::Busy {
                    jobs, is_closed, ..
                },
                Self::Busy {
                    jobs: others,
                    is_closed: other,
                    ..
                },
            ) => jobs == others && is_closed == other,
            (
                Self::Open { executor, .. },
                Self::Open {
                    executor: other, ..
                },
            ) => executor == other,
            (Self::Unknown { why, .. }, Self::Unknown { why: other, .. }) => why == other,
            _ => false,
        }
    }
}

/// Returns what is new in this fleet about the targets that are under way.
///
/// A reading that only repeats is not told, except that each new proof of
/// idleness counts.
pub fn sightings(operation: &Operation, fleet: &Fleet, now: Timestamp) -> Vec<Happening> {
    if !matches!(
        operation.standing(),
        Standing::Running | Standing::Aborting { .. }
    ) {
        return Vec::new();
    }
    let is_new = |id: &InstanceId, sight: &Sight| match operation
        .target(id)
        .and_then(|it| it.seen.as_ref())
    {
        Some(last @ Sight::Idle { .. }) => !sight.says_the_same_as(last) || last.at() != sight.at(),
        Some(last) => !sight.says_the_same_as(last),
        None => true,
    };
    let settle = operation.spec.proof().settle;
    // A roll may have hundreds of targets; those whose turn has not come only matter once they are gone.
    // So do those that a hook holds, whoever ended them: only a proof lets them go.
    let is_held = |id: &InstanceId| {
        let instance = fleet.instances.get(id);
        instance.is_some_and(|it| it.phase() == Phase::TerminatingWait)
    };
    let is_watched = |id: &InstanceId, sight: &Sight| match &operation.spec {
        Spec::Drain(_) | Spec::Freeze(_) | Spec::Refresh(_) => true,
        Spec::Roll(_) => {
            let is_begun = operation.target(id).is_some_and(TargetState::is_begun);
            is_begun || is_held(id) || matches!(sight, Sight::Gone { .. } | Sight::Leaving { .. })
        }
    };
    let seen = operation
        .targets()
        .filter(|(_, it)| !it.is_finished(now, settle))
        .map(|(id, it)| (id, see(operation, fleet, id, now), newly_met(it, fleet, id)))
        .filter(|(id, sight, met)| is_new(id, sight) || !met.is_empty())
        .filter(|(id, sight, _)| is_watched(id, sight))
        .map(|(id, sight, met)| Happening::Saw {
            instance: id.clone(),
            sight,
            met,
        });
    seen.collect()
}

/// Returns what is new about the pools of an operation, by a reading in which no source failed.
///
/// An older row says nothing new, and would be taken for what became of our last call.
pub fn notices(operation: &Operation, fleet: &Fleet, now: Timestamp) -> Vec<Happening> {
    match (&operation.spec, operation.standing()) {
        (Spec::Roll(roll), Standing::Running | Standing::Aborting { .. }) => {
            roll::notice(operation, roll, fleet, now)
        }
        _ => Vec::new(),
    }
}

fn see(operation: &Operation, fleet: &Fleet, id: &InstanceId, now: Timestamp) -> Sight {
    let Some(instance) = fleet.instances.get(id) else {
        // Where nothing was read, nothing is missing: absence proves something only beside its pool.
        return match fleet.pool(operation.pool_of(id)) {
            Some(_) => Sight::Gone { at: now },
            None => Sight::Unknown {
                at: now,
                why: "its pool was not read yet".to_owned(),
            },
        };
    };
    let agents: Vec<&Executor> = fleet.executors_on(id).map(|it| &**it).collect();
    let sight = judge(operation, id, &agents, now);
    // A hook may hold it still, and a job may run until the hook is answered.
    if is_leaving(instance) && instance.phase() != Phase::TerminatingWait {
        let is_doubted = !matches!(sight, Sight::Idle { .. });
        return Sight::Leaving {
            at: now,
            is_doubted,
        };
    }
    sight
}

/// Says what all agents of an instance together show, those that are missed included.
fn judge(operation: &Operation, id: &InstanceId, agents: &[&Executor], now: Timestamp) -> Sight {
    let sight = see_agents(agents, now);
    let Some(target) = operation.target(id) else {
        return sight;
    };
    if let Some(at) = target.removed_at(agents) {
        return Sight::Idle { at };
    }
    match (&sight, target.missed(agents)) {
        (Sight::Idle { .. } | Sight::Open { .. }, Some(missed)) => Sight::Unknown {
            at: now,
            why: format!(
                "agent {} is not listed by its controller any more; what runs there is not known",
                missed.name
            ),
        },
        _ => sight,
    }
}

/// Returns the agents that this reading shows on a target, and none before it did.
fn newly_met(target: &TargetState, fleet: &Fleet, id: &InstanceId) -> Vec<Agent> {
    let agents = fleet.executors_on(id).map(|it| Agent::of(it));
    let is_new = |it: &Agent| target.agents.get(&it.key()) != Some(it);
    agents.filter(is_new).collect()
}

/// Returns whether nothing can put the machine back into service.
pub(super) fn is_leaving(instance: &Instance) -> bool {
    let is_going = matches!(
        instance.phase(),
        Phase::Terminating | Phase::TerminatingWait | Phase::Retained
    );
    let is_off = matches!(
        instance.state,
        Some(MachineState::ShuttingDown | MachineState::Terminated)
    );
    is_going || is_off
}

fn see_agents(agents: &[&Executor], now: Timestamp) -> Sight {
    // The weakest evidence of all agents decides, and so does the oldest.
    let evidence_of = |it: &&&Executor| it.evidence.iter().map(|it| it.at).max();
    let Some(at) = agents.iter().map(|it| evidence_of(&it)).min().flatten() else {
        let why = match agents {
            [] => NO_AGENT.to_owned(),
            _ => "nothing says when its agent was looked at".to_owned(),
        };
        return Sight::Unknown { at: now, why };
    };
    let is_busy = |it: &&&Executor| matches!(it.work, Work::Busy(_)) || 0 < it.n_busy_slots;
    if agents.iter().any(|it| is_busy(&it)) {
        let jobs = agents.iter().flat_map(|it| it.jobs()).cloned().collect();
        let is_closed = agents.iter().all(|it| it.cordoned);
        return Sight::Busy {
            at,
            jobs,
            is_closed,
        };
    }
    for agent in agents {
        let why = match &agent.work {
            Work::Unknown(why) => why.clone(),
            Work::Offline { .. } => format!(
                "agent {} is offline; what runs there is not known",
                agent.name
            ),
            Work::Busy(_) | Work::Idle { .. } => continue,
        };
        return Sight::Unknown { at, why };
    }
    match agents.iter().find(|it| !it.cordoned) {
        Some(agent) => Sight::Open {
            at,
            executor: agent.name.clone(),
        },
        None => Sight::Idle { at },
    }
}
