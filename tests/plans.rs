//! Plans and refusals: what each verb would call on a small fleet, and what it will not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "plans/doctor.rs"]
mod doctor;
#[path = "plans/drain.rs"]
mod drain;
#[path = "plans/owned.rs"]
mod owned;
#[path = "plans/reami.rs"]
mod reami;
#[path = "plans/refresh.rs"]
mod refresh;
#[path = "plans/upkeep.rs"]
mod upkeep;

use std::{sync::Arc, time::Duration};

use pooldeck::{
    action::{self, ActionLine, Confirmation, Guardrail, Plan, Policy, Refusal},
    fleet::*,
    operation::Spec,
};

const IDS: [&str; 4] = [
    "i-00000000000000001",
    "i-00000000000000002",
    "i-00000000000000003",
    "i-00000000000000004",
];

/// One pool `linux` (desired 4, 2 to 8) in two scopes of which `prod` is production;
/// `win` stands only in `prod`; the fourth instance of `prod/linux` is in standby.
fn fleet() -> Fleet {
    let mut parts = Vec::new();
    for (scope, environment) in [
        ("prod/us-east-1", Some("production")),
        ("dev/us-east-1", None),
    ] {
        let mut part = Part {
            scopes: vec![self::scope(scope, environment)],
            pools: vec![Arc::new(pool(scope, "linux"))],
            ..Part::default()
        };
        if environment.is_some() {
            part.pools.push(Arc::new(pool(scope, "win")));
            for (id_idx, id) in IDS.iter().enumerate() {
                let mut it = instance(scope, "linux", id);
                if id_idx == 3 {
                    it.lifecycle = Some(Lifecycle::Standby);
                }
                part.instances.push(Arc::new(it));
            }
        }
        parts.push(part);
    }
    Fleet::join(&parts)
}

fn scope(id: &str, environment: Option<&str>) -> Scope {
    Scope {
        id: id.into(),
        profile: None,
        region: "us-east-1".into(),
        alias: id.split('/').next().unwrap().into(),
        environment: environment.map(str::to_owned),
        read_only: false,
        identity: None,
    }
}

fn pool(scope: &str, name: &str) -> Pool {
    Pool {
        scope: scope.into(),
        name: name.into(),
        kind: PoolKind::Group,
        capacity: Some(Capacity {
            desired: 4,
            min: 2,
            max: 8,
        }),
        template: None,
        mixed: None,
        zones: vec!["us-east-1a".into()],
        suspended: Vec::new(),
        protects_new_instances: false,
        hooks: Vec::new(),
        hooks_read_at: None,
        warm_pool_size: None,
        refresh: None,
        upkeep: Upkeep::default(),
        health_check: None,
        termination_policies: Vec::new(),
        enabled_metrics: Vec::new(),
        created_at: None,
        status: None,
        tags: std::collections::BTreeMap::default(),
        ci: None,
        next_price: None,
    }
}

fn instance(scope: &str, pool: &str, id: &str) -> Instance {
    Instance {
        id: id.into(),
        scope: scope.into(),
        pool: Some(PoolKey::new(scope, pool)),
        lifecycle: Some(Lifecycle::InService),
        lifecycle_since: Timestamp::EPOCH,
        state: Some(MachineState::Running),
        state_reason: None,
        health: Some(Health::Healthy),
        protected: false,
        instance_type: "m5.large".into(),
        zone: "us-east-1a".into(),
        market: Market::OnDemand,
        platform: None,
        price: None,
        image: None,
        template_name: None,
        template_version: None,
        launched_at: None,
        private_address: None,
        public_address: None,
        private_dns: None,
        status_checks: None,
        scheduled_event: None,
        tags: std::collections::BTreeMap::default(),
    }
}

fn price(cents: i64) -> Price {
    Price {
        per_hour: Usd::from_cents(cents),
        source: PriceSource::Configured,
        at: Timestamp::EPOCH,
        on_demand: None,
        billing: Billing::PerSecond,
        is_adjusted: false,
    }
}

fn plan_with(line: &str, fleet: &Fleet, policy: &Policy) -> Result<Plan, Refusal> {
    let line: ActionLine = line.parse().unwrap();
    action::plan(&line.action, line.reason.as_deref(), fleet, policy)
}

