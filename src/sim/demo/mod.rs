//! The demo: two regions, seven pools, two controllers, and something the matter in most of them.

mod loads;
mod pools;

use std::{sync::Arc, time::Duration};

use loads::{eu_controller, us_controller};
use pools::{eu_pools, us_pools};

use super::{
    deed::Deed,
    door::{SharedWorld, SimCi, SimCloud, share},
    faults::{Faults, Weather},
    past::Teller,
    scenario::{PoolSpec, RegionSpec, Scenario},
    world::World,
};
use crate::{
    ci::SharedCi,
    cloud::SharedCloud,
    fleet::{PoolKey, Scope, Tale, Timestamp},
};

/// How long the demo's world has lived when its first reading is made.
pub const DEMO_WARM_UP: Duration = Duration::from_mins(45);

/// The demo's doors, over one world.
#[derive(Clone, Debug)]
pub struct Demo {
    pub clouds: Vec<SharedCloud>,
    pub cis: Vec<SharedCi>,
    pub world: SharedWorld,
    /// What happened before, as a console would have kept it.
    pub past: Tale,
}

/// Begins the demo, alive from its first second: the same seed tells the same story.
pub fn demo(seed: u64, start: Timestamp) -> Demo {
    let mut world = World::new(seed, demo_scenario(), start - DEMO_WARM_UP);
    world.advance_to(start);
    let scopes: Vec<Scope> = world.scopes().cloned().collect();
    let controllers: Vec<_> = world.controllers().map(|it| it.name.clone()).collect();
    let teller = Teller::new(&world, seed, start);
    let world = share(world);
    Demo {
        past: Tale::new(move || teller.tell()),
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
