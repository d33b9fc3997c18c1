//! `reami` and `rollback` of every kind of pool, by the binary, against a server that launches
//! from the version that it was told, and remembers for each instance which that was.

use std::{collections::BTreeMap, thread};

use aws_sdk_autoscaling::types::{
    LaunchTemplate, LaunchTemplateOverrides, LaunchTemplateSpecification, MixedInstancesPolicy,
};
use pooldeck::{
    cloud::aws::Aws,
    fleet::{Call, TemplateKind},
};
use serde_json::Value;

use crate::{
    operator::{Operator, Said, writes},
    region::{Region, Seen, ZONE, observe, pool_tag},
};

/// All at once, and nothing to watch: what the tests of the simulator are for is not for these.
const AT_ONCE: &str = "--canary 0 --batch 100% --yes --reason test";

/// Images that the server knows from its start.
const OLD: &str = "ami-760aaa0f";
const NEW: &str = "ami-785db401";
const ARM: &str = "ami-0e9271c829888680e";
const OTHER: &str = "ami-1e749f67";

impl Region {
    /// Makes a group that launches from a launch configuration, as groups did until 2023.
    async fn configured_group(&self, name: &str, image: &str) {
        self.scaling
            .create_launch_configuration()
            .launch_configuration_name("old-style")
            .image_id(image)
            .instance_type("m5.large")
            .key_name("operators")
            .send()
            .await
            .unwrap();
        self.scaling
            .create_auto_scaling_group()
            .auto_scaling_group_name(name)
            .min_size(1)
            .max_size(20)
            .desired_capacity(2)
            .launch_configuration_name("old-style")
            .availability_zones(ZONE)
            .tags(pool_tag(name))
            .send()
            .await
            .unwrap();
    }

    async fn mixed_group(&self, name: &str) {
        let of_type = |it: &str| LaunchTemplateOverrides::builder().instance_type(it).build();
        let specification = LaunchTemplateSpecification::builder()
            .launch_template_name(name)
            .version("1");
        let template = LaunchTemplate::builder()
            .launch_template_specification(specification.build())
            .overrides(of_type("m5.large"))
            .overrides(of_type("m6i.large"))
            .build();
        let policy = MixedInstancesPolicy::builder().launch_template(template);
        self.scaling
            .create_auto_scaling_group()
            .auto_scaling_group_name(name)
            .min_size(1)
            .max_size(20)
            .desired_capacity(2)
            .mixed_instances_policy(policy.build())
            .availability_zones(ZONE)
            .tags(pool_tag(name))
            .send()
            .await
            .unwrap();
    }
}

/// A region with a pool of every kind, two instances each, and images to roll to.
struct Stage {
    region: Region,
    operator: Operator,
    door: Aws,
}

const POOLS: [&str; 5] = ["numbered", "latest", "default", "configured", "mixed"];

impl Stage {
    async fn start() -> Self {
        let region = Region::start();
        for (name, version) in [
            ("numbered", "1"),
            ("latest", "$Latest"),
            ("default", "$Default"),
        ] {
            region.template(name, OLD).await;
            region.group(name, name, version, 2).await;
        }
        region.configured_group("configured", OLD).await;
        region.template("mixed", OLD).await;
        region.mixed_group("mixed").await;
        let door = region.door();
        region.observe_at_rest(&door).await;
        Self {
            operator: Operator::of(&region),
            region,
            door,
        }
    }

