//! The doctor: what about a pool's configuration ends jobs, or will one day.
//!
//! It looks at what was read and changes nothing. What could not be read is a
//! finding of its own, because nobody may take it for health.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    FailureKind, Fleet, FreezeMark, Hook, HookResult, HookTransition, Instance, Observation, Phase,
    Pool, PoolKey, PoolKind, Process, Reluctance, SourceId, TemplateKind, Timestamp, Trend,
    TrendKind, short_duration,
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

    fn hooks(&mut self) {
        if self.pool.hooks_read_at.is_none() {
            let evidence = "its lifecycle hooks were not read yet".to_owned();
            self.find(FindingKind::HooksUnread, Severity::Unknown, evidence, None);
            return;
        }
        let pool = self.pool.clone();
        let mut terminating: Vec<&Hook> = pool.hooks.iter().collect();
        terminating.retain(|it| it.transition == HookTransition::Terminating);
        if terminating.is_empty() {
            let evidence = "no hook holds an instance on its way out, so its jobs end with it";
            self.find(
                FindingKind::NoTerminateHook,
                Severity::Danger,
                evidence.to_owned(),
                Some("harden POOL"),
            );
        }
        for hook in &terminating {
            self.terminating_hook(hook);
        }
        let abandons = terminating
            .iter()
            .find(|it| it.default_result == HookResult::Abandon);
        if let Some(hook) = abandons.filter(|_| !pool.upkeep.retains_abandoned) {
            let evidence = format!(
                "hook {} abandons when nobody answers, and the group terminates what is abandoned",
                hook.name
            );
            self.find(
                FindingKind::AbandonTerminates,
                Severity::Warning,
                evidence,
                Some("harden POOL"),
            );
        }
        let launches = |it: &Hook| it.transition == HookTransition::Launching;
        if let Some(size) = pool.warm_pool_size
            && !pool.hooks.iter().any(launches)
        {
            let evidence = format!(
                "a warm pool of {size}, and no launching hook: instances are stopped, and later put into service, \
                 without a word whether their agent is there"
            );
            self.find(
                FindingKind::WarmPoolWithoutHook,
                Severity::Warning,
                evidence,
                Some("harden POOL --launch-hook"),
            );
        }
    }

    fn terminating_hook(&mut self, hook: &Hook) {
        let timeout = short_duration(hook.heartbeat_timeout);
        if hook.default_result == HookResult::Continue {
            let evidence = format!(
                "hook {} goes on after {timeout} without an answer, whatever runs there",
                hook.name
            );
            self.find(
                FindingKind::HookContinues,
                Severity::Danger,
                evidence,
                Some("harden POOL"),
            );
        }
        let Some((job, length)) = self.longest_job() else {
            return;
        };
        if hook.global_timeout < length {
            let longest = hook.global_timeout < Hook::CAP_MAX;
            let evidence = format!(
                "no heartbeat of hook {} reaches beyond {}, and job {job} takes {}",
                hook.name,
                short_duration(hook.global_timeout),
                short_duration(length)
            );
            let fix = longest.then_some("harden POOL --heartbeat 30m");
            self.find(FindingKind::HookTooShort, Severity::Danger, evidence, fix);
        }
    }

    /// The job that takes longest, by its controller's guess or by its age.
    fn longest_job(&self) -> Option<(String, Duration)> {
        let members = &self.fleet.roster(&self.pool.key()).instances;
        let agents = members
            .iter()
            .flat_map(|it| self.fleet.executors_on(&it.id));
        let lengths = agents.flat_map(|it| it.jobs()).filter_map(|it| {
            let started_at = it.started_at?;
            let ends_at = it.expected_end.unwrap_or(self.now).max(self.now);
            Some((it.name.clone(), ends_at.since(started_at)))
        });
        lengths.max_by_key(|it| it.1)
    }

    fn protection(&mut self) {
        let n_open = self.members().filter(|it| !it.protected).count();
        let n_members = self.members().count();
        let is_new_open = !self.pool.protects_new_instances;
        if n_open == 0 && !is_new_open {
            return;
        }
        let present = format!("{n_open} of {n_members} instances in service are");
        let who = match (n_open, is_new_open) {
            (0, _) => "new instances are".to_owned(),
            (_, true) => format!("new instances and {present}"),
            (_, false) => present,
        };
        let evidence = format!(
            "{who} not protected from scale-in: AWS chooses who goes when desired falls, and does not look at jobs"
        );
        self.find(
            FindingKind::Unprotected,
            Severity::Warning,
            evidence,
            Some("harden POOL"),
        );
        let balances = !self.pool.is_suspended(&Process::AzRebalance);
        if balances && 1 < self.pool.zones.len() {
            let evidence = format!(
                "AZRebalance is on in {} zones: to even them out, AWS ends instances that are not protected",
                self.pool.zones.len()
            );
            self.find(
                FindingKind::AzRebalance,
                Severity::Warning,
                evidence,
                Some("suspend POOL AZRebalance"),
            );
        }
    }

    fn upkeep(&mut self) {
        let pool = self.pool.clone();
        if let Some(lifetime) = pool.upkeep.max_lifetime {
            let evidence = format!(
                "a member older than {} is replaced, protected or not, whatever it runs; nothing but a \
                 termination hook makes it wait",
                short_duration(lifetime)
            );
            self.find(FindingKind::MaxLifetime, Severity::Warning, evidence, None);
        }
        if pool.upkeep.rebalances_capacity {
            let evidence = "capacity rebalancing ends a spot instance as soon as AWS would rather have it back, \
                            not only when AWS takes it"
                .to_owned();
            self.find(
                FindingKind::CapacityRebalance,
                Severity::Warning,
                evidence,
                None,
            );
        }
        let by_balancer = pool
            .health_check
            .iter()
            .flat_map(|it| it.split(','))
            .find(|it| matches!(it.trim(), "ELB" | "VPC_LATTICE"));
        if let Some(kind) = by_balancer
            && !pool.is_suspended(&Process::ReplaceUnhealthy)
        {
            let evidence = format!(
                "its health is what {} says: a worker that is slow to answer is ended with its jobs",
                kind.trim()
            );
            self.find(
                FindingKind::BalancerHealth,
                Severity::Danger,
                evidence,
                Some("suspend POOL ReplaceUnhealthy"),
            );
        }
    }

    fn template(&mut self) {
        let Some(template) = self.pool.template.clone() else {
            return;
        };
        if template.kind == TemplateKind::LaunchConfiguration {
            let evidence = format!(
                "{} is a launch configuration: it has no versions, and instance refresh cannot roll back to one",
                template.name
            );
            self.find(
                FindingKind::LaunchConfiguration,
                Severity::Advice,
                evidence,
                None,
            );
        }
        if template.version.starts_with('$') {
            let means = template
                .resolved_version
                .as_ref()
                .map_or(String::new(), |it| format!(", today {it}"));
            let evidence = format!(
                "launches go by {}:{}{means}: whoever publishes a version changes the pool, and a refresh cannot be \
                 rolled back",
                template.name, template.version
            );
            self.find(
                FindingKind::FloatingTemplate,
                Severity::Advice,
                evidence,
                None,
            );
        }
    }

    fn refresh(&mut self) {
        let refresh = self.pool.refresh.clone();
        let Some(refresh) = refresh.filter(|it| !it.status.is_over()) else {
            return;
        };
        let n_protected = self.members().filter(|it| it.protected).count();
        let waits = refresh.on_protected.is_none_or(|it| it == Reluctance::Wait);
        if 0 < n_protected && waits {
            let evidence = format!(
                "the refresh {} waits for {n_protected} protected instances, and fails after an hour of it",
                refresh.status
            );
            self.find(
                FindingKind::RefreshWaits,
                Severity::Warning,
                evidence,
                Some("refresh cancel POOL"),
            );
        }
        let holds = |it: &Hook| it.transition == HookTransition::Terminating;
        if self.pool.hooks_read_at.is_some() && !self.pool.hooks.iter().any(holds) {
            let evidence = format!(
                "the refresh {} ends busy workers like any others: no termination hook makes it wait",
                refresh.status
            );
            self.find(
                FindingKind::RefreshKills,
                Severity::Danger,
                evidence,
                Some("suspend POOL InstanceRefresh"),
            );
        }
    }

    fn suspensions(&mut self) {
        let pool = self.pool.clone();
        let is_suspended = |it: &Process| pool.is_suspended(it);
        if is_suspended(&Process::Terminate) && !is_suspended(&Process::AzRebalance) {
            let evidence = "Terminate is suspended and AZRebalance is not: the group may grow to 10 % above max, \
                            and nothing makes it smaller again"
                .to_owned();
            self.find(
                FindingKind::RebalanceOnly,
                Severity::Warning,
                evidence,
                Some("suspend POOL AZRebalance"),
            );
        }
        for it in pool.suspended.iter().filter(|it| it.is_by_aws()) {
            let fix = format!("resume POOL {}", it.process);
            self.find(
                FindingKind::SuspendedByAws,
                Severity::Warning,
                format!("{} is suspended by AWS itself: {}", it.process, it.reason),
                Some(&fix),
            );
        }
        if let Some(Ok(mark)) = FreezeMark::of(&pool)
            && mark.is_overdue(self.now)
        {
            let late = mark.until.map_or(Duration::ZERO, |it| self.now.since(it));
            let evidence = format!(
                "{} froze it, and nothing ended that {} ago, when its time was over",
                mark.by,
                short_duration(late)
            );
            self.find(
                FindingKind::FreezeOverdue,
                Severity::Warning,
                evidence,
                Some("thaw POOL"),
            );
        }
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
