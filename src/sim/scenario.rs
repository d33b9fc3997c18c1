//! A named start: which regions, pools, controllers and loads a world begins with.

use std::{collections::BTreeMap, time::Duration};

use super::{deed::Deed, faults::Faults, image::ImageTrait};
use crate::fleet::{
    Capacity, CiLink, ControllerName, Grade, Hook, ImageId, MixedInstances, PoolKind, PoolName,
    Process, Refresh, Scope,
};

/// Everything that a world begins with, besides its seed and its time.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    pub regions: Vec<RegionSpec>,
    pub controllers: Vec<ControllerSpec>,
    pub faults: Faults,
    /// The images that are not as they should be.
    pub images: BTreeMap<ImageId, ImageTrait>,
    /// What somebody else does, and how long after the start.
    pub script: Vec<(Duration, Deed)>,
}

impl Scenario {
    /// Returns a world of one region, `sim/us-east-1`, and one controller, `jenkins`,
    /// which every pool that names no other is tied to by its own name.
    pub fn of(mut pools: Vec<PoolSpec>, loads: Vec<LoadSpec>) -> Self {
        let controller = ControllerName::from("jenkins");
        for pool in &mut pools {
            pool.ci.get_or_insert_with(|| CiLink {
                controller: controller.clone(),
                label: pool.name.to_string(),
                executors_per_instance: 1,
                instance_from: None,
                boot_budget: Duration::from_mins(10),
            });
        }
        let scope = Scope {
            id: "sim/us-east-1".into(),
            profile: Some("sim".to_owned()),
            region: "us-east-1".into(),
            alias: "sim".to_owned(),
            environment: None,
            read_only: false,
            identity: None,
        };
        Self {
            regions: vec![RegionSpec {
                scope,
                account: "111122223333".to_owned(),
                n_machines_max: None,
                pools,
            }],
            controllers: vec![ControllerSpec {
                name: controller,
                url: "https://jenkins.sim.example/".to_owned(),
                grade: Grade::Durable,
                loads,
            }],
            ..Self::default()
        }
    }
}

#[derive(Clone, Debug)]
pub struct RegionSpec {
    pub scope: Scope,
    pub account: String,
    /// The account's quota here, in machines.
    pub n_machines_max: Option<u32>,
    pub pools: Vec<PoolSpec>,
}

/// A pool at the start: its members are already in service, its agents registered.
#[derive(Clone, Debug)]
pub struct PoolSpec {
    pub name: PoolName,
    pub kind: PoolKind,
    /// `None` for a pool without a group.
    pub capacity: Option<Capacity>,
    /// Members in service at the start; more or fewer than desired are reconciled.
    pub n_members: u32,
    /// Machines that carry the pool's tag and are in no group.
    pub n_loose: u32,
    pub zones: Vec<String>,
    /// The first is the template's; a mixed group picks among all.
    pub instance_types: Vec<String>,
    pub is_spot: bool,
    pub mixed: Option<MixedInstances>,
    /// The images of the launch template's versions, from version 1 on; the group uses `$Latest`.
    pub images: Vec<ImageId>,
    /// How many members are still from the version before the latest.
    pub n_outdated: u32,
    pub hooks: Vec<Hook>,
    /// The size of the warm pool; its machines are stopped when the world begins.
    pub n_warm: u32,
    /// How old a member may become before its group replaces it.
    pub max_lifetime: Option<Duration>,
    pub protects_new_instances: bool,
    pub suspended: Vec<Process>,
    /// Whether an abandoned termination keeps the machine (`TerminateHookAbandon=retain`).
    pub retains_abandoned: bool,
    pub shortages: Vec<Shortage>,
    /// An instance refresh that is over when the world begins.
    pub last_refresh: Option<Refresh>,
    pub policy: Option<ScalingPolicy>,
    pub host: HostSpec,
    pub ci: Option<CiLink>,
    pub tags: BTreeMap<String, String>,
}

impl PoolSpec {
    /// Returns a plain on-demand group of Linux machines with one agent each.
    pub fn group(name: &str, region: &str, capacity: Capacity) -> Self {
        Self {
            name: name.into(),
            kind: PoolKind::Group,
            capacity: Some(capacity),
            n_members: capacity.desired,
            n_loose: 0,
            zones: ["a", "b", "c"].map(|it| format!("{region}{it}")).to_vec(),
            instance_types: vec!["m7i.xlarge".to_owned()],
            is_spot: false,
            mixed: None,
            images: vec!["ami-0a1d50c6f1f6b9d20".into()],
            n_outdated: 0,
            hooks: Vec::new(),
            n_warm: 0,
            max_lifetime: None,
            protects_new_instances: false,
            suspended: Vec::new(),
            retains_abandoned: false,
            shortages: Vec::new(),
            last_refresh: None,
            policy: None,
            host: HostSpec::default(),
            ci: None,
            tags: BTreeMap::new(),
        }
    }
}

/// Where EC2 has too little: a zone, or every zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Shortage {
    pub zone: Option<String>,
    /// How likely one launch there fails, 0 to 1.
    pub chance: f64,
}

/// A scaling policy of the group: AWS acts on it, without asking anyone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScalingPolicy {
    /// Lowers desired by one once more than this many slots were idle …
    pub idle_max: u32,
    /// … for this long.
    pub idle_for: Duration,
}

/// What happens on the machines of a pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostSpec {
    /// The fastest and the slowest time from launch to the agent's registration.
    pub boot: (Duration, Duration),
    /// Whether software on the host answers its hooks: the launching one at
    /// registration, the terminating one with heartbeats until its job is over.
    pub answers_hooks: bool,
    pub agent_names: AgentNames,
    /// How many agents one machine runs, each with slots of its own.
    pub n_agents: u32,
    /// Its console and its price show it.
    pub is_windows: bool,
}

impl Default for HostSpec {
    fn default() -> Self {
        Self {
            boot: (Duration::from_secs(55), Duration::from_secs(150)),
            answers_hooks: false,
            agent_names: AgentNames::InstanceId,
            n_agents: 1,
            is_windows: false,
        }
    }
}

/// How agents call themselves: what the join of agents and machines has to work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentNames {
    /// `i-0123…`, as the EC2 fleet plugin does.
    InstanceId,
    /// `pool-i-0123…`.
    PoolAndId,
    /// `ip-10-0-3-7`, with the address only among the host's hints.
    Address,
}

#[derive(Clone, Debug)]
pub struct ControllerSpec {
    pub name: ControllerName,
    pub url: String,
    pub grade: Grade,
    pub loads: Vec<LoadSpec>,
}

/// The jobs that one label gets.
#[derive(Clone, Debug, Default)]
pub struct LoadSpec {
    pub label: String,
    pub projects: Vec<Project>,
    /// Arrivals in an hour of a working day.
    pub jobs_per_hour: u32,
    /// What is left of them at night and over the weekend, in percent.
    pub night_percent: u32,
    /// Jobs that wait already when the world begins.
    pub backlog: u32,
}

#[derive(Clone, Debug)]
pub struct Project {
    pub name: String,
    /// Its shortest and its longest build.
    pub duration: (Duration, Duration),
}

impl Project {
    pub fn new(name: &str, shortest_secs: u64, longest_secs: u64) -> Self {
        Self {
            name: name.to_owned(),
            duration: (
                Duration::from_secs(shortest_secs),
                Duration::from_secs(longest_secs),
            ),
        }
    }
}
