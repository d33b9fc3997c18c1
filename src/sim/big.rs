//! A large fleet, for benchmarks: about 200 pools, everything in service.

use std::time::Duration;

use super::{
    scenario::{ControllerSpec, LoadSpec, PoolSpec, Project, RegionSpec, Scenario},
    world::World,
};
use crate::fleet::{Capacity, CiLink, ControllerName, Grade, Scope, Timestamp};

const N_POOLS: u32 = 200;

/// Begins a world of `n_instances` machines in one region, with an agent on each.
pub fn big(n_instances: u32, seed: u64, start: Timestamp) -> World {
    let region = "us-east-1";
    let controller = ControllerName::from("jenkins-big");
    let n_pools = N_POOLS.min(n_instances).max(1);
    let mut pools = Vec::new();
    let mut loads = Vec::new();
    for pool_idx in 0..n_pools {
        // The first pools take one more each, so that the sum is exact.
        let n_members = n_instances / n_pools + u32::from(pool_idx < n_instances % n_pools);
        let capacity = Capacity {
            desired: n_members,
            min: 0,
            max: n_members * 2,
        };
        let name = format!("pool-{pool_idx:03}");
        let mut pool = PoolSpec::group(&name, region, capacity);
        pool.is_spot = pool_idx % 2 == 0;
        pool.ci = Some(CiLink {
            controller: controller.clone(),
            label: name.clone(),
            executors_per_instance: 1,
            instance_from: None,
            boot_budget: Duration::from_mins(10),
        });
        loads.push(LoadSpec {
            label: name,
            projects: vec![Project::new("unit-tests", 120, 900)],
            jobs_per_hour: n_members * 5,
            night_percent: 50,
            backlog: 0,
        });
        pools.push(pool);
    }
    let scope = Scope {
        id: format!("big/{region}").into(),
        profile: Some("big".to_owned()),
        region: region.into(),
        alias: "big".to_owned(),
        environment: None,
        read_only: false,
        identity: None,
    };
    let scenario = Scenario {
        regions: vec![RegionSpec {
            scope,
            account: "210987654321".to_owned(),
            n_machines_max: None,
            pools,
        }],
        controllers: vec![ControllerSpec {
            name: controller,
            grade: Grade::Durable,
            url: "https://jenkins.big.example/".to_owned(),
            loads,
        }],
        ..Scenario::default()
    };
    World::new(seed, scenario, start)
}
