//! Machines and pools to price.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    cost::{PriceBook, Terms},
    fleet::*,
};

use crate::rows;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_772_443_800);
pub(crate) const SCOPE: &str = "prod/us-east-1";

pub(crate) fn book() -> PriceBook {
    PriceBook::new(Terms::default())
}

pub(crate) fn machine(n: u32, change: impl FnOnce(&mut Instance)) -> Instance {
    let mut instance = Instance {
        pool: Some(PoolKey::new(SCOPE, "linux")),
        lifecycle: Some(Lifecycle::InService),
        lifecycle_since: NOW - Duration::from_hours(2),
        health: Some(Health::Healthy),
        launched_at: Some(NOW - Duration::from_hours(2)),
        ..rows::instance(SCOPE, &format!("i-{n:017x}"))
    };
    change(&mut instance);
    instance
}

pub(crate) fn pool(change: impl FnOnce(&mut Pool)) -> Pool {
    let mut pool = Pool {
        capacity: Some(Capacity {
            desired: 4,
            min: 0,
            max: 9,
        }),
        zones: vec!["us-east-1a".into()],
        ci: Some(CiLink {
            controller: "jenkins".into(),
            label: "linux".into(),
            executors_per_instance: 1,
            instance_from: None,
            boot_budget: Duration::from_mins(10),
        }),
        ..rows::pool(SCOPE, "linux")
    };
    change(&mut pool);
    pool
}

pub(crate) fn agent(machine: &Instance, work: Work) -> Executor {
    let mut agent = Executor::new("jenkins".into(), machine.id.as_str());
    agent.instance = Some(machine.id.clone());
    agent.joining = Joining::Told;
    agent.work = work;
    agent
}

pub(crate) fn busy() -> Work {
    Work::Busy(Vec::new())
}

pub(crate) fn idle() -> Work {
    Work::Idle { since: None }
}

/// Joins machines, priced by the bundled book, and their agents, of a controller that was read.
pub(crate) fn fleet(pool: Pool, machines: Vec<Instance>, agents: Vec<Executor>) -> Fleet {
    let book = book();
    let priced = machines.into_iter().map(|it| {
        let price = it.price.or_else(|| book.price(&it));
        Arc::new(Instance { price, ..it })
    });
    Fleet::join([&Part {
        pools: vec![Arc::new(pool)],
        instances: priced.collect(),
        executors: agents.into_iter().map(Arc::new).collect(),
        controllers: vec![Controller::new("jenkins".into(), "jenkins", Grade::Durable)],
        ..Part::default()
    }])
}
