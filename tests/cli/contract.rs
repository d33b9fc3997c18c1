//! The JSON contract, version 1. A change of these files is a change of what
//! scripts read: fields may be added, and nothing else.

use std::{sync::Arc, time::Duration};

use pooldeck::fleet::*;
use snapbox::{Data, file};

use crate::stage::{START, Stage};

#[test]
fn pools_have_the_shape_that_is_promised() {
    check("pools", file!["contract/pools.json"]);
}

#[test]
fn instances_have_the_shape_that_is_promised() {
    check("instances", file!["contract/instances.json"]);
}

#[test]
fn activities_have_the_shape_that_is_promised() {
    check("activities", file!["contract/activities.json"]);
}

#[test]
fn scopes_have_the_shape_that_is_promised() {
    check("scopes", file!["contract/scopes.json"]);
}

#[test]
fn executors_have_the_shape_that_is_promised() {
    check("executors", file!["contract/executors.json"]);
}

#[test]
fn jobs_have_the_shape_that_is_promised() {
    check("jobs", file!["contract/jobs.json"]);
}

#[test]
fn the_queue_has_the_shape_that_is_promised() {
    check("queue", file!["contract/queue.json"]);
}

#[test]
fn strays_have_the_shape_that_is_promised() {
    check("strays", file!["contract/strays.json"]);
}

#[test]
fn findings_have_the_shape_that_is_promised() {
    check("doctor", file!["contract/doctor.json"]);
}

#[test]
fn an_explanation_has_the_shape_that_is_promised() {
    let explain = fixed().run("explain i-0123456789abcdef0 -o json");
    let expected = file!["contract/explanation.json"];
    snapbox::assert_data_eq!(explain.stdout, expected.raw());
}

#[test]
fn a_pool_is_explained_link_by_link() {
    let said = fixed().run("explain linux -o json").json();
    let why = said["pools"][0]["why"].as_array().unwrap();
    let has = |text: &str| {
        why.iter()
            .any(|it| it["what"].as_str().unwrap().contains(text))
    };
    for text in [
        "Rate exceeded",
        "the group is being deleted: Delete in progress",
        "AZRebalance is suspended: zones are not evened out",
        "hook drain has",
        "instance refresh",
        "InsufficientInstanceCapacity",
    ] {
        assert!(has(text), "no `{text}` in {said:#}");
    }
    let words = fixed().run("explain linux --read-only").stdout;
    assert!(
        words.starts_with("sim/us-east-1/linux: why nothing is happening\n"),
        "{words}"
    );
}

#[test]
fn operations_have_the_shape_that_is_promised() {
    let stage = Stage::new();
    let said = stage.run("drain --pool linux --count 1 --yes --timeout 1s");
    assert_eq!(said.exit.code(), 5, "{said:?}");
    let document = stage.run("ops -o json").json();
    let operation = &document["operations"][0];
    for (key, is_right) in [
        ("id", operation["id"].is_string()),
        ("kind", operation["kind"] == "drain"),
        ("pool", operation["pool"] == "linux"),
        ("scope", operation["scope"] == "sim/us-east-1"),
        ("state", operation["state"].is_string()),
        ("owner", operation["owner"].is_string()),
        (
            "started_at",
            operation["started_at"] == "2025-11-21T10:00:00Z",
        ),
        ("progress.done", operation["progress"]["done"] == 0),
        ("progress.total", operation["progress"]["total"] == 1),
        ("waiting_on", operation["waiting_on"].is_string()),
        ("targets", operation["targets"][0]["instance"].is_string()),
        ("step", operation["targets"][0]["step"].is_string()),
        ("why", operation["targets"][0].get("why").is_some()),
    ] {
        assert!(is_right, "{key}: {operation:#}");
    }
}

#[test]
fn a_line_of_ndjson_is_a_row_of_json() {
    for noun in NOUNS {
        let document = fixed().run(&format!("{noun} -o json")).json();
        let lines = fixed().run(&format!("{noun} -o ndjson")).stdout;
        let rows: Vec<serde_json::Value> = lines
            .lines()
            .map(|it| serde_json::from_str(it).unwrap())
            .collect();
        assert_eq!(document[noun].as_array().unwrap(), &rows, "{noun}");
    }
}

