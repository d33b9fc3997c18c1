//! `publish`: numbers of what was read whole, and never a zero for what was not.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use pooldeck::{cli::Exit, fleet::*};

use crate::stage::{START, Stage};

/// The numbers of a dry run, by pool and name.
fn numbers(document: &serde_json::Value) -> BTreeMap<(String, String), f64> {
    let metrics = document["metrics"].as_array().unwrap().iter();
    let number = |it: &serde_json::Value| {
        let pool = it["dimensions"]["Pool"].as_str().unwrap().to_owned();
        let name = it["name"].as_str().unwrap().to_owned();
        ((pool, name), it["value"].as_f64().unwrap())
    };
    metrics.map(number).collect()
}

#[test]
fn what_is_published_is_what_the_pools_show() {
    let stage = Stage::new();
    let dry = stage.run("publish --once --dry-run -o json");
    assert_eq!(dry.exit, Exit::Done, "{dry:?}");
    assert_eq!(stage.world.lock().unwrap().published(), []);
    let numbers = numbers(&dry.json());
    assert_eq!(numbers.len(), 2 * 7, "{numbers:?}");
    for pool in stage.run("pools -o json").json()["pools"]
        .as_array()
        .unwrap()
    {
        let name = pool["name"].as_str().unwrap();
        let number = |metric: &str| numbers[&(name.to_owned(), metric.to_owned())];
        assert!(0.0 < number("TotalExecutors"), "{numbers:?}");
        for (metric, field) in [
            ("TotalExecutors", "total"),
            ("BusyExecutors", "busy"),
            ("IdleExecutors", "idle"),
            ("QueuedJobs", "queued"),
        ] {
            let shown = pool["executors"][field].as_f64().unwrap();
            assert!((number(metric) - shown).abs() < 0.5, "{metric}: {pool}");
        }
    }
    let said = stage.run("publish --once --namespace ci/test");
    assert_eq!(said.exit, Exit::Done, "{said:?}");
    assert_eq!(said.stdout, "");
    let world = stage.world.lock().unwrap();
    let published = world.published();
    assert_eq!(published.len(), 2, "each region gets its own");
    for it in published {
        assert_eq!((it.namespace.as_str(), it.data.len()), ("ci/test", 7));
    }
}

#[test]
fn a_session_that_may_not_write_publishes_nothing() {
    let mut stage = Stage::new();
    stage.policy.read_only = true;
    let said = stage.run("publish --once");
    assert_eq!(said.exit, Exit::Refused, "{said:?}");
    assert!(said.stderr.contains("read-only"), "{said:?}");
    assert_eq!(stage.world.lock().unwrap().published(), []);
    assert_eq!(stage.run("publish --dry-run").exit, Exit::Done);
}

#[test]
fn a_controller_that_does_not_answer_is_named_and_not_zero() {
    let stage = Stage::new();
    let controller = {
        let world = stage.world.lock().unwrap();
        world.controllers().next().unwrap().name.clone()
    };
    stage
        .world
        .lock()
        .unwrap()
        .silence(SourceId::Controller(controller), Duration::from_hours(1));
    let said = stage.run("publish --once");
    assert_eq!(said.exit, Exit::Unavailable, "{said:?}");
    assert!(said.stderr.contains("linux is not published"), "{said:?}");
    assert_eq!(stage.world.lock().unwrap().published(), []);
    let dry = stage.run("publish --dry-run -o json").json();
    assert_eq!(dry["metrics"], serde_json::json!([]));
    assert_eq!(dry["withheld"].as_array().unwrap().len(), 2);
}

#[test]
fn a_name_that_cloudwatch_refuses_is_refused_before_anything_is_read() {
    for name in ["AWS/EC2", "two words", "''"] {
        let said = Stage::new().run(&format!("publish --once --namespace '{name}'"));
        assert_eq!(said.exit, Exit::Usage, "{name}: {said:?}");
    }
}

