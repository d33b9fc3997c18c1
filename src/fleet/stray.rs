//! Strays: where EC2 and the CI controllers disagree about who is there.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    CiLink, ControllerName, Executor, Fleet, Instance, InstanceId, Phase, Pool, PoolKey, PoolKind,
    Timestamp, Work, short_duration,
};

/// One disagreement, with what was expected and what is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stray {
    pub kind: StrayKind,
    /// The agent's name, or the pool's where no agent is meant.
    pub name: String,
    pub instance: Option<InstanceId>,
    pub pool: Option<PoolKey>,
    pub why: String,
    pub since: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrayKind {
    /// A pool has more agents than its desired instances can hold: someone started one outside the group.
    ExecutorsExceedDesired,
    /// An agent runs on an instance that belongs to no group, in a pool that has one.
    AgentOutsideGroups,
    /// An instance is past its boot budget, and no agent registered.
    InstanceWithoutAgent,
    /// An instance carries the tag of a pool with a group, and belongs to none.
    InstanceOutsideGroups,
    /// The controller knows an agent whose machine nobody sees.
    AgentWithoutInstance,
    /// A latent worker without a machine: ordinary, and shown dim.
    Latent,
}

impl StrayKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExecutorsExceedDesired => "executors_exceed_desired",
            Self::AgentOutsideGroups => "agent_outside_groups",
            Self::InstanceWithoutAgent => "instance_without_agent",
            Self::InstanceOutsideGroups => "instance_outside_groups",
            Self::AgentWithoutInstance => "agent_without_instance",
            Self::Latent => "latent",
        }
    }

    /// Returns whether an operator has to do something about it.
    pub fn is_alarming(self) -> bool {
        self != Self::Latent
    }
}

/// Lists every disagreement, the alarming kinds first.
///
/// A controller that could not be read accuses nobody: an instance counts as
/// without an agent only while its controller's list was read and is whole.
pub fn strays(fleet: &Fleet, now: Timestamp) -> Vec<Stray> {
    let without_instance = fleet.executors.iter().filter(|it| it.instance.is_none());
    let mut found: Vec<Stray> = without_instance.map(|it| lone_agent(it)).collect();
    for instance in fleet.instances.values() {
        found.extend(stray_instance(fleet, instance, now));
        if is_outside_groups(fleet, instance) {
            let agents = fleet.executors_on(&instance.id);
            found.extend(agents.map(|it| agent_outside_groups(it, instance)));
        }
    }
    let slots = slots_by_label(fleet);
    let pools = fleet.pools.values();
    found.extend(pools.filter_map(|it| too_many_agents(fleet, it, &slots)));
    found.sort_by(|a, b| (a.kind, &a.name, &a.instance).cmp(&(b.kind, &b.name, &b.instance)));
    found
}

fn lone_agent(executor: &Executor) -> Stray {
    if executor.is_latent {
        let why = "a latent worker; its machine is started for the next build";
        stray_agent(executor, StrayKind::Latent, why.to_owned())
    } else {
        let why = format!("no instance was found for it: {}", executor.joining);
        stray_agent(executor, StrayKind::AgentWithoutInstance, why)
    }
}

fn agent_outside_groups(executor: &Executor, instance: &Instance) -> Stray {
    let why = format!(
        "its instance {} belongs to no Auto Scaling group",
        instance.id
    );
    stray_agent(executor, StrayKind::AgentOutsideGroups, why)
}

fn stray_agent(executor: &Executor, kind: StrayKind, why: String) -> Stray {
    let since = match executor.work {
        Work::Idle { since } | Work::Offline { since } => since,
        Work::Busy(_) | Work::Unknown(_) => None,
    };
    Stray {
        kind,
        name: executor.name.clone(),
        instance: executor.instance.clone(),
        pool: executor.pool.clone(),
        why,
        since,
    }
}

fn stray_instance(fleet: &Fleet, instance: &Instance, now: Timestamp) -> Option<Stray> {
    // Nearly every machine has its agent, and is looked at no further.
    if fleet.executors_on(&instance.id).next().is_some() {
        return None;
    }
    let pool = instance.pool.as_ref().and_then(|it| fleet.pool(it));
    let stray = |kind, why: String, since| {
        Some(Stray {
            kind,
            name: instance.pool_name().to_owned(),
            instance: Some(instance.id.clone()),
            pool: instance.pool.clone(),
            why,
            since,
        })
    };
    if is_outside_groups(fleet, instance) {
        let why = "it carries the pool's tag and belongs to no Auto Scaling group".to_owned();
        return stray(StrayKind::InstanceOutsideGroups, why, instance.launched_at);
    }
    let link = pool?.ci.as_ref()?;
    let launched_at = overdue_since(fleet, instance, link, now)?;
    let age = now.since(launched_at);
    stray(
        StrayKind::InstanceWithoutAgent,
        format!(
            "launched {} ago, and no agent of {} registered within {}",
            short_duration(age),
            link.controller,
            short_duration(link.boot_budget)
        ),
        Some(launched_at),
    )
}