#[test]
fn work_that_nobody_told_of_is_null_and_not_zero() {
    let mut stage = fixed();
    let part = stage.fixed.as_mut().unwrap();
    part.executors.clear();
    part.queues.clear();
    let pool = &stage.run("pools -o json").json()["pools"][0];
    assert_eq!(pool["name"], "linux");
    for count in ["total", "busy", "idle", "unknown", "queued"] {
        assert!(pool["executors"][count].is_null(), "{pool}");
    }
    let instance = &stage.run("instances -o json").json()["instances"][0];
    assert_eq!(instance["work"], "unknown");
    assert!(instance["jobs"].is_null() && instance["cordoned"].is_null());
    let csv = stage.run("pools -o csv --columns name,busy,idle,queued");
    assert!(csv.stdout.contains("linux,,,\n"), "{csv:?}");
}

/// Every listing; its rows stand under its name.
const NOUNS: [&str; 8] = [
    "pools",
    "instances",
    "activities",
    "executors",
    "jobs",
    "queue",
    "strays",
    "scopes",
];

#[track_caller]
fn check(noun: &str, expected: Data) {
    let said = fixed().run(&format!("{noun} -o json"));
    snapbox::assert_data_eq!(said.stdout, expected.raw());
}

fn fixed() -> Stage {
    let mut stage = Stage::new();
    stage.fixed = Some(part());
    stage
}

/// A row with everything that can be known, and one with nothing that need not be.
fn part() -> Part {
    let full = full_pool();
    let key = full.key();
    Part {
        pools: vec![Arc::new(full), Arc::new(bare_pool())],
        instances: vec![Arc::new(full_instance(&key)), Arc::new(bare_instance())],
        executors: vec![Arc::new(busy_agent()), Arc::new(lost_agent())],
        queues: vec![
            Queue {
                controller: "jenkins".into(),
                label: "linux".to_owned(),
                length: 3,
                oldest_since: None,
                why: None,
            },
            Queue {
                controller: "jenkins".into(),
                label: "mac".to_owned(),
                length: 1,
                oldest_since: Some(START - Duration::from_secs(90)),
                why: Some("‘mac’ has no agents".to_owned()),
            },
        ],
        activities: vec![Arc::new(Activity {
            id: "a1".to_owned(),
            pool: key,
            started_at: START - Duration::from_mins(1),
            ended_at: Some(START),
            status: ActivityStatus::Failed,
            status_message: Some("InsufficientInstanceCapacity".to_owned()),
            description: "Launching a new EC2 instance".to_owned(),
            cause: "a user request".to_owned(),
            percent: Some(100),
            instance: Some("i-0123456789abcdef0".into()),
        })],
        ..Part::default()
    }
}

pub(crate) fn full_pool() -> Pool {
    let mut pool = bare_pool();
    pool.name = "linux".into();
    pool.kind = PoolKind::Group;
    pool.capacity = Some(Capacity {
        desired: 2,
        min: 1,
        max: 4,
    });
    pool.template = Some(Template {
        kind: TemplateKind::LaunchTemplate,
        id: Some("lt-0123456789abcdef0".to_owned()),
        name: "linux".to_owned(),
        version: "$Latest".to_owned(),
        resolved_version: Some("7".to_owned()),
        image: Some("ami-0123456789abcdef0".into()),
        instance_type: Some("c7i.2xlarge".to_owned()),
    });
    pool.mixed = Some(MixedInstances {
        on_demand_base: 1,
        on_demand_percent_above_base: 20,
        spot_allocation: Some("price-capacity-optimized".to_owned()),
        spot_max_price: Some("0.20".to_owned()),
        instance_types: vec!["c7i.2xlarge".to_owned(), "m7i.2xlarge".to_owned()],
        unit: None,
    });
    pool.zones = vec!["us-east-1a".to_owned(), "us-east-1b".to_owned()];
    pool.suspended = vec![Suspension {
        process: Process::AzRebalance,
        reason: "User suspended at 2025-11-21T09:00:00Z".to_owned(),
    }];
    pool.hooks_read_at = Some(START);
    pool.hooks = vec![Hook {
        name: "drain".to_owned(),
        transition: HookTransition::Terminating,
        heartbeat_timeout: Duration::from_mins(15),
        global_timeout: Duration::from_hours(25),
        default_result: HookResult::Continue,
    }];
    pool.warm_pool_size = Some(0);
    pool.refresh = Some(Refresh {
        id: "r1".to_owned(),
        status: RefreshStatus::InProgress,
        reason: Some("waiting for instances".to_owned()),
        percent_complete: Some(50),
        n_instances_to_update: Some(1),
        started_at: Some(START),
        ended_at: None,
        on_protected: None,
        version: None,
    });
    pool.health_check = Some("EC2".to_owned());
    pool.termination_policies = vec!["Default".to_owned()];
    pool.enabled_metrics = vec!["GroupDesiredCapacity".to_owned()];
    pool.created_at = Some(START - Duration::from_hours(24));
    pool.status = Some("Delete in progress".to_owned());
    pool.tags = [("team".to_owned(), "build".to_owned())].into();
    pool.ci = Some(CiLink {
        controller: "jenkins".into(),
        label: "linux".to_owned(),
        executors_per_instance: 1,
        instance_from: None,
        boot_budget: Duration::from_mins(10),
    });
    pool
}