#[test]
fn draining_agents_are_not_available_and_doubtful_ones_are_not_counted() {
    let mut observation = observed(vec![
        agent(0, Work::Idle { since: None }, false),
        agent(1, Work::Idle { since: None }, true),
        agent(2, Work::Busy(Vec::new()), true),
        agent(3, Work::Busy(Vec::new()), false),
        agent(4, Work::Offline { since: None }, false),
    ]);
    let published = metrics(&observation);
    assert_eq!(published.withheld, []);
    let counts: Vec<(&str, f64)> = published.pools[0]
        .data
        .iter()
        .map(|it| (it.name, it.value))
        .collect();
    let expected = [
        ("TotalExecutors", 5.0),
        ("BusyExecutors", 2.0),
        ("IdleExecutors", 1.0),
        ("OfflineExecutors", 1.0),
        ("DrainingExecutors", 2.0),
        ("QueuedJobs", 3.0),
    ];
    assert_eq!(counts, expected, "the oldest wait is not known, so not 0");

    observation.fleet.queues[0].oldest_since = Some(START - Duration::from_secs(90));
    let oldest = metrics(&observation).pools[0].data[6].clone();
    assert_eq!((oldest.name, oldest.value), ("OldestQueuedSeconds", 90.0));
    observation.fleet.queues.clear();
    let oldest = metrics(&observation).pools[0].data[6].clone();
    assert_eq!(oldest.value.to_bits(), 0.0_f64.to_bits());

    let late = Observation {
        at: START + Duration::from_mins(1),
        ..observation.clone()
    };
    assert_eq!(metrics(&late).pools, []);
    let mut partial = observation.clone();
    partial.errors.push((
        SourceId::Controller("jenkins".into()),
        Failure {
            kind: FailureKind::Denied,
            what: "two folders are hidden".to_owned(),
            at: START,
            retry_at: None,
        },
    ));
    assert_eq!(metrics(&partial).pools, []);
    let mut narrow = observation.clone();
    let (scope, denied) = (
        observation.sources[0].source.clone(),
        partial.errors[0].1.clone(),
    );
    narrow.errors.push((scope, denied));
    assert_eq!(
        metrics(&narrow).withheld,
        [],
        "a role that may not read activities hides no agent"
    );
    let lost = Executor::new("jenkins".into(), "build-7");
    narrow.fleet.executors.push(Arc::new(lost));
    assert_eq!(
        metrics(&narrow).pools,
        [],
        "it may be the one that is hidden"
    );
    let doubtful = observed(vec![
        agent(0, Work::Idle { since: None }, false),
        agent(1, Work::Unknown("a login page".to_owned()), false),
    ]);
    let withheld = metrics(&doubtful).withheld;
    assert!(withheld[0].why.contains("a login page"), "{withheld:?}");
}

/// A pool of five machines, its agents, and a queue whose age is hidden.
fn observed(executors: Vec<Arc<Executor>>) -> Observation {
    let pool = Arc::new(crate::contract::full_pool());
    let instances = (0..5).map(|it| {
        let mut instance = crate::contract::full_instance(&pool.key());
        instance.id = id(it);
        Arc::new(instance)
    });
    let part = Part {
        instances: instances.collect(),
        pools: vec![pool.clone()],
        executors,
        queues: vec![Queue {
            controller: "jenkins".into(),
            label: "linux".to_owned(),
            length: 3,
            oldest_since: None,
            why: None,
        }],
        ..Part::default()
    };
    let source = |it| {
        let mut health = SourceHealth::new(it, Duration::from_secs(10));
        health.read_at = Some(START);
        health
    };
    Observation {
        at: START,
        fleet: Fleet::join([&part]),
        sources: vec![
            source(SourceId::Scope(pool.scope.clone())),
            source(SourceId::Controller("jenkins".into())),
        ],
        errors: Vec::new(),
        ..Observation::default()
    }
}

fn agent(machine: u32, work: Work, cordoned: bool) -> Arc<Executor> {
    let mut agent = Executor::new("jenkins".into(), id(machine).to_string());
    agent.work = work;
    agent.cordoned = cordoned;
    Arc::new(agent)
}

fn id(machine: u32) -> InstanceId {
    format!("i-0123456789abcde{machine:02}").into()
}
