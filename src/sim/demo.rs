//! The demo: two regions, seven pools, two controllers, and something the matter in most of them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    deed::Deed,
    door::{SharedWorld, SimCi, SimCloud, share},
    faults::{Faults, Weather},
    scenario::{
        AgentNames, ControllerSpec, HostSpec, LoadSpec, PoolSpec, Project, RegionSpec,
        ScalingPolicy, Scenario, Shortage,
    },
    world::World,
};
use crate::{
    ci::SharedCi,
    cloud::SharedCloud,
    fleet::{
        Capacity, CiLink, Grade, Hook, HookResult, HookTransition, MixedInstances, PoolKey,
        PoolKind, Process, Scope, Timestamp,
    },
};

/// How long the demo's world has lived when its first reading is made.
pub const DEMO_WARM_UP: Duration = Duration::from_mins(45);

/// The demo's doors, over one world.
#[derive(Clone, Debug)]
pub struct Demo {
    pub clouds: Vec<SharedCloud>,
    pub cis: Vec<SharedCi>,
    pub world: SharedWorld,
}

/// Begins the demo, alive from its first second: the same seed tells the same story.
pub fn demo(seed: u64, start: Timestamp) -> Demo {
    let mut world = World::new(seed, demo_scenario(), start - DEMO_WARM_UP);
    world.advance_to(start);
    let scopes: Vec<Scope> = world.scopes().cloned().collect();
    let controllers: Vec<_> = world.controllers().map(|it| it.name.clone()).collect();
    let world = share(world);
    Demo {
        clouds: scopes
            .into_iter()
            .map(|it| Arc::new(SimCloud::new(world.clone(), it)) as SharedCloud)
            .collect(),
        cis: controllers
            .into_iter()
            .map(|it| Arc::new(SimCi::new(world.clone(), it)) as SharedCi)
            .collect(),
        world,
    }
}

fn demo_scenario() -> Scenario {
    Scenario {
        regions: vec![
            region("us-east-1", "production", us_pools()),
            region("eu-west-1", "staging", eu_pools()),
        ],
        controllers: vec![us_controller(), eu_controller()],
        faults: Faults {
            weather: Weather {
                spot_interruption: 0.0006,
                agent_drops: 0.0002,
                ..Weather::default()
            },
            ..Faults::none()
        },
        script: script(),
        ..Scenario::default()
    }
}

fn region(region: &str, environment: &str, pools: Vec<PoolSpec>) -> RegionSpec {
    RegionSpec {
        scope: Scope {
            id: format!("demo/{region}").into(),
            profile: Some("demo".to_owned()),
            region: region.into(),
            alias: "demo".to_owned(),
            environment: Some(environment.to_owned()),
            read_only: false,
            identity: None,
        },
        account: "123456789012".to_owned(),
        n_machines_max: None,
        pools,
    }
}