#[track_caller]
fn check_calls(line: &str, expected: &[&str]) -> Plan {
    let plan = plan_with(line, &fleet(), &Policy::default()).unwrap();
    let calls: Vec<String> = plan.calls.iter().map(ToString::to_string).collect();
    assert_eq!(calls, expected, "{line}");
    plan
}

#[track_caller]
fn check_refused(line: &str, expected: &str) {
    let refusal = plan_with(line, &fleet(), &Policy::default())
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains(expected),
        "{line}: {refusal}\n  lacks: {expected}"
    );
}

#[test]
fn scaling_up_sets_an_absolute_desired_capacity() {
    check_calls(
        "scale win 6",
        &["autoscaling:SetDesiredCapacity group=win desired=6"],
    );
    check_calls(
        "scale win +2",
        &["autoscaling:SetDesiredCapacity group=win desired=6"],
    );
    check_calls(
        "scale win 12 --max 20",
        &[
            "autoscaling:UpdateAutoScalingGroup group=win max=20",
            "autoscaling:SetDesiredCapacity group=win desired=12",
        ],
    );
    check_calls(
        "scale win --min 3",
        &["autoscaling:UpdateAutoScalingGroup group=win min=3"],
    );
}

#[test]
fn scaling_down_names_its_victims_and_drains_them() {
    let fleet = served_fleet();
    let plan = plan_with("scale linux 2", &fleet, &Policy::default()).unwrap();
    let Some(Spec::Drain(drain)) = &plan.operation else {
        panic!("{plan:#?}")
    };
    assert_eq!(
        drain.targets,
        [IDS[1].into(), IDS[0].into()],
        "idle ones first, the longest idle before"
    );
    assert!(drain.decrement && !drain.force && plan.is_destructive);
    let names_no_victim = |it: &Call| matches!(it, Call::SetDesiredCapacity { .. });
    assert!(
        !plan.calls.iter().any(names_no_victim),
        "a bare decrease lets AWS choose"
    );
    assert!(
        plan.warnings
            .iter()
            .any(|it| it.starts_with(&format!("{} goes: idle", IDS[1])))
    );
}

/// How much one instance weighs is not how many instances there are.
#[test]
fn what_counts_units_is_not_counted_in_instances() {
    let mut part = served_part();
    part.scopes = vec![scope("dev/us-east-1", None)];
    part.read_at = Some(Timestamp::from_secs(1000));
    for pool in &mut part.pools {
        Arc::make_mut(pool).mixed = Some(MixedInstances {
            unit: Some("vcpu".to_owned()),
            ..MixedInstances::default()
        });
    }
    let fleet = Fleet::join([&part]);
    let plan = |line: &str| plan_with(line, &fleet, &Policy::default());
    for line in [
        "scale linux 2".to_owned(),
        format!("drain {} --replace", IDS[1]),
    ] {
        let refusal = plan(&line).unwrap_err().to_string();
        assert!(refusal.contains("counts vcpu"), "{line}: {refusal}");
    }
    let drain = plan(&format!("drain {} --decrement", IDS[1])).unwrap();
    assert!(drain.changes.is_empty(), "{drain:#?}");
    let mut warnings = drain.warnings.iter();
    assert!(warnings.any(|it| it.contains("counts vcpu")), "{drain:#?}");
}

/// What was never launched does not sink with those that are drained.
#[test]
fn scaling_down_says_that_some_of_what_is_wanted_is_not_there() {
    let mut part = served_part();
    part.scopes = vec![scope("dev/us-east-1", None)];
    part.read_at = Some(Timestamp::from_secs(1000));
    for pool in &mut part.pools {
        let pool = Arc::make_mut(pool);
        pool.capacity = pool.capacity.map(|it| Capacity {
            desired: 6,
            max: 9,
            ..it
        });
    }
    let n_there = part.instances.len();
    let plan = plan_with("scale linux 5", &Fleet::join([&part]), &Policy::default()).unwrap();
    let words = format!("has {n_there} of the 6 that it wants");
    assert!(
        plan.warnings.iter().any(|it| it.contains(&words)),
        "{plan:#?}"
    );
}

