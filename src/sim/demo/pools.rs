//! The demo's pools, and what is the matter with each.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    fleet::{
        Capacity, CiLink, Hook, HookResult, HookTransition, MixedInstances, PoolKind, Process,
        Refresh, RefreshStatus,
    },
    sim::scenario::{AgentNames, HostSpec, PoolSpec, ScalingPolicy, Shortage},
};

pub(super) fn us_pools() -> Vec<PoolSpec> {
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
    // A roll that somebody cancelled half-way left three on the old image.
    release.n_outdated = 3;
    release.last_refresh = Some(Refresh {
        id: "08b91cf7-8fa6-48af-b6a6-d227f40f1b9b".to_owned(),
        status: RefreshStatus::Cancelled,
        reason: Some("Cancelled due to user request.".to_owned()),
        percent_complete: Some(62),
        n_instances_to_update: Some(3),
        started_at: None,
        ended_at: None,
        on_protected: None,
        version: None,
    });
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
        is_windows: true,
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

pub(super) fn eu_pools() -> Vec<PoolSpec> {
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
        unit: None,
    });
    vec![arm, browsers]
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
    Hook::new(name, transition, heartbeat_timeout, default_result)
}
