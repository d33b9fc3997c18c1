//! Which machine an agent runs on: by every rule, and not at all when that is doubtful.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use pooldeck::fleet::{
    CiLink, Executor, Fleet, Instance, InstanceId, JoinRule, Joining, Lifecycle, MachineState,
    Market, Part, Pool, PoolKey, PoolKind, Timestamp, Upkeep,
};

const A: &str = "i-0000000000000000a";
const B: &str = "i-0000000000000000b";

fn instance(id: &str, change: impl FnOnce(&mut Instance)) -> Arc<Instance> {
    let mut instance = Instance {
        id: id.into(),
        scope: "prod/us-east-1".into(),
        pool: Some(PoolKey::new("prod/us-east-1", "linux")),
        lifecycle: Some(Lifecycle::InService),
        lifecycle_since: Timestamp::EPOCH,
        state: Some(MachineState::Running),
        state_reason: None,
        health: None,
        protected: false,
        instance_type: "m7i.large".into(),
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
        tags: BTreeMap::new(),
    };
    change(&mut instance);
    Arc::new(instance)
}

fn at_address(id: &str, address: &str) -> Arc<Instance> {
    instance(id, |it| it.private_address = Some(address.to_owned()))
}

fn agent(name: &str, hints: &[&str]) -> Executor {
    Executor {
        host_hints: hints.iter().map(|it| (*it).to_owned()).collect(),
        ..Executor::new("jenkins".into(), name)
    }
}

/// The pool `linux`, served by this controller with this rule.
fn linux(controller: Option<&str>, instance_from: Option<&str>) -> Arc<Pool> {
    Arc::new(Pool {
        scope: "prod/us-east-1".into(),
        name: "linux".into(),
        kind: PoolKind::Group,
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
        tags: BTreeMap::new(),
        ci: controller.map(|it| CiLink {
            controller: it.into(),
            label: "linux".into(),
            executors_per_instance: 1,
            instance_from: instance_from.map(|it| it.parse().unwrap()),
            boot_budget: Duration::from_mins(10),
        }),
        next_price: None,
    })
}

fn fleet(pool: Arc<Pool>, instances: &[Arc<Instance>], executors: &[Executor]) -> Fleet {
    Fleet::join([&Part {
        pools: vec![pool],
        instances: instances.to_vec(),
        executors: executors.iter().cloned().map(Arc::new).collect(),
        ..Part::default()
    }])
}

/// Joins one agent, and returns its machine and how that is explained.
fn join(pool: Arc<Pool>, instances: &[Arc<Instance>], agent: Executor) -> (Option<String>, String) {
    let fleet = fleet(pool, instances, &[agent]);
    let agent = &fleet.executors[0];
    let id = agent.instance.as_ref().map(ToString::to_string);
    (id, agent.joining.to_string())
}

#[track_caller]
fn check(instances: &[Arc<Instance>], agent: Executor, id: Option<&str>, explained: &str) {
    let joined = join(linux(Some("jenkins"), None), instances, agent);
    assert_eq!(joined, (id.map(str::to_owned), explained.to_owned()));
}

#[test]
fn an_id_in_the_name_joins() {
    check(
        &[instance(A, |_| ()), instance(B, |_| ())],
        agent("EC2 (cloud) - linux (i-0000000000000000b)", &[]),
        Some(B),
        r#"rule `name` matched "EC2 (cloud) - linux (i-0000000000000000b)""#,
    );
}

#[test]
fn an_id_in_what_the_controller_says_of_the_host_joins() {
    check(
        &[instance(A, |_| ())],
        agent("w0", &["aws:instance-id=i-0000000000000000a"]),
        Some(A),
        r#"rule `host` matched "aws:instance-id=i-0000000000000000a""#,
    );
}