#[test]
fn a_smaller_max_says_that_those_on_their_way_out_may_count() {
    let plan_while = |state: &str| {
        let mut part = served_part();
        let leaves = Arc::make_mut(&mut part.instances[0]);
        leaves.lifecycle = Some(state.into());
        let pool = Arc::make_mut(&mut part.pools[0]);
        let capacity = Capacity {
            desired: 2,
            min: 1,
            max: 8,
        };
        pool.capacity = Some(capacity);
        plan_with(
            "scale linux --max 2",
            &Fleet::join([&part]),
            &Policy::default(),
        )
        .unwrap()
    };
    let warnings = |plan: &Plan| plan.warnings.join("\n");
    let text = warnings(&plan_while("Terminating:Wait"));
    assert!(text.contains("on their way out"), "{text}");
    let text = warnings(&plan_while("InService"));
    assert!(!text.contains("on their way out"), "{text}");
}

#[test]
fn a_job_whose_end_is_not_known_does_not_end_soonest() {
    let mut part = served_part();
    part.scopes = vec![scope("dev/us-east-1", None)];
    part.read_at = Some(Timestamp::from_secs(1000));
    let ends = [Some(900), Some(2000), None];
    for (executor, end) in part.executors.iter_mut().zip(ends) {
        Arc::make_mut(executor).work = Work::Busy(vec![Job {
            name: "deploy".into(),
            url: None,
            started_at: None,
            expected_end: end.map(Timestamp::from_secs),
        }]);
    }
    let fleet = Fleet::join([&part]);
    let plan = plan_with("scale linux 2", &fleet, &Policy::default()).unwrap();
    let goes = |id: &str, why: &str| {
        let line = format!("{id} goes: {why}");
        let mut warnings = plan.warnings.iter();
        assert!(warnings.any(|it| it.starts_with(&line)), "{plan:#?}");
    };
    goes(IDS[1], "busy, ends soonest");
    goes(IDS[2], "busy, its end is not known");
}

#[test]
fn what_cannot_be_proven_idle_is_not_drained() {
    check_refused("scale win 3", "has only 0 instances in service");
    check_refused("scale win -9", "less than nothing");
    check_refused("scale win 2 --max 6", "change the bounds first");
    check_refused(
        &format!("drain {}", IDS[0]),
        "no CI controller is configured",
    );
    let fleet = served_fleet();
    let refusal = |line: &str| {
        plan_with(line, &fleet, &Policy::default())
            .unwrap_err()
            .to_string()
    };
    assert!(refusal("scale linux 1").contains("below min 2"));
    assert!(refusal(&format!("drain {}", IDS[3])).contains("no agent is known"));
    assert!(refusal(&format!("terminate {}", IDS[2])).contains("is not known to be idle"));
    assert!(refusal(&format!("terminate {} --force", IDS[2])).contains("add --reason"));
}

fn served_by(grade: Grade) -> Fleet {
    let mut part = served_part();
    let mut controller = Controller::new("jenkins".into(), "jenkins", grade);
    controller.caveats = vec!["A saved agent comes back online.".to_owned()];
    part.controllers = vec![controller];
    Fleet::join([&part])
}

#[test]
fn a_drain_says_how_far_its_controller_can_be_trusted() {
    let line = format!("drain {}", IDS[2]);
    let plan = |line: &str, grade| plan_with(line, &served_by(grade), &Policy::default());
    let warnings = plan(&line, Grade::Durable).unwrap().warnings;
    assert!(
        warnings
            .iter()
            .any(|it| it.starts_with("jenkins is durable: A cordon lasts"))
    );
    assert!(warnings.contains(&"jenkins: A saved agent comes back online.".to_owned()));
    let refusal = plan(&line, Grade::ReadOnly).unwrap_err().to_string();
    assert!(refusal.contains("Workers cannot be cordoned"), "{refusal}");
    let force = format!("terminate {} --force --reason stuck", IDS[2]);
    assert!(
        plan(&force, Grade::ReadOnly).is_ok(),
        "it asks no controller"
    );
}