fn us_pools() -> Vec<PoolSpec> {
    let us = |name, desired, min, max| {
        let mut pool = PoolSpec::group(name, "us-east-1", Capacity { desired, min, max });
        pool.ci = Some(link("jenkins-us", name, 1, 10));
        pool.tags = tags(name, "build");
        pool
    };
    let mut workhorse = us("workhorse", 22, 6, 40);
    workhorse.is_spot = true;
    workhorse.instance_types = vec!["c7i.2xlarge".to_owned()];
    workhorse.hooks = vec![
        launching_hook(1800),
        terminating_hook(900, HookResult::Continue),
    ];
    workhorse.host.answers_hooks = true;
    workhorse.policy = Some(ScalingPolicy {
        idle_max: 5,
        idle_for: Duration::from_mins(10),
    });
    // Somebody took it out of the group to look at it; its agent still takes jobs.
    workhorse.n_loose = 1;

    let mut release = us("release", 8, 4, 12);
    release.images = vec![
        "ami-0c2b8ca1dad447f8a".into(),
        "ami-0f34c5ae932e6f0e4".into(),
    ];
    release.n_outdated = 3;
    release.protects_new_instances = true;
    release.hooks = vec![terminating_hook(3600, HookResult::Abandon)];
    release.host.agent_names = AgentNames::PoolAndId;

    let mut gpu = us("gpu", 6, 0, 8);
    gpu.n_members = 3;
    gpu.instance_types = vec!["g5.2xlarge".to_owned()];
    gpu.shortages = vec![Shortage {
        zone: None,
        chance: 0.97,
    }];

    let mut windows = us("windows", 6, 2, 10);
    windows.instance_types = vec!["m7i.2xlarge".to_owned()];
    windows.suspended = vec![Process::AzRebalance, Process::ReplaceUnhealthy];
    windows.host = HostSpec {
        boot: (Duration::from_mins(4), Duration::from_mins(8)),
        agent_names: AgentNames::Address,
        ..HostSpec::default()
    };

    let mut ios = us("ios", 0, 0, 0);
    ios.kind = PoolKind::Static;
    ios.capacity = None;
    ios.n_members = 0;
    ios.n_loose = 4;
    ios.instance_types = vec!["mac2.metal".to_owned()];
    ios.host.agent_names = AgentNames::Address;
    ios.ci = Some(link("jenkins-us", "ios", 2, 30));
    vec![workhorse, release, gpu, windows, ios]
}

fn eu_pools() -> Vec<PoolSpec> {
    let eu = |name, desired, min, max, n_slots| {
        let mut pool = PoolSpec::group(name, "eu-west-1", Capacity { desired, min, max });
        pool.ci = Some(link("jenkins-eu", name, n_slots, 10));
        pool.tags = tags(name, "test");
        pool
    };
    let mut arm = eu("arm-linux", 16, 4, 30, 1);
    arm.is_spot = true;
    arm.instance_types = vec!["c7g.2xlarge".to_owned()];
    arm.hooks = vec![
        launching_hook(1800),
        terminating_hook(600, HookResult::Continue),
    ];
    arm.host.answers_hooks = true;
    arm.policy = Some(ScalingPolicy {
        idle_max: 4,
        idle_for: Duration::from_mins(15),
    });

    let mut browsers = eu("browsers", 12, 4, 20, 2);
    browsers.instance_types = ["m7i.xlarge", "m6i.xlarge", "m7a.xlarge", "c7i.2xlarge"]
        .map(str::to_owned)
        .to_vec();
    browsers.mixed = Some(MixedInstances {
        on_demand_base: 4,
        on_demand_percent_above_base: 25,
        spot_allocation: Some("price-capacity-optimized".to_owned()),
        spot_max_price: None,
        instance_types: browsers.instance_types.clone(),
    });
    vec![arm, browsers]
}

/// What others do to the demo before and shortly after its first reading.
fn script() -> Vec<(Duration, Deed)> {
    let us = |name| PoolKey::new("demo/us-east-1", name);
    let eu = |name| PoolKey::new("demo/eu-west-1", name);
    let minute = |n: u64| Duration::from_secs(n * 60);
    vec![
        (
            minute(6),
            Deed::StandBySome {
                pool: eu("browsers"),
            },
        ),
        (
            minute(31),
            Deed::NextNeverRegisters {
                pool: eu("arm-linux"),
            },
        ),
        (
            minute(31),
            Deed::InterruptSome {
                pool: eu("arm-linux"),
            },
        ),
        (
            minute(38),
            Deed::TerminateSomeBusy {
                pool: us("workhorse"),
            },
        ),
        (
            minute(41),
            Deed::TerminateSomeBusy {
                pool: us("release"),
            },
        ),
        (
            minute(43),
            Deed::ChangeDesired {
                pool: us("windows"),
                by: 1,
            },
        ),
        (
            minute(44),
            Deed::ChangeDesired {
                pool: us("workhorse"),
                by: 2,
            },
        ),
        (
            minute(44),
            Deed::ChangeDesired {
                pool: eu("browsers"),
                by: 1,
            },
        ),
        (
            minute(46),
            Deed::InterruptSome {
                pool: us("workhorse"),
            },
        ),
        (
            minute(47),
            Deed::TerminateSomeBusy {
                pool: eu("arm-linux"),
            },
        ),
    ]
}