#[test]
fn a_dns_name_joins_in_full_and_in_short() {
    let named = instance(A, |it| {
        it.private_dns = Some("ip-10-0-0-7.ec2.internal".to_owned());
    });
    for name in ["ip-10-0-0-7.ec2.internal", "ip-10-0-0-7", "IP-10-0-0-7"] {
        for executor in [agent(name, &[]), agent("w0", &["admin", name])] {
            let explained = format!("rule `host` matched {name:?}");
            check(std::slice::from_ref(&named), executor, Some(A), &explained);
        }
    }
}

#[test]
fn an_address_joins_wherever_it_stands() {
    let addressed = instance(A, |it| {
        it.private_address = Some("10.0.0.7".to_owned());
        it.public_address = Some("54.1.2.3".to_owned());
    });
    for (hint, by) in [
        ("10.0.0.7", "10.0.0.7"),
        ("tcp://10.0.0.7:9989", "10.0.0.7"),
        ("agent@54.1.2.3", "54.1.2.3"),
        ("linux box (54.1.2.3), second rack", "54.1.2.3"),
    ] {
        let explained = format!("rule `address` matched {by:?}");
        check(
            std::slice::from_ref(&addressed),
            agent("w0", &[hint]),
            Some(A),
            &explained,
        );
    }
    let none = "nothing that its controller says names an instance";
    for hint in ["10.0.0.70", "110.0.0.7", "10.0.0"] {
        check(
            std::slice::from_ref(&addressed),
            agent("w0", &[hint]),
            None,
            none,
        );
    }
}

#[test]
fn the_name_tag_joins_when_nothing_else_does() {
    let tagged = instance(A, |it| {
        it.tags.insert("Name".to_owned(), "builder-7".to_owned());
    });
    check(
        &[tagged],
        agent("builder-7", &[]),
        Some(A),
        r#"rule `tag:Name` matched "builder-7""#,
    );
}

#[test]
fn a_configured_rule_is_the_only_one_for_its_pool() {
    let both = || {
        [
            at_address(A, "10.0.0.7"),
            instance(B, |it| {
                it.tags.insert("ci-agent".to_owned(), "w0".to_owned());
            }),
        ]
    };
    let executor = || agent("w0", &["10.0.0.7"]);
    let by_tag = join(
        linux(Some("jenkins"), Some("tag:ci-agent")),
        &both(),
        executor(),
    );
    assert_eq!(
        by_tag,
        (
            Some(B.to_owned()),
            r#"rule `tag:ci-agent` matched "w0""#.to_owned()
        )
    );
    let by_address = join(linux(Some("jenkins"), Some("address")), &both(), executor());
    assert_eq!(by_address.0.as_deref(), Some(A));
    let by_name = join(linux(Some("jenkins"), Some("name")), &both(), executor());
    assert_eq!(by_name.0, None);
}

#[test]
fn an_address_of_two_machines_joins_neither_and_says_so() {
    check(
        &[at_address(A, "10.0.0.7"), at_address(B, "10.0.0.7")],
        agent("w0", &["10.0.0.7"]),
        None,
        "rule `address`: \"10.0.0.7\" fits i-0000000000000000a and i-0000000000000000b",
    );
}

#[test]
fn a_machine_that_is_gone_has_given_its_address_back() {
    for state in [MachineState::Terminated, MachineState::ShuttingDown] {
        let gone = instance(A, |it| {
            it.private_address = Some("10.0.0.7".to_owned());
            it.state = Some(state.clone());
        });
        let executor = agent("w0", &["10.0.0.7"]);
        let explained = r#"rule `address` matched "10.0.0.7""#;
        check(
            &[gone, at_address(B, "10.0.0.7")],
            executor,
            Some(B),
            explained,
        );
    }
}

#[test]
fn a_weak_rule_stays_with_the_pools_of_its_controller() {
    let instances = [at_address(A, "10.0.0.7")];
    let executor = || agent("w0", &["10.0.0.7"]);
    // Another network of another controller has the same address.
    let (id, _) = join(linux(Some("buildbot"), None), &instances, executor());
    assert_eq!(id, None);
    // An id is one machine's in the whole world.
    let by_id = agent("i-0000000000000000a", &[]);
    let (id, _) = join(linux(Some("buildbot"), None), &instances, by_id);
    assert_eq!(id.as_deref(), Some(A));
    // Nothing is configured, so there is nothing to stay with.
    let (id, _) = join(linux(None, None), &instances, executor());
    assert_eq!(id.as_deref(), Some(A));
}

