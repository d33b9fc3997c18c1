//! The doctor: what about a pool's configuration ends jobs, or will one day.
//!
//! It looks at what was read and changes nothing. What could not be read is a
//! finding of its own, because nobody may take it for health.

mod changes;
mod hooks;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    FailureKind, Fleet, Instance, Observation, Phase, Pool, PoolKey, PoolKind, SourceId, Timestamp,
    Trend, TrendKind,
};

/// One thing that is wrong, how we know, and what mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub kind: FindingKind,
    pub severity: Severity,
    /// `None` for what is wrong with a source as a whole.
    pub pool: Option<PoolKey>,
    pub source: SourceId,
    pub evidence: String,
    /// The command line of ours that mends it, where there is one.
    pub fix: Option<String>,
}

/// The worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Jobs end by it, as soon as it comes to that.
    Danger,
    /// Jobs may end by it, or the pool gets stuck.
    Warning,
    /// It could not be looked at.
    Unknown,
    Advice,
}

/// Declares the findings: variant, and the name that scripts read.
macro_rules! finding_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FindingKind {
            $($(#[$doc])* $variant,)*
        }

        impl FindingKind {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

finding_kinds! {
    /// An instance that leaves takes its jobs with it: nothing makes it wait.
    NoTerminateHook = "no_terminate_hook",
    /// Nobody answering means leave to terminate.
    HookContinues = "hook_continues",
    /// Abandoned terminations are terminations.
    AbandonTerminates = "abandon_terminates",
    /// The longest job outlives what heartbeats can reach.
    HookTooShort = "hook_too_short",
    /// AWS chooses who goes when desired falls, and does not look at jobs.
    Unprotected = "unprotected",
    /// Zones are evened out by ending instances.
    AzRebalance = "az_rebalance",
    /// More than max, because what AWS launches to even out zones never goes.
    RebalanceOnly = "rebalance_only",
    MaxLifetime = "max_lifetime",
    CapacityRebalance = "capacity_rebalance",
    /// A load balancer decides whether a worker lives.
    BalancerHealth = "balancer_health",
    /// What the next launch gets changes without a word.
    FloatingTemplate = "floating_template",
    /// Refresh and protection wait for each other.
    RefreshWaits = "refresh_waits",
    /// Or neither: it takes busy workers.
    RefreshKills = "refresh_kills",
    WarmPoolWithoutHook = "warm_pool_without_hook",
    /// Nobody ends it any more.
    FreezeOverdue = "freeze_overdue",
    SuspendedByAws = "suspended_by_aws",
    /// Nothing tells what its instances run.
    NoController = "no_controller",
    LaunchConfiguration = "launch_configuration",
    NoMetrics = "no_metrics",
    HooksUnread = "hooks_unread",
    PermissionMissing = "permission_missing",
    /// What the history says, of a day or a week.
    Flapping = "flapping",
    Idle = "idle",
    StaticSize = "static_size",
    LaunchFailures = "launch_failures",
    SlowBoots = "slow_boots",
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Danger => "danger",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Advice => "advice",
        }
    }
}

/// Lists what is wrong, the worst first.
pub fn doctor(observation: &Observation) -> Vec<Finding> {
    let (fleet, now) = (&observation.fleet, observation.at);
    let mut findings = Vec::new();
    for pool in fleet.pools.values().filter(|it| it.kind == PoolKind::Group) {
        let mut patient = Patient {
            fleet,
            pool,
            now,
            findings: &mut findings,
        };
        patient.examine();
    }
    findings.extend(missing_permissions(observation));
    findings.extend(fleet.trends.iter().map(habit));
    findings.sort_by(|a, b| {
        (a.severity, &a.pool, a.kind, &a.evidence).cmp(&(b.severity, &b.pool, b.kind, &b.evidence))
    });
    findings
}

/// What goes on for a while costs money or time; only launches that fail keep a pool from its size.
fn habit(trend: &Trend) -> Finding {
    let (kind, severity) = match trend.kind {
        TrendKind::Flapping => (FindingKind::Flapping, Severity::Advice),
        TrendKind::Idle => (FindingKind::Idle, Severity::Advice),
        TrendKind::StaticSize => (FindingKind::StaticSize, Severity::Advice),
        TrendKind::LaunchFailures => (FindingKind::LaunchFailures, Severity::Warning),
        TrendKind::SlowBoots => (FindingKind::SlowBoots, Severity::Advice),
    };
    Finding {
        kind,
        severity,
        pool: Some(trend.pool.clone()),
        source: SourceId::Scope(trend.pool.scope.clone()),
        evidence: trend.why.clone(),
        fix: None,
    }
}

fn missing_permissions(observation: &Observation) -> impl Iterator<Item = Finding> {
    let denied = observation
        .errors
        .iter()
        .filter(|(_, it)| it.kind == FailureKind::Denied);
    denied.map(|(source, it)| Finding {
        kind: FindingKind::PermissionMissing,
        severity: Severity::Unknown,
        pool: None,
        source: source.clone(),
        evidence: it.what.clone(),
        fix: None,
    })
}

/// One pool, and what was found of it so far.
struct Patient<'a> {
    fleet: &'a Fleet,
    pool: &'a Arc<Pool>,
    now: Timestamp,
    findings: &'a mut Vec<Finding>,
}

impl Patient<'_> {
    fn examine(&mut self) {
        self.hooks();
        self.protection();
        self.upkeep();
        self.template();
        self.refresh();
        self.suspensions();
        self.surroundings();
    }

    fn find(&mut self, kind: FindingKind, severity: Severity, evidence: String, fix: Option<&str>) {
        let key = self.pool.key();
        // Where several scopes have a pool of that name, the command line has to say which.
        let is_ambiguous = 1 < self.fleet.pools_named(key.name.as_str()).len();
        let scope = if is_ambiguous {
            format!(" --scope {}", key.scope)
        } else {
            String::new()
        };
        let fix = fix.map(|it| {
            let line = it.replace("POOL", key.name.as_str());
            format!("{line}{scope}")
        });
        self.findings.push(Finding {
            kind,
            severity,
            source: SourceId::Scope(key.scope.clone()),
            pool: Some(key),
            evidence,
            fix,
        });
    }

    fn members(&self) -> impl Iterator<Item = &Arc<Instance>> {
        let roster = self.fleet.roster(&self.pool.key());
        roster
            .instances
            .iter()
            .filter(|it| it.phase() == Phase::InService)
    }

    fn surroundings(&mut self) {
        if self.pool.ci.is_none() {
            let evidence = "no controller is configured for it: nothing tells what its instances run, and what \
                            cannot be told is never drained"
                .to_owned();
            self.find(FindingKind::NoController, Severity::Advice, evidence, None);
        }
        if self.pool.enabled_metrics.is_empty() {
            let evidence = "CloudWatch collects none of its group metrics".to_owned();
            self.find(
                FindingKind::NoMetrics,
                Severity::Advice,
                evidence,
                Some("enable-metrics POOL"),
            );
        }
    }
}
