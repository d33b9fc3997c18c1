//! A pool in JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::fleet::{self, Fleet, FreezeMark, PoolRow, Timestamp, Usd};

/// One row of `pools`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pool {
    pub name: String,
    /// The `id` of a scope.
    pub scope: String,
    /// `group`, `static` or `latent`.
    pub kind: String,
    /// Null for a pool without a group: nobody keeps it at a size.
    pub desired: Option<u32>,
    pub min: Option<u32>,
    pub max: Option<u32>,
    /// Instances by phase; every phase is there, and counts 0 when none is in it.
    pub counts: BTreeMap<&'static str, u32>,
    /// Instances from another image or template version than new ones would get.
    pub outdated: u32,
    /// The image that new instances get.
    pub image: Option<String>,
    pub template: Option<Template>,
    pub mixed_instances: Option<MixedInstances>,
    pub zones: Vec<String>,
    /// The names of the suspended processes.
    pub suspended: Vec<String>,
    /// AWS' words for each of them.
    pub suspended_reasons: BTreeMap<String, String>,
    /// Who holds the group still, until when, and what a thaw resumes; null when nobody does.
    pub freeze: Option<Freeze>,
    pub protects_new_instances: bool,
    /// Whether a machine whose termination was abandoned is kept.
    pub retains_abandoned: bool,
    /// Set when the group replaces members that are older.
    pub max_lifetime_seconds: Option<u64>,
    /// Null when the hooks were not read.
    pub hooks: Option<Vec<Hook>>,
    pub warm_pool_size: Option<u32>,
    /// The instance refresh in progress, or the last one known.
    pub refresh: Option<Refresh>,
    pub health_check: Option<String>,
    pub termination_policies: Vec<String>,
    pub enabled_metrics: Vec<String>,
    pub created_at: Option<Timestamp>,
    /// Set only while the group is being deleted.
    pub status: Option<String>,
    /// Dollars per hour; null when the price of an instance is not known.
    pub usd_per_hour: Option<Usd>,
    /// The part that does no work; null, too, when nobody sees what the instances do.
    pub waste_usd_per_hour: Option<Usd>,
    /// The CI side; null when no controller is configured for the pool.
    pub executors: Option<Executors>,
    /// What the pool waits for, the alarming first.
    pub waiting: Vec<Waiting>,
    pub tags: BTreeMap<String, String>,
}