/// Returns the machines among strays, each once.
pub fn stray_machines<'a>(
    fleet: &'a Fleet,
    strays: &'a [Stray],
) -> impl Iterator<Item = &'a Arc<Instance>> {
    let alarming = strays.iter().filter(|it| it.kind.is_alarming());
    let ids: BTreeSet<&InstanceId> = alarming.filter_map(|it| it.instance.as_ref()).collect();
    ids.into_iter().filter_map(|it| fleet.instances.get(it))
}

/// Returns whether a machine should be in a group, and is in none.
///
/// The machines of a pool without a group are where they belong.
pub(super) fn is_outside_groups(fleet: &Fleet, instance: &Instance) -> bool {
    instance.phase() == Phase::Unattached && !is_in_loose_pool(fleet, instance)
}

fn is_in_loose_pool(fleet: &Fleet, instance: &Instance) -> bool {
    let pool = instance.pool.as_ref().and_then(|it| fleet.pool(it));
    pool.is_some_and(|it| it.kind != PoolKind::Group)
}

/// Returns whether a machine without an agent is past its boot budget.
pub(super) fn is_overdue(fleet: &Fleet, instance: &Instance, now: Timestamp) -> bool {
    let pool = instance.pool.as_ref().and_then(|it| fleet.pool(it));
    let link = pool.and_then(|it| it.ci.as_ref());
    link.is_some_and(|it| overdue_since(fleet, instance, it, now).is_some())
}

/// Returns when a machine was launched whose agent should have registered by now.
fn overdue_since(
    fleet: &Fleet,
    instance: &Instance,
    link: &CiLink,
    now: Timestamp,
) -> Option<Timestamp> {
    let is_working = match instance.phase() {
        Phase::InService | Phase::PendingWait => true,
        // A static machine that is stopped has no agent to miss.
        Phase::Unattached => is_in_loose_pool(fleet, instance) && instance.is_billed(),
        Phase::Pending
        | Phase::Standby
        | Phase::Terminating
        | Phase::TerminatingWait
        | Phase::Retained
        | Phase::Warm
        | Phase::Detached
        | Phase::Other => false,
    };
    let launched_at = instance.launched_at.filter(|_| is_working)?;
    let is_read = fleet
        .controllers
        .iter()
        .any(|it| it.name == link.controller && it.doubt.is_none());
    (is_read && link.boot_budget < now.since(launched_at)).then_some(launched_at)
}

/// How many jobs the agents of each label can run, counted in one walk over the agents.
type Slots<'a> = HashMap<(&'a ControllerName, &'a str), u32>;

fn slots_by_label(fleet: &Fleet) -> Slots<'_> {
    let links = fleet.pools.values().filter_map(|it| it.ci.as_ref());
    let mut slots: Slots<'_> = links
        .map(|it| ((&it.controller, it.label.as_str()), 0))
        .collect();
    for executor in &fleet.executors {
        if executor.cordoned || !matches!(executor.work, Work::Busy(_) | Work::Idle { .. }) {
            continue;
        }
        let mut counted: &[String] = &executor.labels;
        while let Some((label, rest)) = counted.split_first() {
            // A label that is given twice is one label.
            if !rest.contains(label)
                && let Some(n) = slots.get_mut(&(&executor.controller, label.as_str()))
            {
                *n += executor.n_slots;
            }
            counted = rest;
        }
    }
    slots
}

/// The count that the author of an early account found by eye: one executor more than desired.
fn too_many_agents(fleet: &Fleet, pool: &Pool, slots: &Slots<'_>) -> Option<Stray> {
    let (capacity, link) = (pool.capacity?, pool.ci.as_ref()?);
    let n_slots = *slots.get(&(&link.controller, link.label.as_str()))?;
    let n_wanted = capacity.desired * link.executors_per_instance;
    // Those on their way out are not wanted any more, and still there.
    let counts = &fleet.roster(&pool.key()).counts;
    let n_leaving = counts.get(Phase::Terminating)
        + counts.get(Phase::TerminatingWait)
        + counts.get(Phase::Standby);
    let n_over = n_slots.checked_sub(n_wanted + n_leaving * link.executors_per_instance)?;
    (0 < n_over).then(|| Stray {
        kind: StrayKind::ExecutorsExceedDesired,
        name: pool.name.to_string(),
        instance: None,
        pool: Some(pool.key()),
        why: format!(
            "label {} has {n_slots} executors, {n_over} more than {} desired instances can hold: \
             someone started one outside the group",
            link.label, capacity.desired
        ),
        since: None,
    })
}