#[test]
fn a_drain_says_when_it_may_be_over_and_what_its_deadline_cuts_short() {
    let now = Timestamp::from_secs(1_800_000_000);
    let plan = |line: &str, ends_in: Option<Duration>| {
        let mut part = served_part();
        part.scopes.clone_from(&fleet().scopes);
        part.read_at = Some(now);
        for executor in &mut part.executors {
            let executor = Arc::make_mut(executor);
            if let Work::Busy(jobs) = &mut executor.work {
                jobs[0].expected_end = ends_in.map(|it| now + it);
            }
        }
        plan_with(line, &Fleet::join([&part]), &Policy::default()).unwrap()
    };
    let line = format!("drain {}", IDS[2]);
    let job = Duration::from_mins(40);
    let told = plan(&line, Some(job));
    assert_eq!(
        told.jobs_at_risk[0].to_string(),
        format!("deploy on {}, expected to end at 08:40:00", IDS[2])
    );
    // The job, a minute of proof, and a minute until the machine is gone.
    let over = "its end is about 08:42:00, in 42m".to_owned();
    assert_eq!(told.warnings.last(), Some(&over), "{:?}", told.warnings);
    let cut = plan(&format!("{line} --deadline 30m"), Some(job)).warnings;
    let words = "ends 10m after the deadline";
    assert!(cut.iter().any(|it| it.contains(words)), "{cut:?}");
    let unknown = plan(&line, None);
    let words = "its end is not known: an instance has a job whose end nobody tells";
    assert_eq!(unknown.warnings.last().unwrap(), words);
    // An estimate that moves is no other plan.
    assert!(told.does_the_same_as(&plan(&line, Some(job * 2))));
}

#[test]
fn force_names_the_jobs_that_are_lost() {
    let line = format!("terminate {} --force --reason stuck", IDS[2]);
    let plan = plan_with(&line, &served_fleet(), &Policy::default()).unwrap();
    assert_eq!(
        plan.jobs_at_risk[0].to_string(),
        format!("deploy on {}, its end is not known", IDS[2])
    );
    assert!(plan.warnings.iter().any(|it| it.contains("are lost")));
    assert_eq!(plan.command_line, line, "what is copied is not refused");
}

#[test]
fn a_job_that_ends_meanwhile_is_no_other_drain_but_another_loss() {
    let (drain, force) = (
        format!("drain {}", IDS[2]),
        format!("terminate {} --force --reason x", IDS[2]),
    );
    let mut later = served_part();
    Arc::make_mut(&mut later.executors[2]).work = Work::Idle { since: None };
    let (before, after) = (served_fleet(), Fleet::join([&later]));
    let same = |line: &str| {
        let plan = |fleet| plan_with(line, fleet, &Policy::default()).unwrap();
        plan(&after).does_the_same_as(&plan(&before))
    };
    assert!(same(&drain) && !same(&force));
}

/// One pool `linux` (desired 4, 2 to 8): two idle, one busy, one without an agent.
fn served_part() -> Part {
    let scope = "dev/us-east-1";
    let mut served = pool(scope, "linux");
    served.ci = Some(CiLink {
        controller: "jenkins".into(),
        label: "linux".into(),
        executors_per_instance: 1,
        instance_from: None,
        boot_budget: std::time::Duration::from_mins(10),
    });
    let agent = |id: &str, work: Work| {
        let mut executor = Executor::new("jenkins".into(), id);
        executor.work = work;
        Arc::new(executor)
    };
    let idle = |secs| Work::Idle {
        since: Some(Timestamp::from_secs(secs)),
    };
    let job = Job {
        name: "deploy".into(),
        url: None,
        started_at: None,
        expected_end: None,
    };
    Part {
        pools: vec![Arc::new(served)],
        instances: IDS
            .iter()
            .map(|it| Arc::new(instance(scope, "linux", it)))
            .collect(),
        executors: vec![
            agent(IDS[0], idle(200)),
            agent(IDS[1], idle(100)),
            agent(IDS[2], Work::Busy(vec![job])),
        ],
        ..Part::default()
    }
}

fn served_fleet() -> Fleet {
    Fleet::join([&served_part()])
}

#[test]
fn bounds_must_hold_together() {
    check_refused("scale win 9", "add --max 9");
    check_refused("scale win --min 9", "min 9 above max 8");
    check_refused("scale win --min 5", "ask for 5 or more");
    check_refused("scale win --max 3", "max 3, below 4");
    check_refused("scale win 4", "nothing to do");
    check_refused("scale win", "needs a size");
}

#[test]
fn a_pool_is_found_by_name_and_scope_or_refused_with_the_nearest() {
    check_refused(
        "scale linux 6",
        "2 scopes have a pool called `linux`; add --scope",
    );
    check_calls(
        "scale linux 6 --scope dev/us-east-1",
        &["autoscaling:SetDesiredCapacity group=linux desired=6"],
    );
    check_refused("scale linx 6", "did you mean `linux`?");
    check_refused("launch", "needs a pool");
}

