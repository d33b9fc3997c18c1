//! The doctor: each finding on a pool that has it, and none on one that is well.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use pooldeck::{action::ActionLine, fleet::*};

use crate::{IDS, instance, pool};

const SCOPE: &str = "prod/us-east-1";

/// A pool that ends no job by itself.
fn well() -> Pool {
    let timeout = Duration::from_mins(30);
    Pool {
        protects_new_instances: true,
        hooks: vec![Hook::new(
            "drain",
            HookTransition::Terminating,
            timeout,
            HookResult::Abandon,
        )],
        hooks_read_at: Some(Timestamp::EPOCH),
        upkeep: Upkeep {
            retains_abandoned: true,
            ..Upkeep::default()
        },
        template: Some(Template {
            kind: TemplateKind::LaunchTemplate,
            id: None,
            name: "mac".to_owned(),
            version: "7".to_owned(),
            resolved_version: Some("7".to_owned()),
            image: None,
            instance_type: None,
        }),
        enabled_metrics: vec!["GroupDesiredCapacity".to_owned()],
        health_check: Some("EC2".to_owned()),
        ci: Some(CiLink {
            controller: "jenkins".into(),
            label: "mac".into(),
            executors_per_instance: 1,
            instance_from: None,
            boot_budget: Duration::from_mins(10),
        }),
        zones: vec!["us-east-1a".to_owned(), "us-east-1b".to_owned()],
        ..pool(SCOPE, "mac")
    }
}

fn observation(pool: Pool, protected: bool, executors: Vec<Executor>) -> Observation {
    let mut member = instance(SCOPE, "mac", IDS[0]);
    member.protected = protected;
    let part = Part {
        pools: vec![Arc::new(pool)],
        instances: vec![Arc::new(member)],
        executors: executors.into_iter().map(Arc::new).collect(),
        ..Part::default()
    };
    Observation {
        at: Timestamp::from_secs(1_763_719_200),
        fleet: Fleet::join([&part]),
        ..Observation::default()
    }
}

fn kinds(findings: &[Finding]) -> Vec<FindingKind> {
    findings.iter().map(|it| it.kind).collect()
}

fn refresh(on_protected: Option<Reluctance>) -> Refresh {
    Refresh {
        id: "r-1".to_owned(),
        status: RefreshStatus::InProgress,
        reason: None,
        percent_complete: Some(10),
        n_instances_to_update: None,
        started_at: None,
        ended_at: None,
        on_protected,
        version: None,
    }
}

fn suspended(process: Process, reason: &str) -> Suspension {
    Suspension {
        process,
        reason: reason.to_owned(),
    }
}

fn long_job(executor: &mut Executor) {
    executor.work = Work::Busy(vec![Job {
        name: "fuzz".into(),
        url: None,
        started_at: Some(Timestamp::from_secs(1_763_719_200 - 50 * 3600)),
        expected_end: None,
    }]);
}

#[test]
fn a_pool_that_is_well_has_no_finding() {
    let findings = pooldeck::fleet::doctor(&observation(well(), true, Vec::new()));
    assert_eq!(findings, []);
}