fn bare_pool() -> Pool {
    Pool {
        scope: "sim/us-east-1".into(),
        name: "loose".into(),
        kind: PoolKind::Static,
        capacity: None,
        template: None,
        mixed: None,
        zones: Vec::new(),
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
        tags: [].into(),
        ci: None,
        next_price: None,
    }
}

pub(crate) fn full_instance(pool: &PoolKey) -> Instance {
    Instance {
        id: "i-0123456789abcdef0".into(),
        pool: Some(pool.clone()),
        lifecycle: Some(Lifecycle::TerminatingWait),
        state: Some(MachineState::Running),
        state_reason: Some("Server.SpotInstanceTermination".to_owned()),
        health: Some(Health::Healthy),
        protected: true,
        instance_type: "c7i.2xlarge".to_owned(),
        zone: "us-east-1a".to_owned(),
        market: Market::Spot,
        platform: Some("Linux/UNIX".to_owned()),
        price: Some(Price {
            per_hour: Usd::from_nanos(142_800_000),
            source: PriceSource::SpotHistory,
            at: START - Duration::from_hours(2),
            on_demand: Some(Usd::from_nanos(357_000_000)),
            billing: Billing::PerSecond,
            is_adjusted: false,
        }),
        image: Some("ami-0fedcba9876543210".into()),
        template_name: Some("linux".to_owned()),
        template_version: Some("6".to_owned()),
        launched_at: Some(START - Duration::from_hours(1)),
        private_address: Some("10.0.3.7".to_owned()),
        public_address: Some("198.51.100.7".to_owned()),
        private_dns: Some("ip-10-0-3-7.ec2.internal".to_owned()),
        status_checks: Some("ok".to_owned()),
        scheduled_event: Some("instance-retirement".to_owned()),
        tags: [("Name".to_owned(), "linux-1".to_owned())].into(),
        ..bare_instance()
    }
}

fn bare_instance() -> Instance {
    Instance {
        id: "i-0123456789abcdef1".into(),
        scope: "sim/us-east-1".into(),
        pool: None,
        lifecycle: None,
        lifecycle_since: START,
        state: None,
        state_reason: None,
        health: None,
        protected: false,
        instance_type: String::new(),
        zone: String::new(),
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
        tags: [].into(),
    }
}

fn busy_agent() -> Executor {
    let mut agent = Executor::new("jenkins".into(), "i-0123456789abcdef0");
    agent.work = Work::Busy(vec![Job {
        name: "api/build #7".to_owned(),
        url: Some("https://jenkins.example.org/job/api/7/".to_owned()),
        started_at: Some(START - Duration::from_mins(2)),
        expected_end: Some(START + Duration::from_mins(4)),
    }]);
    agent.n_busy_slots = 1;
    agent.cordoned = true;
    agent.note = Some("the disk is full".to_owned());
    agent.labels = vec!["linux".to_owned()];
    agent.evidence = vec![Evidence {
        source: "jenkins".to_owned(),
        at: START,
        what: "offline: the disk is full; 1 of 1 slots runs a build".to_owned(),
    }];
    agent
}

/// An agent whose machine nobody sees, and of which nothing is known.
fn lost_agent() -> Executor {
    Executor::new("jenkins".into(), "i-0123456789abcdeff")
}