/// What new instances are made from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Template {
    /// `launch_template` or `launch_configuration`.
    pub kind: &'static str,
    pub id: Option<String>,
    pub name: String,
    /// As the group says it: a number, `$Latest` or `$Default`.
    pub version: Option<String>,
    /// What `version` means now.
    pub resolved_version: Option<String>,
    #[serde(rename = "type")]
    pub instance_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MixedInstances {
    pub on_demand_base: u32,
    pub on_demand_percent_above_base: u32,
    pub spot_allocation: Option<String>,
    pub spot_max_price: Option<String>,
    pub types: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hook {
    pub name: String,
    /// `launching` or `terminating`.
    pub transition: &'static str,
    pub heartbeat_timeout_seconds: u64,
    pub global_timeout_seconds: u64,
    /// `CONTINUE` or `ABANDON`.
    pub default_result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refresh {
    pub id: String,
    pub status: String,
    pub reason: Option<String>,
    pub percent_complete: Option<u32>,
    pub instances_to_update: Option<u32>,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

/// A freeze, as the group's tag tells; all but `overdue` is null when the tag cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Freeze {
    pub by: Option<String>,
    pub at: Option<Timestamp>,
    /// Null until somebody thaws it.
    pub until: Option<Timestamp>,
    pub operation: Option<String>,
    /// What a thaw resumes now; what somebody changed since is not in it.
    pub processes: Vec<String>,
    /// Whether it should be over: nothing ends it any more, and a thaw does.
    pub overdue: bool,
}

/// What the agents on the pool's instances add up to. The numbers are null
/// when the controller was never read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Executors {
    pub controller: String,
    pub label: String,
    pub total: Option<u32>,
    pub busy: Option<u32>,
    /// Those that run nothing and may take a job.
    pub idle: Option<u32>,
    /// Those of which it is not known what they do.
    pub unknown: Option<u32>,
    /// Jobs that wait for the label.
    pub queued: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    pub instance: Option<String>,
    pub why: String,
    /// When it ends by itself, where that is known.
    pub until: Option<Timestamp>,
    /// Whether an operator should look at it.
    pub alarming: bool,
}

impl Pool {
    pub(in crate::cli) fn all(rows: &[PoolRow<'_>], fleet: &Fleet, now: Timestamp) -> Vec<Self> {
        let waiting = fleet::waiting(fleet, now);
        rows.iter()
            .map(|it| Self::new(it, fleet, &waiting, now))
            .collect()
    }

    fn new(row: &PoolRow<'_>, fleet: &Fleet, waiting: &[fleet::Waiting], now: Timestamp) -> Self {
        let pool = row.pool;
        let split = row.split(now);
        let (key, capacity) = (pool.key(), pool.capacity);
        let counts = row.roster.counts.iter();
        let suspended = pool.suspended.iter().map(|it| it.process.to_string());
        let reasons = pool.suspended.iter();
        let waiting = waiting.iter().filter(|it| it.pool == key);
        let template = pool.template.as_ref();
        Self {
            name: pool.name.to_string(),
            scope: pool.scope.to_string(),
            kind: pool.kind.as_str().to_owned(),
            desired: capacity.map(|it| it.desired),
            min: capacity.map(|it| it.min),
            max: capacity.map(|it| it.max),
            counts: counts.map(|(phase, n)| (phase.as_str(), n)).collect(),
            outdated: row.n_outdated,
            image: template
                .and_then(|it| it.image.as_ref())
                .map(ToString::to_string),
            template: template.map(Template::new),
            mixed_instances: pool.mixed.as_ref().map(MixedInstances::new),
            zones: pool.zones.clone(),
            suspended: suspended.collect(),
            suspended_reasons: reasons
                .map(|it| (it.process.to_string(), it.reason.clone()))
                .collect(),
            freeze: FreezeMark::of(pool).map(|it| Freeze::new(pool, it, now)),
            protects_new_instances: pool.protects_new_instances,
            retains_abandoned: pool.upkeep.retains_abandoned,
            max_lifetime_seconds: pool.upkeep.max_lifetime.map(|it| it.as_secs()),
            hooks: pool
                .hooks_read_at
                .map(|_| pool.hooks.iter().map(Hook::new).collect()),
            warm_pool_size: pool.warm_pool_size,
            refresh: pool.refresh.as_ref().map(Refresh::new),
            health_check: pool.health_check.clone(),
            termination_policies: pool.termination_policies.clone(),
            enabled_metrics: pool.enabled_metrics.clone(),
            created_at: pool.created_at,
            status: pool.status.clone(),
            usd_per_hour: split.total(),
            waste_usd_per_hour: split.waste(),
            executors: pool.ci.as_ref().map(|it| Executors::new(it, row, fleet)),
            waiting: waiting.map(Waiting::new).collect(),
            tags: pool.tags.clone(),
        }
    }
}

impl Template {
    fn new(template: &fleet::Template) -> Self {
        Self {
            kind: match template.kind {
                fleet::TemplateKind::LaunchTemplate => "launch_template",
                fleet::TemplateKind::LaunchConfiguration => "launch_configuration",
            },
            id: template.id.clone(),
            name: template.name.clone(),
            version: Some(template.version.clone()).filter(|it| !it.is_empty()),
            resolved_version: template.resolved_version.clone(),
            instance_type: template.instance_type.clone(),
        }
    }
}

impl MixedInstances {
    fn new(mixed: &fleet::MixedInstances) -> Self {
        Self {
            on_demand_base: mixed.on_demand_base,
            on_demand_percent_above_base: mixed.on_demand_percent_above_base,
            spot_allocation: mixed.spot_allocation.clone(),
            spot_max_price: mixed.spot_max_price.clone(),
            types: mixed.instance_types.clone(),
        }
    }
}

impl Hook {
    fn new(hook: &fleet::Hook) -> Self {
        Self {
            name: hook.name.clone(),
            transition: match hook.transition {
                fleet::HookTransition::Launching => "launching",
                fleet::HookTransition::Terminating => "terminating",
            },
            heartbeat_timeout_seconds: hook.heartbeat_timeout.as_secs(),
            global_timeout_seconds: hook.global_timeout.as_secs(),
            default_result: hook.default_result.as_str(),
        }
    }
}

impl Refresh {
    fn new(refresh: &fleet::Refresh) -> Self {
        Self {
            id: refresh.id.clone(),
            status: refresh.status.to_string(),
            reason: refresh.reason.clone(),
            percent_complete: refresh.percent_complete,
            instances_to_update: refresh.n_instances_to_update,
            started_at: refresh.started_at,
            ended_at: refresh.ended_at,
        }
    }
}

impl Freeze {
    fn new(pool: &fleet::Pool, mark: Result<FreezeMark, String>, now: Timestamp) -> Self {
        mark.map_or_else(
            |_| Self::default(),
            |it| Self {
                processes: it.held(pool).ours.iter().map(ToString::to_string).collect(),
                overdue: it.is_overdue(now),
                by: Some(it.by),
                at: Some(it.at),
                until: it.until,
                operation: it.operation,
            },
        )
    }
}

impl Executors {
    fn new(link: &fleet::CiLink, row: &PoolRow<'_>, fleet: &Fleet) -> Self {
        let known = |n| row.is_work_known.then_some(n);
        let agents = row.roster.instances.iter();
        let agents = agents.flat_map(|it| fleet.executors_on(&it.id));
        let unknown = agents.filter(|it| matches!(it.work, fleet::Work::Unknown(_)));
        Self {
            controller: link.controller.to_string(),
            label: link.label.clone(),
            total: known(row.n_executors),
            busy: known(row.n_busy),
            idle: known(row.n_idle),
            unknown: known(u32::try_from(unknown.count()).unwrap_or(u32::MAX)),
            queued: row.n_queued,
        }
    }
}

impl Waiting {
    fn new(waiting: &fleet::Waiting) -> Self {
        Self {
            instance: waiting.instance.as_ref().map(ToString::to_string),
            why: waiting.why.clone(),
            until: waiting.until,
            alarming: waiting.is_alarming,
        }
    }
}