type Illness = (FindingKind, fn(&mut Pool), Option<&'static str>);

/// What makes a pool ill, and the fix that the doctor names.
const ILLNESSES: &[Illness] = {
    use FindingKind as Kind;
    &[
        (
            Kind::NoTerminateHook,
            |it| it.hooks.clear(),
            Some("harden mac"),
        ),
        (
            Kind::HookContinues,
            |it| it.hooks[0].default_result = HookResult::Continue,
            Some("harden mac"),
        ),
        (
            Kind::AbandonTerminates,
            |it| it.upkeep.retains_abandoned = false,
            Some("harden mac"),
        ),
        (
            Kind::Unprotected,
            |it| it.protects_new_instances = false,
            Some("harden mac"),
        ),
        (
            Kind::AzRebalance,
            |it| it.protects_new_instances = false,
            Some("suspend mac AZRebalance"),
        ),
        (
            Kind::RebalanceOnly,
            |it| it.suspended = vec![suspended(Process::Terminate, "User suspended at x")],
            Some("suspend mac AZRebalance"),
        ),
        (
            Kind::MaxLifetime,
            |it| it.upkeep.max_lifetime = Some(Duration::from_hours(168)),
            None,
        ),
        (
            Kind::CapacityRebalance,
            |it| it.upkeep.rebalances_capacity = true,
            None,
        ),
        (
            Kind::BalancerHealth,
            |it| it.health_check = Some("EC2,ELB".to_owned()),
            Some("suspend mac ReplaceUnhealthy"),
        ),
        (
            Kind::FloatingTemplate,
            |it| "$Latest".clone_into(&mut it.template.as_mut().unwrap().version),
            None,
        ),
        (
            Kind::LaunchConfiguration,
            |it| it.template.as_mut().unwrap().kind = TemplateKind::LaunchConfiguration,
            None,
        ),
        (
            Kind::RefreshWaits,
            |it| it.refresh = Some(refresh(None)),
            Some("refresh cancel mac"),
        ),
        (
            Kind::RefreshKills,
            |it| {
                it.hooks.clear();
                it.refresh = Some(refresh(Some(Reluctance::Ignore)));
            },
            Some("suspend mac InstanceRefresh"),
        ),
        (
            Kind::WarmPoolWithoutHook,
            |it| it.warm_pool_size = Some(3),
            Some("harden mac --launch-hook"),
        ),
        (
            Kind::FreezeOverdue,
            |it| {
                let tag = "by=ann@bastion at=2025-11-21T08:00:00Z until=2025-11-21T09:00:00Z processes=Launch";
                it.tags.insert(FreezeMark::TAG.to_owned(), tag.to_owned());
            },
            Some("thaw mac"),
        ),
        (
            Kind::SuspendedByAws,
            |it| {
                it.suspended = vec![suspended(
                    Process::Launch,
                    "administrative: failed launches",
                )];
            },
            Some("resume mac Launch"),
        ),
        (Kind::NoController, |it| it.ci = None, None),
        (
            Kind::NoMetrics,
            |it| it.enabled_metrics.clear(),
            Some("enable-metrics mac"),
        ),
        (Kind::HooksUnread, |it| it.hooks_read_at = None, None),
    ]
};

#[test]
fn each_illness_is_found_and_has_its_fix() {
    for (kind, make_ill, fix) in ILLNESSES {
        let mut pool = well();
        make_ill(&mut pool);
        let findings = pooldeck::fleet::doctor(&observation(pool, true, Vec::new()));
        let found = findings.iter().find(|it| it.kind == *kind);
        let found = found.unwrap_or_else(|| panic!("{kind:?} is not among {findings:#?}"));
        assert_eq!(found.fix.as_deref(), *fix, "{kind:?}");
        assert!(!found.evidence.is_empty() && !found.evidence.ends_with('.'));
        // What is named as a fix is a line that the grammar takes.
        if let Some(fix) = &found.fix {
            let line: Result<ActionLine, String> = fix.parse();
            assert!(line.is_ok(), "{kind:?}: {line:?}");
        }
    }
}

#[test]
fn the_longest_job_is_held_against_what_heartbeats_can_reach() {
    let mut executor = Executor::new("jenkins".into(), IDS[0]);
    long_job(&mut executor);
    // 48 h are all that AWS gives: nothing of ours mends that.
    let findings = pooldeck::fleet::doctor(&observation(well(), true, vec![executor.clone()]));
    assert_eq!(kinds(&findings), [FindingKind::HookTooShort]);
    assert_eq!(findings[0].fix, None);
    let mut short = well();
    let timeout = Duration::from_mins(5);
    short.hooks[0] = Hook::new(
        "drain",
        HookTransition::Terminating,
        timeout,
        HookResult::Abandon,
    );
    let findings = pooldeck::fleet::doctor(&observation(short, true, vec![executor]));
    assert_eq!(findings[0].kind, FindingKind::HookTooShort);
    assert_eq!(
        findings[0].fix.as_deref(),
        Some("harden mac --heartbeat 30m")
    );
    assert!(findings[0].evidence.contains("8h20m"), "{findings:?}");
}

#[test]
fn a_member_that_is_not_protected_is_counted() {
    let findings = pooldeck::fleet::doctor(&observation(well(), false, Vec::new()));
    let expected = [FindingKind::Unprotected, FindingKind::AzRebalance];
    assert_eq!(
        kinds(&findings).into_iter().collect::<BTreeSet<_>>(),
        expected.into()
    );
    assert!(
        findings[0].evidence.starts_with("1 of 1 instances"),
        "{findings:?}"
    );
}

#[test]
fn a_permission_that_is_missing_is_not_health() {
    let mut observation = observation(well(), true, Vec::new());
    let denied = Failure {
        kind: FailureKind::Denied,
        what: "cannot read the lifecycle hooks: not authorized".to_owned(),
        at: Timestamp::EPOCH,
        retry_at: None,
    };
    let source = SourceId::Scope(SCOPE.into());
    observation.errors.push((source, denied));
    let findings = pooldeck::fleet::doctor(&observation);
    assert_eq!(kinds(&findings), [FindingKind::PermissionMissing]);
    assert_eq!(findings[0].severity, Severity::Unknown);
}

const HABITS: [(TrendKind, FindingKind); 5] = [
    (TrendKind::Flapping, FindingKind::Flapping),
    (TrendKind::Idle, FindingKind::Idle),
    (TrendKind::StaticSize, FindingKind::StaticSize),
    (TrendKind::LaunchFailures, FindingKind::LaunchFailures),
    (TrendKind::SlowBoots, FindingKind::SlowBoots),
];

#[test]
fn what_the_history_says_against_a_pool_is_found_with_its_evidence() {
    for (trend, kind) in HABITS {
        let mut observation = observation(well(), true, Vec::new());
        observation.fleet.trends = std::sync::Arc::new(vec![Trend {
            pool: PoolKey::new(SCOPE, "linux"),
            kind: trend,
            why: "12 launches failed in 24h in us-east-1a".to_owned(),
            usd: None,
        }]);
        let findings = pooldeck::fleet::doctor(&observation);
        assert_eq!(kinds(&findings), [kind]);
        assert_eq!(
            findings[0].evidence,
            "12 launches failed in 24h in us-east-1a"
        );
        assert_eq!(kind.as_str(), trend.as_str());
    }
}

#[test]
fn every_kind_of_finding_has_a_test_and_a_name_of_its_own() {
    let mut tested: BTreeSet<FindingKind> = ILLNESSES.iter().map(|it| it.0).collect();
    tested.extend([FindingKind::HookTooShort, FindingKind::PermissionMissing]);
    tested.extend(HABITS.map(|it| it.1));
    let all: BTreeSet<FindingKind> = FindingKind::ALL.iter().copied().collect();
    assert_eq!(tested, all);
    let names: BTreeSet<&str> = all.iter().map(|it| it.as_str()).collect();
    assert_eq!(names.len(), all.len());
}