#[test]
fn a_weak_rule_does_not_leave_the_configured_pools() {
    let outside = instance(A, |it| {
        it.private_address = Some("10.0.0.7".to_owned());
        it.pool = None;
    });
    let executor = agent("w0", &["10.0.0.7"]);
    let (id, _) = join(linux(Some("jenkins"), None), &[outside], executor);
    assert_eq!(id, None);
}

#[test]
fn an_agent_may_come_before_its_instance_and_an_instance_before_its_agent() {
    let early = || agent("linux-i-0000000000000000b", &[]);
    let instances = [instance(A, |_| ())];
    check(
        &instances,
        early(),
        None,
        "it names i-0000000000000000b, which is in no scope",
    );
    let pool = linux(Some("jenkins"), None);
    let lonely = fleet(pool.clone(), &instances, &[early()]);
    assert_eq!(lonely.executors_on(&A.into()).count(), 0);
    let later = [instance(A, |_| ()), instance(B, |_| ())];
    let joined = fleet(pool, &later, &[early()]);
    assert_eq!(joined.executors_on(&B.into()).count(), 1);
}

#[test]
fn two_agents_on_one_instance_and_two_of_one_name_are_ordinary() {
    let executors = [
        agent("i-0000000000000000a-1", &[]),
        agent("i-0000000000000000a-2", &[]),
        Executor {
            id: "first".into(),
            ..agent("twin", &["i-0000000000000000a"])
        },
        Executor {
            id: "second".into(),
            ..agent("twin", &["i-0000000000000000b"])
        },
    ];
    let instances = [instance(A, |_| ()), instance(B, |_| ())];
    let fleet = fleet(linux(Some("jenkins"), None), &instances, &executors);
    let on = |id: &str| -> Vec<String> {
        let id = InstanceId::from(id);
        fleet.executors_on(&id).map(|it| it.id.clone()).collect()
    };
    assert_eq!(
        on(A),
        ["i-0000000000000000a-1", "i-0000000000000000a-2", "first"]
    );
    assert_eq!(on(B), ["second"]);
    let pool = PoolKey::new("prod/us-east-1", "linux");
    assert!(
        fleet
            .executors
            .iter()
            .all(|it| it.pool.as_ref() == Some(&pool))
    );
}

#[test]
fn what_a_controller_told_outweighs_every_rule() {
    let told = Executor {
        instance: Some(B.into()),
        joining: Joining::Told,
        ..agent("i-0000000000000000a", &[])
    };
    check(
        &[instance(A, |_| ()), instance(B, |_| ())],
        told,
        Some(B),
        "its controller names the instance",
    );
}

#[test]
fn a_name_with_two_ids_joins_neither() {
    check(
        &[instance(A, |_| ()), instance(B, |_| ())],
        agent("i-0000000000000000a replaces i-0000000000000000b", &[]),
        None,
        "rule `name`: \"i-0000000000000000a replaces i-0000000000000000b\" fits \
         i-0000000000000000a and i-0000000000000000b",
    );
}

#[test]
fn a_joined_agent_is_joined_anew_when_its_machine_changes() {
    let pool = linux(Some("jenkins"), None);
    let first = fleet(
        pool.clone(),
        &[at_address(A, "10.0.0.7")],
        &[agent("w0", &["10.0.0.7"])],
    );
    let agent = (*first.executors[0]).clone();
    let rule = JoinRule::Address;
    let by = "10.0.0.7".to_owned();
    assert_eq!(agent.joining, Joining::Matched { rule, by });
    let second = fleet(pool, &[at_address(B, "10.0.0.7")], &[agent]);
    assert_eq!(second.executors[0].instance, Some(B.into()));
}
