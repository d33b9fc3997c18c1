//! A set of interchangeable workers.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    ControllerName, ImageId, JoinRule, Lifecycle, Phase, PoolKey, PoolName, Price, Process,
    RefreshStatus, Reluctance, ScopeId, Timestamp,
};

/// A pool: an Auto Scaling group, or the instances that carry a pool's tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    pub scope: ScopeId,
    pub name: PoolName,
    pub kind: PoolKind,
    /// `None` for a pool without a group: nobody keeps it at a size.
    pub capacity: Option<Capacity>,
    pub template: Option<Template>,
    pub mixed: Option<MixedInstances>,
    pub zones: Vec<String>,
    pub suspended: Vec<Suspension>,
    /// Whether new instances get scale-in protection.
    pub protects_new_instances: bool,
    pub hooks: Vec<Hook>,
    /// Whether `hooks` was read; hooks cost a call for each group.
    pub hooks_read_at: Option<Timestamp>,
    pub warm_pool_size: Option<u32>,
    /// The instance refresh in progress, or the last one known.
    pub refresh: Option<Refresh>,
    #[serde(default)]
    pub upkeep: Upkeep,
    pub health_check: Option<String>,
    pub termination_policies: Vec<String>,
    /// The group metrics that CloudWatch collects; empty is none.
    pub enabled_metrics: Vec<String>,
    pub created_at: Option<Timestamp>,
    /// Set by AWS only while the group is being deleted.
    pub status: Option<String>,
    pub tags: BTreeMap<String, String>,
    /// The CI side: which controller and which label this pool serves.
    pub ci: Option<CiLink>,
    /// What one more instance would cost; `None` is not known. The doors leave it out.
    pub next_price: Option<Price>,
}

impl Pool {
    /// Returns what its desired size counts, where that is not instances.
    pub fn unit(&self) -> Option<&str> {
        self.mixed.as_ref()?.unit.as_deref()
    }

    pub fn key(&self) -> PoolKey {
        PoolKey {
            scope: self.scope.clone(),
            name: self.name.clone(),
        }
    }

    pub fn is_suspended(&self, process: &Process) -> bool {
        self.suspended.iter().any(|it| it.process == *process)
    }

    /// Returns the hook that holds an instance in this lifecycle state.
    pub fn hook_for(&self, lifecycle: &Lifecycle) -> Option<&Hook> {
        let transition = match lifecycle {
            Lifecycle::PendingWait | Lifecycle::WarmedPendingWait => HookTransition::Launching,
            Lifecycle::TerminatingWait | Lifecycle::WarmedTerminatingWait => {
                HookTransition::Terminating
            }
            _ => return None,
        };
        self.hooks.iter().find(|it| it.transition == transition)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// An Auto Scaling group.
    Group,
    /// Instances that carry the pool's tag and belong to no group.
    Static,
    /// Instances that a controller launches for a build and terminates after it.
    Latent,
}

impl PoolKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Static => "static",
            Self::Latent => "latent",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    pub desired: u32,
    pub min: u32,
    pub max: u32,
}

/// What new instances are made from: a launch template version, or a launch configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub kind: TemplateKind,
    pub id: Option<String>,
    pub name: String,
    /// As the group says it: a number, `$Latest` or `$Default`; empty for a launch configuration.
    pub version: String,
    /// What `version` means now.
    pub resolved_version: Option<String>,
    /// The image that it resolves to now; `None` when it could not be resolved.
    pub image: Option<ImageId>,
    pub instance_type: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateKind {
    LaunchTemplate,
    LaunchConfiguration,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MixedInstances {
    pub on_demand_base: u32,
    pub on_demand_percent_above_base: u32,
    pub spot_allocation: Option<String>,
    pub spot_max_price: Option<String>,
    pub instance_types: Vec<String>,
    /// What desired counts where that is not instances: `WeightedCapacity` of its types, or the
    /// group's `DesiredCapacityType`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// What a group does to its members by itself, beside scaling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upkeep {
    /// Keeps a machine whose termination was abandoned (`TerminateHookAbandon=retain`).
    pub retains_abandoned: bool,
    /// Replaces a member that is older.
    pub max_lifetime: Option<Duration>,
    /// Replaces spot members that AWS would rather have back, before it takes them.
    pub rebalances_capacity: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    pub process: Process,
    /// AWS' words: `User suspended at 2026-…`, or an administrative suspension.
    pub reason: String,
}

impl Suspension {
    /// Returns whether AWS suspended it itself, after a day of launches that failed.
    pub fn is_by_aws(&self) -> bool {
        !self.reason.is_empty() && !self.reason.starts_with("User suspended")
    }

    /// Returns since when, as AWS' words tell.
    pub fn at(&self) -> Option<Timestamp> {
        self.reason.split_whitespace().last()?.parse().ok()
    }
}

/// A lifecycle hook of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    pub name: String,
    pub transition: HookTransition,
    /// A heartbeat starts this time anew.
    pub heartbeat_timeout: Duration,
    /// No heartbeat reaches beyond this: 48 h or 100 heartbeats, whichever is less.
    pub global_timeout: Duration,
    /// What happens when nobody answers.
    pub default_result: HookResult,
}

impl Hook {
    /// 48 hours.
    pub const CAP_MAX: Duration = Duration::from_hours(48);

    /// Makes a hook with the cap that AWS gives it: "48 hours or 100 times the
    /// heartbeat timeout, whichever is smaller".
    pub fn new(
        name: impl Into<String>,
        transition: HookTransition,
        heartbeat_timeout: Duration,
        default_result: HookResult,
    ) -> Self {
        Self {
            name: name.into(),
            transition,
            heartbeat_timeout,
            global_timeout: (heartbeat_timeout * 100).min(Self::CAP_MAX),
            default_result,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookTransition {
    Launching,
    Terminating,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HookResult {
    Continue,
    Abandon,
}

impl HookResult {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "CONTINUE",
            Self::Abandon => "ABANDON",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refresh {
    pub id: String,
    pub status: RefreshStatus,
    pub reason: Option<String>,
    pub percent_complete: Option<u32>,
    pub n_instances_to_update: Option<u32>,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// What it does about protected members, where AWS tells.
    #[serde(default)]
    pub on_protected: Option<Reluctance>,
    /// The template version that it rolls to; without one it cannot be rolled back.
    #[serde(default)]
    pub version: Option<String>,
}

/// How the configuration ties a pool to a CI controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CiLink {
    pub controller: ControllerName,
    pub label: String,
    pub executors_per_instance: u32,
    /// How an agent of this pool names its instance; `None` tries every rule in order.
    pub instance_from: Option<JoinRule>,
    /// How long an instance may take from its launch to its registration.
    pub boot_budget: Duration,
}

/// How many instances of a pool are in each phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts(BTreeMap<Phase, u32>);

impl Counts {
    pub fn add(&mut self, phase: Phase) {
        *self.0.entry(phase).or_default() += 1;
    }

    pub fn get(&self, phase: Phase) -> u32 {
        self.0.get(&phase).copied().unwrap_or(0)
    }

    /// Returns how many are in service or on their way there.
    pub fn n_there(&self) -> u32 {
        self.get(Phase::InService) + self.get(Phase::Pending) + self.get(Phase::PendingWait)
    }

    pub fn total(&self) -> u32 {
        self.0.values().sum()
    }

    /// Returns every phase with its count, zeros included, so that a reader never has to guess.
    pub fn iter(&self) -> impl Iterator<Item = (Phase, u32)> {
        Phase::ALL.into_iter().map(|it| (it, self.get(it)))
    }
}