    /// Carries out a command line for each pool, all at once, as operators on several desks do.
    #[track_caller]
    fn carry_out(&self, line: impl Fn(&str) -> String) -> BTreeMap<String, Value> {
        let run = |pool: &str| {
            let line = line(pool);
            let plan = self.operator.plan(&self.region, &line);
            let command = self.operator.command(&format!("{line} -o json"));
            (pool.to_owned(), plan, command)
        };
        let rolls: Vec<_> = POOLS.into_iter().map(run).collect();
        let n_before = writes(&self.region).len();
        let said: Vec<(String, Value, Said)> = thread::scope(|scope| {
            let running: Vec<_> = rolls
                .into_iter()
                .map(|(pool, plan, mut command)| {
                    scope.spawn(move || (pool, plan, Said::of(&mut command)))
                })
                .collect();
            running.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let mut expected = Vec::new();
        let mut plans = BTreeMap::new();
        for (pool, plan, said) in said {
            assert_eq!(said.code, 0, "{pool}: {said:#?}");
            let done: Value = serde_json::from_str(&said.stdout).unwrap();
            assert_eq!(done["outcome"], "done", "{pool}: {done}");
            let calls = self
                .operator
                .applied(plan["command_line"].as_str().unwrap());
            let (said, did) = (planned(&plan), made(&calls));
            assert_eq!(
                did, said,
                "{pool}: what it did, and what it said that it would do"
            );
            expected.extend(said);
            plans.insert(pool, plan);
        }
        // And once more as the servers count.
        let action = |it: String| it.split([':', ' ']).nth(1).unwrap().to_owned();
        let expected = sorted(expected.into_iter().map(action));
        let asked = writes(&self.region).split_off(n_before).into_iter();
        let asked = sorted(asked.map(|it| it.action));
        assert_eq!(asked, expected, "what the server was asked");
        plans
    }
}

/// Returns the calls of a plan, sorted.
fn planned(plan: &Value) -> Vec<String> {
    listed(&plan["calls"])
}

pub(crate) fn listed(calls: &Value) -> Vec<String> {
    let calls = calls.as_array().unwrap().iter();
    let word = |it: &Value| it.as_str().unwrap().to_owned();
    sorted(calls.map(|it| known_of(&word(&it["operation"]), &word(&it["parameters"]))))
}

pub(crate) fn made(calls: &[Call]) -> Vec<String> {
    let calls = calls.iter();
    sorted(calls.map(|it| known_of(it.operation(), &it.parameters())))
}

fn sorted(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut words: Vec<String> = words.collect();
    words.sort();
    words
}

/// Returns the words of a call, without those that only the operation knows: its id, the note
/// that bears it, and the version that was just made.
fn known_of(operation: &str, parameters: &str) -> String {
    const KNOWN: [&str; 12] = [
        "group",
        "instance",
        "instances",
        "desired",
        "decrement",
        "protected",
        "image",
        "executor",
        "processes",
        "max",
        "hook",
        "result",
    ];
    let is_known = |word: &&str| word.split_once('=').is_some_and(|it| KNOWN.contains(&it.0));
    let known: Vec<&str> = parameters.split(' ').filter(is_known).collect();
    format!("{operation} {}", known.join(" "))
}

/// Returns the images of a pool's instances, and what it launches from now.
fn images(seen: &Seen, pool: &str) -> Vec<String> {
    let instances = seen.of(seen.pool(pool));
    let images = instances.map(|it| it.image.as_ref().unwrap().to_string());
    images.collect()
}

#[track_caller]
fn check_left_nothing(seen: &Seen) {
    for (name, pool) in &seen.pools {
        let capacity = pool.capacity.unwrap();
        assert_eq!(
            (capacity.desired, capacity.min, capacity.max),
            (2, 1, 20),
            "{name}"
        );
        assert!(pool.suspended.is_empty(), "{name}");
    }
    for instance in seen.instances() {
        let is_ours = |it: &String| it.starts_with("pooldeck");
        assert!(
            !instance.tags.keys().any(is_ours) && !instance.protected,
            "{instance:?}"
        );
    }
}

#[tokio::test]
async fn every_kind_of_pool_is_given_another_image_and_goes_back() {
    let stage = Stage::start().await;
    let before = observe(&stage.door).await;
    let plans = stage.carry_out(|pool| format!("reami {pool} {NEW} {AT_ONCE}"));

    // A fresh door: what `$Latest` means is otherwise read once a minute.
    let seen = stage.region.observe_at_rest(&stage.region.door()).await;
    check_left_nothing(&seen);
    for pool in POOLS {
        assert_eq!(images(&seen, pool), [NEW, NEW], "{pool}");
        assert!(
            before
                .of(before.pool(pool))
                .all(|old| seen.instances().iter().all(|it| it.id != old.id)),
            "{pool}: nobody stays"
        );
    }
    let source = |pool: &str| {
        let template = seen.pool(pool).template.clone().unwrap();
        (
            template.version.clone(),
            template.resolved_version.clone(),
            template,
        )
    };
    // `$Latest` is the new version by itself; every other word becomes a number.
    assert_eq!(source("numbered").0, "2");
    assert_eq!(source("latest").0, "$Latest");
    assert_eq!(source("latest").1.as_deref(), Some("2"));
    assert_eq!(source("default").0, "2");
    assert_eq!(source("mixed").0, "2");
    let mixed = seen.pool("mixed").mixed.clone().unwrap();
    assert_eq!(
        mixed.instance_types,
        ["m5.large", "m6i.large"],
        "its types stay"
    );
    let (_, _, configured) = source("configured");
    assert_eq!(configured.kind, TemplateKind::LaunchConfiguration);
    assert!(configured.name.starts_with("op-"), "{configured:?}");
    let copied = stage.region.scaling.describe_launch_configurations();
    let copied = copied
        .launch_configuration_names(&configured.name)
        .send()
        .await
        .unwrap();
    let copied = &copied.launch_configurations()[0];
    assert_eq!(
        copied.key_name(),
        Some("operators"),
        "a copy has what it does not change"
    );
    let warns = |pool: &str, words: &str| plans[pool]["warnings"].to_string().contains(words);
    assert!(warns("configured", "move it to a launch template"));
    assert!(
        warns("default", "says $Default, which is default:1"),
        "{plans:#?}"
    );
    assert!(warns("mixed", "has a mixed instances policy"));
    let data = stage.region.ec2.describe_launch_template_versions();
    let data = data
        .launch_template_name("numbered")
        .versions("2")
        .send()
        .await
        .unwrap();
    let data = data.launch_template_versions()[0]
        .launch_template_data()
        .unwrap()
        .clone();
    assert_eq!(
        data.instance_type().unwrap().as_str(),
        "m5.large",
        "copied from version 1"
    );

    // And back: where to is known from the journals.
    stage.carry_out(|pool| format!("rollback {pool} {AT_ONCE}"));
    let seen = stage.region.observe_at_rest(&stage.door).await;
    check_left_nothing(&seen);
    for pool in POOLS {
        assert_eq!(images(&seen, pool), [OLD, OLD], "{pool}");
    }
    assert_eq!(
        seen.pool("configured").template.clone().unwrap().name,
        "old-style"
    );
    assert_eq!(seen.pool("numbered").template.clone().unwrap().version, "1");
}

#[tokio::test]
async fn a_version_that_is_there_is_put_in_use_and_only_others_go() {
    let region = Region::start();
    region.template("workhorse", OLD).await;
    region.template_version("workhorse", NEW).await;
    region.group("workhorse", "workhorse", "1", 1).await;
    let door = region.door();
    region.observe_at_rest(&door).await;
    let operator = Operator::of(&region);
    let line = format!("reami workhorse --template-version 2 {AT_ONCE}");
    operator.plan(&region, &line);
    let said = operator.run(&line);
    assert_eq!(said.code, 0, "{said:#?}");
    let seen = region.observe_at_rest(&door).await;
    assert_eq!(images(&seen, "workhorse"), [NEW]);
    let is_create = |it: &crate::common::Request| it.action == "CreateLaunchTemplateVersion";
    assert!(
        !writes(&region).iter().any(is_create),
        "nothing new is made"
    );
    let n_before = writes(&region).len();
    let said = operator.run(&line);
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.stderr.contains("every member is of it"), "{said:#?}");
    assert_eq!(writes(&region).len(), n_before);
}

#[tokio::test]
async fn an_image_that_cannot_be_launched_is_refused_before_anything_is_called() {
    let stage = Stage::start().await;
    let disable = stage.region.ec2.disable_image().image_id(OTHER);
    disable.send().await.unwrap();
    for (image, code, words) in [
        (
            "ami-0123456789abcdef0",
            3,
            "does not exist in test/us-east-1",
        ),
        (OTHER, 3, "is disabled; only one that is available"),
        (
            ARM,
            3,
            "is for arm64, and test/us-east-1/numbered launches machines for x86_64",
        ),
        (OLD, 0, "numbered:1 has ami-760aaa0f already"),
    ] {
        let said = stage
            .operator
            .run(&format!("reami numbered {image} {AT_ONCE}"));
        assert_eq!(said.code, code, "{image}: {said:#?}");
        assert!(said.stderr.contains(words), "{image}: {said:#?}");
    }
    stage.region.template_version("default", ARM).await;
    for (pool, version, words) in [
        ("latest", "$Latest", "name the number"),
        (
            "latest",
            "9",
            "launch template latest has no version 9 in test/us-east-1",
        ),
        ("mixed", "9", "launch template mixed has no version 9"),
        ("default", "2", "is for arm64"),
        (
            "configured",
            "old",
            "there is no launch configuration old in test/us-east-1",
        ),
    ] {
        let line = format!("reami {pool} --template-version {version} {AT_ONCE}");
        let said = stage.operator.run(&line);
        assert_eq!(said.code, 3, "{line}: {said:#?}");
        assert!(said.stderr.contains(words), "{line}: {said:#?}");
    }
    // Whether AWS rolls already is known from the first reading on.
    let hold = stage.region.scaling.suspend_processes();
    let hold = hold.auto_scaling_group_name("numbered");
    let hold = hold.scaling_processes("InstanceRefresh");
    hold.send().await.unwrap();
    stage.region.template_version("numbered", NEW).await;
    stage.region.refresh("numbered").await;
    let said = stage
        .operator
        .run(&format!("reami numbered {NEW} {AT_ONCE}"));
    assert_eq!(said.code, 3, "{said:#?}");
    assert!(said.stderr.contains("cancel it first"), "{said:#?}");
    assert!(writes(&stage.region).is_empty(), "nothing was called");
}

/// The refresh itself is the stand-in's (`tests/servers/lifecycle/refresh.py`): moto has none.
#[tokio::test]
async fn aws_own_roll_is_started_with_the_version_that_was_made_for_it() {
    let region = Region::start();
    region.template("workhorse", OLD).await;
    region.group("workhorse", "workhorse", "1", 2).await;
    // Nobody answers it; its time is over soon.
    region.hook("workhorse", "TERMINATING", 1).await;
    let door = region.door();
    region.observe_at_rest(&door).await;
    let operator = Operator::of(&region);
    let line = format!(
        "reami workhorse {NEW} --engine instance-refresh --checkpoints 50 --checkpoint-delay 1m --bake 2m \
         --alarm build-failures --warmup 30s --yes --reason test"
    );
    let plan = operator.plan(&region, &line);
    let said = operator.run(&line);
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(
        said.stderr.contains("waits for EC2 Auto Scaling: "),
        "{said:#?}"
    );

    let made = writes(&region);
    let names: Vec<&str> = made.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(
        names,
        ["CreateLaunchTemplateVersion", "StartInstanceRefresh"]
    );
    let calls = operator.applied(plan["command_line"].as_str().unwrap());
    assert_eq!(self::made(&calls), planned(&plan));
    let sent = |name: &str| made[1].parameters.get(name).map_or("", String::as_str);
    for (name, value) in [
        ("DesiredConfiguration.LaunchTemplate.Version", "2"),
        ("Strategy", "Rolling"),
        ("Preferences.MinHealthyPercentage", "100"),
        ("Preferences.MaxHealthyPercentage", "110"),
        ("Preferences.InstanceWarmup", "30"),
        ("Preferences.CheckpointPercentages.member.1", "50"),
        ("Preferences.CheckpointPercentages.member.2", "100"),
        ("Preferences.CheckpointDelay", "60"),
        ("Preferences.BakeTime", "120"),
        (
            "Preferences.AlarmSpecification.Alarms.member.1",
            "build-failures",
        ),
        ("Preferences.AutoRollback", "true"),
        ("Preferences.SkipMatching", "true"),
        ("Preferences.ScaleInProtectedInstances", "Wait"),
        ("Preferences.StandbyInstances", "Wait"),
    ] {
        assert_eq!(sent(name), value, "{name}: {:#?}", made[1].parameters);
    }
    let seen = region.observe_at_rest(&door).await;
    assert_eq!(images(&seen, "workhorse"), [NEW, NEW]);
    assert_eq!(
        seen.pool("workhorse").template.clone().unwrap().version,
        "2"
    );
    check_left_nothing(&seen);

    // The way back is known from its journal, and goes by pooldeck's own roll.
    let plan = operator.plan(&region, "rollback workhorse --reason test");
    assert_eq!(
        plan["command_line"],
        "rollback workhorse --to 1 --reason test"
    );
}