fn us_controller() -> ControllerSpec {
    ControllerSpec {
        name: "jenkins-us".into(),
        grade: Grade::Durable,
        url: "https://jenkins-us.demo.example/".to_owned(),
        loads: vec![
            load(
                "workhorse",
                58,
                vec![
                    Project::new("api/unit-tests", 120, 1200),
                    Project::new("api/integration", 300, 2400),
                    Project::new("web/build", 150, 900),
                    Project::new("web/lint", 40, 200),
                    Project::new("billing/nightly-replay", 1500, 5400),
                ],
            ),
            load(
                "release",
                11,
                vec![
                    Project::new("release/package", 600, 2400),
                    Project::new("release/sign-and-publish", 900, 4500),
                ],
            ),
            load("gpu", 9, vec![Project::new("ml/train-eval", 900, 5400)]),
            load(
                "windows",
                19,
                vec![
                    Project::new("desktop/msbuild", 600, 2400),
                    Project::new("desktop/installer", 300, 1200),
                ],
            ),
            load(
                "ios",
                14,
                vec![
                    Project::new("mobile/ios-archive", 600, 1800),
                    Project::new("mobile/ios-ui-tests", 400, 2700),
                ],
            ),
        ],
    }
}

fn eu_controller() -> ControllerSpec {
    ControllerSpec {
        name: "jenkins-eu".into(),
        grade: Grade::Durable,
        url: "https://jenkins-eu.demo.example/".to_owned(),
        loads: vec![
            load(
                "arm-linux",
                43,
                vec![
                    Project::new("api/unit-tests-arm", 150, 1300),
                    Project::new("images/build-arm64", 300, 2000),
                    Project::new("compat/kernel-matrix", 600, 3000),
                ],
            ),
            load(
                "browsers",
                105,
                vec![
                    Project::new("web/e2e-chrome", 200, 1500),
                    Project::new("web/e2e-firefox", 200, 1700),
                    Project::new("web/visual-diff", 90, 600),
                ],
            ),
        ],
    }
}

fn load(label: &str, jobs_per_hour: u32, projects: Vec<Project>) -> LoadSpec {
    LoadSpec {
        label: label.to_owned(),
        projects,
        jobs_per_hour,
        night_percent: 70,
    }
}

fn link(controller: &str, label: &str, executors_per_instance: u32, boot_minutes: u64) -> CiLink {
    CiLink {
        controller: controller.into(),
        label: label.to_owned(),
        executors_per_instance,
        instance_from: None,
        boot_budget: Duration::from_secs(boot_minutes * 60),
    }
}

fn tags(pool: &str, team: &str) -> BTreeMap<String, String> {
    [("ci-pool", pool), ("team", team)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn launching_hook(timeout_secs: u64) -> Hook {
    hook(
        "wait-for-agent",
        HookTransition::Launching,
        timeout_secs,
        HookResult::Abandon,
    )
}

fn terminating_hook(timeout_secs: u64, default_result: HookResult) -> Hook {
    hook(
        "drain-agent",
        HookTransition::Terminating,
        timeout_secs,
        default_result,
    )
}

fn hook(
    name: &str,
    transition: HookTransition,
    timeout_secs: u64,
    default_result: HookResult,
) -> Hook {
    let heartbeat_timeout = Duration::from_secs(timeout_secs);
    Hook {
        name: name.to_owned(),
        transition,
        heartbeat_timeout,
        global_timeout: (heartbeat_timeout * 100).min(Duration::from_hours(48)),
        default_result,
    }
}