#[test]
fn launching_never_asks_for_more_than_the_count() {
    let plan = check_calls(
        "launch win --count 3",
        &["autoscaling:SetDesiredCapacity group=win desired=7"],
    );
    assert!(plan.follow.is_some());
    check_refused("launch win --count 5", "5 more do not fit");
    check_refused("launch win --count 0", "launches nothing");
}

#[test]
fn protection_is_changed_in_batches_of_fifty() {
    let parts = Part {
        pools: vec![Arc::new(pool("a/b", "big"))],
        instances: (0..120)
            .map(|n| Arc::new(instance("a/b", "big", &format!("i-{n:017x}"))))
            .collect(),
        ..Part::default()
    };
    let fleet = Fleet::join([&parts]);
    let ids: Vec<String> = fleet.instances.keys().map(ToString::to_string).collect();
    let plan = plan_with(
        &format!("protect {}", ids.join(" ")),
        &fleet,
        &Policy::default(),
    )
    .unwrap();
    let sizes: Vec<usize> = plan.calls.iter().map(|it| it.instances().len()).collect();
    assert_eq!(sizes, [50, 50, 20]);
}

#[test]
fn standby_and_activate_respect_the_bounds() {
    let ids = IDS[..2].join(" ");
    check_calls(
        &format!("standby {ids}"),
        &[&format!(
            "autoscaling:EnterStandby group=linux instances={} decrement=true",
            IDS[..2].join(",")
        )],
    );
    check_refused(&format!("standby {}", IDS[..3].join(" ")), "below min 2");
    check_calls(
        &format!("standby {} --replace", IDS[..3].join(" ")),
        &[&format!(
            "autoscaling:EnterStandby group=linux instances={} decrement=false",
            IDS[..3].join(",")
        )],
    );
    check_calls(
        &format!("activate {}", IDS[3]),
        &[&format!(
            "autoscaling:ExitStandby group=linux instances={}",
            IDS[3]
        )],
    );
    check_refused(
        &format!("activate {}", IDS[0]),
        "wants instances that are Standby",
    );
    check_refused(
        &format!("standby {}", IDS[3]),
        "wants instances that are InService",
    );
}

#[test]
fn suspending_everything_names_every_process_and_warns() {
    let plan = plan_with("suspend win", &fleet(), &Policy::default()).unwrap();
    assert_eq!(plan.changes.len(), Process::KNOWN.len());
    assert!(
        plan.warnings
            .iter()
            .any(|it| it.contains("nothing is replaced"))
    );
    check_refused("resume win", "none of these processes");
}

#[test]
fn resuming_what_acts_at_once_is_destructive() {
    let mut parts = Part {
        pools: vec![Arc::new(pool("a/b", "linux"))],
        ..Part::default()
    };
    Arc::make_mut(&mut parts.pools[0]).suspended = vec![Suspension {
        process: Process::Terminate,
        reason: "User suspended".into(),
    }];
    let plan = plan_with("resume linux", &Fleet::join([&parts]), &Policy::default()).unwrap();
    assert!(plan.is_destructive);
    assert_eq!(
        plan.calls[0].to_string(),
        "autoscaling:ResumeProcesses group=linux processes=Terminate"
    );
}

#[test]
fn a_repeated_instance_counts_once() {
    let plan = check_calls(
        &format!("tag owner=me {} {}", IDS[0], IDS[0]),
        &[&format!("ec2:CreateTags instances={} owner=me", IDS[0])],
    );
    assert_eq!(plan.n_instances(), 1);
    check_refused(
        "protect i-0000000000000dead",
        "no instance i-0000000000000dead is known",
    );
}

#[test]
fn read_only_refuses_every_verb() {
    let policy = Policy {
        read_only: true,
        ..Policy::default()
    };
    for verb in action::verbs() {
        // Asked of a busy instance with an agent, or of its pool: what writes to the controller counts too.
        let words = verb.arguments.iter().map(|it| match it.as_str() {
            "ANSWER" if verb.name == "hook" => "complete",
            "ANSWER" => "start",
            "POOL" | "POOL|OPERATION" => "linux",
            "INSTANCE" | "INSTANCES" => IDS[2],
            "SIZE" => "6",
            "AMI" => "ami-0123456789abcdef0",
            "PROCESS" => "Launch",
            "KEY=VALUE" => "a=b",
            other => panic!("say here what a {other} looks like"),
        });
        let words: Vec<&str> = words.collect();
        // What is left out here would be asked for before anything is looked at.
        let more = if verb.name == "rollback" {
            "--to 1"
        } else {
            ""
        };
        let line = format!("{} {} {more}", verb.name, words.join(" "));
        let refusal = plan_with(&line, &served_fleet(), &policy).unwrap_err();
        assert!(
            matches!(refusal, Refusal::ReadOnly { .. }),
            "{line}: {refusal}"
        );
    }
}

#[test]
fn the_first_guardrail_that_matches_wins() {
    let rule = |actions: &[&str], confirm| Guardrail {
        environment: Some("production".into()),
        actions: actions.iter().map(ToString::to_string).collect(),
        confirm,
        reason: Some("page the build team".into()),
        ..Guardrail::default()
    };
    let policy = Policy {
        read_only: false,
        guardrails: vec![
            rule(&["suspend"], Some(Confirmation::Deny)),
            rule(&[], Some(Confirmation::TypeAccountAlias)),
        ],
        ..Policy::default()
    };
    let refusal = plan_with("suspend win", &fleet(), &policy).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "a guardrail forbids suspend on win (page the build team)"
    );
    let plan = plan_with("scale win 5", &fleet(), &policy).unwrap();
    assert_eq!(plan.confirmation, Confirmation::TypeAccountAlias);
    let elsewhere = plan_with("suspend linux --scope dev/us-east-1", &fleet(), &policy).unwrap();
    assert_eq!(elsewhere.confirmation, Confirmation::YesNo);
}

#[test]
fn a_guardrail_bounds_how_much_one_action_touches() {
    let policy = |max_instances, max_percent, require_reason| Policy {
        read_only: false,
        guardrails: vec![Guardrail {
            max_instances,
            max_percent,
            require_reason,
            ..Guardrail::default()
        }],
        ..Policy::default()
    };
    let refusal =
        |line: &str, policy: &Policy| plan_with(line, &fleet(), policy).unwrap_err().to_string();
    let two = format!("standby {}", IDS[..2].join(" "));
    assert!(refusal(&two, &policy(Some(1), None, false)).contains("would touch 2 of 4"));
    assert!(refusal(&two, &policy(None, Some(25), false)).contains("allows 25 %"));
    assert!(plan_with(&two, &fleet(), &policy(Some(2), Some(50), false)).is_ok());
    assert!(refusal(&two, &policy(None, None, true)).contains("add --reason"));
    let with_reason = format!("{two} --reason tired");
    assert!(plan_with(&with_reason, &fleet(), &policy(None, None, true)).is_ok());
    assert!(
        refusal(&format!("{two} --reason ' '"), &policy(None, None, true)).contains("add --reason")
    );
}

#[test]
fn production_asks_harder_the_more_is_touched() {
    let small = plan_with("scale win 5", &fleet(), &Policy::default()).unwrap();
    assert_eq!(small.confirmation, Confirmation::YesNo);
    let most = format!("protect {}", IDS.join(" "));
    let large = plan_with(&most, &fleet(), &Policy::default()).unwrap();
    assert_eq!(large.confirmation, Confirmation::TypePoolName);
    let automation = plan_with("suspend win AZRebalance", &fleet(), &Policy::default()).unwrap();
    assert_eq!(automation.confirmation, Confirmation::TypePoolName);
}

#[test]
fn a_plan_on_a_changed_fleet_is_another_plan() {
    let before = plan_with("launch win", &fleet(), &Policy::default()).unwrap();
    let mut part = Part {
        pools: vec![Arc::new(pool("prod/us-east-1", "win"))],
        ..Part::default()
    };
    let same = plan_with("launch win", &Fleet::join([&part]), &Policy::default()).unwrap();
    assert!(same.does_the_same_as(&before));
    Arc::make_mut(&mut part.pools[0]).capacity = Some(Capacity {
        desired: 5,
        min: 2,
        max: 8,
    });
    let after = plan_with("launch win", &Fleet::join([&part]), &Policy::default()).unwrap();
    assert!(!after.does_the_same_as(&before));
}
